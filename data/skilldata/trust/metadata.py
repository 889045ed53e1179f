"""Where the files of the metadata are kept: a folder of this machine, the object store, or both.

Versioned files (`3.root.json`) never change once written, `timestamp.json` alone does. TUF specification 1.0.33,
section 6.1.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Protocol

from skilldata.errors import NotFound
from skilldata.objects import IMMUTABLE, ObjectStore

PREFIX = "tuf/"
JSON = "application/json"
# Nothing may answer with an old timestamp where a newer one is out: no stale rules.
TIMESTAMP_CACHE = "public, max-age=60"


class MetadataStore(Protocol):
    """Keeps metadata files by name."""

    def get(self, name: str) -> bytes | None:
        """Read a file; None where there is none."""
        ...

    def add(self, name: str, data: bytes) -> bool:
        """Write a file that never changes; False where there is one of that name with other bytes."""
        ...

    def replace(self, name: str, data: bytes) -> None:
        """Write a file, over an earlier one, at once or not at all."""
        ...


class FolderMetadata:
    """Metadata files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> bytes | None:
        """Read a file; None where there is none."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def add(self, name: str, data: bytes) -> bool:
        """Write a file that never changes; False where there is one of that name with other bytes."""
        present = self.get(name)
        if present is None:
            self.replace(name, data)
        return present in (None, data)

    def replace(self, name: str, data: bytes) -> None:
        """Write a file, over an earlier one, at once or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor, work = tempfile.mkstemp(prefix=f".{name}.", dir=self._folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(work).chmod(0o644)
        Path(work).replace(self._folder / name)


class BothMetadata:
    """Metadata files in the object store, with copies in a folder for what runs on this machine.

    Args:
        objects: Those that count.
        folder: The copies.
    """

    def __init__(self, objects: MetadataStore, folder: FolderMetadata) -> None:
        self._objects = objects
        self._folder = folder

    def get(self, name: str) -> bytes | None:
        """Read a file; None where there is none."""
        return self._objects.get(name)

    def add(self, name: str, data: bytes) -> bool:
        """Write a file that never changes; False where there is one of that name with other bytes."""
        added = self._objects.add(name, data)
        if added:
            self._folder.replace(name, data)
        return added

    def replace(self, name: str, data: bytes) -> None:
        """Write a file, over an earlier one, at once or not at all."""
        self._objects.replace(name, data)
        self._folder.replace(name, data)


class ObjectMetadata:
    """Metadata files in the object store, under `tuf/`."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def get(self, name: str) -> bytes | None:
        """Read a file; None where there is none."""
        try:
            return self._objects.get(PREFIX + name)
        except NotFound:
            return None

    def add(self, name: str, data: bytes) -> bool:
        """Write a file that never changes; False where there is one of that name with other bytes."""
        if self._objects.put_if_absent(PREFIX + name, data, content_type=JSON, cache_control=IMMUTABLE):
            return True
        return self.get(name) == data

    def replace(self, name: str, data: bytes) -> None:
        """Write a file, over an earlier one, at once or not at all."""
        self._objects.put(PREFIX + name, data, content_type=JSON, cache_control=TIMESTAMP_CACHE)
