"""Rows on their way from PostgreSQL into DuckDB: CSV files of some megabytes each.

DuckDB holds what one statement loads in memory until that is committed, whatever its bound of memory says. So a
table of a gigabyte is loaded in pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

PIECE = 32 * 1024 * 1024  # bytes, and at most one row more


def write_rows(folder: Path, table: str, rows: Iterable[bytes]) -> Iterator[bytes]:
    """Write rows to files, and pass them on.

    Args:
        folder: Where the files go.
        table: What their names begin with.
        rows: CSV; each is one row or several, and whole.

    Yields:
        What was written.
    """
    number, size = 0, 0
    file = _piece(folder, table, number).open("wb")
    try:
        for row in rows:
            if size > PIECE:
                file.close()
                number, size = number + 1, 0
                file = _piece(folder, table, number).open("wb")
            size += file.write(row)
            yield row
    finally:
        file.close()


def row_files(folder: Path, table: str) -> list[Path]:
    """List the files of a table in their order; none where it was not exported."""
    return sorted(folder.glob(f"{table}.[0-9]*.csv"))


def _piece(folder: Path, table: str, number: int) -> Path:
    return folder / f"{table}.{number:06}.csv"
