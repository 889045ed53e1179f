"""The shape of one labelled skill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from skillcrawler.scan import ScanFile, ScanReport, Severity, scan_skill

_FRONT_MATTER = b"---\nname: sample\ndescription: Formats tables of figures.\n---\n"


@dataclass(frozen=True)
class Case:
    """A labelled skill: `rule` strikes with HIGH or more; '' stands for nothing of HIGH or more."""

    category: str
    name: str
    rule: str
    files: Mapping[str, bytes]
    manifest: Mapping[str, Any] = field(default_factory=dict)

    def scan(self) -> ScanReport:
        """Scan the skill, with a harmless SKILL.md where it has none of its own."""
        files = {"SKILL.md": b"# Sample\n", **self.files}
        files["SKILL.md"] = _FRONT_MATTER + files["SKILL.md"]
        manifest = {"name": "sample", "description": "Formats tables of figures.", **self.manifest}
        return scan_skill([ScanFile(path, 0o100644, data) for path, data in files.items()], manifest=manifest)

    def as_expected(self) -> bool:
        """Whether the scanner says what the label says."""
        heavy = {finding.rule for finding in self.scan().findings if finding.severity.rank >= Severity.HIGH.rank}
        return self.rule in heavy if self.rule else not heavy
