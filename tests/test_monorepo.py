"""One repository of thousands of skills: bounded memory, few requests, and little work for a small change."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import pytest

from skilldata.database import CrawlOutcome, Database, rows
from skilldata.database.skills import CrawlWriter
from skilldata.errors import ServiceUnavailable
from skilldata.models import ReadSkill
from tests.conftest import Registry
from tests.monorepo import NAME, add_monorepo, skill_path, skill_text
from tests.standin import StandIn
from tests.test_crawl import Crawler

SKILLS = 1500


@pytest.mark.timeout(300)
def test_thousands_of_skills_cost_few_requests_and_a_changed_one_hardly_any(
    registry: Registry, github: StandIn
) -> None:
    add_monorepo(github, SKILLS)
    with Crawler(registry) as crawler:
        github.reset_wire_log()
        assert crawler.crawl(NAME) == [CrawlOutcome(skills_added=SKILLS, versions_added=SKILLS)]
        assert Counter(one.kind for one in github.wire_log())["git"] == 4
        assert registry.rows("SELECT count(*), count(DISTINCT slug) FROM skill WHERE state = 'listed'") == [
            (SKILLS, SKILLS)
        ]
        first = sum(one.bytes_out for one in github.wire_log() if one.kind == "git")

        before = dict(registry.rows("SELECT path, xmin::text FROM skill"))
        puts = registry.objects.puts
        github.push(NAME, {f"{skill_path(7)}/SKILL.md": skill_text(7, more="more\n")})
        github.reset_wire_log()
        assert crawler.crawl() == [CrawlOutcome(versions_added=1)]
        assert sum(one.bytes_out for one in github.wire_log() if one.kind == "git") < first / 3
        assert Counter(one.kind for one in github.wire_log())["git"] == 4
        after = dict(registry.rows("SELECT path, xmin::text FROM skill"))
        assert [path for path in after if after[path] != before[path]] == [skill_path(7)]
        assert registry.objects.puts == puts + 2


def test_what_waits_to_be_recorded_is_not_in_memory(registry: Registry, github: StandIn) -> None:
    # Each text is large, so that holding them all would show.
    text = "word " * 40_000
    files = {f"s{number}/SKILL.md": skill_text(number, more=text + str(number)) for number in range(120)}
    github.add_repository(NAME, files)
    with Crawler(registry) as crawler:
        crawler.discover(NAME)
        [number] = crawler.probe()
        tracemalloc.start()
        try:
            crawler.crawl_one(number)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    held = sum(map(len, files.values()))
    assert held > 24_000_000
    # A batch of texts for the database, and its copies on the way there.
    assert peak < 80_000_000 + held / 10


def test_a_crawl_that_dies_while_recording_leaves_nothing_and_the_next_one_ends_it(
    registry: Registry, github: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_monorepo(github, 110, second_files=0)
    save = CrawlWriter._save
    batches: list[int] = []

    def dying(self: CrawlWriter, batch: list[ReadSkill]) -> None:
        batches.append(len(batch))
        save(self, batch)
        if len(batches) == 2:
            raise ServiceUnavailable("the database went away", remedy="None.")

    with Crawler(registry) as crawler, monkeypatch.context() as patch:
        patch.setattr(rows, "BATCH_SKILLS", 50)
        patch.setattr(CrawlWriter, "_save", dying)
        crawler.discover(NAME)
        [number] = crawler.probe()
        with pytest.raises(ServiceUnavailable):
            crawler.crawl_one(number)
    assert batches == [50, 50]
    for table in ("skill", "version", "package", "file", "diagnostic"):
        assert registry.rows(f"SELECT count(*) FROM {table}") == [(0,)], table
    assert registry.rows("SELECT crawled_oid FROM repository") == [(None,)]
    with Crawler(registry) as crawler:
        assert crawler.crawl() == [CrawlOutcome(skills_added=110, versions_added=110)]


def test_a_deadlock_is_tried_again(registry: Registry, github: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    github.add_repository("acme/one", {"a/SKILL.md": skill_text(1)})
    github.add_repository("acme/two", {"a/SKILL.md": skill_text(2)})
    save = CrawlWriter._save
    tries: list[int] = []

    def deadlocking(self: CrawlWriter, batch: list[ReadSkill]) -> None:
        save(self, batch)
        tries.append(1)
        if len(tries) == 1:
            _deadlock(registry.database, self)

    monkeypatch.setattr(CrawlWriter, "_save", deadlocking)
    with Crawler(registry) as crawler:
        outcomes = crawler.crawl("acme/one", "acme/two")
    assert outcomes == [CrawlOutcome(skills_added=1, versions_added=1)] * 2
    assert len(tries) == 3
    assert registry.rows("SELECT count(*) FROM version") == [(2,)]


def _deadlock(database: Database, writer: CrawlWriter) -> None:
    """Say what PostgreSQL says to the one of two that it ends."""
    writer._connection.execute("DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = 'deadlock_detected'; END $$")
