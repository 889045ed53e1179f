"""How each source fares: those of the configuration, and those that were only named once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from skilldata.database import Database
from skilldata.models import ConfiguredSource, Source
from skilldata.sourcestate import RunRow, ShortSlice, SourceRuns

RUNS_SHOWN = 5


class SourceHealth(NamedTuple):
    """A source as people see it.

    Attributes:
        configured: Whether the configuration has it; others are listed only when somebody names them.
        enabled: Whether the schedule lists it.
        health: `new`, `ok` or `failing`.
        repositories: How many it ever found.
        error: Why it is failing.
        due_at: When it is listed next; None where it is not, or was never listed and is due at once.
        run: Its latest run.
        short_slices: Slices of that run that were not read to their end.
    """

    kind: str
    target: str
    interval_seconds: int
    configured: bool
    enabled: bool
    health: str
    repositories: int
    succeeded_at: datetime | None
    error: str
    due_at: datetime | None
    run: RunRow | None
    short_slices: int

    @property
    def name(self) -> str:
        """What a person calls it: `kind:target`."""
        return f"{self.kind}:{self.target}"


class _Row(NamedTuple):
    """What the index has of a source."""

    kind: str
    target: str
    interval_seconds: int
    health: str
    error: str
    run_at: datetime | None
    succeeded_at: datetime | None
    repositories: int
    run: RunRow | None
    short_slices: int


def source_health(database: Database, configured: Sequence[ConfiguredSource]) -> list[SourceHealth]:
    """List every source there is: first those of the configuration, in its order, then the others by name."""
    known = {(row.kind, row.target): row for row in _rows(database)}
    wanted = {(str(source.kind), source.target): source for source in configured}
    found = [_configured(source, known.get(key)) for key, source in wanted.items()]
    return [*found, *(_by_hand(row) for key, row in sorted(known.items()) if key not in wanted)]


def find_health(found: Iterable[SourceHealth], wanted: Source) -> SourceHealth | None:
    """Find a source by kind and target, whose case does not matter; None where there is none."""
    name = f"{wanted.kind}:{wanted.target}".lower()
    return next((one for one in found if one.name.lower() == name), None)


def recent_runs(database: Database, source: SourceHealth) -> list[tuple[RunRow, list[ShortSlice]]]:
    """List the latest runs of a source, each with the slices that were not read to their end."""
    runs = SourceRuns(database)
    recent = runs.recent(RUNS_SHOWN, of=(source.kind, source.target))
    return [(run, runs.short_slices(run.run_id)) for run in recent]


_QUERY = """
    SELECT source.kind, target, interval_seconds, health, source.error, run_at, succeeded_at,
           (SELECT count(*) FROM source_repository AS found WHERE found.source_id = source.source_id),
           (SELECT count(*) FROM short_slice WHERE short_slice.run_id = run.run_id),
           run.run_id, source.kind, target, outcome, started_at, finished_at, requests, claimed, seen, found, added,
           copies, missing, notes, run.error
    FROM source LEFT JOIN LATERAL (
        SELECT * FROM source_run WHERE source_run.source_id = source.source_id ORDER BY run_id DESC LIMIT 1
    ) AS run ON true
"""


def _rows(database: Database) -> list[_Row]:
    with database.transaction() as connection:
        rows = connection.execute(_QUERY).fetchall()
    return [_read(row) for row in rows]


def _read(row: tuple[Any, ...]) -> _Row:
    run = RunRow(*row[9:]) if row[9] is not None else None
    return _Row._make((*row[:8], run, row[8]))


def _configured(source: ConfiguredSource, row: _Row | None) -> SourceHealth:
    every = timedelta(seconds=source.interval_seconds)
    due_at = row.run_at + every if row is not None and row.run_at is not None and source.enabled else None
    if row is not None and row.run is not None and row.run.finished_at is None and source.enabled:
        due_at = row.run_at  # its run is open, and goes on with the next crawl
    return SourceHealth(
        kind=str(source.kind),
        target=source.target,
        interval_seconds=source.interval_seconds,
        configured=True,
        enabled=source.enabled,
        health=row.health if row else "new",
        repositories=row.repositories if row else 0,
        succeeded_at=row.succeeded_at if row else None,
        error=row.error if row else "",
        due_at=due_at,
        run=row.run if row else None,
        short_slices=row.short_slices if row else 0,
    )


def _by_hand(row: _Row) -> SourceHealth:
    return SourceHealth(
        kind=row.kind,
        target=row.target,
        interval_seconds=row.interval_seconds,
        configured=False,
        enabled=False,
        health=row.health,
        repositories=row.repositories,
        succeeded_at=row.succeeded_at,
        error=row.error,
        due_at=None,
        run=row.run,
        short_slices=row.short_slices,
    )
