"""Reading every table at one moment, and writing them into an empty database.

Rows travel in the text format of PostgreSQL's COPY, which is the same in every version, and needs no client
programs of the server's version (docs/adr/0025-backups-in-pieces.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection, sql

from skilldata.backup.manifest import BackupError, Table
from skilldata.database import Database

_Connection = Connection[tuple[Any, ...]]


class Columns(NamedTuple):
    """A table with its columns, and those of its key, by which its rows are ordered."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


@contextmanager
def one_moment(database: Database) -> Iterator[_Connection]:
    """Give a connection that sees everything as it was when it first looked."""
    with database.transaction() as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL statement_timeout = '1h'")
        yield connection


def revision(connection: _Connection) -> str:
    """Read which revision the schema has.

    Raises:
        BackupError: It has none.
    """
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    if row is None:
        raise BackupError("the database has no schema", remedy="Run `skillregistry migrate up` first.")
    return str(row[0])


def list_tables(connection: _Connection) -> list[Columns]:
    """List the tables, each after those that its foreign keys need at once."""
    columns = {name: (tuple(names), tuple(key or ())) for name, names, key in connection.execute(_COLUMNS)}
    needs: dict[str, set[str]] = {name: set() for name in columns}
    for name, needed in connection.execute(_NEEDS):
        needs[name].add(needed)
    ordered: list[str] = []
    while len(ordered) < len(needs):
        ready = sorted(name for name in needs if name not in ordered and needs[name] <= {*ordered, name})
        if not ready:
            raise BackupError(
                f"tables need each other in a circle: {', '.join(sorted(set(needs) - set(ordered)))}",
                remedy="Make one of their foreign keys deferrable.",
            )
        ordered += ready
    return [Columns(name, *columns[name]) for name in ordered]


def copy_out(connection: _Connection, table: Columns) -> Iterator[bytes]:
    """Yield the rows of a table, one line each, in the order of its key."""
    query = sql.SQL("COPY (SELECT {columns} FROM {table} {order}) TO STDOUT").format(
        columns=_names(table.columns),
        table=sql.Identifier(table.name),
        order=sql.SQL("ORDER BY {}").format(_names(table.key)) if table.key else sql.SQL(""),
    )
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for line in copy:
            yield bytes(line)


def copy_in(connection: _Connection, table: Table, pieces: Iterable[bytes]) -> int:
    """Write rows into a table; give how many there are."""
    query = sql.SQL("COPY {table} ({columns}) FROM STDIN").format(
        table=sql.Identifier(table.name), columns=_names(table.columns)
    )
    with connection.cursor() as cursor:
        with cursor.copy(query) as copy:
            for piece in pieces:
                copy.write(piece)
        return cursor.rowcount


def is_empty(connection: _Connection) -> bool:
    """Tell whether no table has a row."""
    names = [name for (name,) in connection.execute(_NAMES)]
    return not any(
        connection.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(name))).fetchone() is not None
        for name in names
    )


def set_counters(connection: _Connection) -> None:
    """Have every counter go on after the largest number that its column has."""
    for table, column in connection.execute(_COUNTERS).fetchall():
        connection.execute(
            sql.SQL(
                "SELECT setval(pg_get_serial_sequence({name}, {column}), coalesce(max({at}), 0) + 1, FALSE)"
                " FROM {table}"
            ).format(
                name=sql.Literal(table),
                column=sql.Literal(column),
                at=sql.Identifier(column),
                table=sql.Identifier(table),
            )
        )


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


_NAMES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version' ORDER BY relname
"""
# Columns that PostgreSQL computes itself cannot be written.
_COLUMNS = f"""
    SELECT relname, array_agg(attname ORDER BY attnum), (
        SELECT array_agg(key.attname ORDER BY array_position(indkey::smallint[], key.attnum))
        FROM pg_index JOIN pg_attribute AS key ON key.attrelid = indrelid AND key.attnum = ANY(indkey)
        WHERE indrelid = pg_class.oid AND indisprimary)
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relname IN ({_NAMES}) AND relnamespace = 'public'::regnamespace
      AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    GROUP BY pg_class.oid, relname
"""  # noqa: S608 - our own query
_NEEDS = """
    SELECT one.relname, other.relname FROM pg_constraint
    JOIN pg_class AS one ON one.oid = conrelid JOIN pg_class AS other ON other.oid = confrelid
    WHERE contype = 'f' AND NOT condeferrable AND conrelid <> confrelid
      AND connamespace = 'public'::regnamespace
"""
_COUNTERS = """
    SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attidentity <> '' AND NOT attisdropped
"""
