"""Reading a search past its first 1,000 results.

GitHub gives the first 1,000 results of a query and no more, in pages of 100 ("Search", GitHub REST API
documentation). So a query that claims more is cut into slices, and those again, until each claims few
enough to be read to its end:

    page 1 claims more than 1,000 -> cut it along an axis (`created:`, `size:` …) into slices of about 800
    else                          -> its other pages
    a single value, still 1,000   -> cut it along the next axis; then by terms (`path:`, a word), each with
                                     its opposite; then by the owners of what was seen
    incomplete_results            -> the page once more at once; the slice once more after all others; then
                                     cut it

What can be cut no further is read as far as it goes and reported with what GitHub claimed and what was
seen. All state is plain data, so that a search goes on where it stopped. Nothing here asks GitHub: the
search is given as a function.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

from skillcrawler.discovery.slices import AIM, Plan, Slice

CAP = 1000
PER_PAGE = 100
MAX_CUT = 16  # pieces
MAX_SHORTFALLS = 1000
# A slice whose parts stay incomplete as well is given up after as many cuts.
MAX_INCOMPLETE_CUTS = 3


class Hit(Protocol):
    """One result: `key` tells it from all others, `owner` is the login that it belongs to."""

    @property
    def key(self) -> str: ...  # noqa: D102 - described by its class
    @property
    def owner(self) -> str: ...  # noqa: D102


HitT = TypeVar("HitT", bound=Hit)
HitT_co = TypeVar("HitT_co", bound=Hit, covariant=True)


class Answer(Protocol[HitT_co]):
    """One page of results: how many there are in all, whether GitHub ran out of time, and the page's own."""

    @property
    def total(self) -> int: ...  # noqa: D102
    @property
    def incomplete(self) -> bool: ...  # noqa: D102
    @property
    def hits(self) -> Sequence[HitT_co]: ...  # noqa: D102


# Asks for one page, counted from 1, of a query; None where GitHub does not take the query.
Search = Callable[[str, int], Answer[HitT] | None]


class Shortfall(BaseModel):
    """A slice that was not read to its end: why (`cap`, `incomplete`, `refused`, `short`), claimed and seen."""

    query: str
    reason: str
    claimed: int
    seen: int


class Reading(BaseModel):
    """The slice that is being read: the next page, and what the pages so far gave.

    `repeated` says that this page was incomplete and is asked for again, `incomplete` that one stayed so.
    """

    part: Slice
    page: int = 1
    repeated: bool = False
    claimed: int = 0
    incomplete: bool = False
    seen: list[str] = []
    owners: dict[str, int] = {}

    def take(self, answer: Answer[Hit]) -> None:
        """Count what a page gave."""
        self.claimed = max(self.claimed, answer.total)
        self.incomplete = self.incomplete or (answer.incomplete and self.repeated)
        known = set(self.seen)
        for hit in answer.hits:
            key = hashlib.blake2b(hit.key.encode(errors="replace"), digest_size=6).hexdigest()
            if key not in known:
                known.add(key)
                self.seen.append(key)
                self.owners[hit.owner] = self.owners.get(hit.owner, 0) + 1


class SearchState(BaseModel):
    """How far a search has come. `claimed` and `seen` count the slices that were read, each result once.

    `plan` is the fingerprint of the plan that its slices belong to.
    """

    plan: str = ""
    todo: list[Slice] = [Slice()]
    later: list[Slice] = []
    reading: Reading | None = None
    shortfalls: list[Shortfall] = []
    requests: int = 0
    slices: int = 0
    claimed: int = 0
    complete: int = 0  # results of slices that were read to their end

    @property
    def done(self) -> bool:
        """Whether there is nothing left to ask."""
        return not (self.todo or self.later or self.reading)

    @property
    def seen(self) -> int:
        """Results that were read."""
        return self.complete + sum(one.seen for one in self.shortfalls)

    def missed(self) -> list[Shortfall]:
        """List the slices that may hold more than was seen."""
        return [one for one in self.shortfalls if one.seen < one.claimed or one.reason in {"incomplete", "refused"}]


