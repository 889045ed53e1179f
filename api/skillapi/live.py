"""The live snapshot: opened, swapped for a newer one without a gap, closed after its last reader."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from skillapi.content import Content, ContentCache
from skillapi.memory import Memory
from skilldata.errors import SnapshotError
from skilldata.search import SearchIndex
from skilldata.snapshot import SEARCH, Snapshot

ANSWERS_BYTES = 32 * 1024 * 1024

logger = logging.getLogger(__name__)


class SnapshotSource(Protocol):
    """Whoever knows which snapshot is live."""

    def current(self) -> Path:
        """Give the folder of the live snapshot, complete and readable. May block.

        Raises:
            SnapshotError: There is none.
        """
        ...


class FolderSource:
    """Takes the live snapshot from a fixed path: a snapshot's folder, or a link to one that is moved."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def current(self) -> Path:
        """Give the folder that the path leads to now."""
        if not self._path.exists():
            raise SnapshotError(f"there is no snapshot at {self._path}", remedy="Run `skillregistry publish`.")
        return self._path.resolve()


class Opened:
    """A snapshot and its search index, both known to be whole, and the answers that were made from them.

    Raises:
        SnapshotError: One of them cannot be read, or they do not have the same skills.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers: ContentCache[Content] = ContentCache(ANSWERS_BYTES)
        self.memory = Memory()
        self.snapshot = Snapshot(folder)
        try:
            self.search = SearchIndex(folder / SEARCH)
            _check_same_skills(self.snapshot, self.search)
        except BaseException:
            self.snapshot.close()
            raise

    @property
    def id(self) -> str:
        """The snapshot's id."""
        return self.snapshot.info.id


def _check_same_skills(snapshot: Snapshot, search: SearchIndex) -> None:
    listed = snapshot.info.counts["skills"]
    if len(search) != listed:
        raise SnapshotError(
            f"snapshot {snapshot.info.id} has {listed} skills, its search index {len(search)}",
            remedy="Run `skillregistry publish` to make a new snapshot.",
        )


class LiveState(NamedTuple):
    """What /readyz and /metrics tell. `error` is why the newest snapshot was not taken; '' where it was."""

    snapshot_id: str | None
    as_of: datetime | None
    opened_at: datetime | None
    swaps: int
    failures: int
    error: str


class Live:
    """The snapshot that requests read. `lease` and `state` never block on `refresh`.

    Args:
        source: Asked at each `refresh` which snapshot is live.
    """

    def __init__(self, source: SnapshotSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._current: Opened | None = None
        self._readers: dict[Opened, int] = {}
        self._opened_at: datetime | None = None
        self._swaps = 0
        self._failures = 0
        self._error = ""

    def refresh(self) -> None:
        """Open the live snapshot if it is not the one that is open. A broken one changes nothing."""
        try:
            folder = self._source.current()
            opened = None if self._current and self._current.folder == folder else Opened(folder)
            if opened is not None and self._current is not None:
                opened.memory.follow(self._current.memory, opened)
        except Exception as error:  # noqa: BLE001 - a broken snapshot may raise anything; the open one stays
            self._note(error)
            return
        with self._lock:
            self._error = ""
            if opened is not None:
                self._replace(opened)

    @contextmanager
    def lease(self) -> Iterator[Opened | None]:
        """Hold the open snapshot for one request; None where there is none yet."""
        with self._lock:
            opened = self._current
            if opened is not None:
                self._readers[opened] = self._readers.get(opened, 0) + 1
        try:
            yield opened
        finally:
            if opened is not None:
                self._release(opened)

    @property
    def memory(self) -> Memory | None:
        """The open snapshot's answers that are ready. They are bytes, so they may go out after it is closed."""
        opened = self._current
        return opened.memory if opened is not None else None

    @property
    def state(self) -> LiveState:
        """How it stands now."""
        with self._lock:
            info = self._current.snapshot.info if self._current else None
            return LiveState(
                snapshot_id=info.id if info else None,
                as_of=info.as_of if info else None,
                opened_at=self._opened_at,
                swaps=self._swaps,
                failures=self._failures,
                error=self._error,
            )

    def close(self) -> None:
        """Close the open snapshot, at once or after its last reader."""
        with self._lock:
            self._retire()

    def _replace(self, opened: Opened) -> None:
        if self._current is not None:
            self._swaps += 1
        self._retire()
        self._current = opened
        self._opened_at = datetime.now(UTC)
        logger.info("snapshot %s is live", opened.id)

    def _retire(self) -> None:
        old, self._current = self._current, None
        if old is not None and not self._readers.get(old):
            old.snapshot.close()

    def _release(self, opened: Opened) -> None:
        with self._lock:
            self._readers[opened] -= 1
            if not self._readers[opened]:
                del self._readers[opened]
                if opened is not self._current:
                    opened.snapshot.close()

    def _note(self, error: Exception) -> None:
        message = f"{type(error).__name__}: {error}"
        with self._lock:
            self._failures += 1
            seen, self._error = self._error == message, message
        if not seen:  # once, not every two seconds
            logger.error("the live snapshot cannot be opened; the one before stays: %s", message)
