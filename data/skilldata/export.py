"""Exporting the index: one consistent read of PostgreSQL becomes a snapshot folder.

Rows stream from PostgreSQL as CSV through files into DuckDB, so memory stays flat, and the same rows give
the same digest. Nothing is visible under the snapshot's name before it is whole.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from psycopg import Connection

from skilldata import authorfiles, takedowns
from skilldata.copies import export_rows, group_copies, sketch_new
from skilldata.database import Database
from skilldata.search import build_search_index
from skilldata.snapshot import DATABASE, FORMAT, LISTING, MANIFEST, SEARCH, TABLES, Snapshot, SnapshotInfo, read_info

# What goes into each table of the snapshot, with natural keys, in a fixed order.
QUERIES: dict[str, str] = {
    "repository": """
        SELECT repository_id, owner, name, description, default_branch, crawled_oid, committed_at, stars, forks,
               to_json(topics), licence, is_fork, parent_id, archived, pushed_at, state, first_seen_at
        FROM repository ORDER BY repository_id
    """,
    "skill": """
        SELECT skill.repository_id, skill.path, owner, repository.name, slug,
               CASE WHEN skill.slug IS NULL OR (ruled.state = 'yanked' AND skill.state <> 'listed') THEN skill.state
                    ELSE coalesce(ruled.state, skill.state) END,
               skill.level, coalesce(CASE WHEN NOT hidden THEN version.name END, ''),
               coalesce(CASE WHEN NOT hidden THEN version.description END, ''),
               manifest_file, label, content_digest, version.licence,
               coalesce(redistributable AND NOT hidden, FALSE), stars, skill.first_seen_at,
               greatest(updated_at, ruled.since), gone_at
        FROM skill JOIN repository USING (repository_id) LEFT JOIN version ON version_id = current_version_id
        LEFT JOIN skill_takedown AS ruled ON ruled.skill_id = skill.skill_id
        CROSS JOIN LATERAL (SELECT coalesce(ruled.state, 'yanked') <> 'yanked') AS of (hidden)
        ORDER BY skill.repository_id, skill.path
    """,
    "version": """
        SELECT repository_id, path, ordinal, label, content_digest, revision, committed_at, version.created_at,
               version.level, licence, licence_evidence,
               redistributable AND coalesce(ruled.state, 'yanked') = 'yanked'
               AND content_digest NOT IN (SELECT content_digest FROM blocked_content)
        FROM version JOIN skill USING (skill_id) LEFT JOIN skill_takedown AS ruled USING (skill_id)
        ORDER BY repository_id, path, ordinal
    """,
    "package": """
        SELECT content_digest, package_digest, size, unpacked_size, file_count FROM package ORDER BY content_digest
    """,
    "file": """
        SELECT content_digest, path, mode, size, sha256 FROM file
        WHERE content_digest NOT IN (SELECT content_digest FROM withheld_package) ORDER BY content_digest, path
    """,
    "document": """
        SELECT repository_id, path, manifest, text
        FROM skill JOIN version ON version_id = current_version_id LEFT JOIN skill_takedown AS ruled
             ON ruled.skill_id = skill.skill_id
        WHERE coalesce(ruled.state, 'yanked') = 'yanked' ORDER BY repository_id, path
    """,
    "diagnostic": """
        SELECT repository_id, path, ordinal, rule, diagnostic.level, file, line, message, remedy
        FROM diagnostic JOIN skill USING (skill_id) LEFT JOIN skill_takedown AS ruled USING (skill_id)
        WHERE coalesce(ruled.state, 'yanked') = 'yanked' ORDER BY repository_id, path, ordinal
    """,
    **takedowns.QUERIES,
    **authorfiles.QUERIES,
}
AS_OF = """
    SELECT greatest((SELECT max(at) FROM event), (SELECT max(updated_at) FROM skill), 'epoch'::timestamptz)
