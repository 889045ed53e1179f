"""The whole way through the real command, services, worker and Temporal, and what a killed worker leaves."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from skillcli import crawls
from skillcrawler import policies
from skillcrawler.schedules import IDS
from skillcrawler.worker import connect
from skilldata.config import load_settings
from skilldata.objects import WITHHELD
from skilldata.publish.order import ROOT as INDEX
from skilldata.publish.published import STATUS
from skilldata.snapshot import Snapshot
from skilldata.sources import parse_source
from skilldata.store import SnapshotStore
from skillsite.check import check_site
from tests.conftest import ROOT, Registry
from tests.faultruns import index
from tests.standin import StandIn
from tests.waiting import wait_until

COMMAND = Path(sys.executable).with_name("skillregistry")
SCHEDULES = ["crawl-due", "crawl-sources", "rescan-packages", "back-up-index", "maintain-index", "collect-garbage"]
SAMPLES = ROOT / "tests" / "standin" / "samples"
KILLS = 3


def run(registry: Registry, *arguments: str) -> Any:
    """Run a command with --json; give its data."""
    done = subprocess.run(
        [COMMAND, *arguments, "--json"],
        env=environment(registry),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["data"]


def environment(registry: Registry) -> dict[str, str]:
    return {**os.environ, **registry.environment}


@contextmanager
def worker(registry: Registry) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker process; it is told to stop at the end, and killed where it does not."""
    log = registry.settings.state_directory / "worker.log"
    with log.open("ab") as out:
        process = subprocess.Popen([COMMAND, "worker"], env=environment(registry), stderr=out, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def stored(registry: Registry) -> list[tuple[str, int]]:
    """Every object with its size, but for the status, which says when it was looked."""
    return sorted(one for one in registry.objects.keys("") if not one[0].startswith(f"{INDEX}{STATUS}"))


def test_samples_become_a_checked_site_and_stay_as_they_are(registry: Registry, github: StandIn) -> None:
    names = github.load_folder(SAMPLES)
    report = run(registry, "crawl", "--wait", *names)
    assert report["counters"]["failed"] == 0
    assert report["counters"]["skills_added"] == registry.database.counts()["skills"] > 10
    assert registry.database.counts()["refused"] > 2
    assert report["published"]["changed"]
    site = registry.settings.state_directory / "site" / "live"
    assert check_site(site) == []
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file()}
    puts, state = stored(registry), index(registry)

    again = run(registry, "crawl", "--wait", *names)
    assert again["published"] == {**report["published"], "changed": False, "pages": 0, "files_written": 0}
    assert set(stored(registry)) ^ set(puts) == set()
    assert index(registry) == state
    assert {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file()} == before


