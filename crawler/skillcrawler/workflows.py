"""The workflows: what is done in which order, and nothing else. All I/O is in activities.

CrawlRegistry      sources -> repositories due -> CrawlPages -> PublishSnapshot
CrawlPages         page of due repositories -> heads -> crawl the changed ones, ≤ N at once -> next page
CrawlRepository    one repository now
PublishSnapshot    snapshot -> site -> pointer
RescanPackages     page of packages that other rules judged -> next page; then pages for the second scanner
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from skillcrawler import policies
    from skillcrawler.activities import Activities
    from skillcrawler.messages import (
        Counters,
        CrawlPagesInput,
        CrawlRegistryInput,
        CrawlReport,
        CrawlResult,
        Discovery,
        FailureInput,
        Page,
        PageInput,
        Published,
        PublishInput,
        Rescanned,
    )
    from skillcrawler.secondopinion.activity import SecondOpinions
    from skilldata.models import Source

Result = TypeVar("Result")

# A page of 200 costs some 750 events; Temporal warns at 10,240.
PAGES_PER_RUN = 10
RESCANS_PER_RUN = 100  # pages; each costs some six events
LOOK_UPS_PER_CRAWL = 20


@workflow.defn
class CrawlRegistry:
    """Discover, crawl what is due, publish."""

    def __init__(self) -> None:
        self._counters = Counters()

    @workflow.query
    def progress(self) -> Counters:
        """Tell what was done before the pages began."""
        return self._counters

    @workflow.run
    async def run(self, request: CrawlRegistryInput) -> CrawlReport:
        """Run one crawl."""
        in_turns = workflow.patched("sources-in-turns")
        listed = await _due(request.sources) if in_turns and not request.only else request.sources
        found = await _at_most(request.concurrency, [_discover(source, whole=request.only) for source in listed])
        if in_turns:
            await _look_up_references()
        self._counters = Counters(
            sources=len(found),
            sources_failing=sum(bool(one.error) for one in found),
            repositories_added=sum(one.added for one in found),
        )
        sources = request.sources if request.only else []
        if request.only:
            self._counters.due = await workflow.execute_activity_method(
                Activities.make_due,
                args=[sources, request.full],
                **policies.SERVICE_STEP,
            )
        counters = await workflow.execute_child_workflow(
            CrawlPages.run,
            CrawlPagesInput(
                before=workflow.now(),
                sources=sources,
                page_size=request.page_size,
                concurrency=request.concurrency,
                counters=self._counters,
            ),
            id=f"{workflow.info().workflow_id}/pages",
        )
        published = None
        if request.publish:
            published = await workflow.execute_child_workflow(
                PublishSnapshot.run, PublishInput(), id=f"{workflow.info().workflow_id}/publish"
            )
        return CrawlReport(counters=counters, published=published)


@workflow.defn
class CrawlPages:
    """Work off the to-do list, which is in PostgreSQL, page by page."""

    @workflow.init
    def __init__(self, request: CrawlPagesInput) -> None:
        self._counters = request.counters

    @workflow.query
    def progress(self) -> Counters:
        """Tell what was done so far."""
        return self._counters

    @workflow.run
    async def run(self, request: CrawlPagesInput) -> Counters:
        """Crawl until nothing is due that was due at the start."""
        pages = 0
        while (page := await self._probe(request)).probed:
            pages += 1
            self._count(Counters(probed=page.probed, changed=len(page.changed), gone=page.gone))
            await _at_most(request.concurrency, [self._crawl(repository_id) for repository_id in page.changed])
            if pages == PAGES_PER_RUN:
                workflow.continue_as_new(request.model_copy(update={"counters": self._counters}))
        return self._counters

    async def _probe(self, request: CrawlPagesInput) -> Page:
        return await workflow.execute_activity_method(
            Activities.probe_page,
            PageInput(before=request.before, sources=request.sources, limit=request.page_size),
            start_to_close_timeout=policies.LONG,
            schedule_to_close_timeout=policies.GITHUB_DEADLINE,
            retry_policy=policies.GITHUB_RETRY,
        )

    async def _crawl(self, repository_id: int) -> None:
        result = await _crawl(repository_id)
        self._count(
            Counters(
                crawled=not result.failed,
                failed=result.failed,
                skills_added=result.skills_added,
                versions_added=result.versions_added,
                refused=result.refused,
                gone=result.gone,
            )
        )

    def _count(self, more: Counters) -> None:
        self._counters = self._counters.plus(more)


@workflow.defn
class CrawlRepository:
    """Probe and crawl one repository, ahead of the schedule."""

    @workflow.run
    async def run(self, repository_id: int) -> CrawlResult:
        """Crawl it if its head moved."""
        changed = await workflow.execute_activity_method(
            Activities.probe_repository,
            repository_id,
            **policies.GITHUB_STEP,
        )
        return await _crawl(repository_id) if changed else CrawlResult(repository_id=repository_id, read=False)


@workflow.defn
class PublishSnapshot:
    """Export the index, build the site, and only then move the pointer."""

    @workflow.run
    async def run(self, request: PublishInput) -> Published:
        """Make the index as it is now live."""
        snapshot = await workflow.execute_activity_method(
            Activities.create_snapshot,
            **policies.LONG_STEP,
        )
        return await workflow.execute_activity_method(
            Activities.publish_snapshot,
            args=[snapshot, request.force, workflow.info().start_time],
            **policies.LONG_STEP,
        )


@workflow.defn
class RefreshMetadata:
    """Sign the metadata anew before it expires, whether or not anything was published."""

    @workflow.run
    async def run(self) -> str:
        """Sign it; give until when it is valid, empty where none is signed."""
        return await workflow.execute_activity_method(
            Activities.refresh_metadata,
            **policies.LONG_STEP,
        )


@workflow.defn
class RescanPackages:
    """Judge stored packages anew after the scanner's rules changed, page by page; the list is in PostgreSQL."""

    @workflow.init
    def __init__(self, so_far: Rescanned) -> None:
        self._so_far = so_far

    @workflow.query
    def progress(self) -> Rescanned:
        """Tell what was done so far."""
        return self._so_far

    @workflow.run
    async def run(self, so_far: Rescanned) -> Rescanned:
        """Scan until nothing is due, then ask the second scanner; give what was done."""
        pages = 0
        while step := self._next():
            if pages == RESCANS_PER_RUN:
                workflow.continue_as_new(self._so_far)
            pages += 1
            self._so_far = await workflow.execute_activity_method(step, self._so_far, **policies.LONG_STEP)
        return self._so_far

    def _next(self) -> Callable[[Any, Rescanned], Rescanned] | None:
        if not self._so_far.done:
            return Activities.rescan_page
        if not self._so_far.advised and workflow.patched("second-opinion"):
            return SecondOpinions.ask_second_opinions
        return None


