"""Counts that wait on this machine's disk: an append-only file a process, and a new one for each batch.

    <folder>/<batch>.log      one line a download: ["2026-05-01", repository id, folder, content digest]

A line is in the kernel's hands before its download is answered, so that a killed process loses none; `sync` brings
lines to the disk, so that a power cut costs at most what came since the last one. Whoever writes a file holds its lock
(flock), which ends with the process: what a process left is taken by the next one. A file is deleted when its batch
was taken, and its name is the batch's id, so that sending it again adds nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import uuid
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from skilldata.downloads import DownloadBatch, DownloadCount

PART_BYTES = 512 * 1024  # of one file; a batch has to fit into one message to Temporal, 2 MB
_ENDING = ".log"


class Line(NamedTuple):
    """One download."""

    day: date
    repository_id: int
    path: str
    content_digest: str

    def encode(self) -> bytes:
        """Write it as a line."""
        return json.dumps([self.day.isoformat(), *self[1:]]).encode() + b"\n"


class Part(NamedTuple):
    """A file that nobody writes any more, as a batch, with the lines of it that cannot be read."""

    batch: DownloadBatch
    unreadable: int
    path: Path


class Journal:
    """The files of a folder. Safe to share between threads, and the folder between processes.

    Args:
        folder: Where they are; made with the first line.
        most_bytes: Bytes of all files together; what comes beyond is not taken.
    """

    def __init__(self, folder: Path, *, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._file: int | None = None
        self._path: Path | None = None
        self._size = 0  # of the file that is written
        self._waiting = sum(path.stat().st_size for path in self._paths())
        self._unsynced = False
        self._ended: list[int] = []  # files that are full, to be brought to the disk and let go

    @property
    def size(self) -> int:
        """Bytes of all files, as this process knows them."""
        return self._size + self._waiting

    def add(self, line: Line) -> bool:
        """Append a line; False where there is no room for it. What is not taken leaves no trace.

        Raises:
            OSError: The folder cannot be written to.
        """
        data = line.encode()
        with self._lock:
            if self.size + len(data) > self._most_bytes:
                return False
            if self._size + len(data) > PART_BYTES:
                self._end()
            file = self._file if self._file is not None else self._begin()
            written = 0
            try:
                written = os.write(file, data)
            finally:
                if written != len(data):  # the disk is full, perhaps: half a line would spoil the next one
                    os.ftruncate(file, self._size)
            if written != len(data):
                return False
            self._size += written
            self._unsynced = True
            return True

    def sync(self) -> None:
        """Bring what was written to the disk. Nobody who adds a line waits for that."""
        with self._lock:
            ended, self._ended = self._ended, []
            current = os.dup(self._file) if self._unsynced and self._file is not None else None
            self._unsynced = False
        files = [*ended, *([current] if current is not None else ())]
        if files:
            files.append(os.open(self._folder, os.O_RDONLY))  # else a new file could be lost with its name
        for file in files:
            try:
                os.fsync(file)
            finally:
                os.close(file)

    def parts(self) -> Generator[Part, None, None]:
        """End the file that is written, and yield all that nobody writes, locked while the caller looks at them.

        Whoever has taken a part's batch calls `drop` before asking for the next.
        """
        self.close()
        paths = self._paths()
        for path in paths:
            with _locked(path) as data:
                if data is not None:
                    yield _read(path, data)
        with self._lock:
            self._waiting = sum(path.stat().st_size for path in self._paths() if path != self._path and path.exists())

    def drop(self, part: Part) -> None:
        """Delete a part whose batch was taken."""
        part.path.unlink(missing_ok=True)

    def close(self) -> None:
        """End the file that is written; it is sent when the next process begins."""
        with self._lock:
            self._end()
        self.sync()

    def _begin(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._path = self._folder / f"{uuid.uuid4().hex}{_ENDING}"
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return self._file

    def _end(self) -> None:
        if self._file is None:
            return
        self._ended.append(self._file)
        self._waiting += self._size
        self._file, self._path, self._size, self._unsynced = None, None, 0, False

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob(f"{'[0-9a-f]' * 32}{_ENDING}"))


@contextmanager
def _locked(path: Path) -> Iterator[bytes | None]:
    """Give a file's bytes under its lock; None where another process has it, or it is gone."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        yield None
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield None
    else:
        # Another process may have sent and deleted it before the lock was free.
        yield path.read_bytes() if path.exists() else None
    finally:
        os.close(file)


def _read(path: Path, data: bytes) -> Part:
    counts: Counter[Line] = Counter()
    unreadable = 0
    for text in data.splitlines():
        line = _line(text)
        if line is None:
            unreadable += 1
        else:
            counts[line] += 1
    batch = DownloadBatch(
        batch=path.name.removesuffix(_ENDING),
        counts=tuple(DownloadCount(**line._asdict(), downloads=count) for line, count in counts.items()),
    )
    return Part(batch, unreadable, path)


def _line(text: bytes) -> Line | None:
    """Read a line; None for one that a power cut left half written."""
    try:
        day, repository_id, path, content_digest = json.loads(text)
        one = DownloadCount(day=day, repository_id=repository_id, path=path, content_digest=content_digest, downloads=1)
    except (ValueError, TypeError, ValidationError):
        return None
    return Line(one.day, one.repository_id, one.path, one.content_digest)
