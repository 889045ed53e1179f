"""Probing: is the repository still there, and has its head moved? As few requests as can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from skillcrawler.errors import GitHubUnavailable, RepositoryBlocked, RepositoryGone
from skillcrawler.fetch import Fetcher
from skillcrawler.github import GitHub
from skilldata.database import DueRepository
from skilldata.models import Repository, RepositoryState

FAILING_IN_A_ROW = 3


class Seen(NamedTuple):
    """What a probe saw: repositories as they are, the mere state of others, and those that GitHub fails at."""

    repositories: list[Repository]
    states: list[tuple[int, RepositoryState]]
    failed: list[tuple[int, GitHubUnavailable]]


class Prober:
    """Looks at heads: in GraphQL batches with a token, by `git ls-remote` without one.

    Args:
        github: Who to ask.
        fetcher: How to ask without a token.
        batch_size: Repositories per query; halved where GitHub fails, and grown back where it does not.
    """

    def __init__(self, github: GitHub, fetcher: Fetcher, batch_size: int) -> None:
        self._github = github
        self._fetcher = fetcher
        self._batch_size = batch_size

    def probe(self, due: Sequence[DueRepository], *, leave_out_failing: bool = False) -> Seen:
        """Look at repositories.

        Args:
            due: Who is to be looked at.
            leave_out_failing: Go on without a repository that GitHub fails at even alone, and give it as failed,
                so that it cannot hold up the others for ever.

        Raises as `GitHub.probe` does.
        """
        return self._in_batches(due, leave_out_failing) if self._github.has_token else self._one_by_one(due)

    def _in_batches(self, due: Sequence[DueRepository], leave_out_failing: bool) -> Seen:
        seen = Seen([], [], [])
        size, position, in_a_row = self._batch_size, 0, 0
        while position < len(due):
            batch = due[position : position + size]
            try:
                answer = self._github.probe([one.node_id for one in batch])
            except GitHubUnavailable as error:
                if len(batch) > 1:
                    size = len(batch) // 2
                    continue
                # Where several in a row fail, it is GitHub that fails and not they.
                in_a_row += 1
                if not leave_out_failing or in_a_row > FAILING_IN_A_ROW:
                    raise
                seen.failed.append((batch[0].repository_id, error))
                position += 1
                continue
            ids = {one.node_id: one.repository_id for one in batch}
            seen.repositories.extend(answer.repositories)
            seen.states.extend((ids[node_id], state) for node_id, state in answer.missing)
            position, in_a_row = position + len(batch), 0
            size = min(size * 2, self._batch_size)
        return seen

    def _one_by_one(self, due: Sequence[DueRepository]) -> Seen:
        """Ask git for the head. Only a head that moved is worth one of the few anonymous REST requests."""
        seen = Seen([], [], [])
        for one in due:
            try:
                head = self._fetcher.head(one.owner, one.name)
                if head is None:
                    seen.states.append((one.repository_id, RepositoryState.EMPTY))
                    continue
                if head[1] == one.crawled_oid:
                    seen.states.append((one.repository_id, RepositoryState.ACTIVE))
                    continue
                repository = self._github.repository_by_id(one.repository_id)
                seen.repositories.append(repository.model_copy(update={"default_branch": head[0], "head_oid": head[1]}))
            except RepositoryGone:
                seen.states.append((one.repository_id, RepositoryState.GONE))
            except RepositoryBlocked:
                seen.states.append((one.repository_id, RepositoryState.BLOCKED))
        return seen
