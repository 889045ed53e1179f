"""The security scanner's judgement of one package, and what it means for the skill."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from skillcrawler.diagnostics import RULE_LIMIT, Rule
from skillcrawler.scan import ScanFile, scan_skill
from skilldata.models import Diagnostic, DiagnosticLevel, ScanReport, Severity, Verdict
from skilldata.scans import BLOCKED_RULE

BLOCKED = Rule(
    BLOCKED_RULE,
    DiagnosticLevel.ERROR,
    "The security scanner found something of severity CRITICAL in the skill's files.",
    "Take out what the message names, or ask the registry's maintainers where it is harmless.",
)


def scan_package(data: bytes, manifest: Mapping[str, Any]) -> ScanReport:
    """Scan a package of our own making, so that a crawl and a later scan look at the very same files.

    Args:
        data: The zip; its size, and that of what is in it, were checked when it was made.
        manifest: The front matter as read.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return scan_skill(_files(package), manifest=manifest)


def blocking(report: ScanReport) -> tuple[Diagnostic, ...]:
    """The diagnostics that keep a skill from being listed: one for each CRITICAL finding, at most ten."""
    if report.verdict is not Verdict.BLOCKED:
        return ()
    heavy = [finding for finding in report.findings if finding.severity is Severity.CRITICAL]
    return tuple(
        BLOCKED.diagnostic(f"{found.rule}: {found.explanation}", file=found.file, line=found.line)
        for found in heavy[:RULE_LIMIT]
    )


def _files(package: zipfile.ZipFile) -> Iterator[ScanFile]:
    for member in package.infolist():
        yield ScanFile(member.filename, member.external_attr >> 16 & 0o777, package.read(member))
