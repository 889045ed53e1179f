"""Run all rules over all bytes of one skill."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

from skillcrawler.scan.context import about_security, weighed
from skillcrawler.scan.decode import hidden_texts
from skillcrawler.scan.evidence import excerpt, shown
from skillcrawler.scan.names import popular_names
from skillcrawler.scan.rule import Hit, Rule, Skill
from skillcrawler.scan.rules import RULE_SET, RULES
from skillcrawler.scan.scanfile import ScanFile
from skillcrawler.scan.unpack import ARCHIVE_ROOM, SKILL_ROOM, Contents, unpack
from skillcrawler.scan.view import WORK_LIMIT, Kind, Meter, View, WorkExceeded, decode, is_binary, kind_of
from skilldata.models import EVIDENCE_LIMIT, Finding, ScanReport, Severity, Verdict

logger = logging.getLogger(__name__)

_HITS_PER_RULE = 200  # of one rule in one text: what more there is says nothing new
_FINDINGS_PER_RULE = 5  # of one rule in one file
_PROBLEMS = 5  # that are named in a report
_DEPTH = 2  # texts hidden in hidden texts


def scan_skill(
    files: Iterable[ScanFile], *, manifest: Mapping[str, Any] | None = None, popular: Collection[str] = ()
) -> ScanReport:
    """Scan one skill. Deterministic; the order of files does not matter; never raises for any content.

    The work is bounded by a count of characters and not by a clock, so that a slow machine finds the same.

    Args:
        files: All files of the skill, with what links lead to in their place.
        manifest: The front matter of SKILL.md as read, None where there is none.
        popular: Names of popular skills, added to a short list of well-known ones.

    Returns:
        The findings, heaviest first, at most five for each rule and file. Where a file needs more work than its
        share, an archive is not read to its end, or a rule fails, `problem` says so and the verdict is `error`,
        unless what was found blocks the skill all the same.
    """
    ordered = tuple(sorted(files, key=_turn))
    found: list[Finding] = []
    problems: list[str] = []
    with _failures(problems, "reading the files"):
        skill = Skill(
            files=ordered,
            contents=tuple(_opened(ordered, problems)),
            manifest=manifest or {},
            popular=popular_names(popular),
            about_security=about_security(manifest or {}),
            by_path={file.path: file for file in ordered},
        )
        for rule in RULES:
            with _failures(problems, f"rule {rule.id}"):
                found.extend(_of_skill(rule, skill))
        _scan_files(skill, found, problems)
    kept, problem = _strongest(found), _joined(problems)
    return ScanReport(findings=kept, verdict=_verdict(kept, problem), rule_set=RULE_SET, problem=problem)


def _turn(file: ScanFile) -> tuple[bool, bool, int, str, bytes]:
    """Sort SKILL.md first, then scripts, the small before the large."""
    is_script = kind_of(file.path, file.data) is Kind.SCRIPT
    return file.path.lower() != "skill.md", not is_script, len(file.data), file.path, file.data


def _joined(problems: list[str]) -> str:
    named = list(dict.fromkeys(problems))
    more = [f"and {len(named) - _PROBLEMS} more"] if len(named) > _PROBLEMS else []
    return "; ".join(named[:_PROBLEMS] + more)


@contextmanager
def _failures(problems: list[str], what: str) -> Iterator[None]:
    """Note what fails instead of letting one rule's fault keep the others, and other skills, from being judged."""
    try:
        yield
    except WorkExceeded:
        raise
    except Exception as error:
        logger.exception("%s failed", what)
        problems.append(f"{what} failed: {type(error).__name__}")


def _opened(files: Iterable[ScanFile], problems: list[str]) -> Iterator[Contents]:
    """Open what is an archive, as far as the skill's room goes; what is left unread is a problem of the scan."""
    room = SKILL_ROOM
    for file in files:
        contents = unpack(file.data, min(room, ARCHIVE_ROOM))
        room -= sum(len(member.data) for member in contents.members)
        if contents.problem:
            problems.append(f"{shown(file.path)} was not read to its end: {contents.problem}")
        yield contents


