"""What workflows have done for them. The only module that speaks both the domain's errors and Temporal's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from temporalio import activity

from skillcrawler import policies
from skillcrawler.crawl import crawl_repository
from skillcrawler.discovery import Discoverer
from skillcrawler.errors import (
    FetchTooLarge,
    RepositoryBlocked,
    RepositoryEmpty,
    RepositoryGone,
    TooManyEntries,
)
from skillcrawler.fetch import Fetcher
from skillcrawler.github import GitHub
from skillcrawler.messages import (
    CrawlResult,
    Discovery,
    FailureInput,
    FoundRepository,
    Page,
    PageInput,
    Published,
    Rescanned,
)
from skillcrawler.probe import Prober
from skillcrawler.rescan import Rescan, rescan
from skillcrawler.shielding import ERROR_TEXT
from skillcrawler.shielding import alive as _alive
from skillcrawler.shielding import translated as _translated
from skilldata.config import Settings
from skilldata.database import Database, find_repository
from skilldata.errors import RegistryError
from skilldata.export import create_snapshot
from skilldata.models import RepositoryState, Source, SourceKind
from skilldata.objects import ObjectStore
from skilldata.ondemand import RefreshRequest
from skilldata.publish.guard import SnapshotHeld
from skilldata.publish.live import Publication
from skilldata.publish.withdraw import withdraw
from skilldata.snapshot import Snapshot
from skilldata.sourcestate import SourceRuns
from skilldata.stewardship import apply_policy, load_policy
from skilldata.store import Pointer, snapshot_time

RESULTS = (RepositoryGone, RepositoryBlocked, RepositoryEmpty)
# Times in the index are those at which transactions began; none that a probe makes lasts this long.
LONGEST_PROBE = timedelta(minutes=1)


class BuiltSite(NamedTuple):
    """What a site build says: pages in all, and files written."""

    pages: int
    files_written: int


SiteBuilder = Callable[[Settings, Snapshot], BuiltSite]


class Activities:
    """The activities, on the clients that they need. Each may be run twice with the same effect as once.

    Args:
        settings: The configuration.
        database: The index.
        objects: The object store.
        github: Who is asked about repositories.
        site_builder: Builds a site from a snapshot into a folder; the crawler knows nothing of pages.
    """

    def __init__(
        self, settings: Settings, database: Database, objects: ObjectStore, github: GitHub, site_builder: SiteBuilder
    ) -> None:
        self._settings = settings
        self._database = database
        self._objects = objects
        self._site_builder = site_builder
        self._github = github
        self._fetcher = Fetcher(settings.github, settings.crawl, settings.state_directory / "scratch", github)
        self._fetcher.sweep()
        self._runs = SourceRuns(database)
        self._publication = Publication(settings, objects, site_builder)

    @activity.defn
    def discover(self, source: Source, on_demand: bool = False) -> Discovery:
        """Go on listing a source, and put what it gives into the index; a retry goes on where this stopped."""
        with _translated(), _alive():
            run = Discoverer(self._asked(on_demand), self._database).advance(source)
            return Discovery(source=source, repositories=run.found, added=run.added, error=run.error, done=run.done)

    @activity.defn
    def due_sources(self, sources: list[Source]) -> list[Source]:
        """Pick the sources whose interval is over, or whose run is open."""
        with _translated():
            return self._runs.due(sources)

    @activity.defn
    def interrupt_source(self, source: Source, error: str) -> None:
        """Note with a source why it could not be listed for now."""
        with _translated():
            self._runs.interrupt(source, error)

    @activity.defn
    def look_up_references(self) -> int:
        """Look up some of the repositories that crawled ones name; give how many."""
        with _translated(policies.ATTEMPTS):
            return Discoverer(self._github, self._database).look_up_references()

    @activity.defn
    def make_due(self, sources: list[Source], full: bool) -> int:
        """Make what sources found due now; give how many repositories that is."""
        with _translated():
            return self._database.make_due(sources, full=full)

    @activity.defn
    def probe_page(self, page: PageInput) -> Page:
        """Look at the repositories that have waited longest, and say which changed."""
        with _translated():
            self._apply_policy()
            due = self._database.due(page.limit, before=page.before, sources=page.sources)
            patient = activity.info().attempt <= policies.PATIENT_ATTEMPTS
            prober = self._prober(on_demand=bool(page.sources))
            seen = prober.probe(due, leave_out_failing=not patient)
            changed = self._database.record_probe(seen.repositories, states=seen.states)
            for repository_id, error in seen.failed:
                self._fail(FailureInput(repository_id=repository_id, code=error.code, message=error.message))
            gone = sum(state is not RepositoryState.ACTIVE for _, state in seen.states)
            return Page(probed=len(due), changed=changed, gone=gone)

    @activity.defn
    def probe_repository(self, repository_id: int) -> bool:
        """Look at one repository, and say whether it changed."""
        with _translated(policies.ATTEMPTS):
            seen = self._prober(on_demand=True).probe([self._database.due_repository(repository_id)])
            return bool(self._database.record_probe(seen.repositories, states=seen.states))

    @activity.defn
    def crawl_repository(self, repository_id: int) -> CrawlResult:
        """Read a repository whose head moved, store its packages, and put it into the index."""
        with _translated(policies.ATTEMPTS), _alive():
            try:
                outcome = crawl_repository(
                    repository_id,
                    settings=self._settings,
                    database=self._database,
                    objects=self._objects,
                    fetcher=self._fetcher,
                )
            except RESULTS as error:
                self._database.record_probe((), states=[(repository_id, _state(error))])
                return CrawlResult(repository_id=repository_id)
            except (FetchTooLarge, TooManyEntries) as error:
                self._fail(FailureInput(repository_id=repository_id, code=error.code, message=error.message))
                return CrawlResult(repository_id=repository_id, failed=True)
            return CrawlResult(
                repository_id=repository_id,
                skills_added=outcome.skills_added,
                versions_added=outcome.versions_added,
                refused=outcome.refused,
                gone=outcome.gone,
            )

    @activity.defn
    def record_failure(self, failure: FailureInput) -> None:
        """Note with a repository why it could not be crawled."""
        with _translated():
            self._fail(failure)

    @activity.defn
    def find_repository(self, request: RefreshRequest) -> FoundRepository:
        """Find a repository that somebody wants read; where it may be added, look it up on GitHub and add it."""
        with _translated():
            asked = request.repository
            standing, error = find_repository(self._database, asked), ""
            if standing is None and request.may_add:
                source = Source(kind=SourceKind.REPOSITORY, target=f"{asked.owner}/{asked.name}")
                error = Discoverer(self._asked(True), self._database).advance(source).error
                standing = find_repository(self._database, asked)
            if standing is None:
                return FoundRepository(error=error)
            pointer, changed = self._publication.snapshots.pointer(), standing.changed_at
            is_live = pointer is not None and (changed is None or changed < pointer.as_of - LONGEST_PROBE)
            return FoundRepository(
                repository_id=standing.repository_id,
                state=standing.state,
                head=standing.head_oid,
                live_in=pointer.snapshot if pointer is not None and is_live else None,
                error=standing.error,
            )

    @activity.defn
    def rescan_page(self, so_far: Rescanned) -> Rescanned:
        """Scan the next page of packages that other rules judged; what it did is added to what was done before."""
        with _translated(), _alive():
            page = next(rescan(self._database, self._objects, after=so_far.after), None)
            return _added(so_far, page) if page else so_far.model_copy(update={"done": True})

    @activity.defn
    def create_snapshot(self) -> str:
        """Export the index; give the snapshot's id."""
        with _translated(), _alive():
            self._apply_policy()
            # Before anything is published: what is restored is there when it is offered, and what is not to be
            # served is gone the sooner.
            _, problem = withdraw(self._database, self._objects, self._settings.publish)
            if problem:
                activity.logger.warning("%s: caches may keep packages that were taken away", problem)
            return create_snapshot(self._database, self._publication.snapshots.folder).id

    @activity.defn
    def publish_snapshot(self, snapshot_id: str, force: bool, begun: datetime | None = None) -> Published:
        """Build the site of a snapshot, and make both live; nothing happens where they are.

        Nor where a later snapshot was made live since this one was `begun`: it has what this one has.
        """
        with _translated(), _alive():
            pointer = self._publication.snapshots.pointer()
            if pointer and begun and not force and _is_overtaken(snapshot_id, begun, pointer):
                return Published(snapshot=pointer.snapshot, changed=False)
            site = self._settings.state_directory / "site"
            if pointer and pointer.snapshot == snapshot_id and (site / "live").exists() and not force:
                self._publication.refresh(snapshot_id)
                return Published(snapshot=snapshot_id, changed=False)
            try:
                built = self._publication.make_live(snapshot_id)
            except SnapshotHeld as held:
                return Published(snapshot=snapshot_id, changed=False, held=held.reasons[:ERROR_TEXT])
            return Published(snapshot=snapshot_id, changed=True, pages=built.pages, files_written=built.files_written)

    @activity.defn
    def refresh_metadata(self) -> str:
        """Sign anew what soon expires; give until when the signed metadata is valid, empty where none is signed."""
        with _translated(), _alive():
            if not self._publication.signer.signs:
                return ""
            return self._publication.signer.refresh(datetime.now(UTC)).expires.isoformat()

    def _asked(self, on_demand: bool) -> GitHub:
        """What somebody waits for may use the reserve of GitHub's limits."""
        return self._github.on_demand() if on_demand else self._github

    def _apply_policy(self) -> None:
        apply_policy(self._database, load_policy(self._settings.policy_file))

    def _prober(self, *, on_demand: bool) -> Prober:
        return Prober(self._asked(on_demand), self._fetcher, self._settings.crawl.batch_size)

    def _fail(self, failure: FailureInput) -> None:
        retry_at = datetime.now(UTC) + timedelta(hours=6)
        self._database.record_failure(failure.repository_id, failure.code, failure.message, retry_at=retry_at)


def _is_overtaken(snapshot_id: str, begun: datetime, live: Pointer) -> bool:
    return live.snapshot != snapshot_id and live.published_at > begun and live.as_of >= snapshot_time(snapshot_id)


def _added(so_far: Rescanned, page: Rescan) -> Rescanned:
    return Rescanned(
        after=page.after,
        scanned=so_far.scanned + page.scanned,
        changed=so_far.changed + page.changed,
        skills=so_far.skills + page.skills,
        unreadable=so_far.unreadable + page.unreadable,
    )


def _state(error: RegistryError) -> RepositoryState:
    if isinstance(error, RepositoryGone):
        return RepositoryState.GONE
    return RepositoryState.BLOCKED if isinstance(error, RepositoryBlocked) else RepositoryState.EMPTY
