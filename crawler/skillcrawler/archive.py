"""A skill's files as one deterministic zip: the package.

The same files give the same bytes on every machine and Python, in whatever order they come. Whatever a
stranger's folder holds ends in a package or in a refusal with diagnostics, never in an exception.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from skillcrawler import zipformat
from skillcrawler.diagnostics import Rule
from skillcrawler.discover import MANIFEST_FILE
from skillcrawler.gitobjects import blob_oid, encode_path
from skillcrawler.paths import check_paths
from skillcrawler.reporting import about, capped
from skilldata.config import PackageSettings
from skilldata.models import Diagnostic, DiagnosticLevel, Package, PackagedFile

LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
LFS_POINTER_MAX_BYTES = 1024

NO_MANIFEST = Rule(
    "package.no-manifest",
    DiagnosticLevel.ERROR,
    "There is no SKILL.md to put at the package's root.",
    "Add a SKILL.md.",
)
TOO_MANY_FILES = Rule(
    "package.too-many-files",
    DiagnosticLevel.ERROR,
    "There are more files than a package may hold.",
    "Leave out what the skill does not need, or split it.",
)
FILE_TOO_LARGE = Rule(
    "package.file-too-large",
    DiagnosticLevel.ERROR,
    "The file is larger than a file of a package may be.",
    "Make the file smaller, or link to it from SKILL.md instead.",
)
TOO_LARGE = Rule(
    "package.too-large",
    DiagnosticLevel.ERROR,
    "The files have more bytes than a package may hold.",
    "Leave out what the skill does not need, or split it.",
)
REPOSITORY_TOO_LARGE = Rule(
    "package.repository-too-large",
    DiagnosticLevel.ERROR,
    "The skills before this one, by path, have as many bytes as a crawl packages of one repository.",
    "Share files between skills by reference instead of copying or linking them, or split the repository.",
)
RENAMED = Rule(
    "package.manifest-renamed",
    DiagnosticLevel.INFO,
    "The file is packaged as SKILL.md, the name that clients look for.",
    "Rename the file to SKILL.md.",
)
LFS = Rule(
    "package.lfs-pointer",
    DiagnosticLevel.WARNING,
    "The file is a pointer of Git LFS; the package holds the pointer, not what it stands for.",
    "Commit the file itself, without Git LFS.",
)

RULES: tuple[Rule, ...] = (NO_MANIFEST, TOO_MANY_FILES, FILE_TOO_LARGE, TOO_LARGE, REPOSITORY_TOO_LARGE, RENAMED, LFS)


class SourceFile(NamedTuple):
    """One file to be packaged: path from the skill's folder, git's mode, bytes."""

    path: str
    mode: int
    data: bytes


@dataclass(frozen=True, slots=True)
class BuiltPackage:
    """A package with its bytes; the diagnostics are none of level error."""

    package: Package
    data: bytes
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no package: at least one diagnostic of level error."""

    diagnostics: tuple[Diagnostic, ...]


def build_package(
    files: Iterable[SourceFile], limits: PackageSettings, *, manifest_file: str = MANIFEST_FILE
) -> BuiltPackage | Refusal:
    """Pack a skill.

    The zip holds ordinary files only, sorted by the bytes of their paths, dated 1980-01-01, with mode
    0644, or 0755 where anyone may execute them. The manifest is called SKILL.md whatever its name was.

    Args:
        files: The skill's files, in any order.
        limits: The most a package may hold.
        manifest_file: Path of the manifest among the files.
    """
    given = list(files)
    found = [*check_sizes(((file.path, len(file.data)) for file in given), limits)]
    if any(diagnostic.rule == TOO_MANY_FILES.id for diagnostic in found):
        return Refusal(tuple(capped(found)))
    found += check_paths(file.path for file in given)
    renamed = [_packaged(file, manifest_file) for file in given]
    if manifest_file != MANIFEST_FILE:
        found += check_paths(file.path for file in renamed)
        found.append(about(RENAMED, manifest_file))
    if all(file.path != MANIFEST_FILE for file in renamed):
        found.append(about(NO_MANIFEST, MANIFEST_FILE))
    found += _lfs_pointers(renamed)
    diagnostics = tuple(capped(found))
    if any(diagnostic.level is DiagnosticLevel.ERROR for diagnostic in diagnostics):
        return Refusal(diagnostics)
    return _pack(sorted(renamed, key=lambda file: encode_path(file.path)), diagnostics)


