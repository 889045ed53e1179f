"""The schedules: what runs by itself, and how often."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from skillcrawler.housekeeping import BackUpIndex, CollectGarbage, MaintainIndex
from skillcrawler.messages import CrawlRegistryInput, Rescanned
from skillcrawler.workflows import CrawlRegistry, RefreshMetadata, RescanPackages
from skilldata.config import Settings
from skilldata.models import Source

DUE, SOURCES, METADATA, RESCAN = "crawl-due", "crawl-sources", "refresh-metadata", "rescan-packages"
BACKUP, UPKEEP, GARBAGE = "back-up-index", "maintain-index", "collect-garbage"
ALL = (DUE, SOURCES, RESCAN, METADATA, BACKUP, UPKEEP, GARBAGE)
IDS = (DUE, SOURCES)  # those of the crawl, which are paused together
REFRESH = timedelta(hours=6)  # of metadata whose shortest-lived part is valid for a day
RESCAN_EVERY = timedelta(hours=6)  # where nothing is due, one query
CATCH_UP = timedelta(hours=2)  # runs missed for longer than this are not made up for
# How often in the shortest interval of a source it is asked which are due: none is late by more than that part of it.
LOOKS = 4
SHORTEST_LOOK = timedelta(minutes=1)


async def apply_schedules(client: Client, settings: Settings, sources: list[Source]) -> list[str]:
    """Create the schedules, or bring those that exist up to date; doing it again changes nothing.

    Returns:
        The ids of all schedules.
    """
    wanted = dict(_wanted(settings, sources))
    for schedule_id, schedule in wanted.items():
        try:
            await client.create_schedule(schedule_id, schedule)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(schedule_id).update(_updater(schedule))
    return list(wanted)


async def pause_schedules(client: Client, *, note: str) -> None:
    """Let no schedule start anything; what runs goes on."""
    for schedule_id in IDS:
        await client.get_schedule_handle(schedule_id).pause(note=note)


async def resume_schedules(client: Client, *, note: str) -> None:
    """Let the schedules go on."""
    for schedule_id in IDS:
        await client.get_schedule_handle(schedule_id).unpause(note=note)


def _wanted(settings: Settings, sources: list[Source]) -> Iterator[tuple[str, Schedule]]:
    crawl = settings.crawl
    due = CrawlRegistryInput(sources=[], only=False, page_size=crawl.page_size, concurrency=crawl.concurrency)
    yield DUE, _schedule(_crawl(settings, due, DUE), timedelta(seconds=crawl.interval_seconds))
    listed = due.model_copy(update={"sources": sources})
    shortest = timedelta(seconds=min((source.interval_seconds for source in sources), default=86_400))
    yield SOURCES, _schedule(_crawl(settings, listed, SOURCES), max(shortest / LOOKS, SHORTEST_LOOK))
    again = ScheduleActionStartWorkflow(
        RescanPackages.run, Rescanned(), id=RESCAN, task_queue=settings.temporal.task_queue
    )
    yield RESCAN, _schedule(again, RESCAN_EVERY)
    if settings.trust.online_key is not None:
        refresh = ScheduleActionStartWorkflow(RefreshMetadata.run, id=METADATA, task_queue=settings.temporal.task_queue)
        yield METADATA, _schedule(refresh, REFRESH)
    queue, daily = settings.temporal.task_queue, timedelta(seconds=settings.upkeep.interval_seconds)
    backup = ScheduleActionStartWorkflow(BackUpIndex.run, id=BACKUP, task_queue=queue)
    yield BACKUP, _schedule(backup, timedelta(seconds=settings.backup.interval_seconds))
    yield UPKEEP, _schedule(ScheduleActionStartWorkflow(MaintainIndex.run, id=UPKEEP, task_queue=queue), daily)
    yield GARBAGE, _schedule(ScheduleActionStartWorkflow(CollectGarbage.run, id=GARBAGE, task_queue=queue), daily)


def _crawl(settings: Settings, request: CrawlRegistryInput, name: str) -> ScheduleActionStartWorkflow:
    return ScheduleActionStartWorkflow(CrawlRegistry.run, request, id=name, task_queue=settings.temporal.task_queue)


def _schedule(action: ScheduleActionStartWorkflow, every: timedelta) -> Schedule:
    return Schedule(
        action=action,
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)], jitter=every / 20),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )


def _updater(schedule: Schedule) -> Callable[[ScheduleUpdateInput], ScheduleUpdate]:
    def update(current: ScheduleUpdateInput) -> ScheduleUpdate:
        # A pause is a maintainer's word, which an update must not take back.
        schedule.state = current.description.schedule.state
        return ScheduleUpdate(schedule=schedule)

    return update
