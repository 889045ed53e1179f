"""The files of one owner, in a folder that releases share for as long as nothing in it changes.

    output/trees/<2 hex>/<key>/            s/, r/ and o/: what a release has below s/<owner>/, r/<owner>/, o/<owner>/
    output/trees/<2 hex>/<key>/.files      what each of its files was made from

A release links to trees instead of having their files: where one skill in a hundred changed, the other owners cost one
link each and not one for each file. A tree has the name of what it was made from, and is never changed once it has it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from skillsite.addresses import owner_path

TREES = "trees"
PARTS = ("s", "r", "o")
_FILES = ".files"
_UNFINISHED = ".part"


class TreeEntry(NamedTuple):
    """Files made from one input: its key, and the endings that give their paths when put behind the entry's name."""

    key: str
    suffixes: tuple[str, ...]


class Counts(NamedTuple):
    """How many files a tree has, and how many of them are HTML."""

    files: int
    pages: int


class Trees:
    """The trees of an output folder."""

    def __init__(self, output: Path) -> None:
        self.folder = output / TREES

    def path(self, key: str) -> Path:
        """Where the tree of a key is, or would be."""
        return self.folder / key[:2] / key

    def counts(self, key: str) -> Counts | None:
        """Count the files of a finished tree; None where there is none."""
        entries = read_entries(self.path(key))
        return None if entries is None else count(entries.values())

    def remove_unfinished(self) -> None:
        """Delete what an interrupted build left."""
        for left in self.folder.glob(f"*/*{_UNFINISHED}"):
            shutil.rmtree(left)

    def remove_unused(self, used: Container[str]) -> None:
        """Delete the trees that no release links to."""
        for tree in self.folder.glob("*/*"):
            if tree.name not in used:
                shutil.rmtree(tree)


class Tree:
    """A tree that is being filled. `written` and `kept` count files, `bytes` those of the written ones."""

    def __init__(self, trees: Trees, key: str, previous: str | None) -> None:
        self.key = key
        self.folder = trees.path(key + _UNFINISHED)
        self.folder.mkdir(parents=True)
        self.written = self.kept = self.bytes = 0
        self.entries: dict[str, TreeEntry] = {}
        self._previous = trees.path(previous) if previous else None
        self._before = (read_entries(self._previous) or {}) if self._previous else {}
        self._made: set[str] = set()

    def keep(self, name: str, key: str) -> bool:
        """Link an entry from the tree before, if it was made from the same input; tell whether it was."""
        entry = self._before.get(name)
        if self._previous is None or entry is None or entry.key != key:
            return False
        if not link_entry(self._previous, self.folder, name, entry, self._made):
            return False
        self.entries[name] = entry
        self.kept += len(entry.suffixes)
        return True

    def record(self, name: str, entry: TreeEntry, size: int) -> None:
        """Note an entry whose files were created in `folder`; `size` in bytes."""
        self.entries[name] = entry
        self.written += len(entry.suffixes)
        self.bytes += size

    def missing(self) -> int:
        """Count the files that the tree before had and this one has not."""
        now = set(_paths(self.entries))
        return sum(path not in now for path in _paths(self._before))

    def finish(self) -> None:
        """Give the tree its name."""
        lines = (f"{name}\t{entry.key}\t{','.join(entry.suffixes)}\n" for name, entry in sorted(self.entries.items()))
        (self.folder / _FILES).write_text("".join(lines))
        for part in PARTS:
            (self.folder / part).mkdir(exist_ok=True)
        self.folder.rename(self.folder.with_name(self.key))


def link_tree(release: Path, owner: str, trees: Trees, key: str, made: set[str]) -> None:
    """Link a finished tree into a release."""
    target = trees.path(key)
    for part in PARTS:
        name = owner_path(owner).replace("o/", f"{part}/", 1).rstrip("/")
        make_folder(release, name, made)
        # Both lie two folders below the output: the link holds wherever that is moved.
        Path(f"{release}/{name}").symlink_to(f"../../../{TREES}/{key[:2]}/{target.name}/{part}")


def link_entry(previous: Path, folder: Path, name: str, entry: TreeEntry, made: set[str]) -> bool:
    """Link an entry's files from another folder; False, and none of them is linked, where that cannot be done.

    `made` remembers folders between calls.
    """
    make_folder(folder, name, made)
    try:
        for suffix in entry.suffixes:
            os.link(f"{previous}/{name}{suffix}", f"{folder}/{name}{suffix}")
    except OSError:  # not there, or linked too often: to be made anew
        for suffix in entry.suffixes:
            Path(f"{folder}/{name}{suffix}").unlink(missing_ok=True)
        return False
    return True


def make_folder(folder: Path, name: str, made: set[str]) -> None:
    """Make the folder that an entry's files go to, once; `made` remembers folders between calls."""
    parent = f"{folder}/{name}".rpartition("/")[0]
    if parent not in made:
        Path(parent).mkdir(parents=True, exist_ok=True)
        made.add(parent)


def read_entries(tree: Path) -> dict[str, TreeEntry] | None:
    """Read what a finished tree has; None where there is none."""
    try:
        lines = (tree / _FILES).read_text().splitlines()
    except FileNotFoundError:
        return None
    rows = (line.split("\t") for line in lines)
    return {name: TreeEntry(key, tuple(suffixes.split(","))) for name, key, suffixes in rows}


def count(entries: Iterable[TreeEntry]) -> Counts:
    """Count files and pages of entries."""
    suffixes = [suffix for entry in entries for suffix in entry.suffixes]
    return Counts(len(suffixes), sum(suffix.endswith(".html") for suffix in suffixes))


def _paths(entries: dict[str, TreeEntry]) -> Iterator[str]:
    return (name + suffix for name, entry in entries.items() for suffix in entry.suffixes)
