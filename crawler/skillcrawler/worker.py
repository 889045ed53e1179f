"""The worker: takes workflows and activities from Temporal's queue and runs them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import Runtime
from temporalio.service import RPCError
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from skillcrawler.activities import Activities, SiteBuilder
from skillcrawler.chores import Chores
from skillcrawler.github import GitHub
from skillcrawler.housekeeping import BackUpIndex, CollectGarbage, MaintainIndex, TakeDownloads
from skillcrawler.ondemand import PublishSoon, RefreshRepository, TakeDelivery
from skillcrawler.secondopinion.activity import SecondOpinions
from skillcrawler.signals import Signals
from skillcrawler.workflows import (
    CrawlPages,
    CrawlRegistry,
    CrawlRepository,
    PublishSnapshot,
    RefreshMetadata,
    RescanPackages,
)
from skilldata.budgets import Budgets
from skilldata.config import Settings, TemporalSettings
from skilldata.database import Database
from skilldata.errors import ConfigurationError, ServiceUnavailable
from skilldata.objects import ObjectStore
from skilldata.temporal import access

WORKFLOWS = (
    CrawlRegistry,
    CrawlPages,
    CrawlRepository,
    PublishSnapshot,
    RefreshMetadata,
    RescanPackages,
    TakeDelivery,
    RefreshRepository,
    PublishSoon,
    BackUpIndex,
    MaintainIndex,
    CollectGarbage,
    TakeDownloads,
)
# Beside the fetches: probes, discovery and publishing.
OTHER_ACTIVITIES = 4
DRAIN = timedelta(seconds=30)


async def connect(settings: TemporalSettings, *, runtime: Runtime | None = None) -> Client:
    """Connect to Temporal.

    Args:
        settings: Where it is.
        runtime: The SDK's runtime, where another than the process's own is wanted.

    Raises:
        ConfigurationError: No server is configured, or half a certificate is.
        ServiceUnavailable: It does not answer.
    """
    if settings.server_url is None:
        raise ConfigurationError(
            "no Temporal server is configured: temporal.server_url is empty",
            remedy="Run `skillregistry up` for an embedded one, or set SKILLREGISTRY_TEMPORAL__SERVER_URL.",
        )
    how = access(settings)
    try:
        return await Client.connect(
            settings.server_url,
            namespace=settings.namespace,
            data_converter=pydantic_data_converter,
            runtime=runtime,
            tls=how.tls,
            api_key=how.api_key,
        )
    except (RPCError, RuntimeError, ValueError) as error:
        raise ServiceUnavailable(
            f"Temporal at {settings.server_url} does not answer: {error}",
            remedy="Run `skillregistry status`, then `skillregistry up`; for a server elsewhere, see temporal.tls.",
        ) from None


@asynccontextmanager
async def running_worker(client: Client, settings: Settings, site_builder: SiteBuilder) -> AsyncIterator[Worker]:
    """Run a worker for as long as the block lasts; running activities may end before it does.

    Args:
        client: A connection to Temporal.
        settings: The configuration.
        site_builder: Builds the site of a snapshot.
    """
    slots = settings.crawl.concurrency + OTHER_ACTIVITIES
    with (
        Database(settings.database, settings.crawl.bounds) as database,
        GitHub(settings.github, Budgets(database)) as github,
        ThreadPoolExecutor(slots, "activity") as executor,
    ):
        objects = ObjectStore(settings.s3)
        activities = Activities(settings, database, objects, github, site_builder)
        chores = Chores(settings, database, objects)
        opinions = SecondOpinions(settings, database, objects)
        signals = Signals(settings)
        worker = Worker(
            client,
            task_queue=settings.temporal.task_queue,
            workflows=WORKFLOWS,
            activities=[
                activities.discover,
                activities.due_sources,
                activities.interrupt_source,
                activities.look_up_references,
                activities.make_due,
                activities.probe_page,
                activities.probe_repository,
                activities.crawl_repository,
                activities.record_failure,
                activities.rescan_page,
                opinions.ask_second_opinions,
                activities.create_snapshot,
                activities.publish_snapshot,
                activities.refresh_metadata,
                activities.find_repository,
                signals.ask_for_refresh,
                signals.ask_to_publish,
                chores.back_up,
                chores.maintain_index,
                chores.collect_garbage,
                chores.take_downloads,
            ],
            activity_executor=executor,
            max_concurrent_activities=slots,
            graceful_shutdown_timeout=DRAIN,
            workflow_runner=workflow_runner(),
        )
        async with worker:
            yield worker


def workflow_runner() -> SandboxedWorkflowRunner:
    """Give the sandbox that workflows run in; modules that are pure, or only named there, pass through."""
    passed = SandboxRestrictions.default.with_passthrough_modules("skillcrawler", "skilldata", "pydantic")
    return SandboxedWorkflowRunner(restrictions=passed)
