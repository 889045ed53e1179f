"""One request to GitHub: signed in as whoever has most left, and what the answer's status means."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import requests
from github import Github, GithubException
from github.Requester import Requester

from skillcrawler.errors import (
    CrawlError,
    GitHubUnavailable,
    RateLimited,
    RepositoryBlocked,
    RepositoryEmpty,
    RepositoryGone,
)
from skillcrawler.github.credentials import ANONYMOUS, read_credentials
from skillcrawler.github.limits import SECONDARY, UNKNOWN_WAIT, bucket_of, choose, is_limit, read_headers, wait
from skilldata.budgets import Budgets
from skilldata.config import GitHubSettings

PER_PAGE = 100
# A credential that GitHub refuses is left alone for a while, so that the others go on.
REFUSED_SECONDS = 3600.0


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, Any]
    body: str


class Requests:
    """Sends requests. Safe to share between threads.

    Args:
        settings: Addresses and credentials.
        budgets: What is left of GitHub's limits; None where nobody else asks.
    """

    def __init__(self, settings: GitHubSettings, budgets: Budgets | None) -> None:
        self._settings = settings
        self._budgets = budgets
        self._credentials = {one.name: one for one in read_credentials(settings)}
        # PyGithub keeps a request's state on the connection, so that a shared object gives one thread
        # the answer to another's question.
        self._local = threading.local()
        self._clients: list[Github] = []

    @property
    def is_anonymous(self) -> bool:
        """Whether there is no credential at all."""
        return ANONYMOUS in self._credentials

    def close(self) -> None:
        """Close the connections of all threads."""
        while self._clients:
            self._clients.pop().close()

    def get(self, path: str, parameters: Mapping[str, Any], *, reserve: float) -> Answer:
        """Send a GET request below the API's address.

        Args:
            path: Such as `/repos/owner/name`.
            parameters: Of the query.
            reserve: Share of each limit that is left alone, 0 to 1.

        Returns:
            The answer, whatever its status; but no answer that says "not now".

        Raises:
            RateLimited: No credential may ask now.
            GitHubUnavailable: There was no answer.
        """
        return self._send(
            bucket_of(path), reserve, lambda requester: _ask(requester, "GET", path, dict(parameters), None)
        )

    def graphql(self, query: str, variables: Mapping[str, Any], *, reserve: float) -> Answer:
        """Ask a GraphQL query. Arguments, returns and raises as `get`."""
        content = {"query": query, "variables": dict(variables)}
        return self._send(
            bucket_of("/graphql"),
            reserve,
            lambda requester: _ask(requester, "POST", requester.graphql_url, None, content),
        )

    def _send(self, bucket: str, reserve: float, ask: Callable[[Requester], Answer]) -> Answer:
        """Ask as one credential after the other until one is not limited; each is asked once at most."""
        limited = RateLimited(UNKNOWN_WAIT, bucket)
        for _ in self._credentials:
            name = self._take(bucket, reserve)
            answer = ask(self._requester(name))
            if is_limit(*answer):
                limited = RateLimited(self._block(name, bucket, answer), bucket)
            elif answer.status == 401 and len(self._credentials) > 1 and self._budgets:
                self._budgets.block(name, SECONDARY, REFUSED_SECONDS)
            else:
                self._note(name, bucket, answer)
                return answer
        raise limited

    def _take(self, bucket: str, reserve: float) -> str:
        names = list(self._credentials)
        if self._budgets is None:
            return names[0]
        return self._budgets.take((bucket, SECONDARY), lambda known: choose(names, known, bucket, reserve))

    def _block(self, name: str, bucket: str, answer: Answer) -> float:
        seconds, secondary = wait(answer.headers)
        if self._budgets is None:
            return seconds or UNKNOWN_WAIT
        self._note(name, bucket, answer)
        return self._budgets.block(name, SECONDARY if secondary else bucket, seconds)

    def _note(self, name: str, bucket: str, answer: Answer) -> None:
        reading = read_headers(answer.headers, bucket)
        if self._budgets and reading:
            self._budgets.note(
                name, reading.bucket, limit=reading.limit, left=reading.left, resets_in=reading.resets_in
            )

    def _requester(self, name: str) -> Requester:
        clients: dict[str, Github] = self._local.__dict__.setdefault("clients", {})
        if name not in clients:
            clients[name] = Github(
                auth=self._credentials[name].auth(),
                base_url=self._settings.api_url,
                timeout=int(self._settings.timeout_seconds),
                user_agent="agentskillregistry",
                per_page=PER_PAGE,
                retry=None,
                seconds_between_requests=0,
                seconds_between_writes=0,
            )
            self._clients.append(clients[name])
        return clients[name].requester


def check(answer: Answer, request: str, subject: str) -> None:
    """Raise what a status means.

    Args:
        answer: What came back.
        request: What was asked for, without credentials.
        subject: The repository or query it was about.

    Raises:
        RepositoryGone: 404.
        RepositoryEmpty: 409.
        RepositoryBlocked: 403 or 451.
        CrawlError: 401 or 422: asking again gives the same.
        GitHubUnavailable: Any other status that is no answer.
    """
    status = answer.status
    if status < 300:
        return
    if status == 404:
        raise RepositoryGone(subject)
    if status == 409:
        raise RepositoryEmpty(subject)
    if status in {403, 451}:
        raise RepositoryBlocked(subject, _block_reason(answer.body))
    if status in {401, 422}:
        raise CrawlError(
            f"GitHub refuses {request} for {subject}: HTTP {status}",
            remedy="Check the name, and github.token, github.tokens and github.apps.",
        )
    raise GitHubUnavailable(request, "an error of its own", status=status)


def read_json(answer: Answer, request: str) -> Any:
    """Read the body of an answer.

    Raises:
        GitHubUnavailable: It is not JSON.
    """
    try:
        return json.loads(answer.body)
    except ValueError:
        raise GitHubUnavailable(request, "the answer is not JSON") from None


def _ask(requester: Requester, verb: str, url: str, parameters: dict[str, Any] | None, content: Any) -> Answer:
    try:
        return Answer(*requester.requestJson(verb, url, parameters, None, content))
    except GithubException as error:
        return Answer(error.status, error.headers or {}, json.dumps(error.data))
    except (requests.RequestException, AssertionError, ValueError) as error:
        raise GitHubUnavailable(f"{verb} {url}", type(error).__name__) from None


def _block_reason(body: str) -> str:
    try:
        return str(json.loads(body)["block"]["reason"])[:100]
    except (ValueError, KeyError, TypeError):
        return "access is forbidden"
