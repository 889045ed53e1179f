"""A folder of finished files that replaces the one before it all at once.

    output/live                      symbolic link to the release that is served
    output/releases/<name>/          a release: never changed after it has its name
    output/releases/<name>.keys      what each file was made from, for the next build

A file whose key is the same as in the live release is linked, not made again: both names are one file on
disk. That is safe because files of a release are only ever created, never written to.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from skilldata.errors import Busy

KEEP_RELEASES = 3
LIVE = "live"
_RELEASES = "releases"
_KEYS = ".keys"
_UNFINISHED = ".building-"

Contents = Mapping[str, bytes]  # suffix -> content, of files that are made together


class SiteError(Busy):
    """The site cannot be built here."""

    code = "site"


class Release:
    """A release that is being filled.

    An entry is one or more files made from the same input: a name, and suffixes that give their paths when
    put behind it. `written` and `kept` count files, `bytes` those of the written ones.
    """

    def __init__(self, folder: Path, previous: Path | None = None) -> None:
        self.folder = folder
        self.written = 0
        self.kept = 0
        self.bytes = 0
        self._previous = previous
        self._previous_keys = _read_keys(previous) if previous else {}
        self._keys: dict[str, str] = {}
        self._folders: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def keep(self, name: str, key: str, suffixes: Iterable[str] = ("",)) -> bool:
        """Link an entry from the release before, if it was made from the same input; tell whether it was."""
        entry = _entry(key, suffixes)
        if self._previous is None or self._previous_keys.get(name) != entry:
            return False
        make_folder(self.folder, name, self._folders)
        for suffix in suffixes:
            try:
                os.link(f"{self._previous}/{name}{suffix}", f"{self.folder}/{name}{suffix}")
            except FileExistsError:  # linked before a sibling failed
                continue
            except OSError:  # not there, or linked too often: to be made anew
                self._unlink(name, suffixes)
                return False
        self._keys[name] = entry
        self.kept += len(tuple(suffixes))
        return True

    def write(self, name: str, key: str, contents: Contents) -> None:
        """Create the files of an entry."""
        size = write_files(self.folder, name, contents, self._folders)
        self.record(name, key, contents, size)

    def record(self, name: str, key: str, suffixes: Iterable[str], size: int) -> None:
        """Note an entry that another process created with `write_files`; `size` in bytes."""
        self._keys[name] = _entry(key, suffixes)
        self.written += len(tuple(suffixes))
        self.bytes += size

    def missing(self) -> int:
        """Count the files that the release before had and this one has not."""
        return sum(_files_in(entry) for name, entry in self._previous_keys.items() if name not in self._keys)

    def finish(self, name: str) -> Path:
        """Give the release its name. Its keys come first, so that a release without keys is never seen."""
        final = self.folder.with_name(name)
        keys = self.folder.with_name(name + _KEYS)
        partial = keys.with_name(_UNFINISHED + keys.name)
        partial.write_text("".join(f"{path}\t{entry}\n" for path, entry in sorted(self._keys.items())))
        partial.replace(keys)
        self.folder.rename(final)
        return final

    def _unlink(self, name: str, suffixes: Iterable[str]) -> None:
        for suffix in suffixes:
            Path(f"{self.folder}/{name}{suffix}").unlink(missing_ok=True)


def write_files(folder: Path, name: str, contents: Contents, made: set[str]) -> int:
    """Create the files of one entry below `folder`; return their bytes. `made` remembers folders between calls.

    Raises:
        FileExistsError: One of them is there. A release's files are never overwritten: they may be links.
    """
    make_folder(folder, name, made)
    for suffix, content in contents.items():
        with open(f"{folder}/{name}{suffix}", "xb") as file:  # noqa: PTH123  pathlib doubles the cost of a small file
            file.write(content)
    return sum(map(len, contents.values()))


def make_folder(folder: Path, name: str, made: set[str]) -> None:
    """Make the folder that an entry's files go to, once."""
    parent = name.rpartition("/")[0]
    if parent not in made:
        (folder / parent).mkdir(parents=True, exist_ok=True)
        made.add(parent)


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
        yield releases


def start(releases: Path, name: str) -> Release:
    """Begin a release that will be called `name`, beside the one that is live."""
    folder = releases / (_UNFINISHED + name)
    folder.mkdir()
    return Release(folder, live_release(releases.parent))


def find(releases: Path, name: str) -> Path | None:
    """A finished release of that name, marked as just used; None where there is none."""
    folder = releases / name
    if not folder.is_dir():
        return None
    os.utime(folder)
    return folder


def count_entries(release: Path) -> dict[str, int]:
    """The entries of a finished release: name -> number of files."""
    return {name: _files_in(entry) for name, entry in _read_keys(release).items()}


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
    """Delete all but the newest releases. The live one always stays."""
    live = live_release(releases.parent)
    finished = sorted(
        (folder for folder in releases.iterdir() if folder.is_dir() and not folder.name.startswith(".")),
        key=lambda folder: folder.stat().st_mtime_ns,
        reverse=True,
    )
    for folder in finished[keep:]:
        if folder.resolve() != live:
            _delete(folder)
            folder.with_name(folder.name + _KEYS).unlink(missing_ok=True)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _entry(key: str, suffixes: Iterable[str]) -> str:
    return f"{key}\t{','.join(suffixes)}"


def _files_in(entry: str) -> int:
    return entry.count(",") + 1


def _read_keys(release: Path) -> dict[str, str]:
    file = release.with_name(release.name + _KEYS)
    if not file.exists():
        return {}
    lines = (line.partition("\t") for line in file.read_text().splitlines())
    return {name: entry for name, _, entry in lines}
