"""The to-do list of the crawl: who is due, and when next. It stands apart from the index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from skilldata.database.records import DueRepository, Failure
from skilldata.intervals import Bounds, next_wait
from skilldata.models import Source

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
    found: list[DueRepository] = []
    values = {**of_sources(sources), "before": before}
    with connection.cursor(row_factory=class_row(DueRepository)) as cursor:
        # Two queries, each in the order of an index, so that nobody sorts a million rows for a page of 200.
        for condition in ("attempts = 0", "attempts > 0"):
            query = due_query(condition, named=bool(sources))
            found += cursor.execute(query.encode(), {**values, "limit": limit - len(found)}).fetchall()
    return found


def due_query(condition: str, *, named: bool) -> str:
    """Give the query of due work; `condition` chooses an index, `named` asks for those of named sources."""
    return f"""
        SELECT repository_id, node_id, owner, name, crawled_oid, crawled_branch
        FROM probe JOIN repository USING (repository_id)
        WHERE {condition} AND due_at <= %(before)s AND state <> 'held' AND {NOT_BLOCKED}
              {f"AND {OF_SOURCES}" if named else ""}
        ORDER BY due_at, repository_id LIMIT %(limit)s
    """


def finish_probes(
    connection: Connection[tuple[Any, ...]],
    seen: Iterable[tuple[int, datetime | None]],
    *,
    bounds: Bounds,
    changed: bool = False,
) -> None:
    """Note finished looks at repositories, each with the time of its last push, and when the next is due.

    Args:
        connection: In the transaction that notes what was seen.
        seen: Repositories with the time of their last push, where known.
        bounds: What the waits stay within.
        changed: Whether their heads were found to have moved.
    """
    pushed = dict(seen)
    now = datetime.now(UTC)
    rows = connection.execute(_WAITS, (sorted(pushed),)).fetchall()
    waits = []
    for repository_id, before in rows:
        pushed_at = pushed[repository_id]
        still = None if pushed_at is None else max(now - pushed_at, timedelta())
        waits.append(next_wait(before, changed=changed, still=still, bounds=bounds))
    connection.execute(_FINISH, ([row[0] for row in rows], waits))


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


# In the order of ids, so that two workers cannot wait for each other.
_WAITS = "SELECT repository_id, wait FROM probe WHERE repository_id = ANY(%s) ORDER BY repository_id FOR UPDATE"
_FINISH = """
    UPDATE probe SET probed_at = now(), due_at = now() + seen.wait, wait = seen.wait, attempts = 0,
           error_code = '', error = ''
    FROM unnest(%s::bigint[], %s::interval[]) AS seen (id, wait) WHERE repository_id = id
"""
