"""The text files inside packages, for pages that show and compare them.

A snapshot names packages by digest and has no file but SKILL.md itself, so the texts come from the package store. What
a digest names never changes: the same snapshot gives the same pages. A package that is not there, or not what its
digest says, has no texts; its pages link to the source instead.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from skilldata.config import S3Settings
from skilldata.errors import IntegrityError, NotFound
from skilldata.snapshot import FileRow, VersionRow

if TYPE_CHECKING:
    from skilldata.objects import ObjectStore

MAX_FILE = 64 * 1024  # bytes of a file that is shown
MAX_TEXT = 512 * 1024  # bytes of all files of a version that are shown
MAX_PACKAGE = 32 * 1024 * 1024

Texts = Mapping[str, str]  # path -> text
NO_TEXTS: Texts = {}


class PackageReader(Protocol):
    """Where packages are. It is sent to other processes, so it can be pickled."""

    def package(self, package_digest: str) -> bytes:
        """Read a package. Raises NotFound or IntegrityError."""
        ...


@dataclass
class StoredPackages:
    """Packages of the object store; each process has a connection of its own."""

    settings: S3Settings

    def package(self, package_digest: str) -> bytes:
        """Read a package.

        Raises:
            NotFound: It is not stored.
            IntegrityError: The stored bytes have another digest.
            ServiceUnavailable: The store does not answer.
        """
        return self._store.package(package_digest)

    @cached_property
    def _store(self) -> ObjectStore:
        from skilldata.objects import ObjectStore  # noqa: PLC0415  boto3 takes half a second, in each process

        return ObjectStore(self.settings)

    def __getstate__(self) -> dict[str, S3Settings]:
        return {"settings": self.settings}


def read_texts(reader: PackageReader | None, version: VersionRow | None, files: Sequence[FileRow]) -> Texts:
    """Read the texts of a version that may be handed out.

    Args:
        reader: Where packages are; None: nowhere.
        version: The version. One that may not be handed out has no texts.
        files: Its files; others in the package are not looked at.

    Returns:
        The files that are UTF-8 without NUL and at most `MAX_FILE` bytes, in the order of `files`, until `MAX_TEXT`
        bytes are reached.
    """
    if reader is None or version is None or not version.redistributable or version.size > MAX_PACKAGE:
        return NO_TEXTS
    try:
        data = reader.package(version.package_digest)
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            return _read_all(package, files)
    except (NotFound, IntegrityError, zipfile.BadZipFile):
        return NO_TEXTS


def _read_all(package: zipfile.ZipFile, files: Sequence[FileRow]) -> Texts:
    texts: dict[str, str] = {}
    left = MAX_TEXT
    for file in files:
        if file.size > min(MAX_FILE, left):
            continue
        text = _read(package, file)
        if text is not None:
            texts[file.path] = text
            left -= file.size
    return texts


def _read(package: zipfile.ZipFile, file: FileRow) -> str | None:
    try:
        # A package that was tampered with is found out by its digest, so the size in the index is the file's own.
        with package.open(file.path) as stream:
            data = stream.read(file.size + 1)
        return None if b"\0" in data or len(data) != file.size else data.decode()
    except (KeyError, UnicodeDecodeError, zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error):
        return None
