"""A folder of finished files that replaces the one before it all at once.

    output/live                      symbolic link to the release that is served
    output/releases/<name>/          a release: never changed after it has its name
    output/releases/<name>.keys      what each file was made from, and which trees it has, for the next build
    output/trees/                    the files of owners, which releases share (see `trees`)

A file whose key is the same as in the live release is linked, not made again: both names are one file on
disk. That is safe because files of a release are only ever created, never written to.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from skilldata.errors import Busy
from skillsite.trees import Counts, Tree, TreeEntry, Trees, count, link_entry, link_tree, make_folder

KEEP_RELEASES = 3
LIVE = "live"
_RELEASES = "releases"
_KEYS = ".keys"
_UNFINISHED = ".building-"

Contents = Mapping[str, bytes]  # suffix -> content, of files that are made together


class SiteError(Busy):
    """The site cannot be built here."""

    code = "site"


class LinkedTree(NamedTuple):
    """A tree that a release links to: its key, and what it has."""

    key: str
    counts: Counts


class Keys(NamedTuple):
    """What a release consists of: its own entries by name, and trees by owner."""

    entries: dict[str, TreeEntry]
    trees: dict[str, LinkedTree]

    @property
    def counts(self) -> Counts:
        """Count files and pages."""
        own = count(self.entries.values())
        return Counts(
            own.files + sum(tree.counts.files for tree in self.trees.values()),
            own.pages + sum(tree.counts.pages for tree in self.trees.values()),
        )


class Release:
    """A release that is being filled.

    An entry is one or more files made from the same input: a name, and suffixes that give their paths when
    put behind it. `written`, `kept` and `removed` count files, `bytes` those of the written ones.
    """

    def __init__(self, folder: Path, trees: Trees, previous: Path | None = None) -> None:
        self.folder = folder
        self.written = self.kept = self.removed = self.bytes = 0
        self._trees = trees
        self._previous = previous
        self._before = read_keys(previous) if previous else Keys({}, {})
        self._keys = Keys({}, {})
        self._folders: set[str] = set()

    def keep(self, name: str, key: str) -> bool:
        """Link an entry from the release before, if it was made from the same input; tell whether it was."""
        entry = self._before.entries.get(name)
        if self._previous is None or entry is None or entry.key != key:
            return False
        if not link_entry(self._previous, self.folder, name, entry, self._folders):
            return False
        self._keys.entries[name] = entry
        self.kept += len(entry.suffixes)
        return True

    def write(self, name: str, key: str, contents: Contents) -> None:
        """Create the files of an entry."""
        self.bytes += write_files(self.folder, name, contents, self._folders)
        self._keys.entries[name] = TreeEntry(key, tuple(contents))
        self.written += len(contents)

    def keep_tree(self, owner: str, key: str) -> bool:
        """Link the tree of an owner, if there is one that was made from the same input; tell whether there was."""
        before = self._before.trees.get(owner)
        counts = before.counts if before and before.key == key else self._trees.counts(key)
        if counts is None:
            return False
        self._link(owner, LinkedTree(key, counts))
        self.kept += counts.files
        return True

    def start_tree(self, owner: str, key: str) -> Tree:
        """Begin the tree of an owner; what did not change is to be kept from the tree before."""
        before = self._before.trees.get(owner)
        return Tree(self._trees, key, before.key if before else None)

    def finish_tree(self, owner: str, tree: Tree) -> None:
        """Give a tree its name, and link it."""
        tree.finish()
        self._link(owner, LinkedTree(tree.key, count(tree.entries.values())))
        self.written += tree.written
        self.kept += tree.kept
        self.bytes += tree.bytes
        self.removed += tree.missing()

    def finish(self, name: str) -> Path:
        """Give the release its name. Its keys come first, so that a release without keys is never seen."""
        final = self.folder.with_name(name)
        keys = self.folder.with_name(name + _KEYS)
        partial = keys.with_name(_UNFINISHED + keys.name)
        partial.write_text("".join(_lines(self._keys)))
        partial.replace(keys)
        self.folder.rename(final)
        gone = [entry for name, entry in self._before.entries.items() if name not in self._keys.entries]
        self.removed += count(gone).files
        self.removed += sum(
            tree.counts.files for owner, tree in self._before.trees.items() if owner not in self._keys.trees
        )
        return final

    def _link(self, owner: str, tree: LinkedTree) -> None:
        link_tree(self.folder, owner, self._trees, tree.key, self._folders)
        self._keys.trees[owner] = tree


def write_files(folder: Path, name: str, contents: Contents, made: set[str]) -> int:
    """Create the files of one entry below `folder`; return their bytes. `made` remembers folders between calls.

    Raises:
        FileExistsError: One of them is there. A release's files are never overwritten: they may be links.
    """
    make_folder(folder, name, made)
    for suffix, content in contents.items():
        # Neither pathlib nor a file object: each doubles the cost of a small file.
        file = os.open(f"{folder}/{name}{suffix}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(file, rest) :]
        finally:
            os.close(file)
    return sum(map(len, contents.values()))


@contextmanager
def only_builder(output: Path) -> Iterator[Path]:
    """Hold the folder for one build, and clear what an interrupted one left. Yields the folder of releases.

    Raises:
        SiteError: Another build is running there.
    """
    releases = output / _RELEASES
    releases.mkdir(parents=True, exist_ok=True)
    with (output / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SiteError(
                f"another build is writing to {output}", remedy="Wait until it ends, or name another folder."
            ) from None
        for left in releases.glob(_UNFINISHED + "*"):
            _delete(left)
        Trees(output).remove_unfinished()
        yield releases


def start(releases: Path, name: str) -> Release:
    """Begin a release that will be called `name`, beside the one that is live."""
    folder = releases / (_UNFINISHED + name)
    folder.mkdir()
    return Release(folder, Trees(releases.parent), live_release(releases.parent))


def find(releases: Path, name: str) -> Path | None:
    """A finished release of that name, marked as just used; None where there is none."""
    folder = releases / name
    if not folder.is_dir():
        return None
    os.utime(folder)
    return folder


def live_release(output: Path) -> Path | None:
    """The release that is served; None before the first build."""
    live = output / LIVE
    return live.resolve() if live.is_dir() else None


def go_live(output: Path, release: Path) -> None:
    """Serve this release from now on. Readers see the old one or the new one, never anything between."""
    link = output / f".{LIVE}"
    link.unlink(missing_ok=True)
    link.symlink_to(release.relative_to(output))
    link.replace(output / LIVE)


def remove_old(releases: Path, *, keep: int = KEEP_RELEASES) -> None:
    """Delete all but the newest releases, and the trees that none of the others has. The live one always stays."""
    live = live_release(releases.parent)
    finished = sorted(
        (folder for folder in releases.iterdir() if folder.is_dir() and not folder.name.startswith(".")),
        key=lambda folder: folder.stat().st_mtime_ns,
        reverse=True,
    )
    old = [folder for folder in finished[keep:] if folder.resolve() != live]
    for folder in old:
        _delete(folder)
        folder.with_name(folder.name + _KEYS).unlink(missing_ok=True)
    if old:
        kept = [folder for folder in finished if folder not in old]
        Trees(releases.parent).remove_unused({tree.key for one in kept for tree in read_keys(one).trees.values()})


def read_keys(release: Path) -> Keys:
    """Read what a finished release consists of."""
    keys = Keys({}, {})
    file = release.with_name(release.name + _KEYS)
    for line in file.read_text().splitlines() if file.exists() else ():
        name, key, rest = line.split("\t")
        if name.startswith("/"):
            files, _, pages = rest.partition(",")
            keys.trees[name[1:]] = LinkedTree(key, Counts(int(files), int(pages)))
        else:
            keys.entries[name] = TreeEntry(key, tuple(rest.split(",")))
    return keys


def _lines(keys: Keys) -> Iterator[str]:
    for name, entry in sorted(keys.entries.items()):
        yield f"{name}\t{entry.key}\t{','.join(entry.suffixes)}\n"
    for owner, tree in sorted(keys.trees.items()):
        yield f"/{owner}\t{tree.key}\t{tree.counts.files},{tree.counts.pages}\n"


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
