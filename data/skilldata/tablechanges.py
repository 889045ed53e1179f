"""What changed in a snapshot's tables since another one, as Parquet: analysts' files need not go out whole each time.

Compressed tables differ nearly everywhere when a few rows do, so their files cannot be shared between snapshots. The
rows that differ are few.

    removed   whether the row is there no more; it then has its key alone, or all columns in a table without a key
    …         the columns of the table

A row that differs is there once, as it is now. So a table is what the old one has under other keys than these, with
the rows that are not removed. Rows count as a set: two equal ones are one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb

from skilldata.errors import SnapshotError
from skilldata.loading import MEMORY
from skilldata.snapshot import DATABASE, TABLES

_KEY = re.compile(r"(\w+) \w+ PRIMARY KEY|PRIMARY KEY \(([^)]*)\)")
# Half a SHA-256: enough that nobody makes two rows of one digest, and half the memory.
_DIGESTS = """
    CREATE OR REPLACE TEMP TABLE {name}_row AS
    SELECT rowid AS number, unhex(left(sha256(to_json(row)::VARCHAR), 32)) AS digest FROM {name}.{table} AS row
"""
_ONLY = """
    CREATE OR REPLACE TEMP TABLE {name}_only AS
    SELECT number FROM {name}_row ANTI JOIN {other}_row USING (digest)
"""


def key_columns(table: str) -> tuple[str, ...]:
    """Give the columns that tell the rows of a table apart; none where nothing does."""
    found = _KEY.search(TABLES[table])
    return tuple((found[1] or found[2]).split(", ")) if found else ()


def write_changes(old: Path, new: Path, folder: Path) -> list[Path]:
    """Write the rows that differ between two snapshots.

    Args:
        old: Folder of the snapshot that a reader has.
        new: Folder of the snapshot that it is to get.
        folder: Where the files go, `<table>.parquet`; made where it is missing.

    Returns:
        The files; a table in which nothing changed has none.

    Raises:
        SnapshotError: The snapshots' tables have other columns, or cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    spill = folder / ".spill"
    bounds = {"memory_limit": MEMORY, "temp_directory": str(spill), "threads": "1"}
    try:
        with duckdb.connect(config=dict(bounds)) as connection:
            for name, place in (("old", old), ("new", new)):
                connection.execute(f"ATTACH '{place / DATABASE}' AS {name} (READ_ONLY)")
            return [file for table in TABLES if (file := _write(connection, table, folder))]
    except duckdb.Error as error:
        raise SnapshotError(
            f"what changed between {old.name} and {new.name} cannot be told: {error}",
            remedy="Publish the large files whole: set publish.downloads_hours to 0 for once.",
        ) from None


def _write(connection: duckdb.DuckDBPyConnection, table: str, folder: Path) -> Path | None:
    for name in ("old", "new"):
        connection.execute(_DIGESTS.format(name=name, table=table))
    for name, other in (("old", "new"), ("new", "old")):
        connection.execute(_ONLY.format(name=name, other=other))
    columns = [column[0] for column in connection.execute(f"FROM new.{table} LIMIT 0").description]
    file = folder / f"{table}.parquet"
    connection.execute(
        f"COPY ({_changes(table, columns)}) TO '{file}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 6)"
    )
    if connection.read_parquet(str(file)).limit(1).fetchall():
        return file
    file.unlink()
    return None


def _changes(table: str, columns: Sequence[str]) -> str:
    keys = key_columns(table) or tuple(columns)
    kept = ", ".join(f"gone.{name}" if name in keys else f"NULL AS {name}" for name in columns)
    now = f"SELECT * FROM new.{table} WHERE rowid IN (SELECT number FROM new_only)"  # noqa: S608 - our own names
    gone = f"SELECT * FROM old.{table} WHERE rowid IN (SELECT number FROM old_only)"  # noqa: S608
    same = " AND ".join(f"gone.{name} IS NOT DISTINCT FROM now.{name}" for name in keys)
    return (
        f"WITH now AS ({now}), gone AS ({gone}) SELECT FALSE AS removed, * FROM now "  # noqa: S608
        f"UNION ALL SELECT TRUE, {kept} FROM gone ANTI JOIN now ON {same}"
    )
