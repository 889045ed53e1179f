"""How fast the API answers beside bare routes, and that it goes on while snapshots are swapped and servers are away.

1. Requests of search, of a skill's document and of a package of 20 KiB, and of routes of Starlette that return the same
   bytes and do nothing else: the same uvicorn, one core, over loopback, in turns. The ratio is that of requests to each
   second of the servers' CPU, which other work on the machine does not change.
2. Snapshots swapped under that load, beside the same load without.
3. `skillregistry serve` on real services under load, while PostgreSQL, S3 and Temporal are stopped in turn.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

import psutil  # noqa: E402
from apiload import Answers, fetch, for_seconds, load  # noqa: E402
from apioutages import measure_outages  # noqa: E402
from figures import Figure, main  # noqa: E402
from tests.snapshots import (  # noqa: E402  # noqa: E402
    SampleRepository,
    SampleVersion,
    make_snapshot,
    packages,
    sample_skill,
    skill_text,
    synthetic_skills,
)
from tests.waiting import wait_until  # noqa: E402

from skilldata.search import build_search_index  # noqa: E402
from skilldata.snapshot import SEARCH, Snapshot  # noqa: E402

PACKAGE = "/api/v1/skills/bench/large/large/download"
PACKAGE_BYTES = 20 * 1024
WORDS = ("schema", "report", "number", "thing", "check", "input", "write", "skill", "run", "does")
MOST_SHARE = 1 / 0.7  # bare requests for each of ours
PAUSE_MS = 250
SWAP_SECONDS = 5.0  # from one to the next


class Served(NamedTuple):
    """A running server."""

    port: int
    process: psutil.Process

    def cpu(self) -> float:
        """Give the seconds of CPU that it has used."""
        used = self.process.cpu_times()
        return float(used.user + used.system)


def measure(quick: bool) -> list[Figure]:
    """Run all three parts."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        first, second = _snapshots(folder, 1000 if quick else 20_000)
        link = folder / "live"
        link.symlink_to(first)
        with _serving("api", link, folder / "packages") as ours:
            figures = _rates(ours, folder, skills=200 if quick else 1000, rounds=2 if quick else 8)
            figures += _swaps(ours, link, [second, first], count=2 if quick else 12)
        return [*figures, *measure_outages(folder, 2.0 if quick else 10.0)]


def _snapshots(folder: Path, count: int) -> tuple[Path, Path]:
    """Make two snapshots that differ in one skill, and their packages."""
    repository = SampleRepository("bench", "large")
    text = skill_text("large", "Brings much.", "Body.\n")
    # Random bytes do not shrink, so the zip is as large as they are.
    version = SampleVersion("0.0.1", text, {"data.bin": os.urandom(PACKAGE_BYTES)})
    large = sample_skill(repository, "large", "Brings much.", "Body.\n", versions=(version,))
    skills = [large, *synthetic_skills(count)]
    (folder / "packages").mkdir()
    for digest, data in packages([large]).items():
        (folder / "packages" / digest.removeprefix("sha256:")).write_bytes(data)
    made = []
    for name, chosen in (("first", skills), ("second", skills[:-1])):
        made.append(make_snapshot(folder / name, chosen))
        with Snapshot(made[-1]) as opened:
            build_search_index(opened, made[-1] / SEARCH)
    return made[0], made[1]


