"""What the pages say of the security scanner."""

from __future__ import annotations

from typing import NamedTuple

from skilldata.models import Verdict
from skilldata.snapshot import Skill

MAX_FINDINGS = 50  # shown on a page; the JSON twin has all

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
