"""What workflows say to other workflows that may have to be started first: one call to Temporal does both.

These activities are coroutines, because only those are given Temporal's client.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity
from temporalio.common import WorkflowIDConflictPolicy

from skillcrawler.messages import PublishAsk, PublishSoonInput
from skilldata.config import Settings
from skilldata.ondemand import ASK, PUBLISH_SOON, PUBLISH_SOON_ID, REFRESH_REPOSITORY, RefreshRequest, refresh_id


class Signals:
    """The activities that reach other workflows.

    Args:
        settings: The configuration: the queue, and how long publishing waits for more.
    """

    def __init__(self, settings: Settings) -> None:
        self._queue = settings.temporal.task_queue
        self._waits = settings.on_demand

    @activity.defn
    async def ask_for_refresh(self, request: RefreshRequest) -> None:
        """Have a repository read now, or once more where it is being read."""
        await activity.client().start_workflow(
            REFRESH_REPOSITORY,
            request,
            id=refresh_id(request.repository),
            task_queue=self._queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=ASK,
            start_signal_args=[request.repository.head],
        )

    @activity.defn
    async def ask_to_publish(self, ask: PublishAsk) -> None:
        """Have the index made live soon, together with what others ask for."""
        waits = PublishSoonInput(
            quiet=timedelta(seconds=self._waits.publish_quiet_seconds),
            latest=timedelta(seconds=self._waits.publish_latest_seconds),
        )
        await activity.client().start_workflow(
            PUBLISH_SOON,
            waits,
            id=PUBLISH_SOON_ID,
            task_queue=self._queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=ASK,
            start_signal_args=[ask],
        )
