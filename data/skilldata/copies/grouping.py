"""Groups of copies in a snapshot, and the origin of each.

Contents are taken from the most popular on. Sixteen bands of a sketch put each into sixteen buckets; it is
compared with the first content of each bucket and with that one's original, so that the work grows with the
number of contents, and everything but the sketches of those candidates stays in DuckDB.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from skilldata.copies.sketches import METHOD, VALUES, resemblance
from skilldata.rowfiles import row_files

BANDS = 16
# What grouping needs and a snapshot does not keep, exported with the tables.
QUERIES = {
    "sketch": f"""
        SELECT content_digest, encode(data, 'hex') FROM sketch
        WHERE method = '{METHOD}' AND data <> '' ORDER BY content_digest
    """,  # noqa: S608 - a constant
    "reference": "SELECT DISTINCT repository_id, found_id FROM reference WHERE found_id IS NOT NULL ORDER BY 1, 2",
}
LEAST = 0.8  # resemblance of copies
DIGITS = VALUES * 8 // BANDS  # hexadecimal ones of a band


def group_copies(connection: duckdb.DuckDBPyConnection, folder: Path) -> int:
    """Fill the table `copy` from the other tables of a snapshot.

    Args:
        connection: Has the snapshot's database in use, and a bound of its memory.
        folder: Has the rows of `QUERIES` in files, which are deleted.

    Returns:
        How many skills are copies.
    """
    for name, columns in _TEMPORARY.items():
        connection.execute(f"CREATE TEMP TABLE {name} ({columns})")
        for file in row_files(folder, name):
            connection.execute(f"COPY {name} FROM '{file}' (FORMAT csv, HEADER false, AUTO_DETECT false)")
            file.unlink()
    connection.execute(_RANKED, {"least": VALUES * 8})
    connection.execute("DROP TABLE sketch")
    connection.execute("CREATE TEMP TABLE leader (content_digest VARCHAR, first VARCHAR, similarity REAL)")
    _store(connection, _near(connection))
    connection.execute(_COPIES)
    row = connection.execute("SELECT count(*) FROM copy").fetchone()
    for name in ("reference", "ranked", "leader"):
        connection.execute(f"DROP TABLE {name}")
    return int(row[0]) if row else 0


def _near(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str, float]]:
    """Yield contents with the first content of their group, and how much they resemble it."""
    first: dict[str, tuple[str, bytes]] = {}  # of the contents that are somebody's copy, or have copies
    # No cursor: temporary tables are those of the connection.
    candidates = connection.execute(_CANDIDATES, {"bands": BANDS, "digits": DIGITS})
    while rows := candidates.fetchmany(1000):
        for content, data, candidate, candidate_data in rows:
            if content in first:
                continue
            original, original_data = first.get(candidate, (candidate, bytes.fromhex(candidate_data)))
            similarity = resemblance(bytes.fromhex(data), original_data)
            if similarity >= LEAST:
                first[content] = (original, original_data)
                yield content, original, similarity


def _store(connection: duckdb.DuckDBPyConnection, found: Iterator[tuple[Any, ...]]) -> None:
    rows = list(found)  # before anything else is asked of the connection
    for start in range(0, len(rows), 1000):
        batch = rows[start : start + 1000]
        connection.execute(
            "INSERT INTO leader SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[]), unnest($3::REAL[])",
            [list(column) for column in zip(*batch, strict=True)],
        )


_TEMPORARY = {
    "sketch": "content_digest VARCHAR, data VARCHAR",
    "reference": "repository_id BIGINT, found_id BIGINT",
}
# Every listed content once, the most popular first.
_RANKED = """
    CREATE TEMP TABLE ranked AS
    SELECT content_digest, data, row_number() OVER (ORDER BY stars DESC, committed, content_digest) AS rank
    FROM (SELECT content_digest, max(stars) AS stars, min(committed_at) AS committed
          FROM skill JOIN version USING (repository_id, path, content_digest) WHERE state = 'listed' GROUP BY ALL)
    JOIN sketch USING (content_digest) WHERE length(data) = $least
"""
_CANDIDATES = """
    WITH banded AS (
        SELECT rank, band, hash(substr(data, 1 + band * $digits, $digits)) AS bucket
        FROM ranked, (SELECT unnest(range($bands)) AS band)
    ), first AS (
        SELECT band, bucket, min(rank) AS rank FROM banded GROUP BY ALL HAVING count(*) > 1
    ), pair AS (
        SELECT DISTINCT banded.rank AS rank, first.rank AS candidate
        FROM banded JOIN first USING (band, bucket) WHERE banded.rank > first.rank
    )
    SELECT mine.content_digest, mine.data, other.content_digest, other.data
    FROM pair JOIN ranked AS mine USING (rank) JOIN ranked AS other ON other.rank = candidate
    ORDER BY pair.rank, candidate
"""
_ORDER = """
    is_fork, is_locked, stars DESC, committed, length(path), lower(owner), lower(repository), path
"""
_COPIES = f"""
    INSERT INTO copy
    WITH member AS (
        SELECT s.repository_id, path, owner, repository, s.stars, parent_id, content_digest, committed_at AS committed,
               coalesce(first, content_digest) AS leader, coalesce(similarity, 1) AS similarity
        FROM skill s JOIN (SELECT repository_id, parent_id FROM repository) USING (repository_id)
        JOIN (SELECT repository_id, path, content_digest, min(committed_at) AS committed_at FROM version GROUP BY ALL)
             USING (repository_id, path, content_digest)
        LEFT JOIN leader USING (content_digest) WHERE s.state = 'listed'
    ), grouped AS (
        SELECT * FROM member WHERE leader IN (SELECT leader FROM member GROUP BY leader HAVING count(*) > 1)
    ), place AS (
        SELECT DISTINCT leader, repository_id FROM grouped
    ), judged AS (
        SELECT *, EXISTS (FROM place p WHERE p.leader = g.leader AND p.repository_id = g.parent_id) AS is_fork,
               EXISTS (FROM place p JOIN reference r ON r.found_id = p.repository_id
                       WHERE p.leader = g.leader AND r.repository_id = g.repository_id
                         AND p.repository_id <> g.repository_id) AS is_locked
        FROM grouped g
    ), origin AS (
        SELECT * FROM judged QUALIFY row_number() OVER (PARTITION BY leader ORDER BY {_ORDER}) = 1
    )
    SELECT j.repository_id, j.path, o.repository_id, o.path, j.content_digest = o.content_digest,
           CASE WHEN j.content_digest = o.content_digest THEN 1
                WHEN o.content_digest = o.leader THEN j.similarity
                ELSE least(j.similarity, o.similarity) END,
           CASE WHEN j.is_fork AND NOT o.is_fork THEN 'fork'
                WHEN j.is_locked AND NOT o.is_locked THEN 'lock file'
                WHEN j.repository_id = o.repository_id THEN 'same repository'
                WHEN j.stars < o.stars THEN 'stars'
                WHEN j.committed > o.committed THEN 'earlier commit'
                ELSE 'first address' END
    FROM judged j JOIN origin o USING (leader)
    WHERE (j.repository_id, j.path) <> (o.repository_id, o.path)
    ORDER BY 1, 2
"""  # noqa: S608