def check_sizes(sizes: Iterable[tuple[str, int | None]], limits: PackageSettings) -> Iterator[Diagnostic]:
    """Compare files with the limits; works before anything is fetched, as far as sizes are known.

    Args:
        sizes: Path and bytes of each file, None where unknown.
        limits: The most a package may hold.
    """
    count = total = 0
    most = min(limits.max_files, zipformat.MAX_FILES)
    most_bytes = min(limits.max_bytes, zipformat.MAX_BYTES // 2)  # leaves room for headers
    for path, size in sizes:
        count += 1
        total += size or 0
        if size is not None and size > limits.max_file_bytes:
            yield file_too_large(path, size, limits)
    if count > most:
        yield about(TOO_MANY_FILES, MANIFEST_FILE, f"{count:,} files; {most:,} are allowed")
    if total > most_bytes:
        yield about(TOO_LARGE, MANIFEST_FILE, f"{total:,} bytes; {most_bytes:,} are allowed")


def file_too_large(path: str, size: int | None, limits: PackageSettings) -> Diagnostic:
    """Say that a file is too large; `size` in bytes, None where all that is known is that it is too large."""
    told = f"more than {limits.max_file_bytes:,} bytes" if size is None else f"{size:,} bytes"
    return about(FILE_TOO_LARGE, path, f"{told}; {limits.max_file_bytes:,} are allowed")


def repository_too_large(path: str, limits: PackageSettings) -> Diagnostic:
    """Say that there is no room for a skill after those before it."""
    return about(REPOSITORY_TOO_LARGE, path, f"{limits.max_repository_bytes:,} bytes are allowed")


def content_digest(files: Iterable[PackagedFile]) -> str:
    r"""Return the digest of what a package holds, however it is compressed.

    It is `sha256:` and the SHA-256 of one line per file in UTF-8, sorted by the bytes of the paths:
    `<mode> <sha256> <path>\n`, the mode in octal without a leading zero (644 or 755), the file's SHA-256
    in lower-case hexadecimal, the path as it is (it cannot hold a newline).
    """
    ordered = sorted(files, key=lambda file: encode_path(file.path))
    listing = "".join(f"{file.mode:o} {file.sha256} {file.path}\n" for file in ordered)
    return _digest(listing.encode())


def _packaged(file: SourceFile, manifest_file: str) -> SourceFile:
    path = MANIFEST_FILE if file.path == manifest_file else file.path
    return SourceFile(path, 0o755 if file.mode & 0o111 else 0o644, file.data)


def _lfs_pointers(files: Iterable[SourceFile]) -> Iterator[Diagnostic]:
    for file in files:
        if len(file.data) <= LFS_POINTER_MAX_BYTES and file.data.startswith(LFS_POINTER):
            yield about(LFS, file.path)


def _pack(files: list[SourceFile], diagnostics: tuple[Diagnostic, ...]) -> BuiltPackage:
    data = zipformat.write_zip(files)
    listed = tuple(
        PackagedFile(
            path=file.path,
            mode=file.mode,
            size=len(file.data),
            sha256=hashlib.sha256(file.data).hexdigest(),
            oid=blob_oid(file.data),
        )
        for file in files
    )
    package = Package(
        package_digest=_digest(data),
        content_digest=content_digest(listed),
        size=len(data),
        unpacked_size=sum(file.size for file in listed),
        files=listed,
    )
    return BuiltPackage(package, data, diagnostics)


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
