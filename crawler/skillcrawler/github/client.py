"""What GitHub is asked: REST and GraphQL."""

from __future__ import annotations

import base64
import binascii
import copy
from collections.abc import Mapping, Sequence
from typing import Any, Self
from urllib.parse import quote

from skillcrawler.errors import CrawlError, GitHubUnavailable, RepositoryBlocked, RepositoryGone, SearchRefused
from skillcrawler.github.answers import (
    CodeHit,
    Found,
    ProbeAnswer,
    SearchPage,
    from_code_search,
    from_graphql,
    from_list,
    from_look_up,
    from_rest,
)
from skillcrawler.github.queries import FIND_BY_ID, PROBE, find_by_name
from skillcrawler.github.requests import PER_PAGE, Requests, check, read_json
from skilldata.budgets import Budgets
from skilldata.config import GitHubSettings
from skilldata.errors import ConfigurationError
from skilldata.models import Repository, RepositoryState

FILE_LIMIT = 1024 * 1024  # bytes; GitHub's JSON has no content of larger files


class GitHub:
    """GitHub, as all credentials of a configuration see it together. Safe to share between threads.

    Args:
        settings: Addresses, credentials, and the reserve.
        budgets: What is left of GitHub's limits, shared with other workers; None where nobody else asks.
    """

    def __init__(self, settings: GitHubSettings, budgets: Budgets | None = None) -> None:
        self._requests = Requests(settings, budgets)
        self._reserve = settings.reserve
        self.git_signature = self._requests.git_signature
        self.git_limited = self._requests.git_limited

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections of all threads."""
        self._requests.close()

    def on_demand(self) -> GitHub:
        """Give the same GitHub for what somebody waits for: it may use the reserve."""
        urgent = copy.copy(self)
        urgent._reserve = 0.0
        return urgent

    @property
    def has_token(self) -> bool:
        """Whether GraphQL and code search can be asked."""
        return not self._requests.is_anonymous

    def repository(self, owner: str, name: str) -> Repository:
        """Look up one repository by name, following renames.

        Raises:
            RepositoryGone: There is none, or it is private.
            RepositoryBlocked: GitHub does not hand it out.
            RateLimited: Not now.
            GitHubUnavailable: No usable answer.
        """
        return from_rest(self._get(f"/repos/{quote(owner)}/{quote(name)}", subject=f"{owner}/{name}"))

    def repository_by_id(self, repository_id: int) -> Repository:
        """Look up one repository by its numeric id. Raises as `repository` does."""
        return from_rest(self._get(f"/repositories/{repository_id}", subject=str(repository_id)))

    def probe(self, node_ids: Sequence[str]) -> ProbeAnswer:
        """Ask for the present state of up to 100 repositories in one GraphQL query.

        A repository that is gone does not spoil the others.

        Raises:
            ConfigurationError: There is no token.
            RateLimited: Not now.
            GitHubUnavailable: No usable answer; worth another try with fewer ids.
        """
        self._need_token("GraphQL")
        data, errors = self._graphql(PROBE, {"ids": list(node_ids)})
        nodes = data.get("nodes") if isinstance(data, Mapping) else None
        if not isinstance(nodes, list) or len(nodes) != len(node_ids):
            raise GitHubUnavailable("a GraphQL probe", "the answer has no list of nodes")
        blocked = {tuple(error.get("path") or ())[:2] for error in errors if error.get("type") == "FORBIDDEN"}
        answer = ProbeAnswer([], [])
        for number, (node_id, node) in enumerate(zip(node_ids, nodes, strict=True)):
            if node and node.get("__typename") == "Repository":
                answer.repositories.append(from_graphql(node))
            else:
                state = RepositoryState.BLOCKED if ("nodes", number) in blocked else RepositoryState.GONE
                answer.missing.append((node_id, state))
        return answer

    # -- finding

    def list_owner(self, owner: str, page: int) -> list[Found]:
        """List one page, up to 100, of an owner's public repositories, the oldest first. Raises as `repository`."""
        parameters = {"per_page": PER_PAGE, "page": page, "type": "owner", "sort": "created", "direction": "asc"}
        return [from_list(one) for one in self._get(f"/users/{quote(owner)}/repos", parameters, subject=owner)]

    def search_page(self, query: str, page: int) -> SearchPage[Found]:
        """Search repositories, and give one page of up to 100; past the 1,000th result there is none.

        Raises:
            SearchRefused: GitHub does not take the query.
            RateLimited: Not now.
            GitHubUnavailable: No usable answer.
        """
        total, incomplete, items = self._search("/search/repositories", query, page)
        return SearchPage(total, incomplete, [from_list(item) for item in items])

    def search_code(self, query: str, page: int) -> SearchPage[CodeHit]:
        """Search files of default branches, and give one page of up to 100.

        Raises:
            ConfigurationError: There is no token; otherwise as `search_page` does.
        """
        self._need_token("code search")
        total, incomplete, items = self._search("/search/code", query, page)
        return SearchPage(total, incomplete, [from_code_search(item) for item in items])

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
        values = {f"{key}{n}": name[part] for n, name in enumerate(names) for part, key in enumerate("on")}
        data, _ = self._graphql(find_by_name(len(names)), values)
        return [from_look_up((data or {}).get(f"r{n}")) for n in range(len(names))]

    def find_by_node_id(self, node_ids: Sequence[str]) -> list[Found | None]:
        """Look up to 100 repositories up by node id, in one GraphQL query. Raises as `probe` does."""
        self._need_token("GraphQL")
        data, _ = self._graphql(FIND_BY_ID, {"ids": list(node_ids)})
        nodes = data.get("nodes") if isinstance(data, Mapping) else None
        if not isinstance(nodes, list) or len(nodes) != len(node_ids):
            raise GitHubUnavailable("a GraphQL look-up", "the answer has no list of nodes")
        return [from_look_up(node) for node in nodes]

    def _find_by_rest(self, owner: str, name: str) -> Found | None:
        try:
            return from_list(self._get(f"/repos/{quote(owner)}/{quote(name)}", subject=f"{owner}/{name}"))
        except (RepositoryGone, RepositoryBlocked):
            return None

    def _search(self, path: str, query: str, page: int) -> tuple[int, bool, list[Mapping[str, Any]]]:
        parameters = {"q": query, "per_page": PER_PAGE, "page": page}
        answer = self._requests.get(path, parameters, reserve=self._reserve)
        if answer.status == 422:
            raise SearchRefused(query, answer.body[:200])
        check(answer, f"GET {path}", query)
        found = read_json(answer, f"GET {path}")
        try:
            items = [item for item in found["items"] if item is not None]
            return int(found["total_count"]), bool(found["incomplete_results"]), items
        except (KeyError, TypeError, ValueError):
            raise GitHubUnavailable(f"GET {path}", "the answer is no list of results") from None

    def _need_token(self, what: str) -> None:
        if not self.has_token:
            raise ConfigurationError(f"GitHub's {what} needs a token", remedy="Set SKILLREGISTRY_GITHUB__TOKEN.")

    def _get(self, path: str, parameters: Mapping[str, Any] | None = None, *, subject: str) -> Any:
        answer = self._requests.get(path, parameters or {}, reserve=self._reserve)
        check(answer, f"GET {path}", subject)
        return read_json(answer, f"GET {path}")

    def _graphql(self, query: str, variables: Mapping[str, Any]) -> tuple[Any, list[Mapping[str, Any]]]:
        """Ask a query; give its data, and the errors that concern single nodes."""
        answer = self._requests.graphql(query, variables, reserve=self._reserve)
        check(answer, "POST graphql", "GraphQL")
        content = read_json(answer, "POST graphql")
        errors = [error for error in content.get("errors") or () if isinstance(error, Mapping)]
        kinds = {error.get("type") for error in errors}
        if kinds - {"NOT_FOUND", "FORBIDDEN"}:
            raise GitHubUnavailable("a GraphQL query", ", ".join(sorted(map(str, kinds))))
        return content.get("data"), errors
