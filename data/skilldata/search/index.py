"""Searching an index."""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import astuple, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import tantivy

from skilldata.errors import SnapshotError
from skilldata.search.copies import ALONE, mark
from skilldata.search.fields import FACETS, open_index
from skilldata.search.highlights import Highlighter
from skilldata.search.model import (
    HIGHLIGHTED,
    MAX_DEPTH,
    MAX_LIMIT,
    MAX_TEXT,
    CursorError,
    FacetCount,
    Hit,
    Query,
    Results,
    Sort,
)
from skilldata.search.plan import Counter, Plan, Planner
from skilldata.search.ranking import FEW

FACET_VALUES = 20  # of each facet, the most frequent
_LATEST = 2**62  # seconds
_ORDER = {Sort.STARS: "by_stars", Sort.UPDATED: "by_updated"}


class SearchIndex:
    """The search index of one snapshot, opened for reading. Safe to share between threads.

    Args:
        folder: Where `build_search_index` wrote it.

    Raises:
        SnapshotError: There is no index in the folder, or it cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._schema, self._searcher = open_index(folder)
            self._counter = Counter(self._schema, self._searcher)
            self._counter.term("title", "")  # an older index has no such field
        except (ValueError, OSError) as error:
            raise SnapshotError(
                f"{folder} is not a search index: {error}", remedy="Run `skillregistry publish` to make a new snapshot."
            ) from None
        self._planner = Planner(self._schema, self._searcher)

    def __len__(self) -> int:
        """How many skills are in it."""
        return int(self._searcher.num_docs)

    def search(self, query: Query) -> Results:
        """Find skills.

        First those that have nearly all the words; where that finds hardly any, those with half of them, then
        those with similar words. A skill whose name or address is the text comes first, whatever its
        stars.

        Raises:
            CursorError: The cursor is not one of this search. No text and no filter raises anything.
        """
        query = replace(query, text=query.text[:MAX_TEXT], limit=min(max(query.limit, 1), MAX_LIMIT))
        offset = _offset(query)
        plan = self._planner.plan(query.text) if query.text.strip() else None
        stage, page = self._choose(plan, query, offset)
        highlighter = plan.highlighter() if plan else None
        hits = [self._hit(address, highlighter) for address in page.addresses]
        following = offset + len(hits)
        more = hits and following < min(page.total, MAX_DEPTH)
        return Results(
            total=page.total,
            hits=hits,
            facets=self._facets(next(itertools.islice(self._stages(plan, query, self._counter), stage, None))),
            next=_cursor(query, following) if more else None,
            did_you_mean=plan.did_you_mean if plan else None,
        )

    def _choose(self, plan: Plan | None, query: Query, offset: int) -> tuple[int, _Page]:
        """Take the strictest stage that finds enough, with the page of what it finds."""
        stages = enumerate(self._stages(plan, query, self._planner))
        chosen, first = next(stages)
        page = self._run(first, query, offset)
        while page.total < FEW and not (page.total and self._named(plan, query)):
            number, stage = next(stages, (0, None))
            if stage is None:
                break
            chosen, page = number, self._run(stage, query, offset)
        return chosen, page

    def _stages(self, plan: Plan | None, query: Query, planner: Planner) -> Iterator[tantivy.Query]:
        filters = self._filters(query)
        shown = self._must_be_one_of("fold", [ALONE, mark(query.filters)])
        if plan is None:
            yield _all([tantivy.Query.all_query(), shown, *filters])
            return
        for stage in plan.stages(planner):
            found = _all([_any([stage, plan.exact]), shown])
            yield _all([_any([found, plan.address]), *filters])

    def _filters(self, query: Query) -> list[tantivy.Query]:
        asked = {**query.filters, **query.shared_filters}
        filters = [self._must("filter", f"{name}={value}") for name, value in asked.items()]
        if query.updated_since is not None:
            since = int(query.updated_since.timestamp())
            newer = tantivy.Query.range_query(self._schema, "updated", tantivy.FieldType.Integer, since, _LATEST)
            filters.append(tantivy.Query.const_score_query(newer, 0.0))
        return filters

    def _named(self, plan: Plan | None, query: Query) -> bool:
        """Whether there is a skill of exactly that name or address: then nothing looser is meant."""
        names = _any([plan.exact, plan.address]) if plan else tantivy.Query.empty_query()
        return _page(self._searcher.search(_all([names, *self._filters(query)]), 1)).total > 0

    def _run(self, found: tantivy.Query, query: Query, offset: int) -> _Page:
        order = _ORDER.get(query.sort) or (None if query.text.strip() else _ORDER[Sort.STARS])
        limit = min(query.limit, MAX_DEPTH - offset)
        if order is None:
            return _page(self._searcher.search(found, limit, offset=offset, weight_by_field="prior"))
        ascending = tantivy.Order.Asc
        return _page(self._searcher.search(found, limit, offset=offset, order_by_field=order, order=ascending))

    def _hit(self, address: tantivy.DocAddress, highlighter: Highlighter | None) -> Hit:
        card = json.loads(self._searcher.doc(address)["card"][0])
        found = {name: highlighter.find(card[name]) for name in HIGHLIGHTED} if highlighter else {}
        return Hit(**card | {"updated_at": datetime.fromisoformat(card["updated_at"]), "highlights": found})

    def _facets(self, found: tantivy.Query) -> dict[str, list[FacetCount]]:
        counted = self._searcher.aggregate(
            found, {name: {"terms": {"field": name, "size": FACET_VALUES}} for name in FACETS}
        )
        return {name: _facet(counted[name]["buckets"]) for name in FACETS}

    def _must(self, field: str, value: str) -> tantivy.Query:
        return tantivy.Query.const_score_query(self._planner.term(field, value), 0.0)

    def _must_be_one_of(self, field: str, values: list[str]) -> tantivy.Query:
        return tantivy.Query.const_score_query(tantivy.Query.term_set_query(self._schema, field, values), 0.0)


class _Page(NamedTuple):
    total: int
    addresses: list[tantivy.DocAddress]


def _page(result: tantivy.SearchResult) -> _Page:
    # `count` is missing from tantivy's stubs.
    return _Page(int(result.count), [address for _, address in result.hits])  # type: ignore[attr-defined]


def _facet(buckets: list[dict[str, object]]) -> list[FacetCount]:
    counts = [FacetCount(str(bucket["key"]), int(str(bucket["doc_count"]))) for bucket in buckets]
    return sorted(counts, key=lambda one: (-one.count, one.value))


def _all(queries: list[tantivy.Query]) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, query) for query in queries])


def _any(queries: list[tantivy.Query | None]) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in queries if query is not None])


def _cursor(query: Query, offset: int) -> str:
    content = json.dumps([_fingerprint(query), offset], separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _offset(query: Query) -> int:
    """Read where a page starts. The page size may change between pages, the search may not."""
    if query.cursor is None:
        return 0
    offset: object = None
    try:
        padded = query.cursor + "=" * (-len(query.cursor) % 4)
        fingerprint, offset = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error):
        fingerprint = None
    if fingerprint == _fingerprint(query) and isinstance(offset, int) and 0 <= offset < MAX_DEPTH:
        return offset
    raise CursorError(
        f"cursor {query.cursor[:80]!r} does not belong to this search",
        remedy="Take `next` from the page before, with the same query, filters and sort; or leave the cursor out.",
    )


def _fingerprint(query: Query) -> str:
    asked = astuple(replace(query, cursor=None, limit=0))
    return hashlib.sha256(repr(asked).encode("utf-8", "backslashreplace")).hexdigest()[:12]
