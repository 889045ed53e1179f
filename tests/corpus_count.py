"""Counting the skills of the real repositories straight from their JSON, apart from all crawler code.

This is the other side of a comparison, so it shares nothing with what it checks: it reads the corpus files
and looks at names of files, no more.
"""

from __future__ import annotations

import json
from pathlib import Path

FILE_MODES = {"100644", "100755", "120000"}


def manifests(folder: Path, number: int) -> dict[str, set[str]]:
    """List the folders that hold a SKILL.md, for each repository, at one of its snapshots (0 first, -1 last).

    Any spelling in upper and lower case counts; a folder with two spellings counts once.
    """
    found: dict[str, set[str]] = {}
    for path in sorted(folder.glob("*__*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        entries = data["snapshots"][number]["entries"]
        paths = [name for name, mode, *_ in entries if str(mode).zfill(6) in FILE_MODES]
        found[data["full_name"]] = {
            name.rpartition("/")[0] for name in paths if name.rpartition("/")[2].lower() == "skill.md"
        }
    return found
