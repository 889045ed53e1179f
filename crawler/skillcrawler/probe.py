"""Probing: is the repository still there, and has its head moved? As few requests as can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from skillcrawler.errors import GitHubUnavailable, RepositoryBlocked, RepositoryGone
from skillcrawler.fetch import Fetcher
from skillcrawler.github import GitHub
from skilldata.database import DueRepository
from skilldata.models import Repository, RepositoryState


class Seen(NamedTuple):
    """What a probe saw: repositories as they are, and the mere state of the others."""

    repositories: list[Repository]
    states: list[tuple[int, RepositoryState]]


class Prober:
    """Looks at heads: in GraphQL batches with a token, by `git ls-remote` without one.

    Args:
        github: Who to ask.
        fetcher: How to ask without a token.
        batch_size: Repositories per query; halved for the rest of a page where GitHub fails.
    """

    def __init__(self, github: GitHub, fetcher: Fetcher, batch_size: int) -> None:
        self._github = github
        self._fetcher = fetcher
        self._batch_size = batch_size

    def probe(self, due: Sequence[DueRepository]) -> Seen:
        """Look at repositories. Raises as `GitHub.probe` does."""
        return self._in_batches(due) if self._github.has_token else self._one_by_one(due)

    def _in_batches(self, due: Sequence[DueRepository]) -> Seen:
        seen = Seen([], [])
        size, position = self._batch_size, 0
        while position < len(due):
            batch = due[position : position + size]
            try:
                answer = self._github.probe([one.node_id for one in batch])
            except GitHubUnavailable:
                if len(batch) == 1:
                    raise
                size = max(1, len(batch) // 2)
                continue
            ids = {one.node_id: one.repository_id for one in batch}
            seen.repositories.extend(answer.repositories)
            seen.states.extend((ids[node_id], state) for node_id, state in answer.missing)
            position += len(batch)
        return seen

    def _one_by_one(self, due: Sequence[DueRepository]) -> Seen:
        """Ask git for the head. Only a head that moved is worth one of the few anonymous REST requests."""
        seen = Seen([], [])
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