def _scan_files(skill: Skill, found: list[Finding], problems: list[str]) -> None:
    """Look at one file after the other; each may use an equal share of the work that is left.

    So no file can use up another's share, and what a file leaves goes to those behind it.
    """
    left = WORK_LIMIT
    for number, (file, contents) in enumerate(zip(skill.files, skill.contents, strict=True)):
        meter = Meter(left // (len(skill.files) - number))
        try:
            for view in _views(file, contents, meter):
                _scan_view(view, skill, found, problems)
        except WorkExceeded:
            problems.append(f"{shown(file.path)} was not scanned to its end: many rules have to look at it closely")
        left -= meter.spent


def _scan_view(view: View, skill: Skill, found: list[Finding], problems: list[str]) -> None:
    for rule in RULES:
        if rule.of_view is not None:
            with _failures(problems, f"rule {rule.id}"):
                found.extend(_finding(rule, hit, skill) for hit in islice(rule.of_view(view, skill), _HITS_PER_RULE))


def _views(file: ScanFile, contents: Contents, meter: Meter) -> Iterator[View]:
    """The file's text, what is hidden in it, and the texts in it if it is an archive."""
    yield from _with_hidden(_view(file.path, file.data, meter), meter, _DEPTH)
    for member in contents.members:
        if member.data:
            path = f"{file.path}!{member.name}" if member.name else file.path
            yield from _with_hidden(_view(path, member.data, meter), meter, 1)


def _view(path: str, data: bytes, meter: Meter) -> View:
    return View(path, decode(data), kind=kind_of(path, data), meter=meter, has_lines=not is_binary(data))


def _with_hidden(view: View, meter: Meter, depth: int) -> Iterator[View]:
    yield view
    if depth == 0:
        return
    for hidden in hidden_texts(view.plain, meter.spend, view.has_needle):
        meter.spend(len(hidden.text))
        inner = View(
            view.path,
            decode(hidden.text.encode("utf-8", "replace")),
            kind=Kind.SCRIPT,
            meter=meter,
            origin=hidden.how,
            parent=view,
            parent_position=hidden.position,
        )
        yield from _with_hidden(inner, meter, depth - 1 if hidden.how not in ("rot13", "reversed text") else 0)


def _of_skill(rule: Rule, skill: Skill) -> Iterator[Finding]:
    return (_finding(rule, hit, skill) for hit in rule.of_skill(skill)) if rule.of_skill else iter(())


def _finding(rule: Rule, hit: Hit, skill: Skill) -> Finding:
    severity = weighed(hit, skill)
    view = hit.view
    if view is None:
        return _made(rule, severity, hit.path, None, shown(hit.note))
    if view.origin and severity is Severity.HIGH and rule.severity is Severity.CRITICAL:
        severity = Severity.CRITICAL  # what is hidden as well
    text = view.text if hit.in_text else view.plain
    line = view.line(hit.start, in_text=hit.in_text)
    note = f"({view.origin}) {hit.note}".strip() if view.origin else hit.note
    return _made(rule, severity, view.path, line, shown(f"{note} {excerpt(text, hit.start, hit.end)}".strip()))


def _made(rule: Rule, severity: Severity, path: str, line: int | None, evidence: str) -> Finding:
    return Finding(
        rule=rule.id,
        severity=severity,
        file=shown(path),
        line=line,
        evidence=evidence[:EVIDENCE_LIMIT],
        explanation=rule.explanation,
        remedy=rule.remedy,
    )


def _strongest(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The heaviest finding of each rule and line, at most five of a rule and file, in one order."""
    ordered = sorted(
        findings,
        key=lambda finding: (-finding.severity.rank, finding.file, finding.line or 0, finding.rule, finding.evidence),
    )
    counts: dict[tuple[str, str], int] = {}
    lines: set[tuple[str, str, int | None]] = set()
    kept: list[Finding] = []
    for finding in ordered:
        line = (finding.rule, finding.file, finding.line)
        if line in lines:
            continue
        lines.add(line)
        key = (finding.rule, finding.file)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= _FINDINGS_PER_RULE:
            kept.append(finding)
    return tuple(kept)


def _verdict(findings: tuple[Finding, ...], problem: str) -> Verdict:
    if any(finding.severity is Severity.CRITICAL for finding in findings):
        return Verdict.BLOCKED
    if problem:
        return Verdict.ERROR
    return Verdict.FINDINGS if findings else Verdict.NO_FINDINGS
