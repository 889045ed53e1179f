"""Asking the crawler for work. The only module of the API that speaks to Temporal; nothing that is read needs it.

It connects with the first request, and every call has an end: GitHub waits ten seconds for an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, TypeVar

from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RetryConfig, RPCError, RPCStatusCode

from skillapi.problems import Problem
from skilldata.config import TemporalSettings
from skilldata.downloads import TAKE_DOWNLOADS, DownloadBatch, batch_workflow_id
from skilldata.ondemand import (
    ASK,
    REFRESH_REPOSITORY,
    STATE,
    TAKE_DELIVERY,
    Delivery,
    Phase,
    RefreshRequest,
    RefreshState,
    delivery_id,
    refresh_id,
)
from skilldata.temporal import access

CALL_SECONDS = 5.0
QUERY = timedelta(seconds=2)
_RETRY = RetryConfig(max_retries=2, max_elapsed_time_millis=3000)
_Answer = TypeVar("_Answer")


class Asked(NamedTuple):
    """A request as Temporal has it."""

    state: RefreshState
    asked_at: datetime
    finished_at: datetime | None


class Crawler(Protocol):
    """Who can be asked for work.

    Every method raises a `Problem` where nobody can be asked.
    """

    async def deliver(self, delivery: Delivery) -> bool:
        """Hand a webhook delivery on; False where it was handed on before."""
        ...

    async def refresh(self, request: RefreshRequest) -> None:
        """Have a repository read now; while it is being read, once more."""

    async def state(self, workflow_ids: Sequence[str]) -> Asked | None:
        """Tell where the latest of some requests stands; None where there was none, or it is long over."""


class TemporalCrawler:
    """The crawler behind a Temporal server.

    Args:
        settings: Where the server is; without an address every call says so.
    """

    def __init__(self, settings: TemporalSettings) -> None:
        self._settings = settings
        self._client: Client | None = None

    async def deliver(self, delivery: Delivery) -> bool:
        """Start the workflow of this delivery. Its id makes sure that there is only ever one."""
        return await self._start_once(TAKE_DELIVERY, delivery, delivery_id(delivery.delivery))

    async def refresh(self, request: RefreshRequest) -> None:
        """Start the workflow of this repository, or tell the one that runs."""
        client = await self._connected()
        await _answered(
            client.start_workflow(
                REFRESH_REPOSITORY,
                request,
                id=refresh_id(request.repository),
                task_queue=self._settings.task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                start_signal=ASK,
            )
        )

    async def state(self, workflow_ids: Sequence[str]) -> Asked | None:
        """Describe the workflows, and ask the latest."""
        client = await self._connected()
        found = [one for one in [await _described(client, name) for name in workflow_ids] if one is not None]
        if not found:
            return None
        latest = max(found, key=lambda one: one.start_time)
        return Asked(await _answered(_state(client, latest)), latest.start_time, latest.close_time)

    async def take_downloads(self, batch: DownloadBatch) -> None:
        """Start the workflow that adds a batch to the index. From then on Temporal keeps it."""
        await self._start_once(TAKE_DOWNLOADS, batch, batch_workflow_id(batch.batch))

    async def _start_once(self, workflow: str, content: object, workflow_id: str) -> bool:
        """Start a workflow; gives False where there was one of that id, running or over."""
        client = await self._connected()
        call = client.start_workflow(
            workflow,
            content,
            id=workflow_id,
            task_queue=self._settings.task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        )
        try:
            await _answered(call)
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def _connected(self) -> Client:
        if self._settings.server_url is None:
            raise Problem(
                "requests-unavailable",
                "This registry takes no requests: it is not connected to a crawler.",
                remedy="It reads every repository again by itself, within a week at most.",
            )
        if self._client is None:
            how = access(self._settings)
            self._client = await _answered(
                Client.connect(
                    self._settings.server_url,
                    namespace=self._settings.namespace,
                    data_converter=pydantic_data_converter,
                    retry_config=_RETRY,
                    tls=how.tls,
                    api_key=how.api_key,
                )
            )
        return self._client


async def _answered(call: Awaitable[_Answer]) -> _Answer:
    """Wait for Temporal, but not for long."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            return await call
    except (RPCError, RuntimeError, TimeoutError) as error:
        raise Problem(
            "requests-unavailable", remedy="Ask again in a minute; searches and downloads go on meanwhile."
        ) from error


async def _described(client: Client, workflow_id: str) -> WorkflowExecutionDescription | None:
    async def describe() -> WorkflowExecutionDescription | None:
        try:
            return await client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    return await _answered(describe())


async def _state(client: Client, described: WorkflowExecutionDescription) -> RefreshState:
    handle = client.get_workflow_handle(described.id, run_id=described.run_id, result_type=RefreshState)
    if described.status is WorkflowExecutionStatus.COMPLETED:
        state: RefreshState = await handle.result()
        return state
    if described.status is not WorkflowExecutionStatus.RUNNING:
        return RefreshState(phase=Phase.FAILED, error="the request was broken off")
    try:
        asked: RefreshState = await handle.query(STATE, result_type=RefreshState, rpc_timeout=QUERY)
    except (RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError, WorkflowFailureError):
        return RefreshState()  # no worker answers, so nothing has begun or nothing moves
    return asked
