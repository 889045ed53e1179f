"""One request to GitHub: signed in as whoever has most left, and what the answer's status means."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import requests
from github import Github, GithubException
from github.Requester import Requester

from skillcrawler.errors import (
    CrawlError,
    CredentialRefused,
    GitHubUnavailable,
    RateLimited,
    RepositoryBlocked,
    RepositoryEmpty,
    RepositoryGone,
)
from skillcrawler.github.credentials import ANONYMOUS, Signer, read_credentials
from skillcrawler.github.limits import UNKNOWN_WAIT, bucket_of, choose, is_limit, read_headers, wait
from skillcrawler.github.signatures import GIT, Signature
from skilldata.budgets import SECONDARY, Budgets
from skilldata.config import GitHubSettings

PER_PAGE = 100
# A credential that GitHub refuses is left alone for a while, so that the others go on.
REFUSED_SECONDS = 3600.0

ResultT = TypeVar("ResultT")


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
        self._signers = {
            one.name: None if one.name == ANONYMOUS else Signer(one, settings.api_url, settings.timeout_seconds)
            for one in read_credentials(settings)
        }
        # PyGithub keeps a request's state on the connection, so that a shared object gives one thread
        # the answer to another's question.
        self._local = threading.local()
        self._clients: list[Github] = []
        self._lock = threading.Lock()
        self._turn = 0
        # One request of a credential after the other, as GitHub asks for; so that none is under way while another
        # is told to wait. ("Best practices for using the REST API" in GitHub's documentation.)
        self._lanes = {name: threading.Lock() for name in self._signers}

    @property
    def is_anonymous(self) -> bool:
        """Whether there is no credential at all."""
        return ANONYMOUS in self._signers

    def close(self) -> None:
        """Close the connections of all threads."""
        while self._clients:
            self._clients.pop().close()
        for signer in self._signers.values():
            if signer is not None:
                signer.close()

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
            CredentialRefused: GitHub takes none of them.
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

    def git_signature(self) -> Signature:
        """Sign for git, which has no bucket at GitHub, as one credential after the other.

        Raises:
            RateLimited: All of them must wait.
            CredentialRefused: GitHub takes none of them.
            GitHubUnavailable: There was no answer.
        """
        with self._lock:
            self._turn += 1
            turn = self._turn
        names = list(self._signers)
        in_turn = [names[(turn + number) % len(names)] for number in range(len(names))]
        return self._as_one(
            lambda number: self._take(in_turn, number, GIT, 0.0), lambda name: Signature(name, self._token(name, GIT))
        )

    def git_limited(self, credential: str, seconds: float | None) -> float:
        """Take that GitHub told git to wait; see `Signatures`."""
        return self._budgets.block(credential, GIT, seconds) if self._budgets else seconds or UNKNOWN_WAIT

    def _send(self, bucket: str, reserve: float, ask: Callable[[Requester], Answer]) -> Answer:
        names = list(self._signers)
        return self._as_one(
            lambda number: self._take(names, number, bucket, reserve), lambda name: self._ask_as(name, bucket, ask)
        )

    def _as_one(self, take: Callable[[int], str], act: Callable[[str], ResultT]) -> ResultT:
        """Act as one credential after the other until one may; each is tried once at most."""
        limits, refusals = [], []
        for number in range(len(self._signers)):
            try:
                return act(take(number))
            except RateLimited as error:
                limits.append(error)
            except CredentialRefused as error:
                refusals.append(error)
        raise min(limits, key=lambda error: error.retry_after) if limits else refusals[-1]

    def _take(self, names: list[str], number: int, bucket: str, reserve: float) -> str:
        if self._budgets is None:
            return names[number]
        return self._budgets.take((bucket, SECONDARY), lambda known: choose(names, known, bucket, reserve))

    @contextmanager
    def _lane(self, name: str, bucket: str) -> Iterator[None]:
        """Wait for the requests before; what they were told holds for this one too."""
        at_once = self._lanes[name].acquire(blocking=False)
        if not at_once:
            self._lanes[name].acquire()
        try:
            if not at_once and self._budgets and (seconds := self._budgets.blocked(name, (bucket, SECONDARY))):
                raise RateLimited(seconds, bucket)
            yield
        finally:
            self._lanes[name].release()

    def _ask_as(self, name: str, bucket: str, ask: Callable[[Requester], Answer]) -> Answer:
        self._token(name, bucket)
        with self._lane(name, bucket):
            return self._understood(name, bucket, ask(self._requester(name)))

    def _understood(self, name: str, bucket: str, answer: Answer) -> Answer:
        if is_limit(*answer, bucket):
            raise RateLimited(self._block(name, bucket, answer), bucket)
        if answer.status == 401:
            raise self._refused(name, answer.status)
        self._note(name, bucket, answer)
        return answer

    def _token(self, name: str, bucket: str) -> str | None:
        """Give a credential's token, which for an installation may have to be made."""
        signer = self._signers[name]
        try:
            return signer.token if signer else None
        except GithubException as error:
            answer = Answer(error.status, error.headers or {}, json.dumps(error.data))
        except (requests.RequestException, AssertionError, ValueError) as error:
            raise GitHubUnavailable(f"a token for {name}", type(error).__name__) from None
        if is_limit(*answer, bucket):
            raise RateLimited(self._block(name, bucket, answer), bucket)
        if answer.status >= 500:
            raise GitHubUnavailable(f"a token for {name}", "an error of its own", status=answer.status)
        raise self._refused(name, answer.status)

    def _refused(self, name: str, status: int) -> CredentialRefused:
        # The only credential is tried again at once, so that mending it is all there is to do.
        if self._budgets and len(self._signers) > 1:
            self._budgets.block(name, SECONDARY, REFUSED_SECONDS)
        return CredentialRefused(name, status)

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
                auth=self._signers[name],
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
        CrawlError: 422: asking again gives the same.
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
    if status == 422:
        raise CrawlError(f"GitHub refuses {request} for {subject}: HTTP {status}", remedy="Check the name.")
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
