"""The workflows of crawls that somebody asked for, ahead of the schedule.

TakeDelivery       a webhook delivery -> a request for each repository it names
RefreshRepository  requests for one repository -> CrawlRepository -> PublishSoon, again where it was asked for again
PublishSoon        requests to publish -> a short wait for more -> PublishSnapshot
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ChildWorkflowError

with workflow.unsafe.imports_passed_through():
    from skillcrawler import policies
    from skillcrawler.activities import Activities
    from skillcrawler.messages import (
        CrawlResult,
        FoundRepository,
        PublishAsk,
        PublishDone,
        PublishInput,
        PublishSoonInput,
    )
    from skillcrawler.signals import Signals
    from skillcrawler.workflows import CrawlRepository, PublishSnapshot
    from skilldata.models import RepositoryState
    from skilldata.ondemand import Delivery, Phase, RefreshRequest, RefreshState

ROUNDS_PER_RUN = 20
PUBLISH_PATIENCE = timedelta(hours=3)
# GitHub may tell of a push a moment before all of its servers show it.
LOOK_AGAIN = (timedelta(seconds=2), timedelta(seconds=5), timedelta(seconds=15))


@workflow.defn
class TakeDelivery:
    """Pass a webhook delivery on. Its id is the delivery's, so that a second one of the same id is refused."""

    @workflow.run
    async def run(self, delivery: Delivery) -> int:
        """Ask for each repository; give how many they are."""
        for repository in delivery.repositories:
            await workflow.execute_activity_method(
                Signals.ask_for_refresh,
                RefreshRequest(repository=repository, may_add=delivery.may_add),
                **policies.SERVICE_STEP,
            )
        return len(delivery.repositories)


@workflow.defn
class RefreshRepository:
    """Read one repository and make it live. Whoever asks while it runs gets one more round, however many ask."""

    @workflow.init
    def __init__(self, request: RefreshRequest) -> None:
        self._request = request
        self._state = RefreshState(repository=f"{request.repository.owner}/{request.repository.name}")
        self._asked = 0
        self._head = request.repository.head
        self._published = PublishDone(number=0)

    @workflow.signal
    def ask(self, head: str | None = None) -> None:
        """Say that there may be something new, and which commit that is."""
        self._asked += 1
        self._head = head or self._head

    @workflow.signal
    def published(self, done: PublishDone) -> None:
        """Hear that what this workflow asked for is live, or why not."""
        self._published = max(self._published, done, key=lambda one: one.number)

    @workflow.query
    def state(self) -> RefreshState:
        """Tell where it stands."""
        return self._state

    @workflow.run
    async def run(self, request: RefreshRequest) -> RefreshState:
        """Read until nobody asked since the last reading began."""
        rounds = 0
        while True:
            asked = self._asked
            rounds += 1
            try:
                await self._round(asked)
            except (ActivityError, ChildWorkflowError) as error:
                self._note(phase=Phase.FAILED, error=_reason(error))
            # A request that arrives with this very decision is seen: Temporal has it decided again.
            if self._asked == asked:
                return self._state
            if rounds == ROUNDS_PER_RUN:
                workflow.continue_as_new(request)

    async def _round(self, asked: int) -> None:
        self._note(phase=Phase.WAITING, error="", snapshot=None)
        found = await self._find()
        number = found.repository_id
        if number is None:
            self._note(phase=Phase.UNKNOWN, error=found.error)
            return
        self._note(phase=Phase.READING, repository_id=number)
        result = await self._crawl(number)
        found = await self._find()
        for wait in LOOK_AGAIN:
            if result.read or self._head in {None, found.head}:
                break
            await workflow.sleep(wait)
            result = await self._crawl(number)
            found = await self._find()
        if result.failed or found.state is RepositoryState.HELD:
            self._note(phase=Phase.FAILED if result.failed else Phase.HELD, error=found.error)
        elif found.live_in and not result.read:
            self._note(phase=Phase.UNCHANGED, snapshot=found.live_in)
        else:
            await self._publish(asked)

    async def _crawl(self, repository_id: int) -> CrawlResult:
        result: CrawlResult = await workflow.execute_child_workflow(
            CrawlRepository.run, repository_id, id=f"{workflow.info().workflow_id}/crawl"
        )
        self._count(result)
        return result

    async def _find(self) -> FoundRepository:
        return await workflow.execute_activity_method(
            Activities.find_repository,
            self._request,
            **policies.GITHUB_STEP,
        )

    async def _publish(self, asked: int) -> None:
        """Have it published; a new request does not wait for that."""
        # Rises over runs of this workflow too: an answer to an earlier one's call may still be on its way.
        number = int(workflow.now().timestamp() * 1000)
        self._note(phase=Phase.PUBLISHING)
        await workflow.execute_activity_method(
            Signals.ask_to_publish,
            PublishAsk(workflow_id=workflow.info().workflow_id, number=number),
            **policies.SERVICE_STEP,
        )
        try:
            await workflow.wait_condition(
                lambda: self._published.number >= number or self._asked > asked, timeout=PUBLISH_PATIENCE
            )
        except TimeoutError:
            self._note(phase=Phase.FAILED, error="what was read could not be published in time")
            return
        if self._published.number >= number:
            done = self._published
            self._note(phase=Phase.LIVE if done.snapshot else Phase.FAILED, snapshot=done.snapshot, error=done.error)

    def _count(self, result: CrawlResult) -> None:
        self._note(
            skills_added=self._state.skills_added + result.skills_added,
            versions_added=self._state.versions_added + result.versions_added,
            refused=result.refused,
            gone=self._state.gone + result.gone,
        )

    def _note(self, **changes: object) -> None:
        self._state = self._state.model_copy(update=changes)


