"""Which deltas a snapshot is published with.

From each of the last snapshots, and from the last one of each of some days and weeks, a delta leads straight
to the newest. When a day is over, its last snapshot becomes one of these, and from every other snapshot of
that day a delta to it is made once and kept: so whoever was up to date at any time in those days needs two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from skilldata.jsonindex.documents import DeltaPart, PublishedSnapshot

RECENT, DAILY, WEEKLY = 8, 7, 4


class Pair(NamedTuple):
    """A delta that is wanted."""

    base: str
    snapshot: str


def origins(history: Sequence[PublishedSnapshot]) -> list[str]:
    """Choose the snapshots from which a delta leads to the newest.

    Args:
        history: What was published before it, oldest first.

    Returns:
        Ids, the latest first.
    """
    latest_first = list(reversed(history))
    chosen = [one.snapshot for one in latest_first[:RECENT]]
    days: dict[object, str] = {}
    weeks: dict[object, str] = {}
    for one in latest_first:
        days.setdefault(one.published_at.date(), one.snapshot)
        weeks.setdefault(one.published_at.isocalendar()[:2], one.snapshot)
    chosen += list(days.values())[:DAILY] + list(weeks.values())[:WEEKLY]
    return list(dict.fromkeys(chosen))


def chains(
    history: Sequence[PublishedSnapshot], now: PublishedSnapshot, kept: Sequence[DeltaPart]
) -> tuple[list[DeltaPart], list[Pair]]:
    """Choose the deltas that lead to one of the origins.

    Args:
        history: What was published before, oldest first.
        now: What is published.
        kept: Deltas that were published before, chains or not.

    Returns:
        Those to keep, and those to make.
    """
    ends = set(origins(history)) - {now.snapshot}
    keep = {(one.base, one.snapshot): one for one in kept if one.snapshot in ends and one.base != now.snapshot}
    make = []
    if history and history[-1].published_at.date() != now.published_at.date():
        last = history[-1]
        same_day = [one for one in history[:-1] if one.published_at.date() == last.published_at.date()]
        bases = dict.fromkeys(one.snapshot for one in same_day if one.snapshot not in {last.snapshot, now.snapshot})
        make = [Pair(base, last.snapshot) for base in bases if (base, last.snapshot) not in keep]
    return list(keep.values()), make
