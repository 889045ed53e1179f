"""Runs of sources: which are due, where each stands, and what it came to.

A source has at most one open run. What a request found is saved in the same transaction as the state after
it, so a run that was broken off, by a limit or with its process, goes on with the next request.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from skilldata.database import Database
from skilldata.database.events import clean
from skilldata.database.repositories import save_repositories
from skilldata.models import Record, Repository, Source

if TYPE_CHECKING:
    from psycopg import Connection

REASON = 2000  # characters of an error that are kept


@dataclass
class Run:
    """An open run.

    Attributes:
        state: The lister's own; None at the beginning.
        step: Counts the saves, so that of two workers on one run the slower gives up.
        found: Repositories that the run found so far.
        added: Those among them that were new to the index.
    """

    run_id: int
    source_id: int
    state: dict[str, Any] | None
    step: int = 0
    found: int = 0
    added: int = 0


class RunTotals(Record):
    """What a run came to so far.

    Attributes:
        requests: Requests to GitHub.
        claimed: Results that GitHub said there were.
        seen: Results that it gave.
        missing: Names in a list that lead nowhere.
        notes: What was left out and why.
    """

    requests: int = 0
    claimed: int = 0
    seen: int = 0
    missing: int = 0
    notes: tuple[str, ...] = ()


class SkippedFork(NamedTuple):
    """A fork with what shows that it has nothing of its own."""

    repository: Repository
    evidence: str


class ShortSlice(NamedTuple):
    """A slice of a search that was not read to its end: why, and results claimed and seen."""

    query: str
    reason: str
    claimed: int
    seen: int


class RunRow(NamedTuple):
    """A run as people see it.

    Attributes:
        outcome: `running`, `done` or `failed`.
        claimed: Results that GitHub said there were.
        seen: Results that it gave.
        found: Repositories among them.
        added: Repositories that are new to the index.
        copies: Forks that were left out.
        missing: Names that lead nowhere.
    """

    run_id: int
    kind: str
    target: str
    outcome: str
    started_at: datetime
    finished_at: datetime | None
    requests: int
    claimed: int
    seen: int
    found: int
    added: int
    copies: int
    missing: int
    notes: list[str]
    error: str


class SourceRuns:
    """The runs in the index.

    Args:
        database: The index.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, sources: Sequence[Source]) -> list[Source]:
        """Pick the sources that are to be listed: those with an open run, then those that waited longest."""
        query = """
            SELECT wanted.number
            FROM unnest(%s::text[], %s::text[], %s::integer[]) WITH ORDINALITY AS wanted (kind, target, seconds, number)
            LEFT JOIN source USING (kind, target)
            LEFT JOIN source_run ON source_run.source_id = source.source_id AND finished_at IS NULL
            WHERE run_at IS NULL OR run_id IS NOT NULL OR run_at + make_interval(secs => seconds) <= now()
            ORDER BY run_id IS NULL, run_at NULLS FIRST, wanted.number
        """
        columns = ([one.kind for one in sources], [one.target for one in sources])
        seconds = [one.interval_seconds for one in sources]
        with self._database.transaction() as connection:
            return [sources[row[0] - 1] for row in connection.execute(query, (*columns, seconds))]

    def open(self, source: Source) -> Run:
        """Give the open run of a source, or begin one; the lock on the source makes simultaneous calls take turns."""
        with self._database.transaction() as connection:
            source_id = _save_source(connection, source)
            begun = connection.execute(
                "INSERT INTO source_run (source_id) VALUES (%s) ON CONFLICT DO NOTHING", (source_id,)
            ).rowcount
            if begun:
                connection.execute("UPDATE source SET run_at = now() WHERE source_id = %s", (source_id,))
            row = connection.execute(
                """
                SELECT run_id, source_id, state, step, found, added FROM source_run
                WHERE source_id = %s AND finished_at IS NULL
                """,
                (source_id,),
            ).fetchone()
            assert row is not None  # noqa: S101 - it was there or was inserted above
            return Run(*row)

    def save(
        self,
        run: Run,
        state: dict[str, Any],
        totals: RunTotals,
        *,
        repositories: Sequence[Repository] = (),
        copies: Sequence[SkippedFork] = (),
    ) -> bool:
        """Take what a request found, and where the run goes on.

        What the index knows of a repository is left alone: a list tells less of it than a probe. Nothing is
        ever removed. A repository that was gone is looked at again.

        Returns:
            False where another worker goes on with this run; what was found is in the index all the same.
        """
        with self._database.transaction() as connection:
            added = add_found(connection, repositories)
            add_skipped(connection, copies)
            found = connection.execute(
                _LINK, (run.source_id, run.run_id, [repository.repository_id for repository in repositories])
            ).rowcount
            row = connection.execute(
                _SAVE,
                {
                    **totals.model_dump(exclude={"notes"}),
                    "notes": [clean(note) for note in totals.notes],
                    "state": json.dumps(clean(state)),
                    "found": found,
                    "added": added,
                    "copies": len(copies),
                    "run": run.run_id,
                    "step": run.step,
                },
            ).fetchone()
        if row is not None:
            run.step, run.found, run.added = row
        return row is not None

    def finish(self, run: Run, short: Sequence[ShortSlice] = ()) -> None:
        """Close a run that listed everything, but for these slices."""
        with self._database.transaction() as connection:
            if not _close(connection, run, "done", ""):
                return
            for one in short:
                connection.execute(
                    "INSERT INTO short_slice (run_id, query, reason, claimed, seen) VALUES (%s, %s, %s, %s, %s)",
                    (run.run_id, clean(one.query), one.reason, one.claimed, one.seen),
                )
            connection.execute(
                "UPDATE source SET health = 'ok', error = '', succeeded_at = now() WHERE source_id = %s",
                (run.source_id,),
            )

    def fail(self, run: Run, error: str) -> None:
        """Close a run that cannot go on; the source is tried again after its interval."""
        with self._database.transaction() as connection:
            if _close(connection, run, "failed", clean(error)[:REASON]):
                _note_failure(connection, run.source_id, error)

    def interrupt(self, source: Source, error: str) -> None:
        """Note that a source could not be listed for now; its run stays open and goes on next time."""
        with self._database.transaction() as connection:
            _note_failure(connection, _save_source(connection, source), error)

    def recent(self, limit: int = 50, *, of: tuple[str, str] | None = None) -> list[RunRow]:
        """List runs, the latest first; of all sources, or of the one with that kind and target."""
        query = """
            SELECT run_id, kind, target, outcome, started_at, finished_at, requests, claimed, seen, found, added,
                   copies, missing, notes, source_run.error
            FROM source_run JOIN source USING (source_id)
            WHERE NOT %(one)s OR (kind, target) = (%(kind)s, %(target)s)
            ORDER BY run_id DESC LIMIT %(limit)s
        """
        kind, target = of or ("", "")
        values = {"one": of is not None, "kind": kind, "target": target, "limit": limit}
        with self._database.transaction() as connection:
            return [RunRow(*row) for row in connection.execute(query, values)]

    def short_slices(self, run_id: int) -> list[ShortSlice]:
        """List the slices of a run that were not read to their end, the largest gap first."""
        query = """
            SELECT query, reason, claimed, seen FROM short_slice WHERE run_id = %s ORDER BY claimed - seen DESC, query
        """
        with self._database.transaction() as connection:
            return [ShortSlice(*row) for row in connection.execute(query, (run_id,))]


