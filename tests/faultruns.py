"""Crawls that go wrong on purpose, each held against the undisturbed one; for tests and `bench/faults.py`.

A run crawls a small world into a registry of its own while its fault is in force. The index is compared by
natural keys, the object store by the names of its packages, and the requests by the local GitHub's wire log.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from skillcli import crawls
from skillcli.services import EmbeddedServices
from skillcli.services.credentials import Credentials
from skillcli.services.postgres import Postgres
from skillcli.services.s3 import S3
from skillcli.services.server import Server
from skillcli.services.temporal import Temporal
from skillcli.site import build
from skillcrawler.github import GitHub
from skillcrawler.worker import connect, running_worker
from skillcrawler.workflows import CrawlRepository
from skilldata.objects import PACKAGES, WITHHELD
from skilldata.sources import parse_source
from tests.conftest import ROOT, Registry, new_registry
from tests.standin import Fault, StandIn, early
from tests.waiting import wait_until

COMMAND = Path(sys.executable).with_name("skillregistry")
SAMPLES = ROOT / "tests" / "standin" / "samples"
LARGE = "acme/large"
PIECE = 64 * 1024
PATIENCE = 300  # seconds
UNDER_WAY = 0.5  # seconds that a git command may take, on a busy machine, from its start to its request
AT_ONCE = 20  # crawls of one repository
AWAY = 2  # seconds that a server is stopped
SLOW = Fault(kind="git", method="POST", stall=0.3)  # so that there is a middle of the crawl
SERVERS: dict[str, Callable[[Path, Credentials], Server]] = {
    "PostgreSQL": lambda folder, credentials: Postgres(folder, credentials, _unheard),
    "S3": lambda folder, credentials: S3(folder, credentials, _unheard, bucket="skills"),
    "Temporal": lambda folder, credentials: Temporal(folder, credentials, _unheard),
}

# The index by natural keys: no number that depends on an order of work, and no time of the run.
INDEX = {
    "repository": "SELECT repository_id, owner, name, state, head_oid, crawled_oid, licence FROM repository",
    "skill": """
        SELECT repository_id, path, slug, skill.state, skill.level, tree_oid, label, content_digest
        FROM skill LEFT JOIN version ON version_id = current_version_id
    """,
    "version": """
        SELECT repository_id, path, ordinal, label, content_digest, revision, name, description, manifest::text, text,
               licence, redistributable
        FROM version JOIN skill USING (skill_id)
    """,
    "package": "SELECT content_digest, package_digest, size, unpacked_size, file_count FROM package",
    "file": "SELECT content_digest, path, mode, size, sha256 FROM file",
    "diagnostic": """
        SELECT repository_id, path, ordinal, rule, diagnostic.level, file, line, message, remedy
        FROM diagnostic JOIN skill USING (skill_id)
    """,
    "event": "SELECT kind, actor, repository_id, evidence::text FROM event",
}

State = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Case:
    """One kind of trouble: faults of the local GitHub, or what is done to a crawl by worker processes.

    `minutes` says that GitHub's answer makes the crawl wait for a minute or more.
    """

    name: str
    faults: tuple[Fault, ...] = ()
    act: Callable[[World, Registry], None] | None = None
    quick: bool = False
    minutes: bool = False


@dataclass(frozen=True)
class Result:
    """What came of a run: tables that differ, seconds, requests by kind, those before their time, and those of git
    that were under way when another was told to wait.
    """

    different: list[str]
    seconds: float
    requests: Counter[str]
    hit: int
    early: int
    under_way: int


class World:
    """The repositories, running services, and the state that an undisturbed crawl leaves."""

    def __init__(self, services: Path, github: StandIn, scratch: Path, names: Sequence[str]) -> None:
        self.services, self.github, self._scratch = services, github, scratch
        self.names = list(names)
        with self._registry() as registry:
            crawl(registry, self.names)
            self.expected = state(registry)

    def run(self, case: Case) -> Result:
        """Crawl everything while a fault is in force, or something else is done to it."""
        with self._registry() as registry:
            self.github.clear_faults()
            self.github.reset_wire_log()
            for fault in case.faults:
                self.github.inject(fault)
            started = time.monotonic()
            try:
                (case.act or _crawl_all)(self, registry)
            finally:
                self.github.clear_faults()
            seconds = time.monotonic() - started
            log, found = self.github.wire_log(), state(registry)
        requests = Counter(exchange.kind for exchange in log)
        hit, late = sum(bool(one.fault) for one in log), len(early(log, under_way=UNDER_WAY))
        return Result(self.different(found), seconds, requests, hit, late, len(early(log)) - late)

    def different(self, found: State) -> list[str]:
        """List the tables that are not as an undisturbed crawl leaves them."""
        return [name for name, rows in found.items() if rows != self.expected[name]]

    @contextmanager
    def _registry(self) -> Iterator[Registry]:
        with new_registry(self.services, self.github, self._scratch / uuid.uuid4().hex) as made:
            yield made


def make_world(services: Path, github: StandIn, scratch: Path) -> World:
    """Load the samples and a repository of many pieces, and crawl them undisturbed."""
    noise = random.Random(1)
    folders = {f"skills/s{n}/x.bin": noise.randbytes(PIECE) for n in range(5)}
    manifests = {f"skills/s{n}/SKILL.md": f"---\nname: s{n}\ndescription: Thing {n}.\n---\n" for n in range(5)}
    github.add_repository(LARGE, {**folders, **manifests})
    return World(services, github, scratch, [LARGE, *github.load_folder(SAMPLES)])


def index(registry: Registry) -> State:
    """Read the index by natural keys."""
    return {name: sorted(registry.rows(query), key=repr) for name, query in INDEX.items()}


def state(registry: Registry) -> State:
    """Read the index by natural keys, and the names of the stored packages."""
    return {
        **index(registry),
        "stored": sorted((key,) for prefix in (PACKAGES, WITHHELD) for key, _ in registry.objects.keys(prefix)),
    }


def crawl(registry: Registry, names: Sequence[str]) -> None:
    """Crawl repositories with a worker of this process."""
    request = crawls.request(registry.settings, [parse_source(name) for name in names], publish=False)
    workflow = f"crawl/{registry.settings.s3.bucket}"
    report = asyncio.run(crawls.run(registry.settings, request, workflow, wait=True))
    assert report is not None, "it was waited for"


# -- what is done to a crawl


def _unheard(_: str) -> None:
    """Take what a server has to say, and tell nobody."""


def restart(name: str) -> Callable[[World, Registry], None]:
    """Stop an embedded server in the middle of the crawl, and start it again."""

    def act(world: World, registry: Registry) -> None:
        directory = world.services / "services"
        credentials = Credentials.load(directory / "credentials.json")
        assert credentials is not None, "the services run"
        server = SERVERS[name](directory, credentials)
        with _worker(registry), _crawling(world, registry):
            server.stop()
            time.sleep(AWAY)
            EmbeddedServices(world.services).up()

    return act


def restart_github(world: World, registry: Registry) -> None:
    """Stop the local GitHub in the middle of the crawl, and start it again."""
    with _worker(registry), _crawling(world, registry):
        world.github.pause()
        time.sleep(AWAY)
        world.github.start()


def kill_one_of_two(world: World, registry: Registry) -> None:
    """Kill one of two workers while it fetches; its work is taken over once its heartbeats are missed."""
    with _worker(registry) as first, _worker(registry) as second, _crawling(world, registry):
        wait_until(lambda: _has_children(first.pid) or _has_children(second.pid))
        busy = first if _has_children(first.pid) else second
        os.killpg(busy.pid, signal.SIGKILL)


def crawl_at_once(world: World, registry: Registry) -> None:
    """Crawl one repository many times at the same time, and then everything."""
    node = next(one["node_id"] for one in world.github.repositories() if one["full_name"] == LARGE)
    with GitHub(registry.settings.github) as github:
        known = github.probe([node]).repositories
    registry.database.record_probe(known)
    asyncio.run(_many(registry, known[0].repository_id))
    _crawl_all(world, registry)


async def _many(registry: Registry, repository_id: int) -> None:
    """Run the workflows under ids of their own: under the usual one they would be one."""
    at_once = registry.settings.crawl.model_copy(update={"concurrency": AT_ONCE})
    settings, queue = registry.settings.model_copy(update={"crawl": at_once}), registry.settings.temporal.task_queue
    client = await connect(settings.temporal)
    async with running_worker(client, settings, build), asyncio.timeout(PATIENCE):
        runs = (
            client.execute_workflow(CrawlRepository.run, repository_id, id=f"{queue}/{number}", task_queue=queue)
            for number in range(AT_ONCE)
        )
        await asyncio.gather(*runs)


def _crawl_all(world: World, registry: Registry) -> None:
    crawl(registry, world.names)


@contextmanager
def _crawling(world: World, registry: Registry) -> Iterator[None]:
    """Run the block in the middle of a crawl by workers that run already, then wait for its end."""
    request = crawls.request(registry.settings, [parse_source(name) for name in world.names], publish=False)
    workflow = f"crawl/{registry.settings.s3.bucket}"
    asyncio.run(crawls.run(registry.settings, request, workflow, wait=False))
    wait_until(lambda: registry.database.counts()["versions"] > 0)
    whole = len(world.expected["version"])
    assert registry.database.counts()["versions"] < whole, "the crawl was over too soon"
    yield
    asyncio.run(_end_of(registry, workflow))


async def _end_of(registry: Registry, workflow: str) -> None:
    client = await connect(registry.settings.temporal)
    async with asyncio.timeout(PATIENCE):
        await client.get_workflow_handle(workflow).result()


@contextmanager
def _worker(registry: Registry) -> Iterator[subprocess.Popen[bytes]]:
    log = registry.settings.state_directory / "worker.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [COMMAND, "worker"], env={**os.environ, **registry.environment}, stderr=out, start_new_session=True
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _has_children(process: int) -> bool:
    """Say whether a process runs others, as git; see proc(5)."""
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread that has ended
            if path.read_text(encoding="ascii"):
                return True
    return False


CASES = (
    Case("30 % of answers are 502", (Fault(probability=0.3, seed=7, status=502),)),
    Case(
        "30 % of answers are 500, 503 or 504", tuple(Fault(probability=0.1, seed=n, status=n) for n in (500, 503, 504))
    ),
    Case(
        "429 with Retry-After, ten times over",
        (Fault(kind="graphql", status=429, retry_after=1, count=10),),
        quick=True,
    ),
    Case(
        "429 with Retry-After to every second request",
        (Fault(probability=0.5, seed=3, status=429, retry_after=2, count=12),),
    ),
    Case(
        "429 with an empty bucket and its reset",
        (Fault(status=429, remaining=0, reset_after=2, kind="graphql", count=3),),
    ),
    Case("429 without Retry-After", (Fault(kind="graphql", status=429, count=1),), minutes=True),
    Case(
        "GraphQL limit at status 200",
        (Fault(kind="graphql", graphql="RATE_LIMITED", reset_after=2, count=3),),
    ),
    Case("secondary limit with Retry-After", (Fault(kind="rest", status=403, retry_after=2, count=2),)),
    Case("secondary limit without Retry-After", (Fault(kind="graphql", status=403, count=1),), minutes=True),
    Case("slow drip, 20 KB/s", (Fault(drip=20_000),)),
    Case(
        "drip too slow to wait for, twice", (Fault(kind="git", method="POST", drip=200, skip=4, count=2),), minutes=True
    ),
    Case("streams cut at every 64 KiB", (Fault(kind="git", method="POST", creep=PIECE),), quick=True),
    Case("answers of GraphQL cut at every 2 KiB", (Fault(kind="graphql", creep=2 * 1024),)),
    Case("one wrong bit in each of five packs", (Fault(kind="git", method="POST", corrupt=True, count=5),), quick=True),
    Case("PostgreSQL restarts", (SLOW,), restart("PostgreSQL")),
    Case("S3 restarts", (SLOW,), restart("S3")),
    Case("Temporal restarts", (SLOW,), restart("Temporal")),
    Case("the local GitHub restarts", (SLOW,), restart_github),
    Case("one of two workers is killed", (replace(SLOW, stall=1.0),), kill_one_of_two),
    Case("20 crawls of one repository at once", (), crawl_at_once, quick=True),
)
