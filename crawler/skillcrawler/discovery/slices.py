"""Slices of a search: what it can be cut by, and the queries that come of it. See `partition`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from skilldata.models import Record

AIM = 800  # results that a cut aims at: full pages, and room for an uneven spread
MAX_NEGATIONS = 5  # GitHub takes five AND, OR and NOT; whether it counts `-path:` is not said
MAX_OWNERS_LENGTH = 128  # characters of one query that name owners; GitHub takes 256 in all
MAX_OWNERS = 240  # asked for by name in a slice that nothing else cuts


class Axis(NamedTuple):
    """A number or a time that every result has one of; `low` and `high` stand for "or less" and "or more"."""

    qualifier: str
    low: int
    high: int
    is_time: bool = False

    def text(self, first: int, last: int) -> str:
        """Write the qualifier for values from first to last, both included."""
        start = "*" if first <= self.low else self._value(first)
        end = "*" if last >= self.high else self._value(last)
        return f"{self.qualifier}:{start}..{end}"

    def _value(self, number: int) -> str:
        return f"{datetime.fromtimestamp(number, UTC):%Y-%m-%dT%H:%M:%SZ}" if self.is_time else str(number)


class Term(NamedTuple):
    """A condition and its opposite. What fits one term of a group does not fit the others of it."""

    has: str
    lacks: str
    group: str


_FIRST_SECOND = int(datetime(2008, 1, 1, tzinfo=UTC).timestamp())
_LAST_SECOND = int(datetime(2040, 1, 1, tzinfo=UTC).timestamp())
CREATED = Axis("created", _FIRST_SECOND, _LAST_SECOND, is_time=True)
PUSHED = Axis("pushed", _FIRST_SECOND, _LAST_SECOND, is_time=True)
STARS = Axis("stars", 0, 1 << 20)
SIZE = Axis("size", 0, 384 * 1024 - 1)  # code search knows no larger files
# The folders that most skills lie in, then words that about half of all SKILL.md have and half have not.
PATHS = tuple(Term(f"path:{folder}", f"-path:{folder}", "path") for folder in ("skills", ".claude", "plugins"))
WORDS = tuple(Term(word, f"NOT {word}", word) for word in ("python", "json", "error", "request", "report", "install"))


class Slice(Record):
    """A part of a search.

    Attributes:
        spans: First and last value of each axis that it is cut along, in the plan's order.
        terms: Conditions that it is cut by.
        next_term: Which of the plan's terms would cut it next.
        owners: Only what these own; empty for all.
        shortfall: Number of the shortfall that its results make good, if any.
        again: Whether it is read for the second time, because the first answer was incomplete.
        incomplete_cuts: How often it was cut because of that.
    """

    spans: tuple[tuple[int, int], ...] = ()
    terms: tuple[str, ...] = ()
    next_term: int = 0
    owners: tuple[str, ...] = ()
    shortfall: int | None = None
    again: bool = False
    incomplete_cuts: int = 0

    def changed(self, **values: Any) -> Slice:
        """Give a slice like this one, but for these attributes."""
        return self.model_copy(update=values)


class Plan:
    """What a search may be cut by.

    Args:
        base: The query itself. Axes whose qualifier it has already are left out.
        axes: Cut along these, one after the other, each down to a single value.
        terms: Then by these.
        by_owner: Then by the owners of what was seen.
    """

    def __init__(self, base: str, axes: Sequence[Axis], terms: Sequence[Term] = (), *, by_owner: bool = False) -> None:
        self._base = base
        self._axes = [axis for axis in axes if f"{axis.qualifier}:" not in base]
        self._terms = terms
        self._by_owner = by_owner and "user:" not in base and "repo:" not in base
        self._negations = sum(_is_negation(word) for word in base.split())

    @property
    def fingerprint(self) -> str:
        """What it cuts by, in short: slices mean something only to a plan that has the same."""
        text = repr((self._base, self._axes, tuple(self._terms)))
        return hashlib.blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()

    @classmethod
    def for_repositories(cls, query: str) -> Plan:
        """Plan a search for repositories. What changes while it runs moves up, so the lower part comes first."""
        return cls(query, (CREATED, PUSHED, STARS))

    @classmethod
    def for_code(cls, query: str) -> Plan:
        """Plan a search for code."""
        return cls(query, (SIZE,), (*PATHS, *WORDS), by_owner=True)

    def query(self, part: Slice) -> str:
        """Write the query of a slice."""
        spans = (axis.text(*span) for axis, span in zip(self._axes, part.spans, strict=False))
        return " ".join([self._base, *spans, *part.terms, *(f"user:{owner}" for owner in part.owners)])

    def cut(self, part: Slice, pieces: int) -> list[Slice]:
        """Cut a slice into slices that hold the same together; none where it cannot be cut.

        Args:
            part: What to cut.
            pieces: Into how many at most, where it is cut along an axis.
        """
        fresh = part.changed(again=False)
        if part.owners:
            return [fresh.changed(owners=half) for half in _halves(part.owners)]
        return self._cut_span(fresh, pieces) or self._cut_by_term(fresh)

    def packs(self, owners: Mapping[str, int], claimed: int) -> list[tuple[str, ...]]:
        """Group the owners of what was seen so that each group fits a query and likely has no more than 1,000.

        Args:
            owners: How many results of each were seen.
            claimed: How many results there are in all.
        """
        if not self._by_owner or len(owners) < 2:
            return []
        share = claimed / sum(owners.values())
        frequent = sorted(owners, key=lambda owner: (-owners[owner], owner))[:MAX_OWNERS]
        return list(_packed([(owner, owners[owner] * share) for owner in frequent]))

    def _cut_span(self, part: Slice, pieces: int) -> list[Slice]:
        spans = part.spans
        for number in range(max(0, len(spans) - 1), len(self._axes)):
            axis = self._axes[number]
            first, last = spans[number] if number < len(spans) else (axis.low, axis.high)
            if first < last:
                kept = spans[:number]
                return [part.changed(spans=(*kept, span)) for span in _spans(first, last, pieces)]
        return []

    def _cut_by_term(self, part: Slice) -> list[Slice]:
        negations = self._negations + sum(_is_negation(term.split()[0]) for term in part.terms)
        if part.next_term >= len(self._terms) or negations >= MAX_NEGATIONS:
            return []
        term = self._terms[part.next_term]
        others = range(part.next_term + 1, len(self._terms))
        after = next((number for number in others if self._terms[number].group != term.group), len(self._terms))
        return [
            part.changed(terms=(*part.terms, term.has), next_term=after),
            part.changed(terms=(*part.terms, term.lacks), next_term=part.next_term + 1),
        ]


def _spans(first: int, last: int, pieces: int) -> Iterator[tuple[int, int]]:
    """Cut a span into about equal ones."""
    count = last - first + 1
    pieces = min(pieces, count)
    starts = [first + count * number // pieces for number in range(pieces)]
    yield from zip(starts, [*(start - 1 for start in starts[1:]), last], strict=True)


def _halves(owners: tuple[str, ...]) -> list[tuple[str, ...]]:
    middle = len(owners) // 2
    return [owners[:middle], owners[middle:]] if middle else []


def _packed(owners: Sequence[tuple[str, float]]) -> Iterator[tuple[str, ...]]:
    pack: list[str] = []
    results, length = 0.0, 0
    for owner, expected in owners:
        needed = len(f" user:{owner}")
        if pack and (results + expected > AIM or length + needed > MAX_OWNERS_LENGTH):
            yield tuple(pack)
            pack, results, length = [], 0.0, 0
        pack.append(owner)
        results, length = results + expected, length + needed
    if pack:
        yield tuple(pack)


def _is_negation(word: str) -> bool:
    return word in {"AND", "OR", "NOT"} or (word.startswith("-") and ":" in word)
