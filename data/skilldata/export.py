"""Exporting the index: one consistent read of PostgreSQL becomes a snapshot folder.

Rows stream from PostgreSQL as CSV through files into DuckDB, so memory stays flat, and the same rows give
the same digest. Nothing is visible under the snapshot's name before it is whole.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import Connection

from skilldata import authorfiles, copies, downloads, opinions, plugintables, takedowns, unlicensed
from skilldata.copies import sketch_new
from skilldata.database import Database
from skilldata.jsonindex.build import TREE, build_json_index
from skilldata.loading import MEMORY, load_tables
from skilldata.observed import Observed, observe, write_observed
from skilldata.parquet import PARQUET, write_parquet
from skilldata.rowfiles import write_rows
from skilldata.search import build_search_index
from skilldata.snapshot import (
    BUILT,
    DATABASE,
    FORMAT,
    JSON_INDEX,
    LISTING,
    MANIFEST,
    SEARCH,
    Snapshot,
    SnapshotInfo,
    read_info,
)

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
               skill.level, coalesce(shown.name, ''), coalesce(shown.description, ''), manifest_file, shown.label,
               shown.content_digest, shown.licence, coalesce(shown.redistributable, FALSE), stars,
               skill.first_seen_at, greatest(updated_at, ruled.since), gone_at, coalesce(verdict, 'pending')
        FROM skill JOIN repository USING (repository_id)
             LEFT JOIN version ON version.version_id = current_version_id LEFT JOIN package USING (content_digest)
             LEFT JOIN skill_takedown ruled ON ruled.skill_id = skill.skill_id
             LEFT JOIN version shown ON shown.version_id = current_version_id AND verdict <> 'blocked'
                                    AND coalesce(ruled.state, 'yanked') = 'yanked'
        ORDER BY skill.repository_id, skill.path
    """,
    "version": """
        SELECT repository_id, path, ordinal, label, content_digest, revision, committed_at, version.created_at,
               version.level, licence, licence_evidence,
               redistributable AND coalesce(ruled.state, 'yanked') = 'yanked'
               AND content_digest NOT IN (SELECT content_digest FROM blocked_content), verdict, rule_set
        FROM version JOIN skill USING (skill_id) JOIN package USING (content_digest)
             LEFT JOIN skill_takedown AS ruled USING (skill_id)
        WHERE verdict <> 'blocked' ORDER BY repository_id, path, ordinal
    """,
    "package": """
        SELECT content_digest, package_digest, size, unpacked_size, file_count FROM package
        WHERE verdict <> 'blocked' ORDER BY content_digest
    """,
    "file": """
        SELECT content_digest, path, mode, file.size, sha256 FROM file JOIN package USING (content_digest)
        WHERE verdict <> 'blocked' AND content_digest NOT IN (SELECT content_digest FROM withheld_package)
        ORDER BY content_digest, path
    """,
    # A text is its author's work: it is public where the licence lets us hand it out.
    "document": f"""
        SELECT repository_id, path, manifest, CASE WHEN redistributable THEN text ELSE '' END
        {unlicensed.SHOWN} ORDER BY repository_id, path
    """,
    "diagnostic": """
        SELECT repository_id, path, ordinal, rule, diagnostic.level, file, line, message, remedy
        FROM diagnostic JOIN skill USING (skill_id) LEFT JOIN skill_takedown AS ruled USING (skill_id)
        WHERE coalesce(ruled.state, 'yanked') = 'yanked' ORDER BY repository_id, path, ordinal
    """,
    "finding": """
        SELECT repository_id, path, finding.ordinal, rule, severity, file, line, evidence, explanation, remedy
        FROM finding JOIN version USING (content_digest) JOIN skill ON version_id = current_version_id
             LEFT JOIN skill_takedown AS ruled ON ruled.skill_id = skill.skill_id
        WHERE coalesce(ruled.state, 'yanked') = 'yanked'
        ORDER BY repository_id, path, finding.ordinal
    """,
    # Who decided is told by role: names of people stay in the index.
    "event": """
        SELECT at, kind, CASE WHEN actor IN ('crawler', 'scanner', 'policy file') THEN actor ELSE 'maintainer' END,
               event.repository_id, skill.path, evidence
        FROM event LEFT JOIN skill USING (skill_id) ORDER BY at, event_id
    """,
    **plugintables.QUERIES,
    **takedowns.QUERIES,
    **authorfiles.QUERIES,
    **opinions.QUERIES,
    **downloads.QUERIES,
}
AS_OF = f"""
    SELECT greatest((SELECT max(at) FROM event), (SELECT max(updated_at) FROM skill),
                    (SELECT max(scanned_at) FROM package), (SELECT max(given_at) FROM second_opinion),
                    ({downloads.AS_OF})::timestamptz, 'epoch'::timestamptz)
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
        as_of, digest, seen = _export_rows(database, work, notify)
        info = SnapshotInfo(_id(as_of, digest), as_of, FORMAT, {}, {})
        if not (folder / info.id / MANIFEST).exists():
            _build(work, info, notify)
            work.chmod(0o755)
            work.rename(folder / info.id)
        write_observed(folder / info.id, seen)
        return read_info(folder / info.id)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def export_tables(database: Database, work: Path) -> str:
    """Export the index into tables alone, to compare them with a snapshot's.

    Args:
        database: The index.
        work: An empty folder; `index.duckdb` is made there.

    Returns:
        The id that a snapshot of these rows has.
    """
    as_of, digest, _ = _export_rows(database, work, lambda _: None)
    load_tables(work)
    return _id(as_of, digest)


def _id(as_of: datetime, digest: str) -> str:
    return f"{as_of:%Y%m%dT%H%M%SZ}-{digest[:12]}"


def _build(work: Path, info: SnapshotInfo, notify: Callable[[str], None]) -> None:
    """Make everything that a snapshot holds from the exported rows; its manifest comes last."""
    notify("tables")
    counts = load_tables(work)
    info = replace(info, counts=counts)
    _write_info(work, info)
    with Snapshot(work, memory=MEMORY) as snapshot:
        for name, make in PARTS:
            notify(name)
            make(snapshot, work)
    shutil.rmtree(work / ".spill", ignore_errors=True)
    _write(work / BUILT, {"files": _digests(work, sorted((work / SEARCH).iterdir()))})
    same = [work / DATABASE, work / LISTING, work / JSON_INDEX / TREE, *sorted((work / PARQUET).iterdir())]
    _write_info(work, replace(info, files=_digests(work, same)))


def _digests(work: Path, files: Iterable[Path]) -> dict[str, str]:
    return {path.relative_to(work).as_posix(): _file_digest(path) for path in files}


def _export_rows(database: Database, work: Path, notify: Callable[[str], None]) -> tuple[datetime, str, Observed]:
    """Write every table, and what copies are found by, as CSV.

    Gives the time of the last change, the digest over all rows, and how all is.

    One transaction sees everything, so that no row of one table is newer than those of another.
    """
    digest = hashlib.sha256()
    with database.transaction() as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        row = connection.execute(AS_OF).fetchone()
        as_of: datetime = (row[0] if row else datetime.fromtimestamp(0, UTC)).replace(microsecond=0)
        for table, query in {**QUERIES, **copies.QUERIES, **unlicensed.QUERIES}.items():
            notify(table)
            digest.update(f"{table}\n".encode())
            for line in write_rows(work, table, _copy(connection, query)):
                digest.update(line)
        seen = observe(connection)
    return as_of, digest.hexdigest(), seen


def _copy(connection: Connection[tuple[Any, ...]], query: str) -> Iterator[bytes]:
    # PostgreSQL sends one row a message, and libpq gives one message at a time.
    with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)".encode()) as copy:
        for chunk in copy:
            yield bytes(chunk)


def _write_listing(snapshot: Snapshot, work: Path) -> None:
    """Write index.json: every listed skill, one line each, so that a diff of two listings reads well."""
    with (work / LISTING).open("w", encoding="utf-8") as file:
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
    "content_digest", "package_digest", "size", "revision", "path", "verdict", "rule_set", "downloads",
)  # fmt: skip
_LISTED = """
    SELECT owner, repository, slug, name, description, skill.level, skill.licence, skill.redistributable, stars,
           skill.label, content_digest, package_digest, size, revision, path, skill.verdict, rule_set,
           coalesce(downloads, 0)
    FROM skill JOIN package USING (content_digest) JOIN version USING (repository_id, path, content_digest)
         LEFT JOIN (SELECT repository_id, path, sum(downloads)::BIGINT AS downloads FROM download GROUP BY ALL)
         USING (repository_id, path)
    WHERE state = 'listed' ORDER BY lower(owner), owner, lower(repository), slug, path
"""


def _build_search(snapshot: Snapshot, work: Path) -> None:
    build_search_index(snapshot, work / SEARCH, unlicensed.take_texts(work))


# What is made from the tables, in this order: name, and who makes it in the snapshot's folder.
PARTS: tuple[tuple[str, Callable[[Snapshot, Path], object]], ...] = (
    ("listing", _write_listing),
    ("parquet", lambda snapshot, work: write_parquet(snapshot, work / PARQUET)),
    ("json index", lambda snapshot, work: build_json_index(snapshot, work / JSON_INDEX)),
    ("search index", _build_search),
)


def _write_info(work: Path, info: SnapshotInfo) -> None:
    content = {
        "id": info.id,
        "as_of": _iso(info.as_of),
        "format": info.format,
        "counts": info.counts,
        "files": info.files,
    }
    _write(work / MANIFEST, content)


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
