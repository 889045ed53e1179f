"""Loading exported rows into the DuckDB file of a snapshot, in a process of its own.

DuckDB leaves unused parts of its blocks as they were in memory, and the file is published. So the process that
writes it has never held a secret: it is started anew, without our environment, and reads nothing but the rows.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb

from skilldata import copyrows
from skilldata.copies import group_copies
from skilldata.errors import SnapshotError
from skilldata.rowfiles import row_files
from skilldata.snapshot import DATABASE, TABLES, VIEWS

ROW_GROUP = 4096  # rows, all of which are in memory at once, several times over while they are compressed
MEMORY = "1000MB"  # of DuckDB while it builds; the rest goes through files
# Longest row. DuckDB reads ahead in buffers of many rows of that size, unless it is told of another.
LINE = 16 * 1024 * 1024
# DuckDB would hold a table with a key, and the key's index, in memory as a whole. PostgreSQL saw to the keys, and rows
# in their order are found by the smallest and largest value of each part.
KEY = re.compile(r",\s*PRIMARY KEY \([^)]*\)| PRIMARY KEY")
# The same rows give the same bytes: no choice of compression that looks at a sample, and memory that is zero where
# nothing was written to it. DuckDB brings its allocator, jemalloc, which reads this.
COMPRESSION = "zstd"
ALLOCATOR = {"DUCKDB_JE_MALLOC_CONF": "zero:true"}
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")


def load_tables(work: Path) -> dict[str, int]:
    """Make the DuckDB file of a snapshot from exported rows, whose files are deleted.

    Args:
        work: The snapshot's folder, with the rows of every table but those that are made from others.

    Returns:
        How many there are of what people count.

    Raises:
        SnapshotError: The rows cannot be loaded.
    """
    environment = ALLOCATOR | {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-I", "-m", "skilldata.loading", str(work)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "Error" in line or "Exception" in line]
        reason = (lines or [f"it ended with {done.returncode}"])[-1]
        raise SnapshotError(
            f"the rows cannot be loaded into DuckDB: {reason[:500]}", remedy="Look at disk space and memory; try again."
        )
    counts: dict[str, int] = json.loads(done.stdout)
    return counts


def _load(work: Path) -> dict[str, int]:
    # The storage version that today's readers of DuckDB files all understand.
    connection = duckdb.connect()
    try:
        connection.execute("SET threads = 1")
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        connection.execute(f"SET force_compression = '{COMPRESSION}'")
        connection.execute("SET write_buffer_row_group_count = 1")
        connection.execute(f"SET temp_directory = '{work / '.spill'}'")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"ATTACH '{work / DATABASE}' AS snapshot (STORAGE_VERSION 'v1.2.0', ROW_GROUP_SIZE {ROW_GROUP})"
        )
        connection.execute("USE snapshot")
        for table, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {table} ({KEY.sub('', columns)})")
            files = row_files(work, table)
            if not files and table not in copyrows.TABLES:  # which are made from the others
                raise FileNotFoundError(f"no rows of {table} were exported")
            for file in files:
                # PostgreSQL writes NULL as nothing and the empty text as "".
                connection.execute(
                    f"COPY {table} FROM '{file}' (FORMAT csv, HEADER false, NULLSTR '', "
                    "ALLOW_QUOTED_NULLS false, AUTO_DETECT false, PARALLEL false, NEW_LINE '\\n', "
                    f"MAX_LINE_SIZE {LINE}, BUFFER_SIZE {2 * LINE})"
                )
                file.unlink()
        group_copies(connection, work)
        for view, query in VIEWS.items():
            connection.execute(f"CREATE VIEW {view} AS {query}")
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
        "plugins": "SELECT count(*) FROM plugin WHERE gone_at IS NULL",
        "marketplaces": "SELECT count(*) FROM marketplace WHERE gone_at IS NULL",
        "owners": "SELECT count(DISTINCT lower(owner)) FROM skill WHERE state = 'listed'",
    }
    return {name: int((connection.execute(query).fetchone() or (0,))[0]) for name, query in queries.items()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_load(Path(sys.argv[1]))))
