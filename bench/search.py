"""How well and how fast search answers: the API's index and the browser's beside other engines, on the same skills.

1. Relevance on the judged queries of `tests/relevance`, over the skills of the real repositories (the folder named in
   SKILLREGISTRY_TEST_CORPUS, or ../shared/corpus): PostgreSQL's and SQLite's full-text search, with our weights and
   either all words or, where nothing has them, any; plain substrings; DuckDB's full-text search, where its extension
   is installed; and Pagefind, where PAGEFIND names its program.
2. Speed of one thread over the same queries and of a hostile set, and what the browser reads.
   `SKILLREGISTRY_TEST_BENCH_SNAPSHOT=FOLDER` takes the speed on that snapshot, of any size, instead.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from figures import Figure, main  # noqa: E402
from pagefind import ask_index, find_pagefind, make_index  # noqa: E402
from searchpeers import peers, skill_rows  # noqa: E402
from tests.relevance import Judged, corpus_skills, judge_all, score  # noqa: E402
from tests.relevance.answers import api_answers, browser_answers, write_browser_index  # noqa: E402
from tests.relevance.judgements import answer_key  # noqa: E402
from tests.snapshots import make_snapshot  # noqa: E402

from skilldata.search import Query, SearchIndex, build_search_index  # noqa: E402
from skilldata.snapshot import SEARCH, Snapshot  # noqa: E402

SNAPSHOT_VARIABLE = "SKILLREGISTRY_TEST_BENCH_SNAPSHOT"
QUICK = 60  # queries
SLOW = 60  # queries that the other engines are timed on
HOSTILE = (
    "a" * 200,
    "the of and to in is it " * 8,
    "data code file use test api agent skill run error user build",
    "表" * 200,
    " ".join(f"kuber{letter}etes" for letter in "abcdefghijklmnop"),
    "e i o u a s t",
    "* OR ( ) \" ' \\ : ^ ~ -",
)

Ask = Callable[[str], list[str]]


def measure(quick: bool) -> list[Figure]:
    """Run both parts."""
    folder = Path(os.environ.get("SKILLREGISTRY_TEST_CORPUS", ROOT.parent / "shared" / "corpus"))
    skills = corpus_skills(folder)
    if not skills:
        raise SystemExit(f"no real repositories in {folder}; name their folder in SKILLREGISTRY_TEST_CORPUS")
    judged = judge_all(skills)
    judged = judged[:: len(judged) // QUICK] if quick else judged
    keys = {f"{one.repository.owner}/{one.repository.name}/{one.slug}": answer_key(one) for one in skills}
    with tempfile.TemporaryDirectory() as scratch:
        made = make_snapshot(Path(scratch) / "snapshot", skills)
        with Snapshot(made) as snapshot:
            build_search_index(snapshot, made / SEARCH)
        files = write_browser_index(made / SEARCH, Path(scratch) / "browser")
        figures = _relevance(made, files, judged, keys, Path(scratch))
        if named := os.environ.get(SNAPSHOT_VARIABLE):
            made = Path(named)
            files = write_browser_index(made / SEARCH, Path(scratch) / "files")
        return [*figures, *_speed(made, files, [one.text for one in judged], Path(scratch))]


def _relevance(made: Path, files: Path, judged: Sequence[Judged], keys: dict[str, str], scratch: Path) -> list[Figure]:
    texts = [one.text for one in judged]
    found = browser_answers(files, texts)
    answers = {"API": api_answers(SearchIndex(made / SEARCH), texts), "browser": [one.addresses for one in found]}
    with peers(made, scratch / "peers") as asks:
        answers.update((name, [ask(text) for text in texts]) for name, ask in asks.items())
    figures = [Figure("judged queries", len(judged), "queries")]
    if program := find_pagefind():
        make_index(program, skill_rows(made), scratch / "pagefind")
        asked = ask_index(scratch / "pagefind", texts)
        answers["Pagefind"] = [one.addresses for one in asked]
        figures += [
            Figure("Pagefind: first query, requests, median", median(one.requests for one in asked), "requests"),
            Figure("Pagefind: first query, median", median(one.bytes for one in asked) / 1024, "KiB"),
        ]
    else:
        print("without Pagefind: set PAGEFIND to its program", file=sys.stderr)
    answers["browser, first view"] = [one.addresses[: one.shown] for one in found]
    scores = {name: score(judged, [[keys[one] for one in hits] for hits in ways]) for name, ways in answers.items()}
    for name, one in scores.items():
        figures += [
            Figure(f"{name}: nDCG@10", one.ndcg, ""),
            Figure(f"… success@1, {name}", one.first, ""),
            Figure(f"… success@10, {name}", one.within, ""),
        ]
    best = max(one.ndcg for name, one in scores.items() if name not in ("API", "browser", "browser, first view"))
    figures += [
        Figure("the best other one beside the API, nDCG@10", best / scores["API"].ndcg, "ratio", 1),
        Figure("the best other one beside the browser, nDCG@10", best / scores["browser"].ndcg, "ratio", 1),
        Figure("API and browser differ, nDCG@10", abs(scores["API"].ndcg - scores["browser"].ndcg), "", 0.02),
    ]
    return figures


def _speed(folder: Path, files: Path, texts: Sequence[str], scratch: Path) -> list[Figure]:
    before, started = _memory(), time.monotonic()
    index = SearchIndex(folder / SEARCH)
    index.search(Query("pdf"))
    opened = time.monotonic() - started
    times = [_seconds(lambda text: [str(index.search(Query(text)).total)], text) for text in texts]
    worst = max(_seconds(lambda text: [str(index.search(Query(text)).total)], text) for text in HOSTILE)
    bar = 15 if len(index) <= 100_000 else 20
    figures = [
        Figure(f"API, {len(index):,} skills: opened and first query", opened * 1000, "ms"),
        Figure("… memory more after all queries", _memory() - before, "MiB"),
        Figure("… CPU a query with facets, median", median(times) * 1000, "ms"),
        Figure("… 99th of 100", quantiles(times, n=100)[98] * 1000, "ms", bar),
        Figure("… queries a CPU second", len(times) / sum(times), "queries/s"),
        Figure("… slowest hostile query", worst * 1000, "ms", 200),
    ]
    with peers(folder, scratch / "timed") as asks:
        for name, ask in asks.items():
            taken = [_elapsed(ask, text) for text in texts[:: max(1, len(texts) // SLOW)]]
            figures.append(Figure(f"{name}: a query, median", median(taken) * 1000, "ms"))
            figures.append(Figure(f"… slowest, {name}", max(taken) * 1000, "ms"))
    found = browser_answers(files, texts)
    return [
        *figures,
        Figure("browser: size of all files", sum(one.stat().st_size for one in files.iterdir()) / 2**20, "MiB"),
        Figure("browser: files", sum(1 for _ in files.iterdir()), "files"),
        Figure("browser: first query, requests, median", median(one.requests for one in found), "requests"),
        Figure("… requests, most", max(one.requests for one in found), "requests", 6),
        Figure("browser: first query, median", median(one.bytes for one in found) / 1024, "KiB"),
        Figure("… 99th of 100", quantiles((one.bytes for one in found), n=100)[98] / 1024, "KiB"),
        Figure("… bytes, most", max(one.bytes for one in found) / 1024, "KiB", 64),
        Figure("browser: rows of the first view, median", median(one.shown for one in found), "rows"),
        Figure("browser: next query, most", max(one.next_bytes for one in found) / 1024, "KiB", 64),
    ]


def _seconds(ask: Ask, text: str) -> float:
    started = time.process_time()
    ask(text)
    return time.process_time() - started


def _elapsed(ask: Ask, text: str) -> float:
    started = time.perf_counter()
    ask(text)
    return time.perf_counter() - started


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(__doc__ or "", measure)
