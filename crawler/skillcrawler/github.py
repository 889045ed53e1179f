"""Asking GitHub: REST and GraphQL. The only module that imports PyGithub.

Nothing here waits or retries: a limit or an outage is raised at once, with the time at which GitHub wants
to be asked again, and Temporal does the waiting.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Self
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
SEARCH_CAP = 1000  # GitHub gives no result past this one

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

    def owner_repositories(self, owner: str) -> Iterator[Repository]:
        """List the public repositories of a user or an organisation. Raises as `repository` does."""
        path = f"/users/{quote(owner)}/repos"
        for page in range(1, 1000):
            found = self._get(path, {"per_page": PER_PAGE, "page": page, "type": "owner"}, subject=owner)
            yield from map(_from_rest, found)
            if len(found) < PER_PAGE:
                return

    def search_repositories(self, query: str) -> Iterator[Repository]:
        """Search repositories, up to GitHub's 1,000 results. Raises as `repository` does."""
        for page in range(1, SEARCH_CAP // PER_PAGE + 1):
            found = self._get("/search/repositories", {"q": query, "per_page": PER_PAGE, "page": page}, subject=query)
            yield from map(_from_rest, found["items"])
            if len(found["items"]) < PER_PAGE:
                return

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
