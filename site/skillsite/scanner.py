"""What the pages say of the security scanner."""

from __future__ import annotations

from typing import NamedTuple

from skilldata.models import Verdict
from skilldata.opinions import Opinion
from skilldata.snapshot import Skill

MAX_FINDINGS = 50  # shown on a page; the JSON twin has all
MAX_SECOND = 10  # of the second scanner's: they are advisory, and many

_VERDICTS = {
    Verdict.PENDING: ("not scanned", "", "The security scanner has not looked at this version yet."),
    Verdict.NO_FINDINGS: (
        "no findings",
        "",
        "The scanner's rules found nothing in these files. That is no promise that nothing is there.",
    ),
    Verdict.FINDINGS: ("findings", "warning", "The scanner's rules found what is listed here."),
    Verdict.BLOCKED: ("blocked", "error", "The scanner found something of severity CRITICAL: not handed out here."),
    Verdict.ERROR: ("scan incomplete", "warning", "The scanner could not look at everything in these files."),
}
_LEVELS = {"CRITICAL": "error", "HIGH": "error", "MEDIUM": "warning"}


class Row(NamedTuple):
    """A finding as a page lists it; `level` chooses the colour."""

    level: str
    severity: str
    rule: str
    file: str
    line: int | None
    evidence: str
    explanation: str
    remedy: str


class Judgement(NamedTuple):
    """A verdict in words, what it means, and the findings behind it, heaviest first."""

    words: str
    level: str  # colour: '', warning or error
    meaning: str
    rows: list[Row]
    more: int  # findings that are not in `rows`


class SecondRow(NamedTuple):
    """A finding of the second scanner's as a page lists it."""

    level: str
    severity: str
    rule: str
    file: str
    line: int | None
    text: str


class SecondOpinion(NamedTuple):
    """What another scanner says, in a sentence and its heaviest findings; advisory."""

    words: str
    rows: list[SecondRow]
    more: int


def words_of(verdict: str) -> tuple[str, str]:
    """Say in a word and in a sentence what a verdict means."""
    words, _, meaning = _VERDICTS[Verdict(verdict)]
    return words, meaning


def judgement(skill: Skill) -> Judgement:
    """Put the scanner's verdict on a skill's current version into words."""
    words, level, meaning = _VERDICTS[Verdict(skill.summary.verdict)]
    heavy = any(found.severity == "HIGH" for found in skill.findings)
    rows = [
        Row(
            _LEVELS.get(found.severity, "info"),
            found.severity.lower(),
            found.rule,
            found.file,
            found.line,
            found.evidence,
            found.explanation,
            found.remedy,
        )
        for found in skill.findings[:MAX_FINDINGS]
    ]
    return Judgement(words, "error" if heavy else level, meaning, rows, len(skill.findings) - len(rows))


def second_opinion(said: Opinion | None) -> SecondOpinion | None:
    """Put another scanner's opinion into words; None where there is none."""
    if said is None:
        return None
    who, count = f"{said.scanner} {said.version}", len(said.findings) + said.more
    if said.problem:
        words = f"{who} could not look at these files: {said.problem}."
    elif said.highest is None:
        words = f"{who} found nothing."
    else:
        words = f"{who} found {count} thing{'s' if count > 1 else ''}, the heaviest {said.highest.lower()}."
    rows = [
        SecondRow(_LEVELS.get(one.severity, "info"), one.severity.lower(), one.rule, one.file, one.line, one.text)
        for one in said.findings[:MAX_SECOND]
    ]
    return SecondOpinion(words, rows, count - len(rows))
