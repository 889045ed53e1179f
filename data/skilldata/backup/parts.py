"""Pieces of tables, stored once under their digests.

Where a piece ends is decided by its last row alone (content-defined chunking, as in Muthitacharoen, Chen and
Mazières, "A Low-bandwidth Network File System", 2001), so that rows which come or go in one place leave the other
pieces as they are, and a backup stores only those that changed.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator

from skilldata.backup.manifest import BackupError, Listed, Part
from skilldata.errors import NotFound
from skilldata.publish.order import PART
from skilldata.publish.target import Target

FOLDER = "backups/parts/"
MEAN = 1024 * 1024  # bytes of a piece, on average
MOST = 8 * MEAN  # and at most, but for one row that is larger by itself


class Parts:
    """The pieces of one place.

    Args:
        target: The place.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._there: set[str] | None = None
        self.added = 0
        self.added_bytes = 0  # compressed

    def store(self, lines: Iterable[bytes]) -> Listed:
        """Store lines; what is there already is not sent again. One piece at a time is in memory."""
        count, parts = 0, []
        for piece, number in _pieces(lines):
            parts.append(self._put(piece))
            count += number
        return Listed(lines=count, parts=tuple(parts))

    def read(self, part: Part) -> bytes:
        """Read a piece and check it.

        Raises:
            BackupError: It is missing, or has other bytes.
        """
        try:
            packed = self._target.get(path_of(part.digest))
        except NotFound:
            raise BackupError(f"piece {part.digest} is missing", remedy="Restore another backup.") from None
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            data = unpacker.decompress(packed, part.size + 1)
        except zlib.error:
            data = b""
        if len(data) != part.size or hashlib.sha256(data).hexdigest() != part.digest:
            raise BackupError(f"piece {part.digest} is damaged", remedy="Restore another backup.")
        return data

    def stored(self) -> dict[str, int]:
        """Give the digests of all pieces, with their compressed bytes."""
        return {
            path.rpartition("/")[2].removesuffix(".gz"): size
            for path, size in self._target.paths(FOLDER)
            if path.endswith(".gz")
        }

    def delete(self, digest: str) -> None:
        """Delete a piece."""
        self._target.delete(path_of(digest))
        if self._there is not None:
            self._there.discard(digest)

    def _put(self, piece: bytes) -> Part:
        digest = hashlib.sha256(piece).hexdigest()
        if self._there is None:
            self._there = set(self.stored())
        if digest not in self._there:
            packed = gzip.compress(piece, compresslevel=1, mtime=0)
            self._target.put(path_of(digest), packed, PART)
            self._there.add(digest)
            self.added += 1
            self.added_bytes += len(packed)
        return Part(digest=digest, size=len(piece))


def path_of(digest: str) -> str:
    """Say where a piece is kept."""
    return f"{FOLDER}{digest[:2]}/{digest}.gz"


def _pieces(lines: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """Put lines together; yields pieces with the number of their lines."""
    piece: list[bytes] = []
    size = 0
    for line in lines:
        piece.append(line)
        size += len(line)
        # The longer a row, the likelier it is the last, so that pieces have their mean whatever their rows are like.
        if size >= MOST or zlib.crc32(line) % MEAN < len(line):
            yield b"".join(piece), len(piece)
            piece, size = [], 0
    if piece:
        yield b"".join(piece), len(piece)
