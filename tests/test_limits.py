"""Crawls through Temporal with little left of GitHub's limits, seen from GitHub."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError

from skillcli import crawls
from skillcli.site import build
from skillcrawler.worker import connect, running_worker
from skillcrawler.workflows import CrawlRegistry, CrawlRepository
from skilldata.config import Settings
from skilldata.sources import parse_source
from tests.conftest import Registry
from tests.faultruns import state
from tests.standin import StandIn, early

NAMES = [f"acme/tool-{number}" for number in range(4)]
PATIENCE = timedelta(seconds=120)


@pytest.fixture(autouse=True)
def repositories(github: StandIn) -> None:
    for number, name in enumerate(NAMES):
        github.add_repository(name, {"a/SKILL.md": f"---\nname: a\ndescription: Thing {number}.\n---\nbody\n"})


def changed(registry: Registry, **values: object) -> Settings:
    """The registry's settings with other credentials, and one repository for each GraphQL query."""
    settings = registry.settings
    github = type(settings.github).model_validate({**settings.github.model_dump(), **values})
    crawl = settings.crawl.model_copy(update={"batch_size": 1})
    return settings.model_copy(update={"github": github, "crawl": crawl})


async def crawl(settings: Settings) -> None:
    request = crawls.request(settings, [parse_source(name) for name in NAMES], publish=False)
    report = await crawls.run(settings, request, f"crawl/{settings.temporal.task_queue}", wait=True)
    assert report is not None
    assert (report.counters.crawled, report.counters.failed, report.counters.sources_failing) == (len(NAMES), 0, 0)


def asked(github: StandIn, token: str) -> list[int]:
    """Statuses of the GraphQL queries that a token asked."""
    return [one.status for one in github.wire_log() if (one.token, one.kind) == (token, "graphql")]


def test_a_crawl_goes_on_with_the_other_token(registry: Registry, other_registry: Registry, github: StandIn) -> None:
    asyncio.run(crawl(changed(other_registry)))
    github.add_token("small-token", name="small", limits={"graphql": 1, "core": 1})
    github.inject(path="/graphql", graphql="RATE_LIMITED", count=1)
    github.reset_wire_log()
    github.add_token("third-token", name="third")
    asyncio.run(crawl(changed(registry, tokens=["small-token", "third-token"])))
    log = github.wire_log()
    assert early(log) == []
    assert len(asked(github, "small")) == 1
    assert not [one for one in log if one.status in {403, 429}]
    assert sum(one.fault == "RATE_LIMITED" for one in log) == 1
    assert state(registry) == state(other_registry)


def test_the_schedule_stops_at_the_reserve_and_who_waits_does_not(registry: Registry, github: StandIn) -> None:
    asyncio.run(crawl(registry.settings))
    registry.database.make_due()
    github.push(NAMES[0], {"b/SKILL.md": "---\nname: b\ndescription: New.\n---\nbody\n"})
    github.add_token("small-token", name="small", limits={"graphql": 4})
    [(repository_id,)] = registry.rows("SELECT repository_id FROM repository WHERE name = 'tool-0'")
    asyncio.run(_beside_a_schedule(changed(registry, token="small-token", reserve=0.5), repository_id))
    assert asked(github, "small") == [200] * 3
    assert registry.database.counts()["skills"] == len(NAMES) + 1
    assert early(github.wire_log()) == []


async def _beside_a_schedule(settings: Settings, repository_id: int) -> None:
    """Crawl what is due until the reserve stops it; then one repository, while the other crawl waits."""
    client = await connect(settings.temporal)
    queue = settings.temporal.task_queue
    async with running_worker(client, settings, build):
        scheduled = await client.start_workflow(
            CrawlRegistry.run,
            crawls.request(settings, [], only=False, publish=False),
            id=f"scheduled/{queue}",
            task_queue=queue,
        )
        pages = client.get_workflow_handle(f"scheduled/{queue}/pages")
        await _until(lambda: _waits(pages))
        result = await client.execute_workflow(
            CrawlRepository.run,
            repository_id,
            id=f"one/{queue}",
            task_queue=queue,
            execution_timeout=PATIENCE,
        )
        assert result.skills_added == 1
        assert await _waits(pages)
        assert (await scheduled.describe()).status is WorkflowExecutionStatus.RUNNING
        await scheduled.terminate()


async def _waits(handle: WorkflowHandle[Any, Any]) -> bool:
    """Whether a workflow's one activity is kept back by a limit, and no worker has it."""
    try:
        pending = (await handle.describe()).raw_description.pending_activities
    except RPCError:
        return False  # it has not begun
    return any(
        one.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
        and one.last_failure.application_failure_info.type == "rate-limited"
        for one in pending
    )


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE.total_seconds()):
        while not await condition():  # noqa: ASYNC110 - Temporal tells of no such event
            await asyncio.sleep(0.1)
