"""One run of a source: list it request by request, and save what was found with where to go on."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from skillcrawler.discovery.forks import copy_evidence
from skillcrawler.discovery.sources import Batch, Listing, ListingState
from skillcrawler.errors import CrawlError
from skillcrawler.github import Found, GitHub
from skilldata.database import Database
from skilldata.errors import ConfigurationError
from skilldata.models import Record, Source
from skilldata.references import References
from skilldata.sourcestate import Run, RunTotals, ShortSlice, SkippedFork, SourceRuns

MAX_REQUESTS = 100_000  # of a run; a search that takes more does not end
LOOK_UP_BATCH = 50


class Progress(Record):
    """How far a run has come: repositories found and new to the index since it began, and whether it is over."""

    found: int
    added: int
    done: bool = False
    error: str = ""


class Discoverer:
    """Runs sources.

    Args:
        github: Who to ask.
        database: The index, and where runs stand.
    """

    def __init__(self, github: GitHub, database: Database) -> None:
        self._github = github
        self._runs = SourceRuns(database)
        self._references = References(database)

    def advance(self, source: Source, *, max_requests: int = 300) -> Progress:
        """Go on with the open run of a source, or begin one, for a number of requests.

        Wherever this is broken off, nothing is lost and nothing asked twice: what a request gave is saved with
        the state after it, and the next call goes on from there.

        Raises:
            CrawlError: Worth another try (`retryable`): a limit, an outage. Other failures end the run and
                are in the result.
            ServiceUnavailable: The database does not answer.
        """
        run = self._runs.open(source)
        listing = Listing(self._github, source, _read_state(run))
        asked = 0
        while not listing.done:
            if asked == max_requests:
                return _progress(run)
            if listing.state.requests >= MAX_REQUESTS:
                return self._fail(run, f"the source took more than {MAX_REQUESTS:,} requests")
            try:
                batch = listing.advance()
            except (CrawlError, ConfigurationError) as error:
                if isinstance(error, CrawlError) and error.retryable:
                    raise
                return self._fail(run, error.message)
            if not self._save(run, listing, batch):
                return _progress(run)
            asked += 1
        self._runs.finish(run, _short_slices(listing.state))
        return _progress(run, done=True)

    def look_up_references(self) -> int:
        """Look up repositories that crawled ones name, at most `LOOK_UP_BATCH`; give how many names that were.

        Raises:
            CrawlError: GitHub could not be asked.
        """
        names = self._references.open(LOOK_UP_BATCH if self._github.has_token else 1)
        if names:
            found = self._github.find_repositories(names)
            self._references.settle(list(zip(names, map(_judged, found), strict=True)))
        return len(names)

    def _save(self, run: Run, listing: Listing, batch: Batch) -> bool:
        state = listing.state.model_dump(mode="json")
        totals = _totals(listing.state)
        return self._runs.save(run, state, totals, repositories=batch.repositories, copies=batch.copies)

    def _fail(self, run: Run, error: str) -> Progress:
        self._runs.fail(run, error)
        return _progress(run, done=True, error=error)


def _progress(run: Run, *, done: bool = False, error: str = "") -> Progress:
    return Progress(found=run.found, added=run.added, done=done, error=error)


def _read_state(run: Run) -> ListingState:
    """Read where a run stands; a state in another form, written before an update, begins anew."""
    try:
        return ListingState.model_validate(run.state or {})
    except ValidationError:
        return ListingState()


def _totals(state: ListingState) -> RunTotals:
    search = state.search
    return RunTotals(
        requests=state.requests,
        claimed=search.claimed if search else 0,
        seen=search.seen if search else 0,
        missing=state.missing,
        notes=tuple(state.notes),
    )


def _short_slices(state: ListingState) -> Sequence[ShortSlice]:
    missed = state.search.missed() if state.search else []
    return [ShortSlice(one.query, one.reason, one.claimed, one.seen) for one in missed]


def _judged(found: Found | None) -> SkippedFork | None:
    """Say what a look-up came to: a repository with the evidence that it is a copy, empty where it is none."""
    return None if found is None else SkippedFork(found.repository, copy_evidence(found) or "")
