"""Probes in batches, with a GitHub that fails at some of the repositories."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import cast

import pytest

from skillcrawler.errors import GitHubUnavailable
from skillcrawler.fetch import Fetcher
from skillcrawler.github import GitHub, ProbeAnswer
from skillcrawler.probe import Prober
from skilldata.database import DueRepository
from skilldata.models import RepositoryState


class FailingGitHub:
    """Answers no query that has one of some nodes in it, and remembers how many each had."""

    has_token = True

    def __init__(self, failing: Collection[str]) -> None:
        self._failing = failing
        self.sizes: list[int] = []

    def probe(self, node_ids: Sequence[str]) -> ProbeAnswer:
        self.sizes.append(len(node_ids))
        if set(node_ids) & set(self._failing):
            raise GitHubUnavailable("a GraphQL probe", "an error of its own", status=502)
        return ProbeAnswer([], [(node_id, RepositoryState.GONE) for node_id in node_ids])


def due(count: int) -> list[DueRepository]:
    return [
        DueRepository(repository_id=n, node_id=f"R{n}", owner="acme", name=f"r{n}", crawled_oid=None)
        for n in range(count)
    ]


def prober(github: FailingGitHub) -> Prober:
    return Prober(cast("GitHub", github), cast("Fetcher", None), 100)


def test_a_repository_that_github_fails_at_is_left_out_and_the_batch_grows_back() -> None:
    github = FailingGitHub({"R37"})
    seen = prober(github).probe(due(300), leave_out_failing=True)
    assert [repository_id for repository_id, _ in seen.failed] == [37]
    assert {repository_id for repository_id, _ in seen.states} == set(range(300)) - {37}
    assert len(github.sizes) < 25
    assert github.sizes[-2] == 100


def test_such_a_repository_holds_its_page_up_as_long_as_that_may_pass() -> None:
    with pytest.raises(GitHubUnavailable):
        prober(FailingGitHub({"R37"})).probe(due(300))


def test_where_several_in_a_row_fail_github_is_down_and_is_not_asked_about_each() -> None:
    github = FailingGitHub({f"R{n}" for n in range(300)})
    with pytest.raises(GitHubUnavailable):
        prober(github).probe(due(300), leave_out_failing=True)
    assert len(github.sizes) < 15
