"""The crawl of a repository, on real PostgreSQL, S3 and git."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from skillcrawler.crawl import crawl_repository
from skillcrawler.discovery import Discoverer
from skillcrawler.errors import FetchTooLarge, GitHubUnavailable, RateLimited, RepositoryGone
from skillcrawler.fetch import Fetcher
from skillcrawler.github import GitHub
from skillcrawler.github.signatures import Nobody
from skillcrawler.probe import Prober
from skilldata.config import GitHubSettings, load_settings
from skilldata.database import CrawlOutcome
from skilldata.models import RepositoryState, Source
from skilldata.sources import parse_source
from tests.conftest import Registry
from tests.standin import File, StandIn

SKILL = "---\nname: {name}\ndescription: Does a thing.\n---\n\n# Body\n"


class Crawler:
    """The parts that activities put together, without Temporal."""

    def __init__(self, registry: Registry, *, token: bool = True) -> None:
        self.registry = registry
        settings = registry.settings
        github = settings.github if token else settings.github.model_copy(update={"token": None})
        self.github = GitHub(github)
        self.fetcher = Fetcher(github, settings.crawl, settings.state_directory / "scratch", self.github)
        self.prober = Prober(self.github, self.fetcher, settings.crawl.batch_size)

    def discover(self, text: str) -> Source:
        source = parse_source(text)
        Discoverer(self.github, self.registry.database).advance(source)
        return source

    def probe(self) -> list[int]:
        self.registry.database.make_due()
        due = self.registry.database.due(100, before=datetime.now(UTC))
        seen = self.prober.probe(due)
        return self.registry.database.record_probe(seen.repositories, states=seen.states)

    def crawl(self, *repositories: str) -> list[CrawlOutcome]:
        for name in repositories:
            self.discover(name)
        return [self.crawl_one(repository_id) for repository_id in self.probe()]

    def crawl_one(self, repository_id: int) -> CrawlOutcome:
        return crawl_repository(
            repository_id,
            settings=self.registry.settings,
            database=self.registry.database,
            objects=self.registry.objects,
            fetcher=self.fetcher,
        )

    def __enter__(self) -> Crawler:
        return self

    def __exit__(self, *exception: object) -> None:
        self.github.close()


@pytest.fixture
def crawler(registry: Registry) -> Iterator[Crawler]:
    with Crawler(registry) as made:
        yield made


def test_every_skill_is_listed_or_has_a_reason(crawler: Crawler, github: StandIn) -> None:
    files: dict[str, str | bytes | File | None] = {
        "a/SKILL.md": SKILL.format(name="a"),
        "a/run.sh": File(b"echo\n", "100755"),
        "b/SKILL.md": "no front matter at all\n",
        "deep/er/skill.md": SKILL.format(name="er"),
        "c/SKILL.md": SKILL.format(name="c"),
        "c/aux.txt": "a name that Windows keeps for itself\n",
        "README.md": "not a skill\n",
    }
    github.add_repository("acme/tools", files)
    crawler.crawl("acme/tools")
    rows = crawler.registry.rows('SELECT path, state, slug FROM skill ORDER BY path COLLATE "C"')
    assert rows == [
        ("a", "listed", "a"),
        ("b", "refused", None),
        ("c", "refused", None),
        ("deep/er", "listed", "er"),
    ]
    without = crawler.registry.rows(
        "SELECT path FROM skill WHERE state = 'refused' AND NOT EXISTS (SELECT FROM diagnostic"
        " WHERE diagnostic.skill_id = skill.skill_id AND level = 'error' AND remedy <> '')"
    )
    assert without == []


def test_a_package_holds_the_files_of_the_repository(crawler: Crawler, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a"), "a/run.sh": File(b"echo\n", "100755")})
    crawler.crawl("acme/tools")
    [(digest,)] = crawler.registry.rows("SELECT package_digest FROM package")
    with zipfile.ZipFile(io.BytesIO(crawler.registry.objects.kept_package(digest))) as package:
        assert package.namelist() == ["SKILL.md", "run.sh"]
        assert package.read("run.sh") == b"echo\n"
        assert package.getinfo("run.sh").external_attr >> 16 & 0o777 == 0o755


def test_a_crawl_of_an_unchanged_world_writes_and_fetches_nothing(crawler: Crawler, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    crawler.crawl("acme/tools")
    tables = ("repository", "skill", "version", "package", "file", "diagnostic", "event")
    # xmin is the transaction that wrote a row last.
    state = {table: crawler.registry.rows(f"SELECT xmin::text, * FROM {table} ORDER BY 2, 3") for table in tables}
    puts = crawler.registry.objects.puts
    github.reset_wire_log()
    assert crawler.probe() == []
    assert {
        table: crawler.registry.rows(f"SELECT xmin::text, * FROM {table} ORDER BY 2, 3") for table in tables
    } == state
    assert crawler.registry.objects.puts == puts
    assert [exchange.kind for exchange in github.wire_log()] == ["graphql"]


def test_only_changed_skills_are_read_again(crawler: Crawler, github: StandIn) -> None:
    big = bytes(range(256)) * 400
    files: dict[str, str | bytes | File | None] = {
        "a/SKILL.md": SKILL.format(name="a"),
        "b/SKILL.md": SKILL.format(name="b"),
        "b/data.bin": big,
    }
    github.add_repository("acme/tools", files)
    crawler.crawl("acme/tools")
    github.push("acme/tools", {"a/SKILL.md": SKILL.format(name="a") + "more\n", "c/SKILL.md": SKILL.format(name="c")})
    github.reset_wire_log()
    [outcome] = crawler.crawl()
    assert outcome == CrawlOutcome(skills_added=1, versions_added=2)
    assert sum(exchange.bytes_out for exchange in github.wire_log() if exchange.kind == "git") < len(big)
    labels = crawler.registry.rows("SELECT path, label FROM version JOIN skill USING (skill_id) ORDER BY path, ordinal")
    assert labels == [("a", "0.0.1"), ("a", "0.0.2"), ("b", "0.0.1"), ("c", "0.0.1")]


def test_a_skill_that_left_is_marked_gone_and_comes_back(crawler: Crawler, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a"), "README.md": "x"})
    crawler.crawl("acme/tools")
    github.push("acme/tools", {"a/SKILL.md": None})
    assert crawler.crawl() == [CrawlOutcome(gone=1)]
    assert crawler.registry.rows("SELECT state, gone_at IS NOT NULL FROM skill") == [("gone", True)]
    github.push("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    assert crawler.crawl() == [CrawlOutcome()]
    assert crawler.registry.rows("SELECT state, gone_at FROM skill") == [("listed", None)]
    kinds = [
        kind for (kind,) in crawler.registry.rows("SELECT kind FROM event WHERE skill_id IS NOT NULL ORDER BY event_id")
    ]
    assert kinds == ["skill.listed", "version.added", "skill.gone", "skill.listed"]


def test_a_rename_keeps_the_history(crawler: Crawler, github: StandIn) -> None:
    number = github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    crawler.crawl("acme/tools")
    github.rename("acme/tools", "elsewhere/kit")
    assert crawler.probe() == []
    assert crawler.registry.rows("SELECT repository_id, owner, name FROM repository") == [(number, "elsewhere", "kit")]
    assert crawler.registry.rows("SELECT evidence->>'to' FROM event WHERE kind = 'repository.renamed'") == [
        ("elsewhere/kit",)
    ]


def test_dead_repositories_are_results_and_do_not_spoil_the_batch(crawler: Crawler, github: StandIn) -> None:
    for name in ("alive", "deleted", "blocked", "emptied"):
        github.add_repository(f"acme/{name}", {f"{name}/SKILL.md": SKILL.format(name=name)})
    crawler.discover("acme")
    github.delete("acme/deleted")
    github.block("acme/blocked")
    github.empty("acme/emptied")
    assert len(crawler.probe()) == 1
    states = dict(crawler.registry.rows("SELECT name, state FROM repository"))
    assert states == {
        "alive": RepositoryState.ACTIVE,
        "deleted": RepositoryState.GONE,
        "blocked": RepositoryState.BLOCKED,
        "emptied": RepositoryState.EMPTY,
    }


def test_without_a_token_named_repositories_still_work(registry: Registry, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    with Crawler(registry, token=False) as crawler:
        assert crawler.crawl("acme/tools") == [CrawlOutcome(skills_added=1, versions_added=1)]
        github.reset_wire_log()
        assert crawler.probe() == []
        assert {exchange.kind for exchange in github.wire_log()} == {"git"}


def test_simultaneous_crawls_make_one_version(crawler: Crawler, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    crawler.discover("acme/tools")
    [number] = crawler.probe()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(crawler.crawl_one, [number] * 8))
    assert crawler.registry.rows("SELECT count(*) FROM version") == [(1,)]
    assert crawler.registry.rows("SELECT count(*) FROM event WHERE kind = 'version.added'") == [(1,)]


def test_a_crawl_of_an_older_head_writes_nothing(crawler: Crawler, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    crawler.discover("acme/tools")
    [number] = crawler.probe()
    old = crawler.registry.database.repository(number)
    github.push("acme/tools", {"a/SKILL.md": SKILL.format(name="a") + "new\n"})
    crawler.probe()
    outcome = crawler.registry.database.record_crawl(
        number, revision=str(old.head_oid), tree_oid=str(old.tree_oid), committed_at=datetime.now(UTC), skills=[]
    )
    assert outcome.superseded
    assert crawler.registry.rows("SELECT count(*) FROM skill") == [(0,)]


def test_a_changed_licence_reaches_skills_whose_files_did_not_change(crawler: Crawler, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    crawler.crawl("acme/tools")
    assert crawler.registry.rows("SELECT redistributable FROM version") == [(False,)]
    mit = "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy of this software"
    github.push("acme/tools", {"LICENSE": mit})
    crawler.crawl()
    assert crawler.registry.rows("SELECT licence, redistributable FROM version") == [("MIT", True)]


@pytest.mark.parametrize(("fault", "error"), [
    ({"status": 429, "retry_after": 7}, RateLimited),
    ({"status": 403, "remaining": 0}, RateLimited),
    ({"graphql": "RATE_LIMITED"}, RateLimited),
    ({"status": 502}, GitHubUnavailable),
    ({"cut": 20}, GitHubUnavailable),
])  # fmt: skip
def test_limits_and_outages_are_told_apart(
    crawler: Crawler, github: StandIn, fault: dict[str, Any], error: type[Exception]
) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    crawler.discover("acme/tools")
    github.inject(path="/graphql", **fault)
    with pytest.raises(error) as caught:
        crawler.probe()
    if "retry_after" in fault:
        assert isinstance(caught.value, RateLimited)
        assert caught.value.retry_after == 7


def test_a_transfer_past_the_limit_is_refused(registry: Registry, github: StandIn) -> None:
    github.add_repository("acme/huge", {"a/SKILL.md": SKILL.format(name="a"), "a/x.bin": _noise(3 << 20)})
    limited = registry.settings.crawl.model_copy(update={"fetch_max_bytes": 1 << 20})
    fetcher = Fetcher(registry.settings.github, limited, registry.settings.state_directory / "scratch", Nobody())
    head = fetcher.head("acme", "huge")
    assert head is not None
    with fetcher.fetch("acme", "huge", head[1]) as fetched, pytest.raises(FetchTooLarge):
        fetched.fetch_blobs([entry.oid for entry in fetched.entries() if entry.is_file])


def test_a_repository_that_is_not_there_is_gone_not_an_outage(crawler: Crawler) -> None:
    with pytest.raises(RepositoryGone):
        crawler.fetcher.head("acme", "nothing")
    with pytest.raises(RepositoryGone):
        crawler.github.repository("acme", "nothing")


def test_the_token_is_on_no_command_line(crawler: Crawler, monkeypatch: pytest.MonkeyPatch, github: StandIn) -> None:
    seen: list[str] = []
    import subprocess

    popen = subprocess.Popen.__init__

    def recording(self: subprocess.Popen[bytes], arguments: list[str], **rest: object) -> None:
        seen.extend(map(str, arguments))
        popen(self, arguments, **rest)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess.Popen, "__init__", recording)
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    crawler.crawl("acme/tools")
    assert "fetch" in seen
    assert not any(github.token in argument for argument in seen)


def test_a_hostile_git_address_is_refused(registry: Registry) -> None:
    settings = load_settings(environment=registry.environment)
    hostile = GitHubSettings(git_url="ext::sh -c touch% /tmp/owned", api_url=settings.github.api_url)
    fetcher = Fetcher(hostile, settings.crawl, settings.state_directory / "scratch", Nobody())
    with pytest.raises(Exception, match="not allowed"):
        fetcher.head("acme", "tools")


def _noise(size: int) -> bytes:
    import random

    return random.Random(1).randbytes(size)


def test_a_skill_that_moved_keeps_its_history_and_costs_no_blob(crawler: Crawler, github: StandIn) -> None:
    files = {"old/a/SKILL.md": SKILL.format(name="a"), "old/a/data.txt": "data\n"}
    github.add_repository("acme/tools", files)
    crawler.crawl("acme/tools")
    github.push(
        "acme/tools",
        {"old/a/SKILL.md": None, "old/a/data.txt": None, **{p.replace("old", "new"): t for p, t in files.items()}},
    )
    github.reset_wire_log()
    assert crawler.crawl() == [CrawlOutcome()]
    assert crawler.registry.rows("SELECT path, slug, state FROM skill") == [("new/a", "a", "listed")]
    assert crawler.registry.rows("SELECT count(*) FROM version") == [(1,)]
    assert crawler.registry.rows("SELECT evidence FROM event WHERE kind = 'skill.moved'") == [
        ({"from": "old/a", "to": "new/a"},)
    ]


def test_a_copy_in_another_repository_is_not_fetched_again(crawler: Crawler, github: StandIn) -> None:
    big = _noise(1 << 20)
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a"), "a/big.bin": big})
    crawler.crawl("acme/tools")
    github.add_repository("other/copies", {"x/SKILL.md": SKILL.format(name="a"), "x/big.bin": big})
    github.reset_wire_log()
    assert crawler.crawl("other/copies") == [CrawlOutcome(skills_added=1, versions_added=1)]
    assert sum(exchange.bytes_out for exchange in github.wire_log()) < len(big) / 10
    assert crawler.registry.rows("SELECT count(*) FROM package") == [(1,)]


def test_whoever_takes_an_old_name_is_held_until_released(crawler: Crawler, github: StandIn) -> None:
    first = github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    crawler.crawl("acme/tools")
    github.delete("acme/tools")
    assert crawler.probe() == []
    second = github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a") + "evil\n"})
    assert second != first
    assert crawler.crawl("acme/tools") == []
    assert crawler.registry.rows("SELECT repository_id, state FROM repository ORDER BY state") == [
        (first, "gone"),
        (second, "held"),
    ]
    assert crawler.registry.rows("SELECT count(*) FROM skill WHERE state = 'listed'") == [(0,)]
    assert crawler.registry.database.release(second, actor="maintainer")
    assert crawler.crawl() == [CrawlOutcome(skills_added=1, versions_added=1)]


def test_the_life_of_a_repository_is_told_in_events(crawler: Crawler, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    crawler.crawl("acme/tools")
    github.change("acme/tools", archived=True)
    github.set_default_branch("acme/tools", "trunk")
    crawler.crawl()
    github.empty("acme/tools")
    crawler.crawl()
    github.push("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    crawler.crawl()
    kinds = [kind for (kind,) in crawler.registry.rows("SELECT kind FROM event ORDER BY event_id")]
    assert kinds == [
        "repository.added",
        "skill.listed",
        "version.added",
        "repository.default-branch-changed",
        "repository.archived-changed",
        "repository.empty",
        "skill.gone",
        "repository.active",
        "skill.listed",
    ]


def test_what_a_server_says_cannot_steer_a_terminal(crawler: Crawler) -> None:
    failure = crawler.fetcher.git._failure("acme/tools", 128, "remote: \x1b[2Jgone\u202e\nfatal: no\n", signed=False)
    assert not {"\x1b", "\u202e"} & set(str(failure))
    assert "fatal: no" in str(failure)
