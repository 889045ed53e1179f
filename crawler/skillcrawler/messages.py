"""What workflows and activities say to each other: ids, counters and cursors, never bytes."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import BaseModel

from skilldata.models import RepositoryState, Source


class CrawlRegistryInput(BaseModel):
    """One crawl: what its sources found, or whatever is due.

    `only` says that the crawl looks at nothing else than what these sources found, and at all of that.
    """

    sources: list[Source]
    only: bool = True
    full: bool = False  # read everything again, whether or not it changed
    publish: bool = True
    page_size: int = 200
    concurrency: int = 4


class Discovery(BaseModel):
    """What one source gave so far; `done` says that it has nothing more to give."""

    source: Source
    repositories: int = 0
    added: int = 0
    error: str = ""
    done: bool = True


class Counters(BaseModel):
    """What a crawl did so far; shown as its progress."""

    sources: int = 0
    sources_failing: int = 0
    repositories_added: int = 0
    due: int = 0
    probed: int = 0
    changed: int = 0
    crawled: int = 0
    failed: int = 0
    skills_added: int = 0
    versions_added: int = 0
    refused: int = 0
    gone: int = 0

    def plus(self, other: Counters) -> Counters:
        """Add up two sets of counters."""
        return Counters(**{name: getattr(self, name) + getattr(other, name) for name in Counters.model_fields})


class CrawlPagesInput(BaseModel):
    """The repositories that were due before a time, in pages; all, or what some sources found."""

    before: datetime
    sources: list[Source] = []
    page_size: int
    concurrency: int
    counters: Counters = Counters()


class PageInput(BaseModel):
    """One page: how many at most, due before when, found by which sources (empty: any)."""

    before: datetime
    sources: list[Source] = []
    limit: int


class Page(BaseModel):
    """What a probed page found: how many were looked at, and who is to be fetched."""

    probed: int
    changed: list[int] = []
    gone: int = 0


class CrawlResult(BaseModel):
    """What the crawl of one repository did."""

    repository_id: int
    read: bool = True  # False where the head had not moved
    failed: bool = False
    skills_added: int = 0
    versions_added: int = 0
    refused: int = 0
    gone: int = 0


class FailureInput(BaseModel):
    """A repository that could not be crawled, and why."""

    repository_id: int
    code: str
    message: str


class Rescanned(BaseModel):
    """What a rescan did so far, and the content digest that it got to; `done` says that no page is left."""

    after: str = ""
    scanned: int = 0
    changed: int = 0
    skills: int = 0
    unreadable: int = 0
    done: bool = False
    # Of another scanner, where one is configured: how far it was asked, and why it could not be.
    advised: bool = False
    advised_after: str = ""
    opinions: int = 0
    no_opinions: str = ""


class PublishInput(BaseModel):
    """Make a snapshot and its site live; nothing is done where the live one is equal."""

    force: bool = False


class Published(BaseModel):
    """The snapshot that is live now, and whether that is news."""

    snapshot: str
    changed: bool
    pages: int = 0
    files_written: int = 0
    held: str = ""  # why it waits for a maintainer instead


class CrawlReport(BaseModel):
    """The result of a crawl."""

    counters: Counters
    published: Published | None = None


class FoundRepository(BaseModel):
    """Where a repository stands that somebody wants read; no id where the index does not have it.

    `live_in` is the live snapshot, where that has all that the index knows of the repository.
    """

    repository_id: int | None = None
    state: RepositoryState = RepositoryState.ACTIVE
    head: str | None = None
    live_in: str | None = None
    error: str = ""


class PublishAsk(BaseModel):
    """A workflow that wants to be told when what it read is live, and the number of its call."""

    workflow_id: str
    number: int


class PublishDone(BaseModel):
    """The answer to such a call: the live snapshot, or why there is none."""

    number: int
    snapshot: str | None = None
    error: str = ""


class PublishSoonInput(BaseModel):
    """How long publishing waits for more to come, at most, and who is waiting already."""

    quiet: timedelta
    latest: timedelta
    asks: list[PublishAsk] = []


class BackedUp(BaseModel):
    """A backup that was made, and the compressed bytes of it that were new."""

    id: str
    rows: int
    new_bytes: int


class Maintained(BaseModel):
    """Old runs of sources that were deleted, and tables that were cleaned."""

    runs: int
    tables: int


class Collected(BaseModel):
    """What was deleted."""

    snapshots: int
    files: int
    backups: int
    bytes: int
