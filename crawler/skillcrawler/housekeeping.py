"""The workflows of housekeeping, each a single step that a schedule asks for.

BackUpIndex      the index -> a backup
MaintainIndex    old bookkeeping goes, tables are cleaned
CollectGarbage   old snapshots, files that nothing refers to, and old backups go
"""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from skillcrawler import policies
    from skillcrawler.chores import Chores
    from skillcrawler.messages import BackedUp, Collected, Maintained


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
