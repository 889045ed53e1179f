"""Read what archives hold, within bounds, and say what was left unread. Nothing is written or run."""

from __future__ import annotations

import bz2
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, NamedTuple, Protocol

ARCHIVE_ROOM = 8_000_000  # bytes that are read of one archive, all its members together
SKILL_ROOM = 16_000_000  # and of all archives of one skill
_COUNT_LIMIT = 2_000  # members of one archive
_DEPTH = 2  # archives within an archive, and within those
_TOO_MUCH = "more is packed than is read"
_LZMA_MEMORY = 64 * 1024 * 1024
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
_STREAMS = frozenset({"gzip", "bzip2", "xz"})  # they pack one file, often a tar
# LZMA is not among them: a member may ask for gigabytes of memory.
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2})
_UNREADABLE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    ValueError,
    OSError,
    EOFError,
    OverflowError,
    RuntimeError,  # of locked members; RecursionError and NotImplementedError are kinds of it
)


class Member(NamedTuple):
    """One file of an archive; `name` is empty in a stream that packs a single file without a name."""

    name: str
    data: bytes
    locked: bool = False


class Contents(NamedTuple):
    """What an archive holds, archives within it included.

    Attributes:
        members: Its files, cut where the room ended.
        unpacked: Its size in bytes when unpacked: what a zip says of itself, or else what was read.
        problem: What was left unread and why; empty if all was read.
    """

    members: tuple[Member, ...] = ()
    unpacked: int = 0
    problem: str = ""


def kind_of_archive(data: bytes) -> str:
    """'zip', 'gzip', 'tar'… by the first bytes; empty for no archive."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    return "tar" if data[257:262] == b"ustar" else ""


def unpack(data: bytes, room: int = ARCHIVE_ROOM) -> Contents:
    """Read an archive; never raises for any content.

    Args:
        data: The archive's bytes; what is no archive holds nothing.
        room: How many bytes may be read of its members.
    """
    reader = _Reader(room)
    members = tuple(reader.members(data, _DEPTH))
    return Contents(members, reader.unpacked, reader.problem)


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Reader:
    """Reads one archive and those within it, as far as there is room; the first thing left unread is its problem."""

    def __init__(self, room: int) -> None:
        self._room = room
        self.unpacked = 0
        self.problem = ""

    def members(self, data: bytes, depth: int) -> Iterator[Member]:
        for member in self._direct(data):
            yield member
            if not kind_of_archive(member.data):
                continue
            if depth == 0:
                self._left_unread("archives are nested too deeply")
                continue
            for inner in self.members(member.data, depth - 1):
                yield inner._replace(name=f"{member.name}!{inner.name}")

    def _direct(self, data: bytes) -> Iterator[Member]:
        kind = kind_of_archive(data)
        try:
            if kind in _STREAMS:
                yield from self._of_stream(self._decompressed(kind, data))
            elif kind == "zip":
                yield from self._of_zip(data)
            elif kind == "tar":
                yield from self._of_tar(data)
            elif kind:
                self._left_unread(f"{kind} archives cannot be opened")
        except _UNREADABLE:
            self._left_unread(f"the {kind} archive is damaged")

    def _of_stream(self, data: bytes) -> Iterator[Member]:
        self.unpacked += len(data)
        if kind_of_archive(data) == "tar":
            yield from self._of_tar(data)
        else:
            yield Member("", self._taken(io.BytesIO(data)))

    def _of_zip(self, data: bytes) -> Iterator[Member]:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [info for info in archive.infolist() if not info.is_dir()]
            self.unpacked += sum(info.file_size for info in entries)
            for info in entries[:_COUNT_LIMIT]:
                locked = bool(info.flag_bits & 0x1)
                if locked:
                    self._left_unread("members are locked with a password")
                yield Member(info.filename, b"" if locked else self._of_entry(archive, info), locked)
            self._count(len(entries))

    def _of_entry(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
        try:
            if info.compress_type in _METHODS:
                with archive.open(info) as stream:
                    return self._taken(stream)
        except _UNREADABLE:
            pass  # the other members may be sound
        self._left_unread("members are damaged or packed in an unusual way")
        return b""

    def _of_tar(self, data: bytes) -> Iterator[Member]:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for count, info in enumerate(archive, 1):
                if count > _COUNT_LIMIT:
                    self._count(count)
                    return
                stream = archive.extractfile(info) if info.isreg() else None
                if stream is not None:
                    yield Member(info.name, self._taken(stream))

    def _decompressed(self, kind: str, data: bytes) -> bytes:
        """All streams of a file, one behind the other, as programs read them."""
        parts: list[bytes] = []
        left = self._room
        while kind_of_archive(data) == kind:
            decompressor = _decompressor(kind)
            part = decompressor.decompress(data, left + 1)
            parts.append(part[:left])
            if len(part) > left:
                self._left_unread(_TOO_MUCH)
                break
            if not decompressor.eof:
                self._left_unread(f"the {kind} archive is damaged")
                break
            left -= len(part)
            data = decompressor.unused_data
        return b"".join(parts)

    def _taken(self, stream: IO[bytes]) -> bytes:
        data = stream.read(self._room + 1)
        if len(data) > self._room:
            self._left_unread(_TOO_MUCH)
        data = data[: self._room]
        self._room -= len(data)
        return data

    def _count(self, count: int) -> None:
        if count > _COUNT_LIMIT:
            self._left_unread(f"it has more than {_COUNT_LIMIT} members")

    def _left_unread(self, why: str) -> None:
        self.problem = self.problem or why


def _decompressor(kind: str) -> _Decompressor:
    if kind == "gzip":
        return zlib.decompressobj(zlib.MAX_WBITS | 16)
    return bz2.BZ2Decompressor() if kind == "bzip2" else lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)
