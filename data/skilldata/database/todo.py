"""The to-do list of the crawl: who is due, and when next. It stands apart from the index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from skilldata.database.records import DueRepository, Failure
from skilldata.models import Source

SHORTEST, LONGEST = timedelta(hours=1), timedelta(days=7)

OF_SOURCES = """
    (NOT %(named)s OR repository_id IN (
        SELECT repository_id FROM source_repository JOIN source USING (source_id)
        JOIN unnest(%(kinds)s::text[], %(targets)s::text[]) AS wanted (kind, target) USING (kind, target)))
"""

# What maintainers blocked is not looked at; it stays due, for the day the block is lifted.
NOT_BLOCKED = """
    NOT EXISTS (SELECT FROM ruling WHERE ruling.repository_id = repository.repository_id)
    AND NOT EXISTS (SELECT FROM ruling WHERE ruling.owner = lower(repository.owner))
"""


def of_sources(sources: Sequence[Source]) -> dict[str, Any]:
    """Give the values of the condition `OF_SOURCES`; no sources means all repositories."""
    kinds, targets = [str(source.kind) for source in sources], [source.target for source in sources]
    return {"named": bool(sources), "kinds": kinds, "targets": targets}


def make_due(connection: Connection[tuple[Any, ...]], sources: Sequence[Source], *, full: bool) -> int:
    """Make what sources found due now; `full` forgets what was read of it."""
    values = of_sources(sources)
    if full:
        connection.execute(f"UPDATE repository SET crawled_oid = NULL WHERE {OF_SOURCES}", values)
    return connection.execute(f"UPDATE probe SET due_at = now(), attempts = 0 WHERE {OF_SOURCES}", values).rowcount


def due(
    connection: Connection[tuple[Any, ...]], limit: int, before: datetime, sources: Sequence[Source]
) -> list[DueRepository]:
    """List who is due: first those that never failed, and among equals the longest due."""
    query = f"""
        SELECT repository_id, node_id, owner, name, crawled_oid
        FROM probe JOIN repository USING (repository_id)
        WHERE due_at <= %(before)s AND state <> 'held' AND {NOT_BLOCKED} AND {OF_SOURCES}
        ORDER BY attempts > 0, due_at, repository_id LIMIT %(limit)s
    """
    values = {**of_sources(sources), "before": before, "limit": limit}
    with connection.cursor(row_factory=class_row(DueRepository)) as cursor:
        return cursor.execute(query, values).fetchall()


def finish_probes(connection: Connection[tuple[Any, ...]], seen: Iterable[tuple[int, datetime | None]]) -> None:
    """Note finished looks at repositories, each with the time of its last push, and when the next is due."""
    now = datetime.now(UTC)
    rows = [(repository_id, probe_interval(pushed_at, now)) for repository_id, pushed_at in sorted(seen)]
    connection.execute(
        """
        UPDATE probe SET probed_at = now(), due_at = now() + wait, attempts = 0, error_code = '', error = ''
        FROM unnest(%s::bigint[], %s::interval[]) AS seen (id, wait) WHERE repository_id = id
        """,
        ([repository_id for repository_id, _ in rows], [wait for _, wait in rows]),
    )


def probe_interval(pushed_at: datetime | None, now: datetime) -> timedelta:
    """How long a repository can wait: a tenth of the time it has been still, within an hour and a week."""
    if pushed_at is None:
        return LONGEST
    return min(max((now - pushed_at) / 10, SHORTEST), LONGEST)


def record_failure(
    connection: Connection[tuple[Any, ...]], repository_id: int, code: str, message: str, retry_at: datetime
) -> None:
    """Note that a repository could not be crawled, and when it is tried again."""
    connection.execute(
        """
        UPDATE probe SET attempts = attempts + 1, error_code = %s, error = %s, due_at = %s, probed_at = now()
        WHERE repository_id = %s
        """,
        (code, message, retry_at, repository_id),
    )


def failures(connection: Connection[tuple[Any, ...]]) -> list[Failure]:
    """List repositories whose last crawl failed."""
    query = """
        SELECT repository_id, owner, name, attempts, error_code, error, due_at
        FROM probe JOIN repository USING (repository_id) WHERE error_code <> '' ORDER BY owner, name
    """
    return [Failure(*row) for row in connection.execute(query)]