"""


def create_snapshot(
    database: Database, folder: Path, *, notify: Callable[[str], None] = lambda _: None
) -> SnapshotInfo:
    """Export the index as it is now.

    Args:
        database: The index.
        folder: Where snapshots are kept; this one becomes `folder/<id>`.
        notify: Told the name of each step as it begins.

    Returns:
        What the snapshot is. One that exists already is kept as it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    try:
        notify("copies")
        sketch_new(database)
        as_of, digest = _export_rows(database, work, notify)
        name = f"{as_of:%Y%m%dT%H%M%SZ}-{digest[:12]}"
        if (folder / name / MANIFEST).exists():
            return read_info(folder / name)
        export_rows(database, work)
        notify("tables")
        counts = _build_tables(work)
        _write_info(work, SnapshotInfo(name, as_of, FORMAT, counts, {}))
        with Snapshot(work) as snapshot:
            notify("listing")
            _write_listing(snapshot, work / LISTING)
            notify("search index")
            build_search_index(snapshot, work / SEARCH)
        files = {path.name: _file_digest(path) for path in (work / DATABASE, work / LISTING)}
        _write_info(work, SnapshotInfo(name, as_of, FORMAT, counts, files))
        work.chmod(0o755)
        work.rename(folder / name)
        return read_info(folder / name)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _export_rows(database: Database, work: Path, notify: Callable[[str], None]) -> tuple[datetime, str]:
    """Write every table as CSV; give the time of the last change and the digest over all rows."""
    digest = hashlib.sha256()
    with database.transaction() as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        row = connection.execute(AS_OF).fetchone()
        as_of: datetime = (row[0] if row else datetime.fromtimestamp(0, UTC)).replace(microsecond=0)
        for table, query in QUERIES.items():
            notify(table)
            digest.update(f"{table}\n".encode())
            with (work / f"{table}.csv").open("wb") as file:
                for chunk in _copy(connection, query):
                    digest.update(chunk)
                    file.write(chunk)
    return as_of, digest.hexdigest()


def _copy(connection: Connection[tuple[Any, ...]], query: str) -> Iterator[bytes]:
    with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)".encode()) as copy:
        for chunk in copy:
            yield bytes(chunk)


def _build_tables(work: Path) -> dict[str, int]:
    # The storage version that today's readers of DuckDB files all understand.
    connection = duckdb.connect()
    try:
        connection.execute("SET threads = 2")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"ATTACH '{work / DATABASE}' AS snapshot (STORAGE_VERSION 'v1.2.0')")
        connection.execute("USE snapshot")
        for table, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {table} ({columns})")
            if table not in QUERIES:  # made from the others
                continue
            # PostgreSQL writes NULL as nothing and the empty text as "".
            connection.execute(
                f"COPY {table} FROM '{work / table}.csv' (FORMAT csv, HEADER false, NULLSTR '', "
                "ALLOW_QUOTED_NULLS false, AUTO_DETECT false, PARALLEL false, MAX_LINE_SIZE 16777216, NEW_LINE '\\n')"
            )
            (work / f"{table}.csv").unlink()
        group_copies(connection, work)
        return _counts(connection)
    finally:
        connection.close()


def _counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    queries = {
        "repositories": "SELECT count(*) FROM repository",
        "skills": "SELECT count(*) FROM skill WHERE state = 'listed'",
        "refused": "SELECT count(*) FROM skill WHERE state = 'refused'",
        "gone": "SELECT count(*) FROM skill WHERE state = 'gone'",
        "versions": "SELECT count(*) FROM version",
        "packages": "SELECT count(*) FROM package",
        "copies": "SELECT count(*) FROM copy",
        "owners": "SELECT count(DISTINCT lower(owner)) FROM skill WHERE state = 'listed'",
    }
    return {name: int((connection.execute(query).fetchone() or (0,))[0]) for name, query in queries.items()}


def _write_listing(snapshot: Snapshot, path: Path) -> None:
    """Write index.json: every listed skill, one line each, so that a diff of two listings reads well."""
    with path.open("w", encoding="utf-8") as file:
        head = {"format": FORMAT, "snapshot": snapshot.info.id, "as_of": _iso(snapshot.info.as_of)}
        file.write(json.dumps({**head, "counts": snapshot.info.counts})[:-1] + ', "skills": [')
        for number, row in enumerate(snapshot.query(_LISTED)):
            file.write(
                ("," if number else "")
                + "\n"
                + json.dumps(dict(zip(_LISTED_KEYS, row, strict=True)), ensure_ascii=False)
            )
        file.write("\n]}\n")


_LISTED_KEYS = (
    "owner", "repository", "slug", "name", "description", "level", "licence", "redistributable", "stars", "version",
    "content_digest", "package_digest", "size", "revision", "path",
)  # fmt: skip
_LISTED = """
    SELECT owner, repository, slug, name, description, skill.level, skill.licence, skill.redistributable, stars,
           skill.label, content_digest, package_digest, size, revision, path
    FROM skill JOIN package USING (content_digest) JOIN version USING (repository_id, path, content_digest)
    WHERE state = 'listed' ORDER BY lower(owner), owner, lower(repository), slug, path
"""


def _write_info(work: Path, info: SnapshotInfo) -> None:
    content = {
        "id": info.id,
        "as_of": _iso(info.as_of),
        "format": info.format,
        "counts": info.counts,
        "files": info.files,
    }
    (work / MANIFEST).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
