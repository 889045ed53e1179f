"""Faults while a crawl is under way: it ends in the index and the packages of an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count

from skillcli.services import EmbeddedServices
from tests.conftest import Registry
from tests.drills.drill import Done, Drill, Stage, kill
from tests.faultruns import CASES, COMMAND, SLOW, Case, World, _crawling
from tests.test_end_to_end import environment

SEED = 20_260
# Of one crawl; the full run crawls so often that there are 50, 21 and 6 in all.
KILLS = 5
RUNS = {"worker killed": 10, "PostgreSQL killed": 7, "Temporal killed": 2}


def kill_worker(points: int) -> Callable[[World, Registry], None]:
    """Kill the worker at seeded times while it crawls, others in each crawl, and start another each time."""
    seeds = count(SEED)

    def act(world: World, registry: Registry) -> None:
        chance = random.Random(next(seeds))
        with _worker(registry) as first, _crawling(world, registry):
            victim = first
            for _ in range(points):
                time.sleep(chance.uniform(0.05, 1.5))  # the point in time is what is drilled
                kill(victim)
                victim = _start(registry)
            registry.environment["DRILL_LAST"] = str(victim.pid)
        _end(registry)

    return act


def kill_service(name: str, times: int, away: float) -> Callable[[World, Registry], None]:
    """Kill a service with SIGKILL while a worker crawls, leave it away for so long, and start it again."""

    def act(world: World, registry: Registry) -> None:
        services = EmbeddedServices(world.services)
        with _worker(registry), _crawling(world, registry):
            for _ in range(times):
                number = services.status()[name].pid
                assert number is not None, f"{name} runs"
                os.killpg(os.getpgid(number), signal.SIGKILL)
                time.sleep(away)
                services.up()

    return act


def _of_case(case: Case, stage: Stage) -> Done:
    """Crawl once, and in the full run as often as it takes for the points that are wanted."""
    results = [stage.world.run(case) for _ in range(1 if stage.quick else RUNS.get(case.name, 1))]
    wrong = [f"{name} differs from an undisturbed crawl" for result in results for name in result.different]
    wrong += [f"{result.early} requests before the told time" for result in results if result.early]
    measured = {
        "crawls": len(results),
        "seconds": round(sum(result.seconds for result in results), 1),
        "requests": sum(result.requests.total() for result in results),
        "hit": sum(result.hit for result in results),
    }
    return Done("every table, the stored packages, times of requests", measured, wrong)


def _named(name: str, injected: str, *, short: bool = False) -> Drill:
    case = next(case for case in CASES if case.name == name)
    return Drill(name, injected, partial(_of_case, case), short)


def _own(name: str, injected: str, act: Callable[[World, Registry], None]) -> Drill:
    return Drill(name, injected, partial(_of_case, Case(name, (SLOW,), act)))


@contextmanager
def _worker(registry: Registry) -> Iterator[subprocess.Popen[bytes]]:
    made = _start(registry)
    try:
        yield made
    finally:
        kill(made)


def _start(registry: Registry) -> subprocess.Popen[bytes]:
    with (registry.settings.state_directory / "drill.log").open("ab") as log:
        return subprocess.Popen([COMMAND, "worker"], env=environment(registry), stderr=log, start_new_session=True)


def _end(registry: Registry) -> None:
    number = int(registry.environment.pop("DRILL_LAST"))
    os.killpg(number, signal.SIGKILL)
    os.waitpid(number, 0)


DRILLS = (
    _own("worker killed", "SIGKILL to the worker at 5 seeded times of each crawl", kill_worker(KILLS)),
    _own("PostgreSQL killed", "SIGKILL to PostgreSQL, 3 times in each crawl", kill_service("database", 3, 0.5)),
    _own("S3 away", "SIGKILL to the S3, which stays away for 20 s", kill_service("s3", 1, 20)),
    _own("Temporal killed", "SIGKILL to Temporal, 3 times in each crawl", kill_service("temporal", 3, 0.5)),
    _named("30 % of answers are 502", "GitHub answers 502 to three requests of ten"),
    _named("429 with Retry-After, ten times over", "GitHub tells to wait, ten times", short=True),
    _named("secondary limit with Retry-After", "GitHub's secondary limit, twice"),
    _named("drip too slow to wait for, twice", "git streams of 200 bytes a second"),
    _named("streams cut at every 64 KiB", "git streams end early, at every 64 KiB", short=True),
    _named("one wrong bit in each of five packs", "packs with one wrong bit", short=True),
    _named("20 crawls of one repository at once", "the same work, twenty times at once", short=True),
)
