"""Zip files whose bytes depend on their contents alone.

The format is PKWARE's APPNOTE.TXT, sections 4.3.7 (local header), 4.3.12 (central directory) and 4.3.16
(end record). The standard library's zipfile reads it but compresses with the zlib that Python happens to
be linked with, and cannot take members that are compressed already; so the headers are written here and
libdeflate, pinned by requirement, compresses: docs/adr/0007-pinned-compressor.md.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterable

import deflate

COMPRESSION_LEVEL = 6
MAX_FILES = 0xFFFF  # beyond these a zip needs the zip64 extension, which we do not write
MAX_BYTES = 0xFFFF_FFFF

_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_CENTRAL_HEADER = struct.Struct("<4s6H3L5H2L")
_END_RECORD = struct.Struct("<4s4H2LH")

_STORED, _DEFLATED = 0, 8
_VERSION = 20  # 2.0: the first with deflate
_MADE_ON_UNIX = 3 << 8
_UTF8_NAMES = 1 << 11
_TIME, _DATE = 0, 1 << 5 | 1  # 1980-01-01 00:00:00, the earliest there is


def write_zip(files: Iterable[tuple[str, int, bytes]]) -> bytes:
    """Return a zip of files, in the order given: no folders, no links, no times, no extra fields.

    Args:
        files: Path, permission bits and bytes of each. Paths are taken as they are.

    Raises:
        ValueError: More files or bytes than a zip holds without zip64.
    """
    body = bytearray()
    directory = bytearray()
    count = 0
    for path, permissions, data in files:
        local, central = _member(path, permissions, data, len(body))
        body += local
        directory += central
        count += 1
    if count > MAX_FILES or len(body) + len(directory) > MAX_BYTES:
        raise ValueError(f"{count} files of {len(body)} bytes do not fit into a zip")
    end = _END_RECORD.pack(b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + end)


def _member(path: str, permissions: int, data: bytes, offset: int) -> tuple[bytes, bytes]:
    """Return a file's local header with its bytes, and its row of the directory."""
    name = path.encode()
    method, packed = _compress(data)
    shared = (_VERSION, _UTF8_NAMES, method, _TIME, _DATE, zlib.crc32(data), len(packed), len(data), len(name))
    attributes = (stat.S_IFREG | permissions) << 16
    local = _LOCAL_HEADER.pack(b"PK\3\4", *shared, 0) + name + packed
    central = _CENTRAL_HEADER.pack(b"PK\1\2", _MADE_ON_UNIX | _VERSION, *shared, 0, 0, 0, 0, attributes, offset)
    return local, central + name


def _compress(data: bytes) -> tuple[int, bytes]:
    """Compress, unless that makes it no smaller."""
    packed = deflate.deflate_compress(data, COMPRESSION_LEVEL) if data else b""
    return (_DEFLATED, bytes(packed)) if len(packed) < len(data) else (_STORED, data)
