"""History that was rewritten, told from commits alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from skillcrawler import history
from tests.conftest import Registry
from tests.standin import StandIn
from tests.test_crawl import SKILL, Crawler

EVENTS = "SELECT evidence FROM event WHERE kind = 'repository.history-rewritten'"


@pytest.fixture
def crawler(registry: Registry, github: StandIn) -> Iterator[Crawler]:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    with Crawler(registry) as made:
        made.crawl("acme/tools")
        yield made


def test_a_rewritten_branch_is_an_event_and_its_versions_stay(crawler: Crawler, github: StandIn) -> None:
    first = _head(github)
    old = github.push("acme/tools", {"a/SKILL.md": SKILL.format(name="a") + "two\n"})
    crawler.crawl()
    assert crawler.registry.rows(EVENTS) == []
    _point(github, first)
    new = github.push("acme/tools", {"a/SKILL.md": SKILL.format(name="a") + "other\n"})
    crawler.crawl()
    assert crawler.registry.rows(EVENTS) == [({"from": old, "to": new, "commits_searched": 2},)]
    assert crawler.registry.rows("SELECT label, revision FROM version ORDER BY ordinal") == [
        ("0.0.1", first),
        ("0.0.2", old),
        ("0.0.3", new),
    ]


def test_a_branch_that_was_taken_back_is_rewritten_too(crawler: Crawler, github: StandIn) -> None:
    first = _head(github)
    old = github.push("acme/tools", {"a/SKILL.md": SKILL.format(name="a") + "two\n"})
    crawler.crawl()
    _point(github, first)
    crawler.crawl()
    assert crawler.registry.rows(EVENTS) == [({"from": old, "to": first, "commits_searched": 1},)]
    assert crawler.registry.rows("SELECT count(*) FROM version") == [(2,)]


@pytest.mark.parametrize(("pushes", "requests"), [(1, 4), (5, 6), (12, 8)])
def test_pushes_are_no_rewrite_and_are_told_from_few_commits(
    crawler: Crawler, github: StandIn, monkeypatch: pytest.MonkeyPatch, pushes: int, requests: int
) -> None:
    monkeypatch.setattr(history, "DEPTHS", (8, 40))
    for number in range(pushes):
        github.push("acme/tools", {"a/SKILL.md": SKILL.format(name="a") + f"{number}\n"})
    github.reset_wire_log()
    crawler.crawl()
    assert crawler.registry.rows(EVENTS) == []
    assert sum(one.kind == "git" for one in github.wire_log()) == requests


def test_another_default_branch_is_not_a_rewritten_one(crawler: Crawler, github: StandIn) -> None:
    first = _head(github)
    github.push("acme/tools", {"a/SKILL.md": SKILL.format(name="a") + "two\n"})
    crawler.crawl()
    with github.world.lock:
        github.world.named("acme/tools").store.point("trunk", first)
    github.set_default_branch("acme/tools", "trunk")
    crawler.crawl()
    assert crawler.registry.rows(EVENTS) == []


def _head(github: StandIn) -> str:
    [repository] = github.repositories()
    return str(repository["head"])


def _point(github: StandIn, oid: str) -> None:
    with github.world.lock:
        repository = github.world.named("acme/tools")
        repository.store.point("main", oid)
