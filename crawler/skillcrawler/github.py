"""Asking GitHub: REST and GraphQL. The only module that imports PyGithub.

Nothing here waits or retries: a limit or an outage is raised at once, with the time at which GitHub wants
to be asked again, and Temporal does the waiting.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, Self, TypeVar
from urllib.parse import quote

import requests
from github import Auth, Github, GithubException
from github.Requester import Requester

from skillcrawler.errors import (
    CrawlError,
    GitHubUnavailable,
    RateLimited,
    RepositoryBlocked,
    RepositoryEmpty,
    RepositoryGone,
)
from skilldata.config import GitHubSettings
from skilldata.errors import ConfigurationError
from skilldata.models import Repository, RepositoryState

PER_PAGE = 100

# One query tells all that the index keeps of a repository; its cost is (1 + nodes) / 100 points, at least 1.
PROBE = """
query Probe($ids: [ID!]!) {
  nodes(ids: $ids) {
    __typename
    ... on Repository {
      databaseId id name owner { login } description stargazerCount forkCount isFork isArchived isDisabled pushedAt
      parent { databaseId }
      licenseInfo { spdxId }
      repositoryTopics(first: 20) { nodes { topic { name } } }
      defaultBranchRef { name target { oid ... on Commit { tree { oid } } } }
    }
  }
}
"""


# What a list or a search does not tell, but decides whether a fork is more than its parent.
FOUND = """
fragment found on Repository {
  databaseId id name owner { login } description stargazerCount forkCount isFork isArchived isDisabled pushedAt
  createdAt
  parent { databaseId defaultBranchRef { target { oid } } }
  licenseInfo { spdxId }
  repositoryTopics(first: 20) { nodes { topic { name } } }
  defaultBranchRef { name target { oid ... on Commit { tree { oid } } } }
}
"""
FILE_LIMIT = 1024 * 1024  # bytes; GitHub's JSON has no content of larger files

HitT = TypeVar("HitT")


class SearchRefused(CrawlError):
    """GitHub does not take a search query, for its form or for an owner who is not there."""

    code = "search-refused"

    def __init__(self, query: str, reason: str) -> None:
        self.query = query
        super().__init__(
            f"GitHub refuses the search {query!r}: {reason}",
            remedy="Try the query on github.com, and correct the source's target.",
        )


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


class GitHub:
    """GitHub, as one set of credentials sees it. Safe to share between threads.

    Args:
        settings: Addresses and credentials.
    """

    def __init__(self, settings: GitHubSettings) -> None:
        self._settings = settings
        # PyGithub keeps a request's state on the connection, so that a shared object gives one thread
        # the answer to another's question.
        self._local = threading.local()
        self._clients: list[Github] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections of all threads."""
        while self._clients:
            self._clients.pop().close()

    @property
    def has_token(self) -> bool:
        """Whether GraphQL and code search can be asked."""
        return self._settings.token is not None

    def repository(self, owner: str, name: str) -> Repository:
        """Look up one repository by name, following renames.

        Raises:
            RepositoryGone: There is none, or it is private.
            RepositoryBlocked: GitHub does not hand it out.
            RateLimited: Not now.
            GitHubUnavailable: No usable answer.
        """
        return _from_rest(self._get(f"/repos/{quote(owner)}/{quote(name)}", subject=f"{owner}/{name}"))

    def repository_by_id(self, repository_id: int) -> Repository:
        """Look up one repository by its numeric id. Raises as `repository` does."""
        return _from_rest(self._get(f"/repositories/{repository_id}", subject=str(repository_id)))

    def probe(self, node_ids: Sequence[str]) -> ProbeAnswer:
        """Ask for the present state of up to 100 repositories in one GraphQL query.

        A repository that is gone does not spoil the others.

        Raises:
            ConfigurationError: There is no token.
            RateLimited: Not now.
            GitHubUnavailable: No usable answer; worth another try with fewer ids.
        """
        if not self.has_token:
            raise ConfigurationError("GitHub's GraphQL needs a token", remedy="Set SKILLREGISTRY_GITHUB__TOKEN.")
        data, errors = self._graphql(PROBE, {"ids": list(node_ids)})
        nodes = data.get("nodes") if isinstance(data, Mapping) else None
        if not isinstance(nodes, list) or len(nodes) != len(node_ids):
            raise GitHubUnavailable("a GraphQL probe", "the answer has no list of nodes")
        blocked = {tuple(error.get("path") or ())[:2] for error in errors if error.get("type") == "FORBIDDEN"}
        answer = ProbeAnswer([], [])
        for number, (node_id, node) in enumerate(zip(node_ids, nodes, strict=True)):
            if node and node.get("__typename") == "Repository":
                answer.repositories.append(_from_graphql(node))
            else:
                state = RepositoryState.BLOCKED if ("nodes", number) in blocked else RepositoryState.GONE
                answer.missing.append((node_id, state))
        return answer

    # -- finding

    def list_owner(self, owner: str, page: int) -> list[Found]:
        """List one page, up to 100, of an owner's public repositories, the oldest first. Raises as `repository`."""
        parameters = {"per_page": PER_PAGE, "page": page, "type": "owner", "sort": "created", "direction": "asc"}
        return [_listed(one) for one in self._get(f"/users/{quote(owner)}/repos", parameters, subject=owner)]

    def search_page(self, query: str, page: int) -> SearchPage[Found]:
        """Search repositories, and give one page of up to 100; past the 1,000th result there is none.

        Raises:
            SearchRefused: GitHub does not take the query.
            RateLimited: Not now.
            GitHubUnavailable: No usable answer.
        """
        total, incomplete, items = self._search("/search/repositories", query, page)
        return SearchPage(total, incomplete, [_listed(item) for item in items])

    def search_code(self, query: str, page: int) -> SearchPage[CodeHit]:
        """Search files of default branches, and give one page of up to 100.

        Raises:
            ConfigurationError: There is no token; otherwise as `search_page` does.
        """
        self._need_token("code search")
        total, incomplete, items = self._search("/search/code", query, page)
        return SearchPage(total, incomplete, [_code_hit(item) for item in items])

    def file(self, owner: str, name: str, path: str = "") -> bytes:
        """Read a file of a default branch, up to `FILE_LIMIT` bytes; without a path the readme.

        Raises:
            CrawlError: It is no file, or too large; otherwise as `repository` does.
        """
        where = f"/contents/{quote(path)}" if path else "/readme"
        subject = f"{owner}/{name}/{path}" if path else f"the readme of {owner}/{name}"
        found = self._get(f"/repos/{quote(owner)}/{quote(name)}{where}", subject=subject)
        if not isinstance(found, Mapping) or found.get("encoding") != "base64":
            raise CrawlError(
                f"{subject} is no file of at most {FILE_LIMIT:,} bytes", remedy="Name a smaller text file."
            )
        try:
            return base64.b64decode(found.get("content") or "")[:FILE_LIMIT]
        except (binascii.Error, TypeError, ValueError):
            raise GitHubUnavailable(f"GET {subject}", "the content is not base64") from None

    def find_repositories(self, names: Sequence[tuple[str, str]]) -> list[Found | None]:
        """Look up to 100 repositories up by owner and name, following renames; None where there is none.

        One GraphQL query with a token; without one, a REST request for each.

        Raises:
            RateLimited: Not now.
            GitHubUnavailable: No usable answer; worth another try with fewer names.
        """
        if not self.has_token:
            return [self._find_by_rest(owner, name) for owner, name in names]
        numbers = range(len(names))
        types = ", ".join(f"$o{n}: String!, $n{n}: String!" for n in numbers)
        fields = " ".join(f"r{n}: repository(owner: $o{n}, name: $n{n}) {{ ...found }}" for n in numbers)
        values = {f"{key}{n}": names[n][part] for n in numbers for part, key in enumerate("on")}
        data, _ = self._graphql(f"query Find({types}) {{ {fields} }} {FOUND}", values)
        return [_looked_up((data or {}).get(f"r{n}")) for n in numbers]

    def find_by_node_id(self, node_ids: Sequence[str]) -> list[Found | None]:
        """Look up to 100 repositories up by node id, in one GraphQL query. Raises as `probe` does."""
        self._need_token("GraphQL")
        query = f"query Find($ids: [ID!]!) {{ nodes(ids: $ids) {{ ...found }} }} {FOUND}"
        data, _ = self._graphql(query, {"ids": list(node_ids)})
        nodes = data.get("nodes") if isinstance(data, Mapping) else None
        if not isinstance(nodes, list) or len(nodes) != len(node_ids):
            raise GitHubUnavailable("a GraphQL look-up", "the answer has no list of nodes")
        return [_looked_up(node) for node in nodes]

    def _find_by_rest(self, owner: str, name: str) -> Found | None:
        try:
            return _listed(self._get(f"/repos/{quote(owner)}/{quote(name)}", subject=f"{owner}/{name}"))
        except (RepositoryGone, RepositoryBlocked):
            return None

    def _search(self, path: str, query: str, page: int) -> tuple[int, bool, list[Mapping[str, Any]]]:
        parameters = {"q": query, "per_page": PER_PAGE, "page": page}
        status, headers, body = self._request("GET", path, parameters, None)
        if status == 422:
            raise SearchRefused(query, body[:200])
        _check(status, headers, body, f"GET {path}", query)
        found = _json(body, f"GET {path}")
        try:
            items = [item for item in found["items"] if item is not None]
            return int(found["total_count"]), bool(found["incomplete_results"]), items
        except (KeyError, TypeError, ValueError):
            raise GitHubUnavailable(f"GET {path}", "the answer is no list of results") from None

    def _need_token(self, what: str) -> None:
        if not self.has_token:
            raise ConfigurationError(f"GitHub's {what} needs a token", remedy="Set SKILLREGISTRY_GITHUB__TOKEN.")

    # -- requests

    def _get(self, path: str, parameters: Mapping[str, Any] | None = None, *, subject: str) -> Any:
        status, headers, body = self._request("GET", path, dict(parameters or {}), None)
        _check(status, headers, body, f"GET {path}", subject)
        return _json(body, f"GET {path}")

    def _graphql(self, query: str, variables: Mapping[str, Any]) -> tuple[Any, list[Mapping[str, Any]]]:
        """Ask a query; give its data, and the errors that concern single nodes."""
        requester = self._requester()
        content = {"query": query, "variables": dict(variables)}
        status, headers, body = self._request("POST", requester.graphql_url, None, content)
        _check(status, headers, body, "POST graphql", "GraphQL")
        answer = _json(body, "POST graphql")
        errors = [error for error in answer.get("errors") or () if isinstance(error, Mapping)]
        kinds = {error.get("type") for error in errors}
        # GraphQL reports its own limit with status 200.
        if "RATE_LIMITED" in kinds:
            raise RateLimited(_wait(headers), "graphql")
        if kinds - {"NOT_FOUND", "FORBIDDEN"}:
            raise GitHubUnavailable("a GraphQL query", ", ".join(sorted(map(str, kinds))))
        return answer.get("data"), errors

    def _request(
        self, verb: str, url: str, parameters: dict[str, Any] | None, content: Any
    ) -> tuple[int, Mapping[str, Any], str]:
        try:
            return self._requester().requestJson(verb, url, parameters, None, content)
        except GithubException as error:
            return error.status, error.headers or {}, json.dumps(error.data)
        except (requests.RequestException, AssertionError, ValueError) as error:
            raise GitHubUnavailable(f"{verb} {url}", type(error).__name__) from None

    def _requester(self) -> Requester:
        client: Github | None = getattr(self._local, "client", None)
        if client is None:
            token = self._settings.token
            client = Github(
                auth=Auth.Token(token.get_secret_value()) if token else None,
                base_url=self._settings.api_url,
                timeout=int(self._settings.timeout_seconds),
                user_agent="agentskillregistry",
                per_page=PER_PAGE,
                retry=None,
                seconds_between_requests=0,
                seconds_between_writes=0,
            )
            self._local.client = client
            self._clients.append(client)
        return client.requester


