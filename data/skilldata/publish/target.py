"""A place to publish to: a folder of static files, or a bucket."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from skilldata.errors import NotFound, SnapshotError
from skilldata.objects import IMMUTABLE, ObjectStore
from skilldata.publish.order import NEVER, Kind

MAX_CHANGED = 5000  # paths that are told apart; of more it is only known that they are many


class Traffic:
    """What was written to a target: how much, and what caches may have otherwise.

    `changed` are the paths that were written over or deleted, and may be cached; at most `MAX_CHANGED` and one more.
    """

    def __init__(self) -> None:
        self.puts = self.put_bytes = 0
        self.changed: set[str] = set()

    def put(self, path: str, size: int, kind: Kind) -> None:
        """Count a file that was written."""
        self.puts += 1
        self.put_bytes += size
        if kind.cache_control not in (IMMUTABLE, NEVER):
            self.delete(path)

    def delete(self, path: str) -> None:
        """Note a file that was deleted."""
        if len(self.changed) <= MAX_CHANGED:
            self.changed.add(path)


class Target(Protocol):
    """Files by path. A file is there whole or not at all, and is replaced in one step."""

    name: str
    has_packages: bool  # whether the crawler stores its packages in this very place
    traffic: Traffic

    def get(self, path: str) -> bytes:
        """Read a file.

        Raises:
            NotFound: It is not there.
        """
        ...

    def size(self, path: str) -> int | None:
        """Give the bytes of a file; None where it is not there."""
        ...

    def put(self, path: str, data: bytes, kind: Kind) -> None:
        """Write a file, over an earlier one."""
        ...

    def put_file(self, path: str, file: Path, kind: Kind) -> None:
        """Copy a file of this machine there."""
        ...

    def delete(self, path: str) -> None:
        """Delete a file, if it is there."""
        ...

    def paths(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield path and bytes of all files whose paths begin so."""
        ...


class FolderTarget:
    """A folder that a web server serves. Headers are the server's affair: deploy/ has a configuration.

    Args:
        folder: Made where it is missing.
    """

    has_packages = False

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self.traffic = Traffic()
        self._folder = folder

    def get(self, path: str) -> bytes:
        """Read a file."""
        try:
            return self._at(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFound(f"no file {path} in {self._folder}") from None

    def size(self, path: str) -> int | None:
        """Give the bytes of a file."""
        try:
            return self._at(path).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def put(self, path: str, data: bytes, kind: Kind) -> None:
        """Write a file beside its place, and move it there."""
        file = self._at(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        number, partial = tempfile.mkstemp(prefix=".new-", dir=file.parent)
        try:
            with os.fdopen(number, "wb") as stream:
                stream.write(data)
            Path(partial).chmod(0o644)
            Path(partial).replace(file)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
        self.traffic.put(path, len(data), kind)

    def put_file(self, path: str, file: Path, kind: Kind) -> None:
        """Link a file, or copy it where it cannot be linked."""
        place = self._at(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_name(f".new-{os.getpid()}-{place.name}")
        partial.unlink(missing_ok=True)
        try:
            os.link(file, partial)
        except OSError:
            partial.write_bytes(file.read_bytes())
        partial.replace(place)
        self.traffic.put(path, file.stat().st_size, kind)

    def delete(self, path: str) -> None:
        """Delete a file, and the folders that it leaves empty."""
        file = self._at(path)
        self.traffic.delete(path)
        with suppress(NotADirectoryError, IsADirectoryError):
            file.unlink(missing_ok=True)
        for folder in file.relative_to(self._folder).parents:
            try:
                (self._folder / folder).rmdir() if folder.parts else None
            except FileNotFoundError:
                continue
            except OSError:  # something else is in it
                break

    def paths(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield the files below a folder."""
        for folder, _, names in os.walk(self._at(prefix)):
            for name in sorted(names):
                if not name.startswith(".new-"):
                    file = Path(folder, name)
                    yield file.relative_to(self._folder).as_posix(), file.stat().st_size

    def _at(self, path: str) -> Path:
        if ".." in path.split("/") or path.startswith("/"):
            raise SnapshotError(f"{path!r} leaves the folder", remedy="Report this: no such path should be made.")
        return self._folder / path


class BucketTarget:
    """A bucket that a CDN reads.

    Args:
        objects: The bucket.
        has_packages: Whether it is the one that the crawler stores packages in.
    """

    def __init__(self, objects: ObjectStore, *, has_packages: bool) -> None:
        self.name = f"bucket {objects.bucket}"
        self.has_packages = has_packages
        self.traffic = Traffic()
        self._objects = objects

    def get(self, path: str) -> bytes:
        """Read an object."""
        return self._objects.get(path)

    def size(self, path: str) -> int | None:
        """Give the bytes of an object."""
        return self._objects.size(path)

    def put(self, path: str, data: bytes, kind: Kind) -> None:
        """Write an object."""
        self._objects.put(path, data, content_type=kind.content_type, cache_control=kind.cache_control)
        self.traffic.put(path, len(data), kind)

    def put_file(self, path: str, file: Path, kind: Kind) -> None:
        """Upload a file."""
        self._objects.put_file(path, file, content_type=kind.content_type, cache_control=kind.cache_control)
        self.traffic.put(path, file.stat().st_size, kind)

    def delete(self, path: str) -> None:
        """Delete an object."""
        self.traffic.delete(path)
        self._objects.delete(path)

    def paths(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield the objects under a prefix."""
        yield from self._objects.keys(prefix)
