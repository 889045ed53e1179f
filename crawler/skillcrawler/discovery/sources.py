"""Listing a source, one request at a time: what each kind of source gives.

    owner         pages of the owner's list                      REST, 100 a request
    repository    itself                                         REST
    topic, search a search for repositories, in slices           search, 100 a request
    code          a search for files, in slices                  code search, 100 a request
    marketplace   its file, then the repositories it names       REST, then GraphQL, 50 a request
    list          the text, then the repositories it links to    the same

Forks among them wait until there are a hundred of them or nothing else is left, and are then compared with
their parents in one GraphQL query. The state is plain data, saved after every request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pydantic import BaseModel

from skillcrawler.discovery.addresses import RepositoryName
from skillcrawler.discovery.forks import copy_evidence, is_open
from skillcrawler.discovery.lists import read_list
from skillcrawler.discovery.marketplace import read_marketplace
from skillcrawler.discovery.partition import Answer, HitT, PartitionedSearch, SearchState
from skillcrawler.discovery.slices import Plan
from skillcrawler.errors import CrawlError, GitHubUnavailable, SearchRefused
from skillcrawler.github import PER_PAGE, CodeHit, Found, GitHub
from skillcrawler.plugins.marketplace import MARKETPLACE_FILE
from skilldata.models import Repository, Source, SourceKind
from skilldata.sourcestate import SkippedFork

MAX_BATCH = 50  # names in one GraphQL query
FORKS_BATCH = 100

_TARGET = re.compile(r"(?P<owner>[A-Za-z0-9_-]{1,39})/(?P<name>[A-Za-z0-9._-]{1,100})(?:/(?P<path>.+))?")


class Batch(NamedTuple):
    """What one request gave: repositories, and forks that are mere copies."""

    repositories: Sequence[Repository] = ()
    copies: Sequence[SkippedFork] = ()


class ListingState(BaseModel):
    """How far the listing of a source has come.

    Attributes:
        page: Next page of an owner's list.
        search: Where a search stands.
        names: `owner/name` of repositories that are still to be looked up.
        listed: Whether the source itself has nothing more to tell.
        forks: Node ids of forks that are still to be compared with their parents.
        batch: How many names are looked up at once; fewer after GitHub could not answer.
        requests: Requests so far.
        missing: Names so far that lead nowhere.
        notes: What was left out and why.
    """

    page: int = 1
    search: SearchState | None = None
    names: list[str] = []
    listed: bool = False
    forks: list[str] = []
    batch: int = MAX_BATCH
    requests: int = 0
    missing: int = 0
    notes: list[str] = []


class Listing:
    """Lists a source.

    Args:
        github: Who to ask.
        source: What to list.
        state: Where to go on; changed in place, and valid whenever a request fails.
    """

    def __init__(self, github: GitHub, source: Source, state: ListingState) -> None:
        self._github = github
        self._source = source
        self.state = state

    @property
    def done(self) -> bool:
        """Whether all was listed."""
        return self.state.listed and not self.state.names and not self.state.forks

    def advance(self) -> Batch:
        """Send one request and give what it told; a repository may be given more than once.

        Raises:
            CrawlError: The target is no such thing, or GitHub could not be asked; see `skillcrawler.errors`.
            ConfigurationError: It takes a token, and there is none.
        """
        batch = self._next()
        self.state.requests += 1
        return batch

    def _next(self) -> Batch:
        if self.state.forks and (len(self.state.forks) >= FORKS_BATCH or (self.state.listed and not self.state.names)):
            return self._compare_forks()
        if self.state.names:
            return self._look_up()
        asks = {
            SourceKind.OWNER: self._owner,
            SourceKind.REPOSITORY: self._repository,
            SourceKind.TOPIC: self._topic,
            SourceKind.SEARCH: self._repositories,
            SourceKind.CODE: self._code,
            SourceKind.MARKETPLACE: self._marketplace,
            SourceKind.LIST: self._list,
        }
        return asks[self._source.kind]()

    # -- what each kind asks

    def _owner(self) -> Batch:
        found = self._github.list_owner(self._source.target, self.state.page)
        self.state.page += 1
        self.state.listed = len(found) < PER_PAGE
        return self._judge(found)

    def _repository(self) -> Batch:
        """Whoever names a fork wants that fork."""
        name, _ = split_target(self._source.target)
        repository = self._github.repository(*name)
        self.state.listed = True
        return Batch([repository])

    def _topic(self) -> Batch:
        return self._judge(
            self._search(Plan.for_repositories(f"topic:{self._source.target}"), self._github.search_page)
        )

    def _repositories(self) -> Batch:
        return self._judge(self._search(Plan.for_repositories(self._source.target), self._github.search_page))

    def _code(self) -> Batch:
        target = self._source.target
        plan = Plan.for_code(target if ":" in target else f"filename:{target}")
        hits: Sequence[CodeHit] = self._search(plan, self._github.search_code)
        repositories = {hit.repository.repository_id: hit.repository for hit in hits}
        return self._judge([Found(repository) for repository in repositories.values()])

    def _marketplace(self) -> Batch:
        name, path = split_target(self._source.target)
        marketplace = read_marketplace(self._github.file(*name, path or MARKETPLACE_FILE))
        if marketplace is None:
            raise CrawlError(
                f"{name}/{path or MARKETPLACE_FILE} is no marketplace file",
                remedy="Name a repository with .claude-plugin/marketplace.json, or the path of such a file in it.",
            )
        own = [name] if marketplace.has_own else []
        self.state.names = [str(one) for one in (*own, *marketplace.repositories)]
        self.state.notes = list(marketplace.notes)
        self.state.listed = True
        return Batch()

    def _list(self) -> Batch:
        name, path = split_target(self._source.target)
        self.state.names = [str(one) for one in read_list(self._github.file(*name, path))]
        self.state.listed = True
        return Batch()

    # -- what they have in common

    def _search(self, plan: Plan, ask: Callable[[str, int], Answer[HitT]]) -> Sequence[HitT]:
        if self.state.search is None or self.state.search.plan != plan.fingerprint:
            self.state.search = SearchState(plan=plan.fingerprint)
        state = self.state.search

        def search(query: str, page: int) -> Answer[HitT] | None:
            try:
                return ask(query, page)
            except SearchRefused:
                if state.requests == 0:  # the source's own query
                    raise
                return None

        hits = PartitionedSearch(plan, state, search).advance()
        self.state.listed = state.done
        return hits

    def _look_up(self) -> Batch:
        names = self.state.names[: self.state.batch if self._github.has_token else 1]
        try:
            found = self._github.find_repositories([_pair(name) for name in names])
        except GitHubUnavailable:
            if len(names) == 1:
                raise
            self.state.batch = len(names) // 2
            return Batch()
        del self.state.names[: len(names)]
        self.state.batch = min(MAX_BATCH, 2 * self.state.batch)
        self.state.missing += found.count(None)
        return self._judge([one for one in found if one is not None])

    def _compare_forks(self) -> Batch:
        ids = self.state.forks[:FORKS_BATCH]
        found = self._github.find_by_node_id(ids)
        del self.state.forks[: len(ids)]
        return _divided([one for one in found if one is not None])

    def _judge(self, found: Sequence[Found]) -> Batch:
        """Put forks aside that take a look; without a token there is none, and they count."""
        if not self._github.has_token:
            return _divided(found)
        waiting = [one.repository.node_id for one in found if is_open(one)]
        self.state.forks = list(dict.fromkeys([*self.state.forks, *waiting]))
        return _divided([one for one in found if not is_open(one)])


def split_target(target: str) -> tuple[RepositoryName, str]:
    """Take `owner/name` or `owner/name/path` apart; the path is empty where there is none.

    Raises:
        CrawlError: It is something else.
    """
    match = _TARGET.fullmatch(target)
    if match is None or ".." in (match["path"] or "").split("/") or not match["name"].strip("."):
        raise CrawlError(f"{target!r} is no repository", remedy="Write owner/name, or owner/name/path for a file.")
    return RepositoryName(match["owner"], match["name"]), (match["path"] or "").strip("/")


def _divided(found: Sequence[Found]) -> Batch:
    copies = [SkippedFork(one.repository, evidence) for one in found if (evidence := copy_evidence(one))]
    skipped = {one.repository.repository_id for one in copies}
    return Batch([one.repository for one in found if one.repository.repository_id not in skipped], copies)


def _pair(name: str) -> tuple[str, str]:
    owner, _, rest = name.partition("/")
    return owner, rest
