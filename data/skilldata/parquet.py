"""The tables of a snapshot as Parquet files, for tools that read ranges over HTTP.

One file a table, in the order of its key, zstd. A row group holds about a megabyte, so that a reader who
looks for one owner or one column fetches little; the file's end says which row group has what.
"""

from __future__ import annotations

from pathlib import Path

from skilldata.snapshot import TABLES, Snapshot

PARQUET = "parquet"
ROW_GROUP = 20_480  # rows: ten of DuckDB's vectors
ROW_GROUP_TEXT = 2_048  # of tables whose rows are whole texts
TEXT_TABLES = frozenset({"document"})


def write_parquet(snapshot: Snapshot, folder: Path) -> list[Path]:
    """Write every table; equal rows give equal bytes with the same version of DuckDB.

    Args:
        snapshot: Where the rows come from; they keep the order in which they were exported.
        folder: Where the files go; made where it is missing.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for table in TABLES:
        file = folder / f"{table}.parquet"
        rows = ROW_GROUP_TEXT if table in TEXT_TABLES else ROW_GROUP
        for _ in snapshot.query(
            f"COPY (FROM {table}) TO '{file}' "
            f"(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 6, ROW_GROUP_SIZE {rows})"
        ):
            pass
        files.append(file)
    return files
