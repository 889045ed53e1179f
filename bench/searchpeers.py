"""The engines that `bench/search.py` measures beside ours, over the same skills."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from skillcli.services import EmbeddedServices
from skilldata.config import load_settings
from skilldata.search.ranking import STOP_WORDS
from skilldata.snapshot import Snapshot

Ask = Callable[[str], list[str]]


@contextmanager
def peers(folder: Path, scratch: Path) -> Iterator[dict[str, Ask]]:
    """Load the skills of a snapshot, copies once, into the other engines."""
    rows = skill_rows(folder)
    services = EmbeddedServices(scratch, external=("s3", "temporal"))
    services.up()
    try:
        url = load_settings(environment={"SKILLREGISTRY_STATE_DIRECTORY": str(scratch)}).database.url
        with psycopg.connect(url.get_secret_value() if url else "") as connection:
            yield {
                "PostgreSQL": _postgres(connection, rows),
                "SQLite FTS5": _sqlite(rows),
                **_duckdb(rows),
                "substring": _substring(rows),
            }
    finally:
        services.down()


_ROWS = """
    SELECT any_value(skill.owner || '/' || repository || '/' || slug), any_value(replace(skill.name, '-', ' ')),
           any_value(skill.description), any_value(text), max(skill.stars)
    FROM skill JOIN document USING (repository_id, path) WHERE skill.state = 'listed' GROUP BY content_digest
"""


def skill_rows(folder: Path) -> list[Any]:
    """Read the listed skills of a snapshot, copies once: address, name, description, body, stars."""
    with Snapshot(folder) as snapshot:
        return list(snapshot.query(_ROWS))


def _postgres(connection: psycopg.Connection[Any], rows: Sequence[Any]) -> Ask:
    connection.execute("CREATE TABLE found (address text, stars int, words tsvector)")
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO found VALUES (%s, %s, setweight(to_tsvector('english', %s), 'A') || "
            "setweight(to_tsvector('english', %s), 'B') || setweight(to_tsvector('english', left(%s, 100000)), 'D'))",
            [(row[0], row[4], *(str(part).replace("\0", "") for part in row[1:4])) for row in rows],
        )
    connection.execute("CREATE INDEX ON found USING gin (words)")
    connection.execute("ANALYZE found")

    def ask(text: str) -> list[str]:
        for joint in (" & ", " | "):
            query = joint.join(f"'{word}'" for word in _words(text))
            found = connection.execute(
                "SELECT address FROM found, to_tsquery('english', %s) AS query WHERE words @@ query "
                "ORDER BY ts_rank('{0.1, 0.2, 0.6, 1}', words, query) DESC, stars DESC, address LIMIT 10",
                (query,),
            ).fetchall()
            if found:
                return [row[0] for row in found]
        return []

    return ask


def _sqlite(rows: Sequence[Any]) -> Ask:
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE VIRTUAL TABLE found USING fts5(address UNINDEXED, name, description, body, tokenize='porter unicode61')"
    )
    connection.executemany("INSERT INTO found VALUES (?, ?, ?, ?)", [row[:4] for row in rows])

    def ask(text: str) -> list[str]:
        for joint in (" AND ", " OR "):
            query = joint.join(f'"{word}"' for word in _words(text))
            found = connection.execute(
                "SELECT address FROM found WHERE found MATCH ? ORDER BY bm25(found, 0, 10, 6, 1) LIMIT 10", (query,)
            ).fetchall()
            if found:
                return [row[0] for row in found]
        return []

    return ask


def _duckdb(rows: Sequence[Any]) -> dict[str, Ask]:
    """Give DuckDB's full-text search where its extension is installed: it is not in the package."""
    connection = duckdb.connect()
    connection.execute("SET autoinstall_known_extensions = false")
    try:
        connection.execute("LOAD fts")
    except duckdb.Error as error:
        print(f"without DuckDB: {str(error).splitlines()[0]}", file=sys.stderr)
        return {}
    connection.execute("CREATE TABLE found (address VARCHAR, name VARCHAR, description VARCHAR, body VARCHAR)")
    connection.executemany("INSERT INTO found VALUES (?, ?, ?, ?)", [row[:4] for row in rows])
    connection.execute("PRAGMA create_fts_index('found', 'address', 'name', 'description', 'body')")

    def ask(text: str) -> list[str]:
        query = " ".join(_words(text))
        for every in (1, 0):
            found = connection.execute(
                "SELECT address FROM (SELECT address, fts_main_found.match_bm25(address, ?, conjunctive := ?) AS score "
                "FROM found) WHERE score IS NOT NULL ORDER BY score DESC, address LIMIT 10",
                (query, every),
            ).fetchall()
            if found:
                return [row[0] for row in found]
        return []

    return {"DuckDB": ask}


def _substring(rows: Sequence[Any]) -> Ask:
    popular = sorted(rows, key=lambda row: (-row[4], row[0]))
    texts = [(row[0], f"{row[1]} {row[2]}".lower()) for row in popular]

    def ask(text: str) -> list[str]:
        parts = _words(text)
        return [address for address, content in texts if all(part in content for part in parts)][:10]

    return ask


def _words(text: str) -> list[str]:
    found = re.findall(r"[^\W_]+", text.lower())
    return [word for word in found if word not in STOP_WORDS] or found or ["x"]
