"""Groups of copies in a snapshot, and the origin of each.

Contents are taken from the most popular on. Sixteen bands of a sketch put each into sixteen buckets; it is
compared with the first content of each bucket and with that one's original, so that the work grows with the
number of contents. Some thousand contents are looked at at once; what stays in memory is each copy's original.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

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
AT_ONCE = 50_000  # contents compared in one query
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
    connection.execute(_PAIRS, {"bands": BANDS, "digits": DIGITS})
    connection.execute("CREATE TEMP TABLE near (rank BIGINT, first BIGINT, similarity REAL)")
    for batch in _near(connection):
        _store(connection, batch)
    connection.execute(_LEADERS)
    connection.execute(_COPIES)
    row = connection.execute("SELECT count(*) FROM copy").fetchone()
    for name in ("reference", "ranked", "pair", "near", "leader"):
        connection.execute(f"DROP TABLE {name}")
    return int(row[0]) if row else 0


class _Near(NamedTuple):
    """A content and the first one of its group, by rank, and how much they resemble each other."""

    rank: int
    first: int
    similarity: float


def _near(connection: duckdb.DuckDBPyConnection) -> Iterator[list[_Near]]:
    """Find the first content of each group's others; nothing else may be asked of the connection meanwhile."""
    firsts: dict[int, tuple[int, bytes]] = {}  # of each copy, with its sketch
    row = connection.execute("SELECT coalesce(max(rank), 0) FROM pair").fetchone()
    for start in range(0, (row[0] if row else 0) + 1, AT_ONCE):
        # No cursor: temporary tables are those of the connection.
        candidates = connection.execute(_CANDIDATES, {"start": start, "stop": start + AT_ONCE})
        found: list[_Near] = []
        while rows := candidates.fetchmany(1000):
            for rank, data, candidate, candidate_data in rows:
                if rank in firsts:
                    continue
                first, first_data = firsts.get(candidate) or (candidate, bytes.fromhex(candidate_data))
                similarity = resemblance(bytes.fromhex(data), first_data)
                if similarity >= LEAST:
                    firsts[rank] = (first, first_data)
                    found.append(_Near(rank, first, similarity))
        yield found


def _store(connection: duckdb.DuckDBPyConnection, found: list[_Near]) -> None:
    for start in range(0, len(found), 1000):
        columns = [list(column) for column in zip(*found[start : start + 1000], strict=True)]
        connection.execute(
            "INSERT INTO near SELECT unnest($1::BIGINT[]), unnest($2::BIGINT[]), unnest($3::REAL[])", columns
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
_PAIRS = """
    CREATE TEMP TABLE pair AS
    WITH banded AS (
        SELECT rank, band, hash(substr(data, 1 + band * $digits, $digits)) AS bucket
        FROM ranked, (SELECT unnest(range($bands)) AS band)
    ), first AS (
        SELECT band, bucket, min(rank) AS rank FROM banded GROUP BY ALL HAVING count(*) > 1
    )
    SELECT DISTINCT banded.rank AS rank, first.rank AS candidate
    FROM banded JOIN first USING (band, bucket) WHERE banded.rank > first.rank
"""
_CANDIDATES = """
    SELECT pair.rank, mine.data, candidate, other.data
    FROM pair JOIN ranked AS mine USING (rank) JOIN ranked AS other ON other.rank = candidate
    WHERE pair.rank >= $start AND pair.rank < $stop AND mine.rank >= $start AND mine.rank < $stop
    ORDER BY pair.rank, candidate
"""
_LEADERS = """
    CREATE TEMP TABLE leader AS
    SELECT mine.content_digest, other.content_digest AS first, similarity
    FROM near JOIN ranked AS mine USING (rank) JOIN ranked AS other ON other.rank = near.first
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
