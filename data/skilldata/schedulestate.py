"""How each schedule fares, kept in the index for longer than Temporal remembers its runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from skilldata.database import Database

ERROR_TEXT = 500


class ScheduleState(NamedTuple):
    """A schedule: how often it runs, whether a maintainer paused it, and when it last succeeded and failed."""

    schedule: str
    interval_seconds: int
    paused: bool
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    error: str = ""  # of the last failure


class ScheduleStates:
    """The states in the index.

    Args:
        database: The index.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, states: Iterable[ScheduleState]) -> None:
        """Take what Temporal tells now; a time that it has forgotten since is kept."""
        rows = [state._replace(error=state.error.replace("\0", "")[:ERROR_TEXT]) for state in states]
        with self._database.transaction() as connection, connection.cursor() as cursor:
            cursor.executemany(_NOTE, rows)

    def list(self) -> list[ScheduleState]:
        """List all that were ever seen, by name."""
        query = f"SELECT {', '.join(ScheduleState._fields)} FROM schedule_state ORDER BY schedule"  # noqa: S608 - ours
        with self._database.transaction() as connection:
            return [ScheduleState(*row) for row in connection.execute(query.encode())]


_NOTE = """
    INSERT INTO schedule_state (schedule, interval_seconds, paused, succeeded_at, failed_at, error)
    VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (schedule) DO UPDATE SET
        interval_seconds = EXCLUDED.interval_seconds, paused = EXCLUDED.paused, noted_at = now(),
        succeeded_at = greatest(schedule_state.succeeded_at, EXCLUDED.succeeded_at),
        failed_at = greatest(schedule_state.failed_at, EXCLUDED.failed_at),
        error = CASE WHEN EXCLUDED.failed_at IS NULL THEN schedule_state.error ELSE EXCLUDED.error END
"""