@workflow.defn
class PublishSoon:
    """Publish once for everybody who asks within a short time, and tell them."""

    @workflow.init
    def __init__(self, request: PublishSoonInput) -> None:
        self._asks = list(request.asks)

    @workflow.signal
    def ask(self, ask: PublishAsk) -> None:
        """Note who wants to be told."""
        self._asks.append(ask)

    @workflow.run
    async def run(self, request: PublishSoonInput) -> None:
        """Publish until nobody waits."""
        for _ in range(ROUNDS_PER_RUN):
            await self._quiet(request, workflow.now() + request.latest)
            # Whoever asks from here on may have something that this snapshot does not.
            asks, self._asks = self._asks, []
            await _tell(asks, await _publish())
            if not self._asks:
                return
        workflow.continue_as_new(request.model_copy(update={"asks": self._asks}))

    async def _quiet(self, request: PublishSoonInput, latest: datetime) -> None:
        """Wait until nobody asked for a while, but not for long."""
        while (left := latest - workflow.now()) > timedelta(0):
            count = len(self._asks)
            try:
                await workflow.wait_condition(lambda: len(self._asks) > count, timeout=min(request.quiet, left))  # noqa: B023 - awaited at once
            except TimeoutError:
                return


async def _publish() -> PublishDone:
    try:
        published = await workflow.execute_child_workflow(
            PublishSnapshot.run, PublishInput(), id=f"{policies.PUBLISH_ID}/on-demand"
        )
        return PublishDone(number=0, snapshot=published.snapshot)
    except ChildWorkflowError as error:
        return PublishDone(number=0, error=_reason(error))


async def _tell(asks: list[PublishAsk], done: PublishDone) -> None:
    """Tell everybody; one that is over hears nothing, and needs not."""
    latest = {ask.workflow_id: ask.number for ask in asks}
    calls = [
        workflow.get_external_workflow_handle(workflow_id).signal(
            RefreshRepository.published, done.model_copy(update={"number": number})
        )
        for workflow_id, number in latest.items()
    ]
    await asyncio.gather(*calls, return_exceptions=True)


def _reason(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)[:2000]
