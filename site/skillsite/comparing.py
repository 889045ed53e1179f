"""What changed from one version of a skill to the next: files added, removed and changed, line by line.

Bounded whatever the texts are: a comparison line by line takes time with the square of the lines in the worst case, so
the pairs of equal lines are counted first, and a file with too many of them is said to be rewritten.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from skilldata.snapshot import FileRow
from skillsite.packages import Texts

CONTEXT = 3  # equal lines around a change
MAX_LINES = 4000  # of one side of a file
MAX_PAIRS = 60_000  # equal lines of the two sides
MAX_SHOWN = 600  # lines of one file's difference
MAX_CHARACTERS = 400  # of one line that is shown
MAX_FILES = 100


class Line(NamedTuple):
    """A line of a difference; `kind` is `+`, `-`, ` ` or `@` (a heading that says where)."""

    kind: str
    text: str


class FileChange(NamedTuple):
    """One file: `kind` is added, removed, changed or mode; `lines` are empty where `why` says why none are shown."""

    path: str
    kind: str
    added: int
    removed: int
    lines: Sequence[Line]
    why: str = ""


class Comparison(NamedTuple):
    """All changed files, in the order of their paths; `more` of them are not among `files`."""

    files: list[FileChange]
    more: int


def compare(before: Sequence[FileRow], after: Sequence[FileRow], texts_before: Texts, texts_after: Texts) -> Comparison:
    """Compare two versions by their lists of files, and by the texts that may be shown."""
    old = {file.path: file for file in before}
    new = {file.path: file for file in after}
    changed = [path for path in sorted(old.keys() | new.keys()) if _differs(old.get(path), new.get(path))]
    files = [
        _compare_file(path, old.get(path), new.get(path), texts_before, texts_after) for path in changed[:MAX_FILES]
    ]
    return Comparison(files, len(changed) - len(files))


def _differs(old: FileRow | None, new: FileRow | None) -> bool:
    return old is None or new is None or (old.sha256, old.mode) != (new.sha256, new.mode)


def _compare_file(
    path: str, old: FileRow | None, new: FileRow | None, texts_before: Texts, texts_after: Texts
) -> FileChange:
    if old and new and old.sha256 == new.sha256:
        return FileChange(path, "mode", 0, 0, (), f"mode {old.mode:o} became {new.mode:o}")
    kind = "changed" if old and new else "added" if new else "removed"
    if (old and path not in texts_before) or (new and path not in texts_after):
        return FileChange(path, kind, 0, 0, (), "not text that can be shown here")
    lines, why = _difference(_split(texts_before.get(path, "")), _split(texts_after.get(path, "")))
    added, removed = (sum(line.kind == sign for line in lines) for sign in "+-")
    if len(lines) > MAX_SHOWN:
        why = f"the first {MAX_SHOWN} lines of {len(lines)}"
    return FileChange(path, kind, added, removed, lines[:MAX_SHOWN], why)


def _difference(old: list[str], new: list[str]) -> tuple[list[Line], str]:
    if max(len(old), len(new)) > MAX_LINES:
        return [], f"more than {MAX_LINES} lines"
    counts = Counter(new)
    if sum(counts[line] for line in old) > MAX_PAIRS:
        return [], "too many equal lines to compare one by one"
    return list(_lines(old, new)), ""


def _lines(old: list[str], new: list[str]) -> Iterator[Line]:
    for group in difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(CONTEXT):
        yield Line("@", f"line {group[0][3] + 1}")
        for tag, old_start, old_end, new_start, new_end in group:
            if tag == "equal":
                yield from (Line(" ", _cut(line)) for line in new[new_start:new_end])
                continue
            yield from (Line("-", _cut(line)) for line in old[old_start:old_end])
            yield from (Line("+", _cut(line)) for line in new[new_start:new_end])


def _split(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _cut(line: str) -> str:
    return line if len(line) <= MAX_CHARACTERS else line[:MAX_CHARACTERS] + "…"
