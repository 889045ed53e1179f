"""Starting crawls, following them, and working: what `skillregistry crawl` and `worker` do."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import signal
from contextlib import AsyncExitStack
from datetime import timedelta

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from skillcli import context
from skillcli.site import build
from skillcrawler import policies
from skillcrawler.messages import Counters, CrawlRegistryInput, CrawlReport, Published, PublishInput
from skillcrawler.ondemand import RefreshRepository
from skillcrawler.schedules import apply_schedules, pause_schedules, resume_schedules
from skillcrawler.watching import sdk_runtime, watching
from skillcrawler.worker import connect, running_worker
from skillcrawler.workflows import CrawlPages, CrawlRegistry, PublishSnapshot
from skilldata import logs
from skilldata.config import Settings
from skilldata.errors import NotFound, RegistryError
from skilldata.models import Source
from skilldata.ondemand import REFRESH_REPOSITORY, RefreshState
from skilldata.sources import all_sources

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
REQUESTS_SHOWN = 50


def request(
    settings: Settings, sources: list[Source], *, only: bool = True, full: bool = False, publish: bool = True
) -> CrawlRegistryInput:
    """Say what a crawl is to do."""
    return CrawlRegistryInput(
        sources=sources,
        only=only,
        full=full,
        publish=publish,
        page_size=settings.crawl.page_size,
        concurrency=settings.crawl.concurrency,
    )


def describe(report: CrawlReport) -> str:
    """Say in a few lines what a crawl did."""
    done, published = report.counters, report.published
    lines = [
        f"sources       {done.sources} ({done.sources_failing} failing)",
        f"repositories  {done.probed} looked at, {done.changed} changed, {done.failed} failed, {done.gone} gone",
        f"skills        {done.skills_added} added, {done.versions_added} new versions, {done.refused} refused",
    ]
    if published is not None and published.changed:
        lines.append(
            f"published     {published.snapshot}: {published.pages} pages, {published.files_written} files written"
        )
    elif published is not None and published.held:
        lines.append(f"published     {published.snapshot} is held back: {published.held}")
    elif published is not None:
        lines.append(f"published     nothing new; {published.snapshot} stays live")
    return "\n".join(lines)


async def run(settings: Settings, request: CrawlRegistryInput, workflow_id: str, *, wait: bool) -> CrawlReport | None:
    """Start a crawl, or join the one that runs under that id; with `wait`, work along and give its report."""
    client = await connect(settings.temporal)
    async with AsyncExitStack() as stack:
        if wait:
            await stack.enter_async_context(running_worker(client, settings, build))
        handle = await client.start_workflow(
            CrawlRegistry.run,
            request,
            id=workflow_id,
            task_queue=settings.temporal.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        return await _follow(client, handle) if wait else None


async def _follow(client: Client, handle: WorkflowHandle[CrawlRegistry, CrawlReport]) -> CrawlReport:
    """Show progress until the crawl ends."""
    progress = context.Progress()
    result = asyncio.ensure_future(handle.result())
    while not (await asyncio.wait([result], timeout=POLL_SECONDS))[0]:
        progress.step(await _state(client, handle))
    try:
        return result.result()
    except WorkflowFailureError as error:
        raise RegistryError(
            f"the crawl failed: {error.cause}", remedy="`skillregistry crawl failures` has the reasons; start it again."
        ) from None


async def status(settings: Settings, workflow_id: str) -> tuple[str, Counters | None]:
    """Give the state of a crawl, and what it did so far where a worker can tell."""
    client = await connect(settings.temporal)
    try:
        description = await client.get_workflow_handle(workflow_id).describe()
    except RPCError:
        return "never run", None
    state = (description.status or WorkflowExecutionStatus.RUNNING).name.lower()
    try:
        pages: WorkflowHandle[CrawlPages, Counters] = client.get_workflow_handle(f"{workflow_id}/pages")
        # Without a worker nobody answers; the state is worth showing all the same.
        return state, await pages.query(CrawlPages.progress, rpc_timeout=timedelta(seconds=2))
    except (RPCError, WorkflowQueryRejectedError, WorkflowQueryFailedError):
        return state, None


async def on_demand(settings: Settings) -> list[RefreshState]:
    """List the requests for single repositories that are being worked on, as far as a worker can tell."""
    client = await connect(settings.temporal)
    query = (
        f"WorkflowType = '{REFRESH_REPOSITORY}' AND ExecutionStatus = 'Running' "
        f"AND TaskQueue = '{settings.temporal.task_queue}'"
    )
    running = [one async for one in client.list_workflows(query, limit=REQUESTS_SHOWN)]
    return list(await asyncio.gather(*(_request_state(client, one.id) for one in running)))


async def _request_state(client: Client, workflow_id: str) -> RefreshState:
    try:
        handle: WorkflowHandle[RefreshRepository, RefreshState] = client.get_workflow_handle(workflow_id)
        return await handle.query(RefreshRepository.state, rpc_timeout=timedelta(seconds=2))
    except (RPCError, WorkflowQueryRejectedError, WorkflowQueryFailedError):
        return RefreshState(repository=workflow_id)


async def _state(client: Client, handle: WorkflowHandle[CrawlRegistry, CrawlReport]) -> str:
    pages: WorkflowHandle[CrawlPages, Counters] = client.get_workflow_handle(f"{handle.id}/pages")
    try:
        whole, part = await handle.describe(), await pages.describe()
        if part.start_time < whole.start_time:  # that of an earlier crawl
            return "reading sources"
        if part.status is not WorkflowExecutionStatus.RUNNING:
            return "publishing"
        return counted(await pages.query(CrawlPages.progress))
    except RPCError:
        return "reading sources"


def counted(done: Counters) -> str:
    """Say in one line how far a crawl is."""
    return (
        f"crawling: {done.probed} of {max(done.due, done.probed)} repositories looked at, "
        f"{done.crawled} of {done.changed} changed ones read, {done.versions_added} new versions"
    )


async def schedule(settings: Settings) -> list[str]:
    """Create or update the schedules; give their ids."""
    return await apply_schedules(await connect(settings.temporal), settings, all_sources(settings))


async def pause(settings: Settings, reason: str, *, paused: bool) -> None:
    """Pause the schedules, or let them go on."""
    client = await connect(settings.temporal)
    try:
        await (pause_schedules if paused else resume_schedules)(client, note=reason)
    except RPCError as error:
        raise NotFound(
            f"the crawl is not scheduled: {error.message}", remedy="Run `skillregistry crawl schedule`."
        ) from None


async def work(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; what runs then is finished first."""
    logs.set_up(settings, debug=context.debug())
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runtime, sdk = sdk_runtime()
    client = await connect(settings.temporal, runtime=runtime)
    async with (
        running_worker(client, settings, build) as worker,
        watching(client, worker, settings, sdk=sdk) as port,
    ):
        logger.info("worker: taking work from %s", settings.temporal.task_queue)
        if port is not None:
            logger.info("worker: metrics on http://%s:%d/metrics", settings.worker.metrics_host, port)
        await stop.wait()
        logger.info("worker: finishing what is running")


async def publish(settings: Settings, request: PublishInput) -> Published:
    """Publish a snapshot, with a worker of this process."""
    client = await connect(settings.temporal)
    async with running_worker(client, settings, build):
        return await client.execute_workflow(
            PublishSnapshot.run,
            request,
            id=policies.PUBLISH_ID,
            task_queue=settings.temporal.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )


def fingerprint(sources: list[Source]) -> str:
    """Give a short name for a set of sources, the same in any order."""
    names = "\n".join(sorted(f"{source.kind}:{source.target}" for source in sources))
    return hashlib.sha256(names.encode()).hexdigest()[:16]
