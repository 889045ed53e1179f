"""What goes into a scan."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScanFile:
    """One file of a skill.

    Attributes:
        path: POSIX path from the skill's folder.
        mode: Git mode (0o100644, 0o100755) or the POSIX permission bits alone.
        data: All bytes.
    """

    path: str
    mode: int
    data: bytes
