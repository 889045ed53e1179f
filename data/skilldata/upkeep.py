"""Upkeep of the index: old bookkeeping goes, space is given back, and the planner learns how the rows are."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import psycopg
from psycopg import sql

from skilldata.database import Database
from skilldata.errors import ServiceUnavailable

# Bookkeeping that nothing refers to after a while. Events never go: they are the history that is published.
_OLD_RUNS = """
    DELETE FROM source_run AS old WHERE finished_at < now() - %s::interval
    AND EXISTS (SELECT FROM source_run AS later WHERE later.source_id = old.source_id AND later.run_id > old.run_id)
"""
_OLD_BUDGETS = "DELETE FROM github_budget WHERE noted_at < now() - interval '30 days'"
_OLD_BATCHES = "DELETE FROM download_batch WHERE taken_at < now() - interval '90 days'"  # sent again for days at most
_SIZES = """
    SELECT pg_class.relname, greatest(reltuples, 0)::bigint, pg_table_size(pg_class.oid), pg_indexes_size(pg_class.oid),
           coalesce(n_dead_tup, 0), greatest(last_vacuum, last_autovacuum)
    FROM pg_class LEFT JOIN pg_stat_user_tables ON relid = pg_class.oid
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY pg_total_relation_size(pg_class.oid) DESC
"""
_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"


class Kept(NamedTuple):
    """What upkeep did: rows that went, and tables that were cleaned."""

    runs: int
    budgets: int
    tables: int


class TableSize(NamedTuple):
    """A table: rows as PostgreSQL guesses, bytes of rows and of indexes, rows that wait to be cleaned away."""

    table: str
    rows: int
    bytes: int
    index_bytes: int
    dead: int
    cleaned: str  # when last, ISO 8601; empty where never


def maintain(database: Database, keep_runs: timedelta, *, reindex: bool = False) -> Kept:
    """Delete old bookkeeping, then clean every table; readers and writers go on meanwhile.

    Args:
        database: The index.
        keep_runs: How long runs of sources are kept; the last of each source always is.
        reindex: Also write every index anew, without locking its table.

    Raises:
        ServiceUnavailable: PostgreSQL does not answer.
    """
    with database.transaction() as connection:
        runs = connection.execute(_OLD_RUNS, (keep_runs,)).rowcount
        budgets = connection.execute(_OLD_BUDGETS).rowcount
        connection.execute(_OLD_BATCHES)
        names = [name for (name,) in connection.execute(_TABLES)]
    try:
        # VACUUM and REINDEX CONCURRENTLY do not run in a transaction.
        with psycopg.connect(database.url, autocommit=True, connect_timeout=10) as connection:
            for name in names:
                connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(name)))
                if reindex:
                    connection.execute(sql.SQL("REINDEX TABLE CONCURRENTLY {}").format(sql.Identifier(name)))
    except psycopg.OperationalError as error:
        raise ServiceUnavailable(
            f"the database cannot be maintained: {str(error).splitlines()[0]}", remedy="Run `skillregistry status`."
        ) from error
    return Kept(runs, budgets, len(names))


def sizes(database: Database) -> list[TableSize]:
    """Give the size of every table, the largest first."""
    with database.transaction() as connection:
        return [
            TableSize(name, rows, size, index, dead, cleaned.isoformat() if cleaned else "")
            for name, rows, size, index, dead, cleaned in connection.execute(_SIZES).fetchall()
        ]