def test_a_snapshot_is_rolled_back_and_found_by_another_machine(registry: Registry, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": "---\nname: a\ndescription: One.\n---\nbody\n"})
    first = run(registry, "crawl", "--wait", "acme/tools")["published"]["snapshot"]
    github.push("acme/tools", {"b/SKILL.md": "---\nname: b\ndescription: Two.\n---\nbody\n"})
    second = run(registry, "crawl", "--wait", "acme/tools")["published"]["snapshot"]
    assert [row["live"] for row in run(registry, "snapshot", "list")] == [True, False]
    page = registry.settings.state_directory / "site" / "live" / "s" / "acme" / "tools" / "b.html"
    assert page.exists()
    assert run(registry, "snapshot", "rollback") == {"snapshot": first}
    assert not page.exists()
    elsewhere = SnapshotStore(registry.settings.state_directory / "elsewhere", registry.objects)
    with Snapshot(elsewhere.current()) as snapshot:
        assert snapshot.info.id == first != second
        assert [skill.slug for skill in snapshot.summaries()] == ["a"]


@pytest.mark.corpus
@pytest.mark.timeout(600)
def test_a_killed_worker_leaves_what_an_undisturbed_one_does(
    registry: Registry, other_registry: Registry, github: StandIn, corpus_directory: Path
) -> None:
    wanted = ("getsentry__skills", "posit-dev__skills", "expo__skills", "Jeffallan__claude-skills", "prisma__skills")
    names = [github.load_corpus_file(corpus_directory / f"{name}.json", "last") for name in wanted]
    run(other_registry, "crawl", "--wait", "--no-publish", *names)
    expected = index(other_registry)

    workflow = run(registry, "crawl", "--no-publish", *names)["workflow"]
    for kill in range(KILLS):
        with worker(registry) as process:
            wanted_versions = (kill + 1) * 20
            wait_until(lambda least=wanted_versions: registry.database.counts()["versions"] >= least)  # type: ignore[misc]
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    with worker(registry):
        wait_until(lambda: _ended(registry, workflow))
    assert index(registry) == expected
    stored = {key for key, _ in registry.objects.keys(WITHHELD)}
    assert stored == {key for key, _ in other_registry.objects.keys(WITHHELD)}


def test_errors_and_limits_of_github_change_nothing_in_the_end(
    registry: Registry, other_registry: Registry, github: StandIn
) -> None:
    names = github.load_folder(SAMPLES)
    run(other_registry, "crawl", "--wait", "--no-publish", *names)
    github.inject(probability=0.3, seed=7, status=502)
    github.inject(path="/graphql", status=429, retry_after=2, count=1)
    github.inject(path="/graphql", graphql="RATE_LIMITED", reset_after=2, count=1, skip=1)
    github.inject(kind="git", cut=2000, count=2)
    github.reset_wire_log()
    report = run(registry, "crawl", "--wait", "--no-publish", *names)
    assert (report["counters"]["failed"], report["counters"]["sources_failing"]) == (0, 0)
    assert sum(exchange.status >= 500 for exchange in github.wire_log()) > 5
    assert index(registry) == index(other_registry)


def _ended(registry: Registry, workflow: str) -> bool:
    return bool(run(registry, "crawl", "status", workflow)["state"] == "completed")


def test_a_wrong_setting_is_refused_with_its_name_and_the_nearest_one(tmp_path: Path) -> None:
    file = tmp_path / "registry.yaml"
    file.write_text("crawl:\n  concurency: 3\n", encoding="utf-8")
    done = subprocess.run([COMMAND, "--config", file, "config"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "unknown setting crawl.concurency = 3" in done.stderr
    assert "Did you mean crawl.concurrency?" in done.stderr
    assert load_settings(environment={}).crawl.concurrency == 4


def test_schedules_are_made_paused_and_made_again_without_going_on(registry: Registry) -> None:
    assert run(registry, "crawl", "schedule") == SCHEDULES
    command = [str(COMMAND), "crawl", "pause", "--reason", "upkeep"]
    subprocess.run(command, env=environment(registry), check=True)
    assert run(registry, "crawl", "schedule") == SCHEDULES
    assert asyncio.run(_paused(registry)) == {"crawl-due": "upkeep", "crawl-sources": "upkeep"}
    subprocess.run([COMMAND, "crawl", "resume"], env=environment(registry), check=True)
    assert asyncio.run(_paused(registry)) == {}


def test_what_could_not_be_crawled_is_listed_with_its_reason_and_tried_again(
    registry: Registry, github: StandIn
) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": "---\nname: a\ndescription: One.\n---\nbody\n"})
    github.add_repository(
        "acme/large", {"b/SKILL.md": "---\nname: b\ndescription: Two.\n---\n", "b/x": _noise(2 << 20)}
    )
    registry.environment["SKILLREGISTRY_CRAWL__FETCH_MAX_BYTES"] = str(1 << 20)
    report = run(registry, "crawl", "--wait", "acme")
    assert (report["counters"]["crawled"], report["counters"]["failed"]) == (1, 1)
    [failure] = run(registry, "crawl", "failures")
    assert (failure["name"], failure["code"]) == ("large", "fetch-too-large")
    del registry.environment["SKILLREGISTRY_CRAWL__FETCH_MAX_BYTES"]
    assert run(registry, "crawl", "retry") == {"due": 1}
    assert run(registry, "crawl", "--due", "--wait")["counters"]["crawled"] == 1
    assert run(registry, "crawl", "failures") == []


def _noise(size: int) -> bytes:
    return random.Random(1).randbytes(size)


async def _paused(registry: Registry) -> dict[str, str]:
    client = await connect(registry.settings.temporal)
    found = {}
    for name in IDS:
        state = (await client.get_schedule_handle(name).describe()).schedule.state
        if state.paused:
            found[name] = str(state.note)

    return found


def test_a_transfer_longer_than_the_heartbeat_is_not_taken_for_dead(
    registry: Registry, github: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    github.add_repository("acme/slow", {"a/SKILL.md": "---\nname: a\ndescription: One.\n---\nbody\n"})
    github.inject(path="/acme/slow.git/git-upload-pack", stall=4, count=1)
    monkeypatch.setattr(policies, "HEARTBEAT", timedelta(seconds=1))
    request = crawls.request(registry.settings, [parse_source("acme/slow")], publish=False)
    report = asyncio.run(crawls.run(registry.settings, request, f"crawl/{registry.settings.s3.bucket}", wait=True))
    assert report is not None
    assert (report.counters.crawled, report.counters.failed) == (1, 0)
    fetches = [one.path for one in github.wire_log() if one.method == "GET" and "/acme/slow.git/" in one.path]
    assert len(fetches) == 2, "the trees and the blobs, each once"
