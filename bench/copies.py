"""Copies: the share of them among real skills, and what sketches and groups cost.

python bench/copies.py [--quick] [--json]
python bench/copies.py --snapshot FOLDER    # also: near pairs of a real snapshot, to be looked at by hand
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from figures import Figure, main

from skilldata.copies import group_copies, sketch
from skilldata.copies.sketches import runs
from skilldata.snapshot import DATABASE, TABLES

SIZE, QUICK = 200_000, 20_000
GROUP = 10  # skills made from one text
FOUND_BAR = 0.05  # share of near copies that may be missed
WORDS = [f"w{number}" for number in range(5000)]


def measure(quick: bool) -> list[Figure]:
    """Sketch and group synthetic texts: of each ten, nine differ from the first in 1 % of their words."""
    size = QUICK if quick else SIZE
    with tempfile.TemporaryDirectory() as folder:
        texts = [_text(number) for number in range(min(size, 2000))]
        started = time.process_time()
        sketches = [sketch(text) for text in texts]
        per_text = (time.process_time() - started) / len(texts)
        rows = [(number, _varied(sketches, number)) for number in range(size)]
        connection = _tables(Path(folder), rows)
        started = time.process_time()
        copies = group_copies(connection, Path(folder))
        grouping = time.process_time() - started
        connection.close()
    expected = size - size // GROUP
    return [
        Figure("sketch of a text of 800 words", per_text * 1000, "ms CPU", 3),
        Figure(f"groups among {size:,} contents", grouping, "s CPU", size / 2000),
        Figure("near copies that are missed", 1 - copies / expected, "share", FOUND_BAR),
        Figure("memory at most", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MiB", 2048),
    ]


def _text(number: int) -> str:
    return "---\nname: a\n---\n" + " ".join(random.Random(number).choices(WORDS, k=800))


def _varied(sketches: list[bytes], number: int) -> bytes:
    """A sketch that has some 90 % of its values in common with those of its group."""
    group, member = divmod(number, GROUP)
    maker = random.Random(group)
    values = bytearray(maker.randbytes(len(sketches[0])))
    changes = random.Random(number)
    for place in range(0, len(values), 4):
        if member and changes.random() < 0.1:
            values[place : place + 4] = changes.randbytes(4)
    return bytes(values)


def _tables(folder: Path, rows: list[tuple[int, bytes]]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute(f"ATTACH '{folder / DATABASE}' AS snapshot; USE snapshot")
    for table in ("repository", "skill", "version", "copy"):
        connection.execute(f"CREATE TABLE {table} ({TABLES[table]})")
    size = len(rows)
    connection.execute(f"""
        INSERT INTO repository SELECT i, 'o' || i, 'r', '', '', NULL, NULL, {size} - i, 0, '[]', NULL, FALSE, NULL,
               FALSE, NULL, 'active', now() FROM range({size}) t(i);
        INSERT INTO skill SELECT i, 'a', 'o' || i, 'r', 'a', 'listed', 'strict', 'a', '', 'SKILL.md', '0.0.1', 'c' || i,
               NULL, FALSE, {size} - i, now(), now(), NULL, 'no findings' FROM range({size}) t(i);
        INSERT INTO version SELECT i, 'a', 1, '0.0.1', 'c' || i, '', now(), now(), 'strict', NULL, '', FALSE,
               'no findings', '1'
        FROM range({size}) t(i);
    """)
    with (folder / "sketch.000000.csv").open("w") as file:
        file.writelines(f"c{number},{data.hex()}\n" for number, data in rows)
    (folder / "reference.000000.csv").touch()
    return connection


def look(folder: Path) -> None:
    """Group the listed skills of a snapshot; write the shares, and near pairs with a count of their runs."""
    with tempfile.TemporaryDirectory() as work:
        connection = duckdb.connect()
        connection.execute(f"ATTACH '{Path(work) / DATABASE}' AS snapshot")
        connection.execute(f"ATTACH '{folder / DATABASE}' AS source (READ_ONLY); USE snapshot")
        for table in ("repository", "skill", "version"):
            connection.execute(f"CREATE TABLE {table} AS FROM source.{table}")
        connection.execute(f"CREATE TABLE copy ({TABLES['copy']})")
        texts: dict[str, str] = dict(connection.execute(_TEXTS).fetchall())
        with (Path(work) / "sketch.000000.csv").open("w") as file:
            file.writelines(f"{digest},{data.hex()}\n" for digest, text in texts.items() if (data := sketch(text)))
        (Path(work) / "reference.000000.csv").touch()
        group_copies(connection, Path(work))
        for line in connection.execute(_SHARES).fetchall():
            sys.stdout.write(f"{line}\n")
        for alike, copy, origin, mine, theirs in connection.execute(_SAMPLE).fetchall():
            counted = _counted(texts[mine], texts[theirs])
            sys.stdout.write(f"{alike:.2f} estimated, {counted:.2f} counted: {copy} of {origin}\n")


def _counted(one: str, other: str) -> float:
    mine, theirs = (set(runs(text)) for text in (one, other))
    return len(mine & theirs) / len(mine | theirs)


_TEXTS = """
    SELECT content_digest, any_value(text) FROM source.document JOIN skill USING (repository_id, path)
    WHERE state = 'listed' GROUP BY ALL
"""
_SHARES = """
    SELECT 'listed', count(*) FROM skill WHERE state = 'listed'
    UNION ALL
    SELECT CASE WHEN identical THEN 'identical, ' ELSE 'near, ' END || evidence, count(*) FROM copy GROUP BY ALL
    ORDER BY 2 DESC
"""
_SAMPLE = """
    SELECT similarity, concat_ws('/', m.owner, m.repository, m.path), concat_ws('/', o.owner, o.repository, o.path),
           m.content_digest, o.content_digest
    FROM copy JOIN skill m USING (repository_id, path)
    JOIN skill o ON o.repository_id = origin_repository_id AND o.path = origin_path
    WHERE NOT identical ORDER BY hash(m.content_digest) LIMIT 40
"""

if __name__ == "__main__":
    if sys.argv[1:2] == ["--snapshot"]:
        look(Path(sys.argv[2]))
    else:
        main(str(__doc__).splitlines()[0], measure)
