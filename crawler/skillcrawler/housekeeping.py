"""The workflows of housekeeping, each a single step that a schedule asks for.

BackUpIndex      the index -> a backup
MaintainIndex    old bookkeeping goes, tables are cleaned
CollectGarbage   old snapshots, files that nothing refers to, and old backups go
TakeDownloads    a batch of counted downloads -> the index; the API starts it
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.workflow import ActivityConfig

with workflow.unsafe.imports_passed_through():
    from skillcrawler import policies
    from skillcrawler.chores import Chores
    from skillcrawler.messages import BackedUp, Collected, Maintained
    from skilldata.downloads import DownloadBatch

# For as long as PostgreSQL is away: nobody else has these counts any more.
_UNTIL_DONE = ActivityConfig(start_to_close_timeout=timedelta(minutes=2), retry_policy=policies.SERVICE_RETRY)


@workflow.defn
class BackUpIndex:
    """Back up the index."""

    @workflow.run
    async def run(self) -> BackedUp:
        """Make one backup."""
        return await workflow.execute_activity_method(
            Chores.back_up,
            **policies.LONG_STEP,
        )


@workflow.defn
class MaintainIndex:
    """Look after the database."""

    @workflow.run
    async def run(self) -> Maintained:
        """Clean it once."""
        return await workflow.execute_activity_method(
            Chores.maintain_index,
            **policies.LONG_STEP,
        )


@workflow.defn
class CollectGarbage:
    """Delete what is old."""

    @workflow.run
    async def run(self) -> Collected:
        """Delete it once."""
        return await workflow.execute_activity_method(
            Chores.collect_garbage,
            **policies.LONG_STEP,
        )


@workflow.defn
class TakeDownloads:
    """Add counts of downloads to the index. Its id is the batch's, so that a second one of the same id is refused."""

    @workflow.run
    async def run(self, batch: DownloadBatch) -> bool:
        """Add them once, however long that takes."""
        return await workflow.execute_activity_method(
            Chores.take_downloads,
            batch,
            **_UNTIL_DONE,
        )
