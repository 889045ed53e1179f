"""How the registry was when a snapshot was made: health of the sources, and how far behind the crawl is.

Kept beside a snapshot and not in it: it changes from minute to minute while the index stays the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg import Connection

from skilldata.jsonindex.documents import Document, Freshness, SourceHealth, encode

OBSERVED = "observed.json"


class Observed(Document):
    """What was seen."""

    freshness: Freshness | None = None
    sources: tuple[SourceHealth, ...] = ()


def observe(connection: Connection[tuple[Any, ...]]) -> Observed:
    """Look, in the transaction that exports the index."""
    row = connection.execute(_FRESHNESS).fetchone()
    sources = connection.execute(_SOURCES).fetchall()
    return Observed(
        freshness=Freshness(**dict(zip(Freshness.model_fields, row, strict=True))) if row else None,
        sources=tuple(SourceHealth(**dict(zip(_SOURCE_FIELDS, source, strict=True))) for source in sources),
    )


def write_observed(folder: Path, seen: Observed) -> None:
    """Put it beside a snapshot, over what was seen the last time it was made."""
    partial = folder / f".{OBSERVED}.new"
    partial.write_bytes(encode(seen))
    partial.replace(folder / OBSERVED)


def read_observed(folder: Path) -> Observed:
    """Read it; nothing is known of a snapshot that another machine made."""
    path = folder / OBSERVED
    return Observed.model_validate_json(path.read_bytes()) if path.exists() else Observed()


_SOURCE_FIELDS = ("kind", "target", "health", "succeeded_at", "repositories", "skills")
_SOURCES = """
    SELECT kind, target, health, succeeded_at, count(source_repository.repository_id), coalesce(sum(skills), 0)::bigint
    FROM source LEFT JOIN source_repository USING (source_id) LEFT JOIN (
        SELECT repository_id, count(*) AS skills FROM skill WHERE state = 'listed' GROUP BY repository_id
    ) AS listed USING (repository_id)
    GROUP BY source_id ORDER BY kind, target
"""
_FRESHNESS = """
    WITH seen AS (
        SELECT owner || '/' || name AS repository, probed_at, extract(epoch FROM now() - probed_at) AS age
        FROM repository JOIN probe USING (repository_id) WHERE state = 'active'
    )
    SELECT now(), round(percentile_cont(0.5) WITHIN GROUP (ORDER BY age)),
           round(percentile_cont(0.95) WITHIN GROUP (ORDER BY age)),
           (SELECT repository FROM seen WHERE probed_at IS NOT NULL ORDER BY probed_at, repository LIMIT 1),
           min(probed_at), count(*) FILTER (WHERE probed_at IS NULL)
    FROM seen
"""