class PartitionedSearch(Generic[HitT]):
    """A search that is read to its end, one request at a time.

    Args:
        plan: What it is cut by.
        state: Where it stands; changed in place, and valid whenever a request fails.
        search: Asks for a page.
    """

    def __init__(self, plan: Plan, state: SearchState, search: Search[HitT]) -> None:
        self._plan = plan
        self.state = state
        self._search = search

    def advance(self) -> Sequence[HitT]:
        """Ask for one page and give its results, of which some may have been given before.

        Raises:
            Exception: Whatever the search raises; the same page is asked for again next time.
        """
        if self.state.reading is None:
            self.state.reading = Reading(part=self._next())
        reading = self.state.reading
        answer = self._search(self._plan.query(reading.part), reading.page)
        self.state.requests += 1
        if answer is None:
            self._refuse(reading)
            return ()
        reading.take(answer)
        if reading.page == 1 and reading.claimed > CAP and self._cut(reading):
            self.state.reading = None
        elif answer.incomplete and not reading.repeated:
            reading.repeated = True
        elif reading.page * PER_PAGE < min(reading.claimed, CAP):
            reading.page, reading.repeated = reading.page + 1, False
        else:
            self._finish(reading)
        return answer.hits

    def _next(self) -> Slice:
        if not self.state.todo:
            self.state.todo, self.state.later = self.state.later[::-1], []
        return self.state.todo.pop()

    def _cut(self, reading: Reading, **changes: int) -> bool:
        """Put the pieces of a slice in its place; False where it cannot be cut."""
        pieces = min(MAX_CUT, max(2, -(-reading.claimed // AIM)))
        parts = self._plan.cut(reading.part, pieces)
        self.state.todo += [part.changed(**changes) for part in reversed(parts)]
        return bool(parts)

    def _finish(self, reading: Reading) -> None:
        self.state.reading = None
        if reading.incomplete:
            self._finish_incomplete(reading)
        elif reading.claimed > CAP:
            if not (self._cut(reading) or self._cut_by_owner(reading)):
                self._settle(reading, "cap")
        else:
            self._settle(reading, "short" if len(reading.seen) < reading.claimed else "")

    def _finish_incomplete(self, reading: Reading) -> None:
        part = reading.part
        if not part.again:
            self.state.later.append(part.changed(again=True))
            return
        cuts = part.incomplete_cuts + 1
        if cuts > MAX_INCOMPLETE_CUTS or not self._cut(reading, incomplete_cuts=cuts):
            self._settle(reading, "incomplete")

    def _cut_by_owner(self, reading: Reading) -> bool:
        """Ask for each owner's results by themselves. That finds no further owners, so it stays a shortfall."""
        packs = [] if reading.part.owners else self._plan.packs(reading.owners, reading.claimed)
        if not packs:
            return False
        packed = {owner for pack in packs for owner in pack}
        rest = sum(count for owner, count in reading.owners.items() if owner not in packed)
        part = reading.part.changed(again=False, shortfall=self._fall_short(reading, "cap", seen=rest))
        self.state.todo += [part.changed(owners=pack) for pack in reversed(packs)]
        return True

    def _refuse(self, reading: Reading) -> None:
        """GitHub refuses a query over one owner who is no longer there; the others are asked for without."""
        self.state.reading = None
        if not (len(reading.part.owners) > 1 and self._cut(reading)):
            self._settle(reading, "refused")

    def _settle(self, reading: Reading, reason: str) -> None:
        """Count a slice of which no more will be read."""
        self.state.slices += 1
        number = reading.part.shortfall
        if number is not None:
            self.state.shortfalls[number].seen += len(reading.seen)
        elif reason:
            self._fall_short(reading, reason, seen=len(reading.seen))
        else:
            self.state.claimed += reading.claimed
            self.state.complete += len(reading.seen)

    def _fall_short(self, reading: Reading, reason: str, *, seen: int) -> int:
        """Note a slice that cannot be read to its end; give its number."""
        found = self.state.shortfalls
        self.state.claimed += reading.claimed
        if len(found) < MAX_SHORTFALLS:
            found.append(
                Shortfall(query=self._plan.query(reading.part), reason=reason, claimed=reading.claimed, seen=seen)
            )
        else:
            found[-1].query = "further slices"
            found[-1].claimed += reading.claimed
            found[-1].seen += seen
        return len(found) - 1
