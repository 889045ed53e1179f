"""Running git: GitHub's word to wait holds for it too, and nothing is left behind."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from skillcrawler.errors import RateLimited
from skillcrawler.fetch import ABANDONED_SECONDS, Fetcher
from skillcrawler.github import GitHub
from skilldata.budgets import Budgets
from skilldata.config import load_settings
from tests.conftest import Registry
from tests.standin import StandIn, early
from tests.waiting import wait_until


@pytest.fixture
def fetcher(registry: Registry, github: StandIn) -> Fetcher:
    github.add_repository("acme/tools", {"a": b"a"})
    github.add_repository("acme/slow", {"a": b"a"})
    return _fetcher(registry)


def test_gits_limit_holds_for_the_time_that_was_told_and_others_go_on(
    registry: Registry, github: StandIn, fetcher: Fetcher
) -> None:
    github.add_token("second-token", name="second")
    registry.environment["SKILLREGISTRY_GITHUB__TOKENS"] = '["second-token"]'
    fetcher = _fetcher(registry)
    github.inject(kind="git", status=429, retry_after=30, count=1)
    with pytest.raises(RateLimited) as caught:
        fetcher.head("acme", "tools")
    assert caught.value.retry_after == pytest.approx(30, abs=2)
    for _ in range(4):
        assert fetcher.head("acme", "tools")
    assert early(github.wire_log()) == []
    assert [one.blocked_for for one in Budgets(registry.database).list() if one.bucket == "git"] == [
        pytest.approx(30, abs=5)
    ]


def test_a_limit_of_unknown_length_lasts_a_minute(github: StandIn, fetcher: Fetcher) -> None:
    github.inject(kind="git", status=429, count=1)
    with pytest.raises(RateLimited) as caught:
        fetcher.head("acme", "tools")
    assert caught.value.retry_after == pytest.approx(60, abs=2)


def test_a_limit_ends_what_is_under_way_as_the_same_credential(github: StandIn, fetcher: Fetcher) -> None:
    github.inject(path="/acme/slow.git", stall=60.0)
    github.inject(path="/acme/tools.git", status=429, retry_after=30)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(fetcher.head, "acme", "slow")
        wait_until(lambda: any("/acme/slow.git" in one.path for one in github.wire_log()))
        with pytest.raises(RateLimited):
            fetcher.head("acme", "tools")
        with pytest.raises(RateLimited, match="git limit"):
            slow.result(timeout=10)


def test_what_a_killed_worker_left_is_deleted(registry: Registry, fetcher: Fetcher) -> None:
    scratch = registry.settings.state_directory / "scratch"
    fresh, old, headers = scratch / "fetch-fresh", scratch / "fetch-old", scratch / "headers-old"
    for folder in (fresh, old):
        (folder / "objects").mkdir(parents=True)
    long_ago = time.time() - ABANDONED_SECONDS - 60
    headers.touch()
    for left in (old, headers):
        os.utime(left, (long_ago, long_ago))
    fetcher.sweep()
    assert (fresh.exists(), old.exists(), headers.exists()) == (True, False, False)


def _fetcher(registry: Registry) -> Fetcher:
    settings = load_settings(environment=registry.environment)
    github = GitHub(settings.github, Budgets(registry.database))
    return Fetcher(settings.github, settings.crawl, settings.state_directory / "scratch", github)
