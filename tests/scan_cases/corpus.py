"""The skills of the real repositories, as far as their texts are known, for the scanner's test and benchmark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from skillcrawler.scan import ScanFile

INJECTED = "aisa-group__skill-inject.json"  # made for research on attacks: measured apart
_ELSEWHERE = {"120000", "160000"}  # links and submodules are followed by the crawler, not here


class RealSkill(NamedTuple):
    """One skill folder at its newest commit: the files whose text is known, and its front matter."""

    name: str
    files: list[ScanFile]
    manifest: dict[str, Any]


def real_skills(folder: Path) -> Iterator[RealSkill]:
    """Every skill of the benign repositories in `folder`, in order of name."""
    for path in sorted(folder.glob("*__*.json")):
        if path.name != INJECTED:
            yield from _skills(path)


def skills_to_inject(folder: Path) -> Iterator[RealSkill]:
    """The skills that the SKILL-INJECT benchmark puts its injections into, before it does: all of them are honest."""
    path = folder / INJECTED
    return _skills(path) if path.exists() else iter(())


def _skills(path: Path) -> Iterator[RealSkill]:
    data = json.loads(path.read_text(encoding="utf-8"))
    repository, entries, texts = data["full_name"], data["snapshots"][-1]["entries"], data["texts"]
    names = [name for name, mode, *_ in entries if mode not in _ELSEWHERE]
    found: dict[str, list[ScanFile]] = {
        name.rpartition("/")[0]: [] for name in names if name.rpartition("/")[2].lower() == "skill.md"
    }
    for name, mode, _, oid in entries:
        root = _root_of(name, found)
        text = texts.get(oid)
        if root is not None and text is not None and mode not in _ELSEWHERE:
            data = text.encode() if isinstance(text, str) else text["latin1"].encode("latin1")
            found[root].append(ScanFile(name[len(root) + 1 :] if root else name, int(mode, 8), data))
    for root, files in sorted(found.items()):
        yield RealSkill(f"{repository}/{root}", files, _manifest(files))


def _root_of(name: str, roots: dict[str, list[ScanFile]]) -> str | None:
    while name:
        name = name.rpartition("/")[0]
        if name in roots:
            return name
    return None


def _manifest(files: list[ScanFile]) -> dict[str, Any]:
    text = next((file.data.decode("utf-8", "replace") for file in files if file.path.lower() == "skill.md"), "")
    parts = text.lstrip("\ufeff").split("---", 2)
    try:
        read = yaml.load(parts[1], Loader=yaml.CSafeLoader) if len(parts) == 3 else None
    except yaml.YAMLError:
        read = None
    return read if isinstance(read, dict) else {}