def _check(status: int, headers: Mapping[str, Any], body: str, request: str, subject: str) -> None:
    """Raise what a status means; GitHub says "limited" with 403 and with 429."""
    if status < 300:
        return
    if status in {403, 429} and _is_limit(status, headers, body):
        raise RateLimited(_wait(headers), str(headers.get("x-ratelimit-resource", "secondary")))
    if status == 404:
        raise RepositoryGone(subject)
    if status == 409:
        raise RepositoryEmpty(subject)
    if status in {403, 451}:
        raise RepositoryBlocked(subject, _block_reason(body))
    if status in {401, 422}:
        raise CrawlError(
            f"GitHub refuses {request} for {subject}: HTTP {status}", remedy="Check github.token and the name."
        )
    raise GitHubUnavailable(request, "an error of its own", status=status)


def _is_limit(status: int, headers: Mapping[str, Any], body: str) -> bool:
    exhausted = str(headers.get("x-ratelimit-remaining", "")) == "0"
    return status == 429 or exhausted or "retry-after" in headers or "rate limit" in body.lower()


def _wait(headers: Mapping[str, Any]) -> float:
    """Seconds to wait, by GitHub's rules: `retry-after`, else the reset time, else at least a minute."""
    try:
        if "retry-after" in headers:
            return max(1.0, float(headers["retry-after"]))
        if str(headers.get("x-ratelimit-remaining")) == "0":
            return max(1.0, float(headers["x-ratelimit-reset"]) - time.time() + 1)
    except (KeyError, ValueError):
        pass
    return 60.0


def _block_reason(body: str) -> str:
    try:
        return str(json.loads(body)["block"]["reason"])[:100]
    except (ValueError, KeyError, TypeError):
        return "access is forbidden"


def _json(body: str, request: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise GitHubUnavailable(request, "the answer is not JSON") from None


def _from_rest(found: Mapping[str, Any]) -> Repository:
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


def _listed(found: Mapping[str, Any]) -> Found:
    return Found(_from_rest(found), _time(found.get("created_at")))


def _code_hit(found: Mapping[str, Any]) -> CodeHit:
    try:
        return CodeHit(_from_rest(found["repository"]), str(found["path"]))
    except (KeyError, TypeError):
        raise GitHubUnavailable("a code search", "a result has no repository or path") from None


def _looked_up(node: Any) -> Found | None:
    if not isinstance(node, Mapping) or "databaseId" not in node:
        return None
    parent = node.get("parent") or {}
    head = ((parent.get("defaultBranchRef") or {}).get("target") or {}).get("oid")
    return Found(_from_graphql(node), _time(node.get("createdAt")), head)


def _from_graphql(node: Mapping[str, Any]) -> Repository:
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
