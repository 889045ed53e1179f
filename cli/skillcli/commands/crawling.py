"""`skillregistry crawl`, `worker`, `sources`."""

from __future__ import annotations

import asyncio
import hashlib
import signal
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Annotated, Any

import typer
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
from typer.core import TyperGroup

from skillcli import context
from skillcli.site import build
from skillcrawler import policies
from skillcrawler.messages import Counters, CrawlRegistryInput, CrawlReport
from skillcrawler.worker import connect, running_worker
from skillcrawler.workflows import CrawlPages, CrawlRegistry
from skilldata.config import Settings
from skilldata.database import Database
from skilldata.errors import ConfigurationError, RegistryError
from skilldata.models import Source
from skilldata.sources import all_sources, parse_source

POLL_SECONDS = 0.5


class _RunsByDefault(TyperGroup):
    """A group of commands whose first one runs where the first word is none of them: `crawl OWNER/NAME`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["run", *args]
        return super().parse_args(ctx, args)


crawls = typer.Typer(
    cls=_RunsByDefault,
    help="Crawl sources and publish what they hold: `crawl [SOURCE]...`; see `crawl run --help` for its options.",
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(crawls, name="crawl")
    app.command("worker")(worker)
    app.command("sources")(sources)


@crawls.command("run")
def crawl(
    source: Annotated[list[str] | None, typer.Argument(help="owner, owner/name or KIND:TARGET; default: all.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again, changed or not.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Work along, and wait for the end.")] = False,
    publish: Annotated[bool, typer.Option(help="Publish a snapshot at the end.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which sources would be crawled.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Crawl sources and publish what they hold."""
    settings = context.settings()
    wanted = [parse_source(text) for text in source] if source else all_sources(settings)
    if not wanted:
        raise ConfigurationError("there is no source to crawl", remedy="Name one, or add `sources` to registry.yaml.")
    if dry_run:
        context.show(
            [one.model_dump() for one in wanted],
            as_json=as_json,
            text="\n".join(f"{s.kind}:{s.target}" for s in wanted),
        )
        return
    request = CrawlRegistryInput(
        sources=wanted,
        full=full,
        publish=publish,
        page_size=settings.crawl.page_size,
        concurrency=settings.crawl.concurrency,
    )
    workflow_id = policies.CRAWL_ID if not source else f"{policies.CRAWL_ID}/{_fingerprint(wanted)}"
    report = asyncio.run(_crawl(settings, request, workflow_id, wait=wait))
    if report is None:
        text = f"started {workflow_id}; a running `skillregistry worker` does the rest"
        context.show({"workflow": workflow_id}, as_json=as_json, text=text)
    else:
        context.show(report.model_dump(mode="json"), as_json=as_json, text=describe(report))


def worker() -> None:
    """Run a worker until it is told to stop (SIGTERM or Ctrl-C); running work is finished first."""
    asyncio.run(_work(context.settings()))


@crawls.command("status")
def crawl_status(
    workflow: Annotated[str, typer.Argument(help="Which crawl, as `crawl` named it.")] = policies.CRAWL_ID,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Say whether a crawl runs, and how far it is."""
    state, counters = asyncio.run(_status(context.settings(), workflow))
    text = state if counters is None else f"{state}: {_counted(counters)}"
    data = {"workflow": workflow, "state": state, "counters": counters.model_dump() if counters else None}
    context.show(data, as_json=as_json, text=text)


@crawls.command("failures")
def failures(as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False) -> None:
    """List repositories that could not be crawled, with the reason and the next try."""
    with Database(context.settings().database) as database:
        found = database.failures()
    rows = [(f"{one.owner}/{one.name}", one.attempts, one.code, one.message, one.due_at) for one in found]
    text = context.table(rows, ("REPOSITORY", "TRIES", "CODE", "REASON", "NEXT TRY")) if rows else "no failures"
    context.show([one._asdict() for one in found], as_json=as_json, text=text)


def sources(as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False) -> None:
    """List sources with their health and how many repositories each found."""
    with Database(context.settings().database) as database:
        found = database.sources()
    rows = [(f"{one.kind}:{one.target}", one.health, one.repositories, one.succeeded_at, one.error) for one in found]
    text = context.table(rows, ("SOURCE", "HEALTH", "REPOSITORIES", "LAST SUCCESS", "ERROR")) if rows else "no sources"
    context.show([one._asdict() for one in found], as_json=as_json, text=text)


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
    elif published is not None:
        lines.append(f"published     nothing new; {published.snapshot} stays live")
    return "\n".join(lines)


async def _crawl(
    settings: Settings, request: CrawlRegistryInput, workflow_id: str, *, wait: bool
) -> CrawlReport | None:
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


async def _status(settings: Settings, workflow_id: str) -> tuple[str, Counters | None]:
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


async def _state(client: Client, handle: WorkflowHandle[CrawlRegistry, CrawlReport]) -> str:
    pages: WorkflowHandle[CrawlPages, Counters] = client.get_workflow_handle(f"{handle.id}/pages")
    try:
        description = await pages.describe()
        if description.status is not WorkflowExecutionStatus.RUNNING:
            return "publishing"
        return _counted(await pages.query(CrawlPages.progress))
    except RPCError:
        return "reading sources"


def _counted(done: Counters) -> str:
    return (
        f"crawling: {done.probed} of {max(done.due, done.probed)} repositories looked at, "
        f"{done.crawled} of {done.changed} changed ones read, {done.versions_added} new versions"
    )


async def _work(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    client = await connect(settings.temporal)
    async with running_worker(client, settings, build):
        context.Progress().note(f"worker: taking work from {settings.temporal.task_queue}")
        await stop.wait()
        context.Progress().note("worker: finishing what is running")


def _fingerprint(sources: list[Source]) -> str:
    names = "\n".join(sorted(f"{source.kind}:{source.target}" for source in sources))
    return hashlib.sha256(names.encode()).hexdigest()[:16]
