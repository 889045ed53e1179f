"""Archives within a skill: what they hold, whether they are locked, and their texts for the other rules."""

from __future__ import annotations

import io
import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from skillcrawler.scan.decode import inflated
from skillcrawler.scan.rule import Hit, Skill, skill_rule
from skillcrawler.scan.scanfile import ScanFile
from skillcrawler.scan.table import set_of
from skilldata.models import Severity

_MEMBER_LIMIT = 1_000_000  # bytes of one member that are read
_TOTAL_LIMIT = 4_000_000  # and of all members of one archive
_COUNT_LIMIT = 2_000
_RATIO_LIMIT = 200
_BOMB_SIZE = 50_000_000
_DOCUMENTS = set_of(".docx .xlsx .pptx .dotx .xltx .potx .odt .ods .odp .epub .vsdx .sketch .pages .numbers .key")
_MACRO_DOCUMENTS = frozenset([".docm", ".xlsm", ".pptm", ".dotm", ".xltm", ".xlam", ".ppam"])
_ARCHIVE_SUFFIXES = set_of(
    ".zip .jar .whl .tar .tgz .gz .bz2 .xz .7z .rar .zst .apk .crx .vsix .egg .nupkg .skill .mcpb .dxt"
)
_PROGRAMS = set_of(
    ".exe .dll .so .dylib .scr .bat .cmd .ps1 .vbs .vbe .js .jse .wsf .hta .lnk .msi .pyc .com .pif .elf .app .command"
)
_SCRIPTS = frozenset({".sh", ".py", ".rb", ".pl", ".command", ".bash"})
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


class Member(NamedTuple):
    """One file of an archive: its name and as many of its bytes as may be read."""

    name: str
    data: bytes
    locked: bool = False


def kind_of_archive(data: bytes) -> str:
    """'zip', 'gzip', 'tar'… by the first bytes; empty for no archive."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    return "tar" if data[257:262] == b"ustar" else ""


def members(data: bytes) -> list[Member]:
    """The files of a zip, tar or gzip, each cut at a limit; what cannot be read is left out.

    Args:
        data: The archive's bytes.
    """
    kind = kind_of_archive(data)
    if kind == "zip":
        return list(_zip_members(data))
    if kind == "gzip":
        data = inflated(data, _TOTAL_LIMIT)
        if data[257:262] != b"ustar":
            return [Member("", data)] if data else []
        kind = "tar"
    return list(_tar_members(data)) if kind == "tar" else []


@skill_rule(
    "archive-inside",
    Severity.HIGH,
    "An archive within the skill",
    explanation="What is packed is not seen in a review, and a locked or nested archive not by most scanners either.",
    remedy="Ship the files themselves.",
)
def archive_inside(skill: Skill) -> Iterator[Hit]:
    """Weigh archives by what they hold: locked members, programs, macros, further archives, bombs."""
    for file in skill.files:
        kind = kind_of_archive(file.data)
        suffix = posixpath.splitext(file.path.lower())[1]
        if suffix in _MACRO_DOCUMENTS:
            yield Hit(Severity.HIGH, path=file.path, note="a document with macros")
        elif kind:
            yield from _weighed(file, kind, suffix)


def _weighed(file: ScanFile, kind: str, suffix: str) -> Iterator[Hit]:
    document = suffix in _DOCUMENTS
    inside = members(file.data)
    names = [member.name.lower() for member in inside]
    endings = {posixpath.splitext(name)[1] for name in names}
    if any(member.locked for member in inside):
        yield Hit(Severity.HIGH, path=file.path, note=f"a {kind} archive locked with a password")
    if _is_bomb(file.data, kind):
        yield Hit(Severity.HIGH, path=file.path, note=f"a {kind} archive that unpacks to far more than it seems")
    if any(name.endswith("vbaproject.bin") for name in names):
        yield Hit(Severity.HIGH, path=file.path, note="a document with macros")
    elif endings & _PROGRAMS or (document and endings & _SCRIPTS):
        shown = next(name for name in names if posixpath.splitext(name)[1] in _PROGRAMS | _SCRIPTS)
        yield Hit(
            Severity.HIGH if suffix not in {".jar", ".whl"} else Severity.MEDIUM,
            path=file.path,
            note=f"a {kind} archive with {shown}",
        )
    elif any(kind_of_archive(member.data) for member in inside) and not document:
        yield Hit(Severity.MEDIUM, path=file.path, note=f"an archive within a {kind} archive")
    elif kind in ("7z", "rar"):
        yield Hit(Severity.MEDIUM, path=file.path, note=f"a {kind} archive that cannot be looked into")
    elif not document:
        innocent = suffix not in _ARCHIVE_SUFFIXES and suffix not in {"", ".bin"}
        yield Hit(
            Severity.HIGH if innocent else Severity.LOW,
            path=file.path,
            note=f"a {kind} archive" + (f" named {suffix}" if innocent else ""),
        )


def _zip_members(data: bytes) -> Iterator[Member]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            room = _TOTAL_LIMIT
            for info in archive.infolist()[:_COUNT_LIMIT]:
                locked = bool(info.flag_bits & 0x1)
                content = b""
                if not locked and not info.is_dir() and room > 0:
                    content = _read(archive, info, min(room, _MEMBER_LIMIT))
                    room -= len(content)
                yield Member(info.filename, content, locked)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError):
        return


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    try:
        with archive.open(info) as stream:
            return stream.read(limit)
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, NotImplementedError, EOFError, RuntimeError):
        return b""


def _tar_members(data: bytes) -> Iterator[Member]:
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            room = _TOTAL_LIMIT
            for count, info in enumerate(archive):
                if count >= _COUNT_LIMIT:
                    return
                stream = archive.extractfile(info) if info.isreg() and room > 0 else None
                content = stream.read(min(room, _MEMBER_LIMIT)) if stream else b""
                room -= len(content)
                yield Member(info.name, content)
    except (tarfile.TarError, ValueError, OSError, EOFError, OverflowError, RecursionError):
        return


def _is_bomb(data: bytes, kind: str) -> bool:
    if kind == "zip":
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                unpacked = sum(info.file_size for info in archive.infolist())
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
            return False
        return unpacked > _BOMB_SIZE or unpacked > _RATIO_LIMIT * max(1, len(data))
    return kind == "gzip" and len(inflated(data, _TOTAL_LIMIT)) > _RATIO_LIMIT * len(data)


RULES = (archive_inside,)
