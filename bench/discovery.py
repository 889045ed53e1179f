"""How a million SKILL.md files are found through a code search that gives 1,000 results of a query.

Two worlds are simulated in memory, from the sizes, words and folders of real SKILL.md files. They are measured
in the real repositories where a folder of them is named in SKILLREGISTRY_TEST_CORPUS or lies at
../shared/corpus, and otherwise read from `discovery.json`. Files are drawn from the measured ones with
replacement:

    clumped   each has the size of its original, so that a size which seven measured files have is the size
              of two thousand: the hardest case
    spread    only copies have; the others lie anywhere between the next smaller and the next larger original
              (left out of the quick size)

The search follows GitHub's rules (see `codesearch`) and is first held against the local GitHub's own, over
HTTP, on a small world. Every slice that was not read to its end is a figure of its own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from codesearch import (  # noqa: E402
    BASE,
    WORD_NAMES,
    Engine,
    Measures,
    Query,
    World,
    clumped,
    make_world,
    measures,
    spread,
)
from figures import Figure, main  # noqa: E402
from tests.standin import StandIn  # noqa: E402

from skillcrawler.discovery.partition import PER_PAGE, PartitionedSearch, SearchState  # noqa: E402
from skillcrawler.discovery.slices import Plan  # noqa: E402
from skillcrawler.github import GitHub  # noqa: E402
from skilldata.config import GitHubSettings  # noqa: E402

FILES = 1_000_000
INCOMPLETE = 0.02  # share of answers that say they are
SEED = 1
REQUESTS_PER_HOUR = 600  # GitHub's limit of code searches for one token is 10 a minute
SMALL_WORLD = 1500  # files
STATE_SAMPLE = 50  # requests between two looks at the size of the saved state


def measure(quick: bool) -> list[Figure]:
    """Compare the searches, then find all files of each world."""
    found = measures()
    figures = [Figure(f"measured: SKILL.md files, {found.origin}", len(found.files), "files"), *compare(found)]
    for name, make in (("clumped", clumped), *(() if quick else (("spread", spread),))):
        figures += run(name, make(found, FILES, SEED))
    return figures


def compare(found: Measures) -> list[Figure]:
    """Read a small world to its end twice, simulated and over HTTP; they are to differ in nothing."""
    # More files of one size than GitHub gives, so that folders, words and owners are asked for too.
    world = make_world(found, SMALL_WORLD, SEED, lambda number, _: 600 if number % 5 else found.files[number].size)
    ours = walk(Engine(world, 0, SEED, ranked=False).search, lambda hit: hit.file)
    numbers = {(world.repositories[world.repository_of[file]], world.path(file)): file for file in range(len(world))}
    with served(world) as github:
        theirs = walk(
            github.search_code, lambda hit: numbers[f"{hit.repository.owner}/{hit.repository.name}", hit.path]
        )
    queries = ours.totals.keys() | theirs.totals.keys()
    return [
        Figure("small world: queries of the local GitHub", len(theirs.totals), "queries"),
        Figure("small world: requests over HTTP", theirs.state.requests, "requests"),
        Figure(
            "small world: requests that the simulation saves", abs(theirs.state.requests - ours.state.requests), "", 0
        ),
        Figure(
            "small world: queries with another total",
            sum(ours.totals.get(one) != theirs.totals.get(one) for one in queries),
            "queries",
            0,
        ),
        Figure("small world: files found by one of them only", len(ours.files ^ theirs.files), "files", 0),
        Figure("small world: reports that differ", float(ours.state.missed() != theirs.state.missed()), "", 0),
    ]


def run(name: str, world: World) -> list[Figure]:
    """Find all files of a world, as a code source does."""
    begun = time.perf_counter()
    engine = Engine(world, INCOMPLETE, SEED)
    walked = walk(engine.search, lambda hit: hit.file)
    seconds = time.perf_counter() - begun
    state, reported = walked.state, walked.state.missed()
    missed = [file for file in range(len(world)) if file not in walked.files]
    queries = [Query(one.query, world) for one in reported]
    elsewhere = sum(not any(query.fits(world, file) for query in queries) for file in missed)
    known = {world.repository_of[file] for file in walked.files}
    unknown = {world.repository_of[file] for file in missed} - known
    return [
        Figure(f"{name}: files", len(world), "files"),
        Figure(f"{name}: repositories", len(world.repositories), "repositories"),
        Figure(f"{name}: requests, at least {-(-len(world) // PER_PAGE):,}", state.requests, "requests"),
        Figure(f"{name}: with one token", state.requests / REQUESTS_PER_HOUR, "hours"),
        Figure(f"{name}: incomplete answers", engine.incomplete_answers, "answers"),
        Figure(f"{name}: claimed", state.claimed, "files"),
        Figure(f"{name}: seen", state.seen, "files"),
        Figure(f"{name}: missed", len(missed), "files"),
        Figure(f"{name}: missed in no reported slice", elsewhere, "files", 0),
        Figure(f"{name}: repositories missed", len(unknown), "repositories"),
        Figure(f"{name}: slices read", state.slices, "slices"),
        Figure(f"{name}: largest saved state", walked.state_bytes, "bytes"),
        Figure(f"{name}: seconds here", seconds, "s"),
        Figure(f"{name}: slices not read to their end", len(reported), "slices"),
        *(Figure(f"{name}: seen of {one.claimed:,} ({one.reason})", one.seen, one.query) for one in reported),
    ]


class Walked(NamedTuple):
    """A search that was read to its end: totals by query, files, the last state, and the largest in bytes."""

    totals: dict[str, int]
    files: set[int]
    state: SearchState
    state_bytes: int


def walk(search: Callable[[str, int], Any], number: Callable[[Any], int]) -> Walked:
    """Read a search to its end; `number` tells which file a hit is."""
    totals: dict[str, int] = {}

    def asked(query: str, page: int) -> Any:
        answer = search(query, page)
        totals[query] = answer.total
        return answer

    state, size = SearchState(), 0
    files: set[int] = set()
    partitioned: PartitionedSearch[Any] = PartitionedSearch(Plan.for_code(BASE), state, asked)
    while not state.done:
        files.update(number(hit) for hit in partitioned.advance())
        if state.requests % STATE_SAMPLE == 0:
            size = max(size, len(state.model_dump_json()))
    return Walked(totals, files, state, size)


@contextmanager
def served(world: World) -> Iterator[GitHub]:
    """Serve a world from the local GitHub, for as long as the block lasts."""
    files: dict[str, dict[str, str | bytes]] = {name: {} for name in world.repositories}
    for file in range(len(world)):
        files[world.repositories[world.repository_of[file]]][world.path(file)] = _content(world, file)
    with StandIn() as standin:
        standin.set_limit("code_search", 1_000_000, 0, 60)
        standin.set_secondary_limits(None, None, None)
        for name, content in files.items():
            standin.add_repository(name, content)
        with GitHub(GitHubSettings.model_validate({"api_url": standin.url, "token": standin.token})) as github:
            yield github


def _content(world: World, file: int) -> bytes:
    """Make a text of the file's size that has its words and no others."""
    words = [word for number, word in enumerate(WORD_NAMES) if world.words_of[file] >> number & 1]
    return " ".join(words).encode().ljust(world.size_of[file])


if __name__ == "__main__":
    main((__doc__ or "").splitlines()[0], measure)
