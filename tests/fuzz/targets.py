"""What is fed, and what must hold of the result: each target takes any bytes, and raises where something is wrong."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath, PureWindowsPath

from skillcrawler.archive import BuiltPackage, SourceFile, build_package
from skillcrawler.authorfile import read_author_file
from skillcrawler.manifest import read_manifest
from skillcrawler.paths import check_path, check_paths
from skillcrawler.scan import ScanFile, scan_skill
from skilldata.config import PackageSettings
from skilldata.models import DiagnosticLevel, Level
from skilldata.names import safe_text

LIMITS = PackageSettings(max_bytes=1 << 16, max_file_bytes=1 << 14, max_files=64)


def front_matter(data: bytes) -> None:
    """Read bytes as SKILL.md: always a result, which JSON can hold, and a level that agrees with its diagnostics."""
    read = read_manifest(data, folder="a/some-name", file="SKILL.md")
    json.dumps(read.manifest).encode()
    levels = {one.level for one in read.diagnostics}
    assert (read.level is Level.BROKEN) == (DiagnosticLevel.ERROR in levels)
    assert read.level is Level.BROKEN or (read.name and read.description)
    assert all(one.remedy and safe_text(one.message) == one.message for one in read.diagnostics)
    assert read == read_manifest(data, folder="a/some-name", file="SKILL.md")


def author_file(data: bytes) -> None:
    """Read bytes as an author's file, and match what it excludes."""
    read = read_author_file(data)
    assert all(one.remedy and safe_text(one.message) == one.message for one in read.diagnostics)
    for folder in ("", "a", "a/b/c", "skills/x-y"):
        read.excludes(folder)


def paths(data: bytes) -> None:
    """Judge bytes as paths, one a line: what is accepted stays inside on every system, each file by itself."""
    given = [line.decode("utf-8", "surrogateescape") for line in data.split(b"\n")]
    accepted = [path for path in given if check_path(path) is None]
    for path in accepted:
        _assert_inside(path)
    refused = {one.file for one in check_paths(given)}
    if not refused:
        assert len({path.casefold() for path in given}) == len(given)


def packages(data: bytes) -> None:
    """Pack bytes as files: a refusal with reasons, or a zip that holds them and nothing else."""
    files = [SourceFile("SKILL.md", 0o100644, b"x"), *_files(data)]
    built = build_package(files, LIMITS)
    if not isinstance(built, BuiltPackage):
        assert any(one.level is DiagnosticLevel.ERROR for one in built.diagnostics)
        return
    with zipfile.ZipFile(io.BytesIO(built.data)) as archive:
        assert archive.testzip() is None
        members = archive.infolist()
        for member in members:
            _assert_inside(member.filename)
            assert stat.S_ISREG(member.external_attr >> 16)
        assert {one.filename: archive.read(one) for one in members} == {file.path: file.data for file in files}
        assert len(members) == len(files)
    again = build_package(reversed(files), LIMITS)
    assert isinstance(again, BuiltPackage)
    assert again.data == built.data


def scanner(data: bytes) -> None:
    """Scan bytes as files: no rule fails, evidence is fit to be shown, and the order of files changes nothing."""
    files = [ScanFile(file.path, file.mode, file.data) for file in _files(data)] or [ScanFile("SKILL.md", 0o644, data)]
    report = scan_skill(files)
    assert " failed" not in report.problem, report.problem
    assert all(safe_text(found.evidence) == found.evidence for found in report.findings)
    report.model_dump_json().encode()
    assert scan_skill(reversed(files)) == report


TARGETS: dict[str, Callable[[bytes], None]] = {
    "front-matter": front_matter,
    "author-file": author_file,
    "paths": paths,
    "packages": packages,
    "scanner": scanner,
}


def _files(data: bytes) -> Iterator[SourceFile]:
    """Cut bytes into files: a byte of mode and lengths, then a path, then content."""
    position = 0
    while position + 3 <= len(data):
        kind, path_length, length = data[position], data[position + 1], data[position + 2]
        position += 3
        path = data[position : position + path_length].decode("utf-8", "surrogateescape")
        position += path_length
        content = data[position : position + length] * (1 + kind // 8)
        position += length
        mode = (0o100644, 0o100755, 0o120000, 0o160000)[kind % 4]
        yield SourceFile(path, mode if mode < 0o110000 else 0o100644, content)


def _assert_inside(path: str) -> None:
    for pure in (PurePosixPath(path), PureWindowsPath(path)):
        assert not pure.is_absolute()
        assert not pure.drive
        assert ".." not in pure.parts
        assert pure.as_posix() == path
    assert path.isprintable() or not any(character < " " for character in path)
