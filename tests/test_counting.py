"""Downloads are counted once each, of nobody in particular, and survive what happens to processes and PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from skillapi.app import create_app
from skillapi.asking import TemporalCrawler
from skillapi.counting import DownloadCounts
from skillapi.journal import PART_BYTES, Journal, Line
from skillapi.live import FolderSource
from skillapi.problems import Problem
from skillcli.services import EmbeddedServices
from skillcli.site import build
from skillcrawler.worker import connect, running_worker
from skilldata.config import S3Settings, Settings
from skilldata.database.downloads import add_downloads
from skilldata.downloads import DownloadBatch, DownloadCount, batch_workflow_id
from skilldata.export import create_snapshot
from skilldata.snapshot import Snapshot
from tests.conftest import ROOT, Registry
from tests.snapshots import ACME, SampleVersion, sample_skill, skill_text
from tests.standin import StandIn
from tests.test_api import MemoryStore, serving, snapshot
from tests.test_crawl import SKILL, Crawler
from tests.waiting import wait_until

PDF = "/api/v1/skills/acme/tools/pdf-forms"
DAY = date(2026, 5, 1)
MIB = 1024 * 1024


class Taker:
    """Takes batches, or says that it cannot."""

    def __init__(self) -> None:
        self.batches: list[DownloadBatch] = []
        self.away = False

    async def take_downloads(self, batch: DownloadBatch) -> None:
        if self.away:
            raise Problem("requests-unavailable")
        self.batches.append(batch)

    @property
    def total(self) -> int:
        return sum(count.downloads for batch in self.batches for count in batch.counts)


def line(number: int = 1) -> Line:
    return Line(DAY, number, "skills/a", f"sha256:{number:064x}")


def flushed(folder: Path, taker: Taker) -> Taker:
    """Send what a folder holds, as the next process does."""
    counts = DownloadCounts(Journal(folder, most_bytes=MIB), taker)
    asyncio.run(counts.flush())
    counts.close()
    return taker


class TestJournal:
    def test_equal_lines_become_one_count(self, tmp_path: Path) -> None:
        journal = Journal(tmp_path, most_bytes=MIB)
        assert all(journal.add(line(number)) for number in (1, 2, 1))
        (part,) = journal.parts()
        assert [(one.repository_id, one.downloads) for one in part.batch.counts] == [(1, 2), (2, 1)]
        journal.drop(part)
        assert list(journal.parts()) == []
        assert journal.size == 0

    def test_what_is_not_dropped_is_given_again_under_the_same_id(self, tmp_path: Path) -> None:
        journal = Journal(tmp_path, most_bytes=MIB)
        journal.add(line())
        (first,) = journal.parts()
        (again,) = journal.parts()
        assert first.batch == again.batch

    def test_a_full_buffer_takes_no_more_and_then_goes_on(self, tmp_path: Path) -> None:
        journal = Journal(tmp_path, most_bytes=10 * len(line().encode()))
        assert [journal.add(line()) for _ in range(12)] == [True] * 10 + [False] * 2
        (part,) = journal.parts()
        journal.drop(part)
        assert sum(one.downloads for one in part.batch.counts) == 10
        list(journal.parts())
        assert journal.add(line())

    def test_a_file_is_ended_before_its_batch_is_too_large_for_a_message(self, tmp_path: Path) -> None:
        journal = Journal(tmp_path, most_bytes=4 * MIB)
        for number in range(8000):
            journal.add(line(number))
        parts = list(journal.parts())
        assert len(parts) > 1
        assert max(len(part.batch.model_dump_json()) for part in parts) < 2 * MIB
        assert sum(path.stat().st_size > PART_BYTES for path in tmp_path.iterdir()) == 0
        assert sum(len(part.batch.counts) for part in parts) == 8000

    def test_half_a_line_costs_that_line_alone(self, tmp_path: Path) -> None:
        journal = Journal(tmp_path, most_bytes=MIB)
        journal.add(line())
        journal.close()
        (path,) = tmp_path.iterdir()
        path.write_bytes(path.read_bytes() + line(2).encode()[:-9])
        (part,) = journal.parts()
        assert ([one.repository_id for one in part.batch.counts], part.unreadable) == ([1], 1)

    def test_what_another_process_writes_is_left_to_it(self, tmp_path: Path) -> None:
        one, other = Journal(tmp_path, most_bytes=MIB), Journal(tmp_path, most_bytes=MIB)
        one.add(line(1))
        other.add(line(2))
        (part,) = one.parts()
        assert [count.repository_id for count in part.batch.counts] == [1]


@contextmanager
def counting(folder: Path, taker: Taker, journal: Path, settings: Settings | None = None) -> Iterator[httpx.Client]:
    counts = DownloadCounts(Journal(journal, most_bytes=MIB), taker, flush_seconds=3600)
    app = create_app(FolderSource(folder), MemoryStore(), settings or Settings(), counts=counts)
    with serving(app) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return snapshot(tmp_path_factory.mktemp("snapshot"))


class TestWhatCounts:
    def test_packages_count_by_version_and_nothing_else_does(self, folder: Path, tmp_path: Path) -> None:
        journal = tmp_path / "journal"
        with counting(folder, Taker(), journal) as client:
            current = client.get(PDF).json()["current"]
            by_digest = f"/api/v1/packages/{current['package_digest']}"
            etag = client.get(PDF + "/download").headers["etag"]
            assert client.get(by_digest).status_code == 200
            assert client.get(PDF + "/download", params={"version": "1.0.0"}).status_code == 200
            assert client.get(by_digest, headers={"Range": "bytes=0-99"}).status_code == 206
            # From here on nothing is a download.
            assert client.get(by_digest, headers={"Range": "bytes=100-199"}).status_code == 206
            assert client.get(by_digest, headers={"Range": "bytes=-10"}).status_code == 206
            assert client.get(by_digest, headers={"Range": "bytes=9999999-"}).status_code == 416
            assert client.head(by_digest).status_code == 200
            assert client.get(by_digest, headers={"If-None-Match": etag}).status_code == 304
            for machine in ("SearchBot/2.1", "agentskillregistry/0.1 fsck"):
                assert client.get(by_digest, headers={"User-Agent": machine}).status_code == 200
            assert client.get("/api/v1/packages/sha256:" + "0" * 64).status_code == 404
            told = client.get("/metrics").text
        assert 'skillapi_download_counts_total{outcome="counted"} 4' in told
        assert 'skillapi_download_counts_total{outcome="machine"} 2' in told
        assert "skillapi_download_buffer_bytes" in told
        counts = [count for batch in flushed(journal, Taker()).batches for count in batch.counts]
        assert sorted(one.downloads for one in counts) == [1, 3]
        assert {one.day for one in counts} <= {datetime.now(UTC).date(), datetime.now(UTC).date() - timedelta(days=1)}
        assert {one.content_digest for one in counts if one.downloads == 3} == {current["content_digest"]}

    def test_being_sent_elsewhere_counts_once(self, folder: Path, tmp_path: Path) -> None:
        journal = tmp_path / "journal"
        settings = Settings(s3=S3Settings(public_url="https://cdn.example"))
        with counting(folder, Taker(), journal, settings) as client:
            for headers in ({}, {"Range": "bytes=500-"}):
                assert client.get(PDF + "/download", headers=headers).status_code == 302
        assert flushed(journal, Taker()).total == 1

    def test_no_line_says_who_or_when(self, folder: Path, tmp_path: Path) -> None:
        with counting(folder, Taker(), tmp_path) as client:
            client.get(PDF + "/download", headers={"User-Agent": "somebody", "X-Forwarded-For": "203.0.113.9"})
            (path,) = tmp_path.glob("*.log")
            text = path.read_text()
        assert "203.0.113.9" not in text
        assert "somebody" not in text
        assert "127.0.0.1" not in text
        assert f"{datetime.now(UTC):%H:%M}" not in text

    def test_a_journal_that_cannot_be_written_costs_no_answer(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "journal").write_text("in the way")
        with counting(folder, Taker(), tmp_path / "journal") as client:
            assert client.get(PDF + "/download").status_code == 200
            assert 'outcome="dropped"} 1' in client.get("/metrics").text

    def test_downloads_of_days_that_are_over_are_shown(self, tmp_path: Path) -> None:
        versions = (
            SampleVersion("1.0.0", skill_text("pdf-forms", "Fill.", "# A\n"), downloads=(3, 4)),
            SampleVersion("1.1.0", skill_text("pdf-forms", "Fill.", "# B\n"), day=1, downloads=(0 + 5,)),
        )
        skill = sample_skill(ACME, "pdf-forms", "Fill.", "# B\n", versions=versions)
        with counting(snapshot(tmp_path / "snapshot", [skill]), Taker(), tmp_path / "journal") as client:
            shown, days = client.get(PDF).json(), client.get(PDF + "/downloads").json()
            listed = client.get(PDF + "/versions").json()["versions"]
        assert shown["downloads"] == days["total"] == 12
        assert {one["version"]: one["downloads"] for one in listed} == {"1.0.0": 7, "1.1.0": 5}
        assert days["days"][0] == {"day": "2026-03-02", "version": "1.0.0", "downloads": 4}


_SERVER = """
    import sys
    from pathlib import Path
    from skillapi.app import create_app
    from skillapi.counting import DownloadCounts
    from skillapi.journal import Journal
    from skillapi.live import FolderSource
    from skillapi.server import serve
    from skilldata.config import Settings
    from tests.test_api import MemoryStore
    from tests.test_counting import Taker

    taker = Taker()
    taker.away = True
    counts = DownloadCounts(Journal(Path(sys.argv[2]), most_bytes=1 << 20), taker, flush_seconds=0.5)
    app = create_app(FolderSource(Path(sys.argv[1])), MemoryStore(), Settings(), counts=counts)
    serve(app, "127.0.0.1", 0, announce=lambda url: print(url, flush=True))