@contextmanager
def _serving(*arguments: str | Path) -> Iterator[Served]:
    command = [sys.executable, str(ROOT / "bench" / "apiserver.py"), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as made:
        try:
            assert made.stdout is not None
            port = int(made.stdout.readline().rpartition(":")[2])
            server = psutil.Process(made.pid)
            server.cpu_affinity([psutil.Process().cpu_affinity()[0]])
            wait_until(lambda: fetch(port, "/")[0], 60)
            yield Served(port, server)
        finally:
            made.terminate()


def _rates(ours: Served, folder: Path, *, skills: int, rounds: int) -> list[Figure]:
    documents = [_skill(number) for number in range(skills)]
    searches = [f"/api/v1/search?q={a}+{b}&limit=20" for a in WORDS for b in WORDS]
    kinds = {"search": searches, "metadata": documents, "package": [PACKAGE]}
    bodies = folder / "bodies"
    bodies.mkdir()
    for kind, paths in kinds.items():
        status, headers, body = fetch(ours.port, paths[0])
        if status != 200:
            raise SystemExit(f"{paths[0]}: {status} {body[:200]!r}")
        suffix = ".zip" if headers["content-type"] == "application/zip" else ".json"
        (bodies / f"{kind}{suffix}").write_bytes(body)
    figures = []
    with _serving("bare", bodies) as bare:
        for kind, paths in kinds.items():
            first = _cost(ours, paths, len(paths))  # each once, so that what is measured next is ready
            mine, theirs = _Cost(), _Cost()
            for _ in range(rounds):
                mine += _cost(ours, paths)
                theirs += _cost(bare, [f"/{kind}"])
            most = None if kind == "search" else MOST_SHARE
            size = (next(bodies.glob(f"{kind}.*"))).stat().st_size
            figures += [
                Figure(f"{kind}, {size:,} bytes: the API", mine.rate, "requests/CPU s"),
                Figure("… bare routes of Starlette", theirs.rate, "requests/CPU s"),
                Figure(f"… the API, of the bare routes: {mine.rate / theirs.rate:.2f}; the reverse",
                       theirs.rate / mine.rate, "ratio", most),
                Figure("… the API, by the clock", mine.by_clock, "requests/s"),
                Figure("… bare, by the clock", theirs.by_clock, "requests/s"),
            ]  # fmt: skip
            if len(paths) > 1:
                figures.append(Figure("… asked for the first time", first.rate, "requests/CPU s"))
    return figures


class _Cost(NamedTuple):
    requests: int = 0
    cpu: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: object) -> _Cost:
        if not isinstance(other, _Cost):
            return NotImplemented
        return _Cost(self.requests + other.requests, self.cpu + other.cpu, self.seconds + other.seconds)

    @property
    def rate(self) -> float:
        return self.requests / self.cpu

    @property
    def by_clock(self) -> float:
        return self.requests / self.seconds


def _cost(server: Served, paths: Sequence[str], count: int | None = None) -> _Cost:
    """Load a server for a second, or until about `count` answers."""
    before = server.cpu()
    answers = load(server.port, paths, for_seconds(1.0) if count is None else None, most=count)
    if answers.errors:
        raise SystemExit(f"{paths[0]} failed: {answers.statuses}, {answers.broken} broken")
    return _Cost(len(answers.seconds), server.cpu() - before, answers.took)


def _swaps(ours: Served, link: Path, folders: Sequence[Path], *, count: int) -> list[Figure]:
    paths = [_skill(number) for number in range(0, 900, 9)]
    paths += [f"/api/v1/search?q={word}" for word in WORDS]
    _cost(ours, paths, 3 * len(paths))  # ready, as what is asked for often is
    quiet = load(ours.port, paths, for_seconds(count * SWAP_SECONDS))
    ended, answers = threading.Event(), list[Answers]()
    reader = threading.Thread(target=lambda: answers.append(load(ours.port, paths, ended.is_set)))
    reader.start()
    for number in range(count):
        folder = folders[number % len(folders)]
        fresh = link.with_name("fresh")
        fresh.symlink_to(folder)
        fresh.replace(link)
        with Snapshot(folder) as snapshot:
            wanted = snapshot.info.id
        begun = time.monotonic()
        wait_until(lambda wanted=wanted: _live(ours.port) == wanted, 60)  # type: ignore[misc]
        time.sleep(max(0.0, SWAP_SECONDS - (time.monotonic() - begun)))
    ended.set()
    reader.join()
    under = answers[0]
    slowest, usual = max(under.seconds), max(quiet.seconds)
    return [
        Figure("snapshots swapped under load", count, "swaps"),
        Figure("… requests meanwhile", len(under.seconds), "requests"),
        Figure("… errors", under.errors, "errors", 0),
        Figure("… slowest request", slowest * 1000, "ms"),
        Figure("… slowest request of the same load without swaps", usual * 1000, "ms"),
        Figure("… slower because of swaps", max(0.0, slowest - usual) * 1000, "ms", PAUSE_MS),
        Figure("… 999th of 1,000 while swapped", quantiles(under.seconds, n=1000)[998] * 1000, "ms"),
        Figure("… 999th of 1,000 without", quantiles(quiet.seconds, n=1000)[998] * 1000, "ms"),
    ]


def _skill(number: int) -> str:
    """Give the address of one of the made-up skills."""
    return f"/api/v1/skills/owner-{number // 100:04}/repo-{number // 25:05}/skill-{number:06}"


def _live(port: int) -> str:
    return fetch(port, "/api/v1/status")[1].get("x-snapshot", "")


if __name__ == "__main__":
    main(__doc__ or "", measure)
