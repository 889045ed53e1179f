"""Searches past GitHub's 1,000 results, against a search that follows its rules in memory."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillcrawler.discovery.partition import (
    CAP,
    MAX_SHORTFALLS,
    PER_PAGE,
    PartitionedSearch,
    SearchState,
)
from skillcrawler.discovery.slices import Plan
from tests.standin.search_query import Qualifier, number_matches, parse, time_matches

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Thing:
    """A repository or a file, as far as searches look at it."""

    key: str
    owner: str = "acme"
    created: datetime = EPOCH
    pushed: datetime = EPOCH
    stars: int = 0
    size: int = 0
    folder: str = ""
    words: frozenset[str] = frozenset()


class Page(NamedTuple):
    total: int
    incomplete: bool
    hits: list[Thing]


@dataclass
class Engine:
    """Answers queries as GitHub does; parses them with the local GitHub's own parser."""

    things: Sequence[Thing]
    is_incomplete: Callable[[str, int], bool] = lambda query, page: False
    refused_owners: frozenset[str] = frozenset()
    asked: list[tuple[str, int]] = field(default_factory=list)
    answers: dict[str, list[Thing] | None] = field(default_factory=dict)

    def search(self, query: str, page: int) -> Page | None:
        self.asked.append((query, page))
        assert (page - 1) * PER_PAGE < CAP
        if query not in self.answers:
            self.answers[query] = self._find(query)
        found = self.answers[query]
        if found is None:
            return None
        incomplete = self.is_incomplete(query, page)
        if incomplete:
            found = found[: len(found) // 2]
        return Page(len(found), incomplete, found[:CAP][(page - 1) * PER_PAGE : page * PER_PAGE])

    def _find(self, query: str) -> list[Thing] | None:
        parsed = parse(query)
        owners = {one.value for one in parsed.qualifiers if one.key == "user"}
        if owners & self.refused_owners:
            return None
        words = [word for word in parsed.words if word != "skill"]
        return [
            thing
            for thing in self.things
            if (not owners or thing.owner in owners)
            and thing.words.issuperset(words)
            and thing.words.isdisjoint(parsed.refused_words)
            and all(_fits(thing, one) is not one.negated for one in parsed.qualifiers if one.key != "user")
        ]


def _fits(thing: Thing, qualifier: Qualifier) -> bool:
    match qualifier.key:
        case "created" | "pushed":
            return time_matches(getattr(thing, qualifier.key), qualifier.value)
        case "stars" | "size":
            return number_matches(getattr(thing, qualifier.key), qualifier.value)
        case "path":
            return f"{thing.folder}/".startswith(f"{qualifier.value}/")
        case _:
            raise AssertionError(f"the search has no {qualifier.key}")


def run(engine: Engine, plan: Plan, state: SearchState | None = None) -> tuple[set[str], SearchState]:
    """Read a search to its end; give what was found and how it ended."""
    search = PartitionedSearch(plan, state or SearchState(), engine.search)
    found: set[str] = set()
    while not search.state.done:
        found.update(thing.key for thing in search.advance())
    return found, search.state


def repositories(times: Iterable[tuple[int, int, int]]) -> list[Thing]:
    return [
        Thing(str(n), created=EPOCH + timedelta(seconds=created), pushed=EPOCH + timedelta(seconds=pushed), stars=stars)
        for n, (created, pushed, stars) in enumerate(times)
    ]


def files(count: int, **about: object) -> list[Thing]:
    return [Thing(f"{about}-{n}", **about) for n in range(count)]  # type: ignore[arg-type]


@settings(max_examples=10, deadline=None)
@given(spread=st.integers(1, 3), count=st.integers(0, 3000), seed=st.integers(0, 99))
def test_every_repository_is_found_however_they_cluster(spread: int, count: int, seed: int) -> None:
    chance = random.Random(seed)
    # Many in the same second, told apart by the next axis or the one after it.
    things = repositories(
        (chance.randrange(10**spread), chance.randrange(40), chance.randrange(40)) for _ in range(count)
    )
    found, state = run(Engine(things), Plan.for_repositories("skill"))
    assert found == {thing.key for thing in things}
    assert (state.claimed, state.seen, state.missed()) == (count, count, [])


def test_few_results_take_no_more_requests_than_pages() -> None:
    engine = Engine(repositories((n, n, 0) for n in range(950)))
    run(engine, Plan.for_repositories("skill"))
    assert engine.asked == [("skill", page) for page in range(1, 11)]


def test_cuts_are_few_and_pages_full() -> None:
    chance = random.Random(3)
    engine = Engine(repositories((chance.randrange(10**8), 0, 0) for _ in range(12_000)))
    _, state = run(engine, Plan.for_repositories("skill"))
    assert state.requests == len(engine.asked) < 1.4 * 12_000 / PER_PAGE


def test_what_cannot_be_cut_is_reported_with_claimed_and_seen() -> None:
    things = [
        *repositories([(5, 5, 5)] * 1500),
        *(Thing(f"x{n}", created=EPOCH + timedelta(days=n)) for n in range(700)),
    ]
    found, state = run(Engine(things), Plan.for_repositories("skill"))
    [short] = state.missed()
    assert (short.reason, short.claimed, short.seen) == ("cap", 1500, 1000)
    assert "created:2025-01-01T00:00:05Z..2025-01-01T00:00:05Z" in short.query
    assert (state.claimed, state.seen, len(found)) == (2200, 1700, 1700)


def test_a_search_goes_on_where_it_stopped() -> None:
    chance = random.Random(5)
    things = repositories((chance.randrange(9), chance.randrange(9), 0) for _ in range(4000))
    plan = Plan.for_repositories("skill")
    straight, broken = Engine(things), Engine(things)
    found, state = run(straight, plan)
    again: set[str] = set()
    saved = SearchState().model_dump_json()
    while not SearchState.model_validate_json(saved).done:
        search = PartitionedSearch(plan, SearchState.model_validate_json(saved), broken.search)
        again.update(thing.key for thing in search.advance())
        saved = search.state.model_dump_json()
    assert broken.asked == straight.asked
    assert (again, SearchState.model_validate_json(saved)) == (found, state)


def test_a_failed_request_is_asked_again_and_nothing_is_lost() -> None:
    things = repositories((n % 7, 0, 0) for n in range(3000))
    engine, chance = Engine(things), random.Random(1)

    def search(query: str, page: int) -> Page | None:
        if chance.random() < 0.3:
            raise TimeoutError
        return engine.search(query, page)

    state = SearchState()
    found: set[str] = set()
    walk = PartitionedSearch(Plan.for_repositories("skill"), state, search)
    while not state.done:
        try:
            found.update(thing.key for thing in walk.advance())
        except TimeoutError:
            continue
    assert len(found) == state.seen == 3000
    assert len(set(engine.asked)) == len(engine.asked)


@pytest.mark.parametrize("rate", [0.05, 0.7])
def test_incomplete_answers_are_asked_again(rate: float) -> None:
    chance = random.Random(11)
    things = repositories((chance.randrange(10**6), 0, 0) for _ in range(4000))
    engine = Engine(things, lambda query, page: chance.random() < rate)
    found, state = run(engine, Plan.for_repositories("skill"))
    reported = {thing.key for short in state.missed() for thing in engine.answers[short.query] or ()}
    missed = {thing.key for thing in things} - found
    assert missed <= reported
    assert bool(reported) == (rate > 0.1)


def test_an_incomplete_slice_comes_last_and_is_then_cut() -> None:
    things = repositories((n, 0, 0) for n in range(500))
    engine = Engine(things, lambda query, page: query == "skill")
    found, state = run(engine, Plan.for_repositories("skill"))
    assert len(found) == 500
    assert state.missed() == []
    # Half of what there is, in three pages; each at once again, and all of it once more.
    assert engine.asked[:12] == [("skill", page) for page in (1, 1, 2, 2, 3, 3)] * 2
    assert all("created:" in query for query, _ in engine.asked[12:])


def test_a_page_that_is_complete_at_the_second_try_costs_one_request() -> None:
    things = repositories((n, 0, 0) for n in range(950))
    tries: list[int] = []

    def fails_once(query: str, page: int) -> bool:
        tries.append(page)
        return page == 4 and tries.count(4) == 1

    found, state = run(Engine(things, fails_once), Plan.for_repositories("skill"))
    assert (len(found), state.requests, state.missed()) == (950, 11, [])


def test_what_stays_incomplete_is_reported_after_a_bounded_number_of_requests() -> None:
    engine = Engine(repositories((n, 0, 0) for n in range(100)), lambda query, page: True)
    _, state = run(engine, Plan.for_repositories("skill"))
    assert {one.reason for one in state.missed()} == {"incomplete"}
    assert state.requests < 100


def test_a_slice_that_gives_fewer_results_than_it_claims_is_reported() -> None:
    things = repositories((n, 0, 0) for n in range(50))

    def search(query: str, page: int) -> Page:
        return Page(53, False, list(things) if page == 1 else [])

    search_to_its_end = PartitionedSearch(Plan.for_repositories("skill"), SearchState(), search)
    search_to_its_end.advance()
    [short] = search_to_its_end.state.missed()
    assert (short.reason, short.claimed, short.seen) == ("short", 53, 50)


def test_qualifiers_of_the_source_are_not_given_twice() -> None:
    things = repositories((n, n, 0) for n in range(2500))
    engine = Engine(things)
    found, _ = run(engine, Plan.for_repositories("skill created:>2020-01-01"))
    assert len(found) == 2500
    assert max(query.count("created:") for query, _ in engine.asked) == 1


# -- code


def test_a_byte_size_with_too_many_files_is_cut_by_folder_and_word() -> None:
    things = [
        *files(1800, size=500, folder="skills/a", words=frozenset({"python"})),
        *files(900, size=500, folder="skills/a", words=frozenset({"python", "json"})),
        *files(700, size=500, folder="skills/a"),
        *files(600, size=500, folder=".claude/skills"),
        *files(900, size=500, folder="elsewhere"),
        *files(10, size=501),
    ]
    engine = Engine(things)
    found, state = run(engine, Plan.for_code("skill"))
    # 1,800 files of the same folder, words and owner are beyond any query.
    assert len(things) - len(found) == 800
    [short] = state.missed()
    assert (short.claimed, short.seen) == (1800, 1000)
    assert {"path:skills", "python"} <= set(short.query.split())
    for query, _ in engine.asked:
        assert len(query) <= 256
        assert sum(word == "NOT" or word.startswith("-") for word in query.split()) <= 5


def test_the_last_cut_is_by_the_owners_that_were_seen() -> None:
    things = [thing for n in range(30) for thing in files(60, size=7, folder="skills", owner=f"owner{n}")]
    chance = random.Random(2)
    chance.shuffle(things)
    engine = Engine(things)
    found, state = run(engine, Plan.for_code("skill"))
    assert len(found) == 1800
    assert (state.claimed, state.seen, state.missed()) == (1800, 1800, [])
    assert any(query.count("user:") > 1 for query, _ in engine.asked)


def test_owners_that_were_not_seen_leave_a_reported_gap() -> None:
    crowd = files(1000, size=7, folder="skills", owner="crowd")
    behind = files(200, size=7, folder="skills", owner="behind")
    few = files(100, size=7, folder="skills", owner="few")
    found, state = run(Engine([*few, *crowd, *behind]), Plan.for_code("skill"))
    [short] = state.missed()
    assert (short.claimed, short.seen) == (1300, 1100)
    assert len(found) == state.seen == 1100


def test_an_owner_who_left_spoils_only_their_own_query() -> None:
    things = [thing for n in range(30) for thing in files(60, size=7, folder="skills", owner=f"owner{n}")]
    random.Random(2).shuffle(things)
    found, state = run(Engine(things, refused_owners=frozenset({"owner3"})), Plan.for_code("skill"))
    missing = {thing.key for thing in things} - found
    assert missing <= {thing.key for thing in things if thing.owner == "owner3"}
    [short] = state.missed()
    assert short.claimed - short.seen == 60


def test_reports_are_bounded() -> None:
    state = SearchState()
    things = [thing for size in range(3) for thing in files(1001, size=size)]
    for _ in range(MAX_SHORTFALLS):
        state.todo += SearchState().todo[:1]
    search = PartitionedSearch(Plan("skill", ()), state, Engine(things).search)
    while not state.done:
        search.advance()
    assert len(state.shortfalls) == MAX_SHORTFALLS
    assert sum(one.claimed for one in state.shortfalls) == state.claimed == 3003 * (MAX_SHORTFALLS + 1)