"""


def test_a_killed_api_loses_no_download_that_it_answered(folder: Path, tmp_path: Path) -> None:
    journal, answered = tmp_path / "journal", 0
    for _ in range(3):
        command = [sys.executable, "-c", textwrap.dedent(_SERVER), str(folder), str(journal)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            with httpx.Client(base_url=process.stdout.readline().strip()) as client:
                end = time.monotonic() + 0.7  # batches are ended and refused meanwhile
                while time.monotonic() < end:
                    assert client.get(PDF + "/download").status_code == 200
                    answered += 1
                os.kill(process.pid, signal.SIGKILL)
    assert flushed(journal, Taker()).total == answered > 10
    assert flushed(journal, Taker()).total == 0


class TestIndex:
    def test_a_batch_that_comes_twice_is_added_once(self, registry: Registry) -> None:
        counts = tuple(
            DownloadCount(day=DAY, repository_id=n, path="a", content_digest=f"sha256:{n:064x}", downloads=n)
            for n in (2, 1)
        )
        added = []
        for batch in ("a" * 32, "a" * 32, "b" * 32):
            with registry.database.transaction() as connection:
                added.append(add_downloads(connection, DownloadBatch(batch=batch, counts=counts)))
        assert added == [True, False, True]
        assert registry.rows("SELECT repository_id, downloads FROM download ORDER BY 1") == [(1, 2), (2, 4)]

    def test_a_snapshot_has_the_days_that_are_over(self, registry: Registry, github: StandIn, tmp_path: Path) -> None:
        number = github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
        with Crawler(registry) as crawler:
            crawler.crawl("acme/tools")
        ((content,),) = registry.rows("SELECT content_digest FROM version")
        today = datetime.now(UTC).date()
        before = create_snapshot(registry.database, tmp_path)
        with registry.database.transaction() as connection:
            counts = [
                DownloadCount(day=day, repository_id=repository, path="a", content_digest=content, downloads=count)
                for day, repository, count in (
                    (today - timedelta(days=2), number, 2),
                    (today - timedelta(days=1), number, 3),
                    (today, number, 50),
                    (today - timedelta(days=1), number + 1, 700),  # of a repository that is not there
                )
            ]
            add_downloads(connection, DownloadBatch(batch="c" * 32, counts=tuple(counts)))
        after = create_snapshot(registry.database, tmp_path)
        assert before.id != after.id
        with Snapshot(tmp_path / after.id) as opened:
            assert opened.skill("acme", "tools", "a").downloads == {content: 5}
            assert [row[0] for row in opened.query("SELECT downloads FROM download ORDER BY day")] == [2, 3]
        assert '"downloads": 5' in (tmp_path / after.id / "index.json").read_text()


def tried_again(client: Client, workflow_id: str, loop: asyncio.AbstractEventLoop) -> bool:
    """Whether an activity of a workflow has failed and is tried again; asked from another thread."""
    describe = client.get_workflow_handle(workflow_id).describe()
    described = asyncio.run_coroutine_threadsafe(describe, loop).result(10)
    return any(one.attempt > 1 for one in described.raw_description.pending_activities)


def test_a_lost_postgres_costs_no_count(registry: Registry, embedded: Path, tmp_path: Path) -> None:
    journal, settings = Journal(tmp_path / "journal", most_bytes=MIB), registry.settings
    counts = DownloadCounts(journal, TemporalCrawler(settings.temporal))
    for number in (1, 1, 2):
        journal.add(line(number))
    services = EmbeddedServices(embedded)

    async def lose_it() -> None:
        loop = asyncio.get_running_loop()
        client = await connect(settings.temporal)
        async with running_worker(client, settings, build):
            server = next(one for one in services.status().services if one.name == "database")
            assert server.pid is not None
            os.kill(server.pid, signal.SIGINT)  # PostgreSQL's fast shutdown
            try:
                (part,) = journal.parts()
                batch = batch_workflow_id(part.batch.batch)
                await counts.flush()  # Temporal has it from here on
                assert journal.size == 0
                await asyncio.to_thread(wait_until, lambda: tried_again(client, batch, loop), 60)
            finally:
                await asyncio.to_thread(services.up)
            assert await client.get_workflow_handle(batch).result() is True

    asyncio.run(lose_it())
    assert registry.rows("SELECT repository_id, downloads FROM download ORDER BY 1") == [(1, 2), (2, 1)]


def test_without_temporal_counts_wait_on_the_disk(tmp_path: Path) -> None:
    journal = Journal(tmp_path, most_bytes=MIB)
    counts = DownloadCounts(journal, TemporalCrawler(Settings().temporal))
    journal.add(line())
    asyncio.run(counts.flush())
    assert journal.size == len(line().encode())
    assert flushed(tmp_path, Taker()).total == 1