async def _due(sources: list[Source]) -> list[Source]:
    if not sources:
        return []
    return await workflow.execute_activity_method(
        Activities.due_sources,
        sources,
        **policies.SERVICE_STEP,
    )


async def _discover(source: Source, *, whole: bool) -> Discovery:
    """List one source; a source that cannot be read is a result, and never stops the others.

    A code search of all of GitHub takes a day, and a schedule's crawl does not wait for its end (`whole`): the
    run stays open, and the next crawl goes on with it.
    """
    found = Discovery(source=source, done=False)
    try:
        while not found.done:
            found = await workflow.execute_activity_method(
                Activities.discover,
                args=[source, whole],
                start_to_close_timeout=policies.LONG,
                schedule_to_close_timeout=policies.GITHUB_DEADLINE,
                heartbeat_timeout=policies.HEARTBEAT,
                retry_policy=policies.GITHUB_RETRY,
            )
            if not whole:
                break
    except ActivityError as error:
        found = found.model_copy(update={"error": _reason(error)[1]})
        await workflow.execute_activity_method(
            Activities.interrupt_source,
            args=[source, found.error],
            **policies.SERVICE_STEP,
        )
    return found


async def _look_up_references() -> None:
    """Look up what earlier crawls found named in repositories; what fails waits for the next crawl."""
    try:
        for _ in range(LOOK_UPS_PER_CRAWL):
            if not await workflow.execute_activity_method(
                Activities.look_up_references,
                **policies.GITHUB_STEP,
            ):
                return
    except ActivityError:
        return


async def _crawl(repository_id: int) -> CrawlResult:
    """Crawl one repository; what goes wrong is recorded with the repository, and never stops the page."""
    try:
        return await workflow.execute_activity_method(
            Activities.crawl_repository,
            repository_id,
            start_to_close_timeout=policies.LONG,
            schedule_to_close_timeout=policies.GITHUB_DEADLINE,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.FETCH_RETRY,
        )
    except ActivityError as error:
        code, message = _reason(error)
    await workflow.execute_activity_method(
        Activities.record_failure,
        FailureInput(repository_id=repository_id, code=code, message=message),
        **policies.SERVICE_STEP,
    )
    return CrawlResult(repository_id=repository_id, failed=True)


def _reason(error: ActivityError) -> tuple[str, str]:
    cause = error.cause
    code = cause.type if isinstance(cause, ApplicationError) and cause.type else "timeout"
    return code, str(cause or error)[:2000]


async def _at_most(limit: int, tasks: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Run coroutines, no more than `limit` at once; results in the order of the tasks."""
    gate = asyncio.Semaphore(limit)

    async def one(task: Coroutine[Any, Any, Result]) -> Result:
        async with gate:
            return await task

    return list(await asyncio.gather(*(one(task) for task in tasks)))
