"""What tells of a published snapshot: the history, the change feed, the status, and the formats' schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from skilldata.config import PublishSettings
from skilldata.jsonindex.documents import Entry, History, PublishedSnapshot, Status, encode, json_schema
from skilldata.jsonindex.tree import IndexTree, changes
from skilldata.observed import Observed
from skilldata.publish import guard
from skilldata.publish.feed import append_feed
from skilldata.publish.order import DOCUMENT, ROOT
from skilldata.publish.published import HISTORY, SCHEMA, STATUS, Published


class Aftermath:
    """Writes these of one target. None of them has to be there for a reader to find a skill.

    Args:
        published: The target, and what it has.
        settings: How many skills a source may lose.
        clock: Gives the time.
    """

    def __init__(self, published: Published, settings: PublishSettings, clock: Callable[[], datetime]) -> None:
        self._published = published
        self._settings = settings
        self._clock = clock

    def put_history(self, entry: Entry) -> None:
        """Add a snapshot to what was published, unless it is the last there."""
        history = self._published.history()
        now = PublishedSnapshot(snapshot=entry.snapshot, published_at=self._clock(), counts=entry.counts)
        if not history or history[-1].snapshot != now.snapshot:
            self._published.put(HISTORY, encode(History(snapshots=(*history, now))), DOCUMENT)

    def put_feed(self, new: IndexTree) -> None:
        """Add to the change feed what differs from the snapshot that it has come to."""
        come_to, snapshot = self._published.notes().feed, new.tree.snapshot
        if come_to == snapshot:
            return
        old = self._published.tree(come_to) if come_to else None
        if old is not None:
            append_feed(self._published.target, snapshot, self._clock(), changes(old, new))
        self._published.note(feed=snapshot)

    def put_status(self, entry: Entry, seen: Observed | None, held: guard.SnapshotHeld | None = None) -> None:
        """Say how fresh everything is.

        Args:
            entry: The live one.
            seen: What was observed when the snapshot was made; None leaves what was said before.
            held: A later snapshot that waits for a maintainer.
        """
        last = self._published.document(Status, STATUS)
        status = Status(
            snapshot=entry.snapshot,
            as_of=entry.as_of,
            published_at=entry.published_at,
            checked_at=self._clock(),
            counts=entry.counts,
            freshness=seen.freshness if seen else last.freshness if last else None,
            sources=guard.with_floors(seen.sources, entry, self._settings.max_shrink) if seen else entry.sources,
            held=held.snapshot if held else None,
            held_reason=held.reasons if held else "",
        )
        self._published.put(STATUS, encode(status), DOCUMENT)

    def put_schema(self) -> None:
        """Write the JSON Schema of all documents, where another is there."""
        data = json.dumps(json_schema(), indent=1).encode() + b"\n"
        if self._published.target.size(ROOT + SCHEMA) != len(data) or self._published.get(SCHEMA) != data:
            self._published.put(SCHEMA, data, DOCUMENT)