def add_found(connection: Connection[tuple[Any, ...]], repositories: Sequence[Repository]) -> int:
    """Add repositories that the index does not have, and look again at those that it took for gone.

    Returns:
        How many are new.
    """
    ids = [repository.repository_id for repository in repositories]
    connection.execute("DELETE FROM skipped_fork WHERE repository_id = ANY(%s)", (ids,))
    known = {
        row[0]
        for row in connection.execute("SELECT repository_id FROM repository WHERE repository_id = ANY(%s)", (ids,))
    }
    connection.execute(
        """
        UPDATE probe SET due_at = now() FROM repository
        WHERE probe.repository_id = repository.repository_id AND repository.repository_id = ANY(%s)
              AND state = 'gone' AND due_at > now()
        """,
        (list(known),),
    )
    return len(save_repositories(connection, [one for one in repositories if one.repository_id not in known]))


def add_skipped(connection: Connection[tuple[Any, ...]], copies: Sequence[SkippedFork]) -> None:
    """Note forks that were left out, with what shows that they are copies."""
    for repository, evidence in copies:
        connection.execute(
            """
            INSERT INTO skipped_fork (repository_id, owner, name, parent_id, evidence) VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (repository_id) DO UPDATE
            SET owner = EXCLUDED.owner, name = EXCLUDED.name, evidence = EXCLUDED.evidence, seen_at = now()
            """,
            (repository.repository_id, repository.owner, repository.name, repository.parent_id, evidence),
        )


def _save_source(connection: Connection[tuple[Any, ...]], source: Source) -> int:
    row = connection.execute(
        """
        INSERT INTO source (kind, target, interval_seconds) VALUES (%s, %s, %s)
        ON CONFLICT (kind, target) DO UPDATE SET interval_seconds = EXCLUDED.interval_seconds RETURNING source_id
        """,
        (source.kind, source.target, source.interval_seconds),
    ).fetchone()
    assert row is not None  # noqa: S101 - every branch of the statement returns a row
    return int(row[0])


def _close(connection: Connection[tuple[Any, ...]], run: Run, outcome: str, error: str) -> bool:
    """Close a run and forget its state; False where it is closed already."""
    # `open` locks the source first as well, so that none of them waits for another in a circle.
    connection.execute("SELECT FROM source WHERE source_id = %s FOR UPDATE", (run.source_id,))
    query = """
        UPDATE source_run SET finished_at = now(), outcome = %s, error = %s, state = NULL
        WHERE run_id = %s AND finished_at IS NULL
    """
    return bool(connection.execute(query, (outcome, error, run.run_id)).rowcount)


def _note_failure(connection: Connection[tuple[Any, ...]], source_id: int, error: str) -> None:
    connection.execute(
        "UPDATE source SET health = 'failing', error = %s WHERE source_id = %s", (clean(error)[:REASON], source_id)
    )


# Touches what this run has not seen yet, so that the rows it touches count repositories once.
_LINK = """
    INSERT INTO source_repository (source_id, run_id, repository_id)
    SELECT DISTINCT %s, %s::bigint, unnest(%s::bigint[])
    ON CONFLICT (source_id, repository_id) DO UPDATE SET run_id = EXCLUDED.run_id
    WHERE source_repository.run_id IS DISTINCT FROM EXCLUDED.run_id
"""
_SAVE = """
    UPDATE source_run SET state = %(state)s::jsonb, step = step + 1, requests = %(requests)s, claimed = %(claimed)s,
           seen = %(seen)s, missing = %(missing)s, notes = %(notes)s, found = found + %(found)s,
           added = added + %(added)s, copies = copies + %(copies)s
    WHERE run_id = %(run)s AND step = %(step)s AND finished_at IS NULL
    RETURNING step, found, added
"""
