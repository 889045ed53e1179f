"""What GitHub answers, read into records; everything in it is taken for hostile."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from skillcrawler.errors import GitHubUnavailable
from skilldata.models import Repository, RepositoryState

HitT = TypeVar("HitT")


class Found(NamedTuple):
    """A repository that a list, a search or a look-up gave.

    Attributes:
        repository: What it is.
        created_at: Since when; a fork begins with commits that are older.
        parent_head: Head of the repository that it was forked from; None where that was not asked or is not there.
    """

    repository: Repository
    created_at: datetime | None = None
    parent_head: str | None = None

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return str(self.repository.repository_id)

    @property
    def owner(self) -> str:
        """Whose it is."""
        return self.repository.owner


class CodeHit(NamedTuple):
    """A file that a code search found. Of its repository, only ids, names and whether it is a fork are known."""

    repository: Repository
    path: str

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.repository.repository_id}/{self.path}"

    @property
    def owner(self) -> str:
        """Whose it is."""
        return self.repository.owner


class SearchPage(NamedTuple, Generic[HitT]):
    """One page of results, how many there are in all, and whether GitHub ran out of time for them."""

    total: int
    incomplete: bool
    hits: list[HitT]


class ProbeAnswer(NamedTuple):
    """What a probe saw: repositories as they are, and the state of node ids that give none."""

    repositories: list[Repository]
    missing: list[tuple[str, RepositoryState]]


def from_rest(found: Mapping[str, Any]) -> Repository:
    """Read a repository of the REST API. Raises GitHubUnavailable where it is none; so do all below."""
    try:
        return Repository(
            repository_id=found["id"],
            node_id=found["node_id"],
            owner=found["owner"]["login"],
            name=found["name"],
            default_branch=found.get("default_branch") or "",
            description=found.get("description") or "",
            stars=found.get("stargazers_count") or 0,
            forks=found.get("forks_count") or 0,
            topics=tuple(found.get("topics") or ()),
            licence=_spdx((found.get("license") or {}).get("spdx_id")),
            is_fork=bool(found.get("fork")),
            parent_id=(found.get("parent") or {}).get("id"),
            archived=bool(found.get("archived")),
            pushed_at=_time(found.get("pushed_at")),
            state=RepositoryState.BLOCKED if found.get("disabled") else RepositoryState.ACTIVE,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise GitHubUnavailable("a repository", f"the answer lacks {error}"[:200]) from None


def from_list(found: Mapping[str, Any]) -> Found:
    """Read a repository in a list or among the results of a search."""
    return Found(from_rest(found), _time(found.get("created_at")))


def from_code_search(found: Mapping[str, Any]) -> CodeHit:
    """Read a result of a code search."""
    try:
        return CodeHit(from_rest(found["repository"]), str(found["path"]))
    except (KeyError, TypeError):
        raise GitHubUnavailable("a code search", "a result has no repository or path") from None


def from_look_up(node: Any) -> Found | None:
    """Read what `FOUND` asks for; None where there is no such repository."""
    if not isinstance(node, Mapping) or "databaseId" not in node:
        return None
    parent = node.get("parent") or {}
    head = ((parent.get("defaultBranchRef") or {}).get("target") or {}).get("oid")
    return Found(from_graphql(node), _time(node.get("createdAt")), head)


def from_graphql(node: Mapping[str, Any]) -> Repository:
    """Read what `PROBE` asks for."""
    branch = node.get("defaultBranchRef") or {}
    target = branch.get("target") or {}
    state = RepositoryState.ACTIVE if target else RepositoryState.EMPTY
    try:
        return Repository(
            repository_id=node["databaseId"],
            node_id=node["id"],
            owner=node["owner"]["login"],
            name=node["name"],
            default_branch=branch.get("name") or "",
            head_oid=target.get("oid"),
            tree_oid=(target.get("tree") or {}).get("oid"),
            description=node.get("description") or "",
            stars=node["stargazerCount"],
            forks=node["forkCount"],
            topics=tuple(topic["topic"]["name"] for topic in node["repositoryTopics"]["nodes"]),
            licence=_spdx((node.get("licenseInfo") or {}).get("spdxId")),
            is_fork=node["isFork"],
            parent_id=(node.get("parent") or {}).get("databaseId"),
            archived=node["isArchived"],
            pushed_at=_time(node.get("pushedAt")),
            state=RepositoryState.BLOCKED if node["isDisabled"] else state,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise GitHubUnavailable("a repository", f"the answer lacks {error}"[:200]) from None


def _spdx(found: str | None) -> str | None:
    # GitHub's word for a licence file that it does not recognise.
    return None if found in {None, "", "NOASSERTION"} else found


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
