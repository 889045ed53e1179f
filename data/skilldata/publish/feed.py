"""The change feed: JSON Lines, one file a day, only ever added to. It begins after the first snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from skilldata.errors import NotFound
from skilldata.jsonindex.documents import FeedLine, SkillRecord, encode
from skilldata.jsonindex.tree import Change, parse
from skilldata.publish.order import FEED, ROOT
from skilldata.publish.target import Target


def feed_path(at: datetime) -> str:
    """Give the path of a day's feed: `changes/2026-11-24.jsonl`."""
    return f"{ROOT}changes/{at:%Y-%m-%d}.jsonl"


def append_feed(target: Target, snapshot: str, at: datetime, found: Iterable[Change]) -> int:
    """Add what a snapshot changed to its day, unless that was done and only not noted.

    Returns:
        How many lines were added.
    """
    path = feed_path(at)
    try:
        before = target.get(path)
    except NotFound:
        before = b""
    last = before.splitlines()[-1:]
    if last and json.loads(last[0])["snapshot"] == snapshot:
        return 0
    lines = [encode(line) for line in _lines(snapshot, at, found)]
    if lines:
        target.put(path, before + b"".join(lines), FEED)
    return len(lines)


def _lines(snapshot: str, at: datetime, found: Iterable[Change]) -> Iterator[FeedLine]:
    for change in found:
        if change.address.count("/") != 2:  # a repository: its skills say what matters
            continue
        kind = "removed" if change.new is None else "added" if change.old is None else "changed"
        line = FeedLine(at=at, snapshot=snapshot, change=kind, address=change.address)
        if change.new is not None:
            skill = parse(SkillRecord, change.new, change.address)
            now = next(one for one in skill.versions if one.content_digest == skill.content_digest)
            digests = {"content_digest": now.content_digest, "package_digest": now.package_digest}
            line = line.model_copy(update=digests)
        yield line
