"""What goes into a scan and what comes out: files, findings and a verdict.

The verdict never says that a skill is harmless: `no findings` means that the rules found nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from skilldata.models import Record

EVIDENCE_LIMIT = 200


class Severity(StrEnum):
    """How much a finding weighs; one `CRITICAL` finding keeps a skill from being published."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"
    INFO = "INFO"

    @property
    def rank(self) -> int:
        """0 for `INFO` up to 4 for `CRITICAL`."""
        return _RANKS[self]

    def at_most(self, ceiling: Severity) -> Severity:
        """The lighter of the two."""
        return min(self, ceiling, key=lambda severity: severity.rank)


_RANKS = {severity: rank for rank, severity in enumerate(reversed(Severity))}


class Verdict(StrEnum):
    """The outcome of one scan. The index adds `pending` for a skill that has not been scanned."""

    NO_FINDINGS = "no findings"
    FINDINGS = "findings"
    BLOCKED = "blocked"  # at least one CRITICAL finding
    ERROR = "error"  # the scan is partial: `ScanReport.problem` says why


@dataclass(frozen=True, slots=True)
class ScanFile:
    """One file of a skill.

    Attributes:
        path: POSIX path from the skill's folder.
        mode: Git mode (0o100644, 0o100755, 0o120000 for a link whose `data` is the target) or the
            POSIX permission bits alone.
        data: All bytes.
    """

    path: str
    mode: int
    data: bytes


class Finding(Record):
    """One thing that a rule found. `line` counts from 1; None where a file as a whole is meant."""

    rule: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    severity: Severity
    file: str
    line: int | None = None
    evidence: Annotated[str, Field(max_length=EVIDENCE_LIMIT)]
    explanation: str
    remedy: str


class ScanReport(Record):
    """The findings of one skill, heaviest first, and the rules they were found with."""

    findings: tuple[Finding, ...]
    verdict: Verdict
    rule_set: str
    problem: str = ""

    @property
    def highest(self) -> Severity | None:
        """The heaviest severity found, None without findings."""
        return max((finding.severity for finding in self.findings), key=lambda severity: severity.rank, default=None)
