"""A fetched commit on disk: its trees, and whichever blobs were asked for."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, Self

from skillcrawler.errors import FetchFailed, ObjectMismatch, TooManyEntries
from skillcrawler.gitobjects import TreeEntry, blob_oid, decode_path

if TYPE_CHECKING:
    from skillcrawler.fetch import Fetcher


class Commit(NamedTuple):
    """A commit's tree, committer date and parents."""

    oid: str
    tree_oid: str
    committed_at: datetime
    parents: tuple[str, ...] = ()


class Blob(NamedTuple):
    """A blob; `data` is None where it is larger than was asked for. `size` in bytes."""

    oid: str
    size: int
    data: bytes | None


class FetchedRepository:
    """A bare repository on disk with one commit, its trees, and the blobs that were asked for."""

    def __init__(self, fetcher: Fetcher, folder: Path, repository: str, url: str, oid: str) -> None:
        self._fetcher = fetcher
        self._folder = folder
        self.repository = repository
        self.url = url
        self.oid = oid
        self._reader: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def scratch(self) -> Path:
        """A folder that is deleted with it."""
        return self._folder

    def close(self) -> None:
        """Delete it."""
        if self._reader is not None:
            self._reader.kill()
            self._reader.communicate()
        shutil.rmtree(self._folder, ignore_errors=True)

    def commit(self) -> Commit:
        """Read the commit's tree and committer date."""
        raw = self._git("cat-file", "commit", self.oid)
        lines = [line.split(b" ", 1) for line in raw.partition(b"\n\n")[0].splitlines() if b" " in line]
        parents = tuple(value.decode("ascii") for key, value in lines if key == b"parent")
        header = dict(lines)
        seconds = int(header[b"committer"].rsplit(b" ", 2)[-2])
        return Commit(self.oid, header[b"tree"].decode("ascii"), datetime.fromtimestamp(seconds, UTC), parents)

    def entries(self) -> Iterator[TreeEntry]:
        """List the whole tree, folders included. Paths that are not UTF-8 keep their bytes as surrogates.

        Raises:
            TooManyEntries: There are more than the limit.
        """
        with self._fetcher.git.open(self._folder, "ls-tree", "-r", "-t", "-z", "--full-tree", self.oid) as process:
            try:
                for number, line in enumerate(_parts(process.stdout), 1):
                    self._check_number(number)
                    description, _, path = line.partition(b"\t")
                    mode, _, oid = description.split(b" ")
                    yield TreeEntry(path=decode_path(path), mode=int(mode, 8), oid=oid.decode("ascii"))
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise FetchFailed(self.repository, f"its tree cannot be listed, exit status {process.returncode}")

    def fetch_blobs(self, oids: Iterable[str], *, trees: Iterable[str] = (), largest: int = 0) -> None:
        """Bring blobs here, all in one request.

        Args:
            oids: Object ids of blobs, which come whatever their size.
            trees: Object ids of folders whose files are wanted.
            largest: Bytes above which a file of these folders is left out.

        Raises:
            FetchFailed: Git could not fetch them.
            FetchTooLarge: They have more bytes than the limit.
        """
        folders = list(trees)
        lines = "".join(f"{oid}\n" for oid in dict.fromkeys((*oids, *folders))).encode("ascii")
        if lines:
            # The folders' trees are here, for which git would not ask again: hence the refetch.
            limited = ("--refetch", f"--filter=blob:limit={largest + 1}") if folders else ("--filter=blob:none",)
            command = (*self._fetcher.command(self.url), *limited, "--stdin", "origin")
            self._fetcher.git.transfer(self.repository, self._folder, *command, stdin=lines)

    def absent(self, oids: Iterable[str]) -> set[str]:
        """Tell which objects are not here."""
        lines = "".join(f"{oid}\n" for oid in oids).encode("ascii")
        told = self._git("cat-file", "--batch-check=%(objectname)", stdin=lines).splitlines()
        return {line.split()[0].decode("ascii") for line in told if line.endswith(b" missing")}

    def blobs(self) -> set[str]:
        """List the blobs that are here."""
        told = self._git("cat-file", "--batch-check=%(objecttype) %(objectname)", "--batch-all-objects", "--unordered")
        return {line[5:].decode("ascii") for line in told.splitlines() if line.startswith(b"blob ")}

    def read(self, oid: str, *, max_bytes: int) -> Blob:
        """Read a blob that was fetched; past `max_bytes` only its size.

        Raises:
            FetchFailed: It is not here.
            ObjectMismatch: Its bytes do not hash to the id that it came under.
        """
        if self._reader is None:
            self._reader = self._fetcher.git.open(self._folder, "cat-file", "--batch")
        requests, answers = self._reader.stdin, self._reader.stdout
        assert requests is not None and answers is not None  # noqa: S101, PT018 - both are pipes
        requests.write(oid.encode("ascii") + b"\n")
        requests.flush()
        # "<oid> blob <size>", the bytes and a newline; or "<oid> missing" (git-cat-file(1), "BATCH OUTPUT").
        header = answers.readline().split()
        if len(header) != 3 or header[1] != b"blob":
            raise FetchFailed(self.repository, f"blob {oid} did not come")
        size = int(header[2])
        if size > max_bytes:
            _skip(answers, size + 1)
            return Blob(oid, size, None)
        data = answers.read(size)
        answers.read(1)
        if (real := blob_oid(data)) != oid:
            raise ObjectMismatch(self.repository, oid, real)
        return Blob(oid, size, data)

    def _check_number(self, entries: int) -> None:
        if entries > self._fetcher.max_entries:
            raise TooManyEntries(self.repository, self._fetcher.max_entries)

    def _git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        return self._fetcher.git.run(self.repository, self._folder, *arguments, stdin=stdin)


def _skip(stream: IO[bytes], size: int) -> None:
    while size > 0:
        size -= len(stream.read(min(size, 1 << 20)) or b" " * size)


def _parts(stream: IO[bytes] | None) -> Iterator[bytes]:
    """Cut what a process writes at its zero bytes."""
    rest = b""
    while stream is not None and (chunk := stream.read(1 << 16)):
        *parts, rest = (rest + chunk).split(b"\0")
        yield from parts
