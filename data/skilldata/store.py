"""Where snapshots are kept, and which one is live.

A snapshot is uploaded whole before the pointer moves, so a reader that follows the pointer always finds
what it names. Rolling back is moving the pointer again.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from skilldata.errors import NotFound, ServiceUnavailable, SnapshotError
from skilldata.objects import SHORT, ObjectStore
from skilldata.snapshot import MANIFEST, SnapshotInfo, read_info

PREFIX = "snapshots/"
POINTER = "live.json"
KEPT = 5  # earlier live snapshots that are never pruned
HISTORY = 20  # earlier live snapshots that the pointer remembers
CONTENT_TYPES = {".json": "application/json", ".duckdb": "application/octet-stream"}


class Pointer(NamedTuple):
    """The live snapshot, since when it is, and which ones were before it, oldest first."""

    snapshot: str
    published_at: datetime
    history: tuple[str, ...] = ()

    @property
    def as_of(self) -> datetime:
        """Time of the last change in the snapshot, to the second: its id begins with it."""
        return snapshot_time(self.snapshot)


class SnapshotStore:
    """Snapshots in a folder of this machine and in the object store.

    Args:
        folder: Local copies; `<folder>/<id>/`.
        objects: Where all machines find them; None to work from the folder alone.
    """

    def __init__(self, folder: Path, objects: ObjectStore | None) -> None:
        self.folder = folder
        self._objects = objects

    def pointer(self) -> Pointer | None:
        """Read which snapshot is live; None before the first. Falls back on the local copy without a store."""
        if self._objects is not None:
            try:
                return _parse(self._objects.get(PREFIX + POINTER))
            except NotFound:
                return None
            except ServiceUnavailable:
                pass
        local = self.folder / POINTER
        return _parse(local.read_bytes()) if local.exists() else None

    def current(self) -> Path:
        """Give the folder of the live snapshot, downloaded first where it is not here.

        Raises:
            SnapshotError: Nothing was published yet.
        """
        pointer = self.pointer()
        if pointer is None:
            raise SnapshotError("no snapshot is live yet", remedy="Run `skillregistry publish` to make one.")
        return self.open(pointer.snapshot)

    def open(self, snapshot_id: str) -> Path:
        """Give the folder of a snapshot, downloaded first where it is not here.

        Raises:
            NotFound: Nobody has it.
        """
        folder = self.folder / _checked(snapshot_id)
        if not (folder / MANIFEST).exists():
            self._download(snapshot_id, folder)
        return folder

    def list(self) -> list[SnapshotInfo]:
        """List the snapshots of this machine, the last made first."""
        manifests = sorted(self.folder.glob(f"[0-9]*/{MANIFEST}"), key=lambda path: path.stat().st_mtime_ns)
        return [read_info(path.parent) for path in reversed(manifests)]

    def before_live(self) -> str:
        """Give the snapshot that came before the live one.

        Raises:
            NotFound: There is none.
        """
        pointer = self.pointer()
        if pointer is None or not pointer.history:
            raise NotFound("no snapshot was live before", remedy="`skillregistry snapshot list` shows which there are.")
        return pointer.history[-1]

    def prune(self, keep: timedelta, *, dry_run: bool) -> Sequence[str]:
        """Delete snapshots that are older than `keep`, here and in the object store; never what the pointer knows.

        Args:
            keep: For how long after it was made a snapshot stays.
            dry_run: Only say which.

        Returns:
            Their ids.
        """
        pointer = self.pointer()
        needed = {pointer.snapshot, *pointer.history[-KEPT:]} if pointer else set()
        before = datetime.now(UTC) - keep
        old = [info.id for info in self.list() if info.id not in needed and self._made_at(info.id) < before]
        for snapshot_id in () if dry_run else old:
            # The manifest goes first: what has none is no snapshot, and is finished off next time.
            (self.folder / snapshot_id / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(self.folder / snapshot_id)
            if self._objects is not None:
                prefix = f"{PREFIX}{snapshot_id}/"
                for key in sorted(
                    (key for key, _ in self._objects.keys(prefix)), key=lambda key: key != prefix + MANIFEST
                ):
                    self._objects.delete(key)
        return old

    def _made_at(self, snapshot_id: str) -> datetime:
        return datetime.fromtimestamp((self.folder / snapshot_id / MANIFEST).stat().st_mtime, UTC)

    def publish(self, snapshot_id: str) -> Pointer:
        """Upload a snapshot of this machine where it is missing, and then make it the live one."""
        folder = self.open(snapshot_id)
        if self._objects is not None:
            self._upload(folder)
        return self._move_pointer(snapshot_id)

    def _upload(self, folder: Path) -> None:
        assert self._objects is not None  # noqa: S101 - the caller looked
        present = {key for key, _ in self._objects.keys(f"{PREFIX}{folder.name}/")}
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        # The manifest goes last: a snapshot that has one is whole.
        for path in sorted(files, key=lambda path: path.name == MANIFEST):
            key = f"{PREFIX}{folder.name}/{path.relative_to(folder).as_posix()}"
            if key not in present:
                kind = CONTENT_TYPES.get(path.suffix, "application/octet-stream")
                self._objects.put_file(key, path, content_type=kind)

    def _download(self, snapshot_id: str, folder: Path) -> None:
        prefix = f"{PREFIX}{snapshot_id}/"
        keys = [] if self._objects is None else [key for key, _ in self._objects.keys(prefix)]
        if self._objects is None or prefix + MANIFEST not in keys:
            raise NotFound(f"no snapshot {snapshot_id}", remedy="`skillregistry snapshot list` shows which there are.")
        self.folder.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".get-", dir=self.folder))
        try:
            for key in keys:
                path = work / key.removeprefix(prefix)
                path.parent.mkdir(parents=True, exist_ok=True)
                self._objects.get_file(key, path)
            work.chmod(0o755)
            if not folder.exists():
                work.rename(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _move_pointer(self, snapshot_id: str) -> Pointer:
        pointer = Pointer(snapshot_id, datetime.now(UTC), _history(self.pointer(), snapshot_id))
        content = {**pointer._asdict(), "published_at": pointer.published_at.isoformat()}
        data = json.dumps(content).encode() + b"\n"
        if self._objects is not None:
            self._objects.put(PREFIX + POINTER, data, content_type="application/json", cache_control=SHORT)
        temporary = self.folder / f".{POINTER}.new"
        temporary.write_bytes(data)
        os.replace(temporary, self.folder / POINTER)  # noqa: PTH105 - atomic
        return pointer


def snapshot_time(snapshot_id: str) -> datetime:
    """Read the time of the last change out of a snapshot's id.

    Raises:
        SnapshotError: It is no snapshot id.
    """
    try:
        return datetime.strptime(snapshot_id.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise SnapshotError(f"{snapshot_id!r} is no snapshot id", remedy="Publish again.") from None


def _history(old: Pointer | None, new: str) -> tuple[str, ...]:
    """Say what was live before a snapshot; going back to one forgets what came after it."""
    if old is None:
        return ()
    before = (*old.history, old.snapshot)
    return before[: before.index(new)] if new in before else before[-HISTORY:]


def _parse(data: bytes) -> Pointer:
    try:
        content = json.loads(data)
        history = tuple(_checked(one) for one in content.get("history", ()))
        return Pointer(_checked(content["snapshot"]), datetime.fromisoformat(content["published_at"]), history)
    except (ValueError, KeyError, TypeError) as error:
        raise SnapshotError(f"the pointer to the live snapshot is damaged: {error}", remedy="Publish again.") from None


def _checked(snapshot_id: str) -> str:
    """Refuse what is no snapshot id before it becomes part of a path."""
    if not snapshot_id.replace("-", "").isalnum():
        raise SnapshotError(f"{snapshot_id!r} is no snapshot id", remedy="`skillregistry snapshot list` shows them.")
    return snapshot_id
