"""Asking Temporal how the schedules fare."""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio.client import Client, ScheduleDescription, WorkflowExecution
from temporalio.service import RPCError, RPCStatusCode

from skillcrawler.schedules import ALL
from skilldata.schedulestate import ScheduleState

PATIENCE = timedelta(seconds=10)
FAILED = "ExecutionStatus IN ('Failed', 'TimedOut', 'Terminated')"
COMPLETED = "ExecutionStatus = 'Completed'"


async def schedule_states(client: Client) -> list[ScheduleState]:
    """Describe every schedule that exists.

    Raises:
        RPCError: Temporal does not answer.
    """
    found = []
    for schedule_id in ALL:
        try:
            described = await client.get_schedule_handle(schedule_id).describe(rpc_timeout=PATIENCE)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                continue
            raise
        completed = await _last(client, schedule_id, COMPLETED)
        failed = await _last(client, schedule_id, FAILED)
        found.append(
            ScheduleState(
                schedule_id,
                int(_interval(described).total_seconds()),
                described.schedule.state.paused,
                _ended(completed),
                _ended(failed),
                f"{failed.id} {failed.status.name.lower()}" if failed and failed.status else "",
            )
        )
    return found


async def _last(client: Client, schedule_id: str, condition: str) -> WorkflowExecution | None:
    """Find the latest run of a schedule that ended so; Temporal lists the newest first."""
    query = f"TemporalScheduledById = '{schedule_id}' AND {condition}"
    async for found in client.list_workflows(query, limit=1, page_size=1, rpc_timeout=PATIENCE):
        return found
    return None


def _ended(found: WorkflowExecution | None) -> datetime | None:
    return found.close_time if found else None


def _interval(described: ScheduleDescription) -> timedelta:
    return min((one.every for one in described.schedule.spec.intervals), default=timedelta())
