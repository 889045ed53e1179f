"""What a worker does besides its work: it notes how the schedules fare, and tells Prometheus."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError
from temporalio.worker import Worker

from skillcrawler.exporter import exporting
from skillcrawler.metrics import registry_metrics
from skillcrawler.scheduled import schedule_states
from skilldata.config import Settings
from skilldata.database import Database
from skilldata.errors import RegistryError
from skilldata.objects import ObjectStore
from skilldata.schedulestate import ScheduleStates
from skilldata.vitals import vitals_text

NOTE_SECONDS = 30.0
LOOPBACK = "127.0.0.1"

logger = logging.getLogger(__name__)


def sdk_runtime() -> tuple[Runtime, str]:
    """Make a runtime of Temporal's SDK that serves its metrics on the loopback interface; gives their address too."""
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    config = PrometheusConfig(bind_address=f"{LOOPBACK}:{port}", durations_as_seconds=True)
    return Runtime(telemetry=TelemetryConfig(metrics=config)), f"http://{LOOPBACK}:{port}/metrics"


@asynccontextmanager
async def watching(client: Client, worker: Worker, settings: Settings, *, sdk: str) -> AsyncIterator[int | None]:
    """Watch for as long as the block lasts; gives the port of `/metrics`, None where none is set.

    Args:
        client: A connection to Temporal.
        worker: The worker, for `/healthz`.
        settings: The configuration.
        sdk: Address of the SDK's metrics.
    """
    async with AsyncExitStack() as stack:
        # Two connections of its own: work that has taken all others must not make the worker look dead.
        small = settings.database.model_copy(update={"pool_size": 2})
        database = stack.enter_context(Database(small))
        noting = asyncio.create_task(_note_schedules(client, ScheduleStates(database)))
        stack.push_async_callback(_cancel, noting)
        port = None
        if settings.worker.metrics_port is not None:
            registry = registry_metrics(settings, database, ObjectStore(settings.s3))
            port = stack.enter_context(
                exporting(
                    settings.worker.metrics_host,
                    settings.worker.metrics_port,
                    lambda: vitals_text(registry),
                    sdk=sdk,
                    alive=lambda: worker.is_running and not worker.is_shutdown,
                )
            )
        yield port


async def _note_schedules(client: Client, states: ScheduleStates) -> None:
    """Write down how the schedules fare, over and over; what does not answer is asked again next time."""
    while True:
        try:
            found = await schedule_states(client)
            await asyncio.to_thread(states.note, found)
        except (RPCError, RegistryError) as error:
            logger.warning("the state of the schedules cannot be noted: %s", error)
        await asyncio.sleep(NOTE_SECONDS)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
