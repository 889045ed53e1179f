"""Deleting from a target what nothing has referenced for long.

Snapshots stay for a window of days, and of those before it the ones that deltas lead from. What none of them
refers to is noted with the time, and deleted when it has been so for the whole window: a reader that began
with an old entry finds its parts, however slow it is. Packages are never deleted here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from skilldata.errors import NotFound
from skilldata.jsonindex.build import object_path
from skilldata.jsonindex.documents import Chains, Entry, History, PublishedSnapshot, encode
from skilldata.jsonindex.tree import fetch, parse
from skilldata.publish import plan
from skilldata.publish.order import DOCUMENT, ROOT, STATE
from skilldata.publish.published import (
    ENTRY,
    HISTORY,
    REVOCATIONS,
    SIGNED,
    Published,
    entry_path,
    signed_path,
    tree_path,
)

RETIRED = "retired.json"
_FOLDERS = ("objects/", "trees/", "entries/", "downloads/", SIGNED)


@dataclass
class Collected:
    """What was deleted, or would be; paths below the target, and their bytes."""

    snapshots: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    deleted_bytes: int = 0
    waiting: int = 0


def collect(published: Published, now: datetime, keep: timedelta, *, dry_run: bool) -> Collected:
    """Delete what nothing has referenced for `keep`.

    Args:
        published: The target. No publisher may be at work.
        now: The time.
        keep: How long snapshots are kept, and how long what nothing refers to.
        dry_run: Only say what would be deleted.
    """
    history = published.history()
    kept = _kept(history, now - keep, published.entry())
    done = Collected(snapshots=[one.snapshot for one in history if one not in kept])
    used = set(_used(published, [one.snapshot for one in kept]))
    since = _retired(published)
    still: dict[str, str] = {}
    for folder in _FOLDERS:
        for full, size in published.target.paths(ROOT + folder):
            path = full.removeprefix(ROOT)
            if path in used:
                continue
            first = datetime.fromisoformat(since.get(path, now.isoformat()))
            if now - first < keep:
                still[path] = first.isoformat()
                continue
            done.deleted.append(full)
            done.deleted_bytes += size
    done.waiting = len(still)
    if not dry_run:
        # The history goes first: nobody shall look for what is about to be deleted.
        published.put(HISTORY, encode(History(snapshots=tuple(kept))), DOCUMENT)
        for path in done.deleted:
            published.target.delete(path)
        published.put(RETIRED, json.dumps(still, sort_keys=True).encode() + b"\n", STATE)
    return done


def _kept(history: tuple[PublishedSnapshot, ...], before: datetime, entry: Entry | None) -> list[PublishedSnapshot]:
    origins = set(plan.origins(history))
    live = entry.snapshot if entry else None
    return [one for one in history if one.published_at >= before or one.snapshot in origins or one.snapshot == live]


def _used(published: Published, snapshots: list[str]) -> Iterator[str]:
    """Yield every path that a kept snapshot refers to."""
    notes = published.notes()
    yield from _signed(published, ENTRY, ENTRY)
    yield from _signed(published, REVOCATIONS, REVOCATIONS)
    for snapshot in {*snapshots, *notes.documents, *([notes.feed] if notes.feed else [])}:
        yield tree_path(snapshot)
        yield entry_path(snapshot)
        yield from _signed(published, entry_path(snapshot), ENTRY)
        if index := published.tree(snapshot):
            yield from (object_path(part.digest) for part in (*index.tree.directories, *index.shards()))
        if entry := published.document(Entry, entry_path(snapshot)):
            yield from _of_entry(published, entry)


def _signed(published: Published, path: str, name: str) -> Iterator[str]:
    """Yield where the bytes of a document are under their digest."""
    if data := published.get(path):
        yield signed_path(name, hashlib.sha256(data).hexdigest())


def _of_entry(published: Published, entry: Entry) -> Iterator[str]:
    yield from (object_path(delta.digest) for delta in entry.deltas)
    if entry.chains:
        yield object_path(entry.chains.digest)
        chains = parse(Chains, fetch(published.read, entry.chains), "the chains")
        yield from (object_path(delta.digest) for delta in chains.deltas)
    if entry.downloads:
        yield from (file.path for file in (*entry.downloads.files, *entry.downloads.changes))


def _retired(published: Published) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(published.read(RETIRED, 1 << 30))
    except NotFound:
        return {}
    return found
