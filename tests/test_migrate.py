"""Migrations, forwards and back, on a database with rows in it."""

from __future__ import annotations

import psycopg
import pytest

from skilldata import migrate
from tests.conftest import Registry
from tests.standin import StandIn
from tests.test_crawl import SKILL, Crawler

SCHEMA = """
    SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
    WHERE table_schema = 'public' ORDER BY 1, 2
"""


def test_down_and_up_again_gives_the_same_schema(registry: Registry, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    with Crawler(registry) as crawler:
        crawler.crawl("acme/tools")
    before = registry.rows(SCHEMA)
    migrate.downgrade(registry.settings.database, "base")
    assert {row[0] for row in registry.rows(SCHEMA)} == {"alembic_version"}
    migrate.upgrade(registry.settings.database)
    assert registry.rows(SCHEMA) == before
    current, newest = migrate.status(registry.settings.database)
    assert current == newest != "0001"


def test_no_step_back_or_forward_loses_a_row_that_both_schemas_hold(registry: Registry, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a"), "b/SKILL.md": SKILL.format(name="b")})
    with Crawler(registry) as crawler:
        crawler.crawl("acme/tools")
    before = _counts(registry)
    assert min(before[table] for table in ("repository", "skill", "version", "package", "file", "event")) > 0
    for revision in migrate.revisions(registry.settings.database)[1:]:
        migrate.downgrade(registry.settings.database, revision)
        older = _counts(registry)
        assert older == {table: before[table] for table in older}
    migrate.upgrade(registry.settings.database)
    assert {table: count for table, count in _counts(registry).items() if table in older} == older


def test_history_is_only_ever_added_to(registry: Registry, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    with Crawler(registry) as crawler:
        crawler.crawl("acme/tools")
    for attempt in ("DELETE FROM event", "UPDATE event SET actor = 'nobody'"):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            registry.rows(attempt)


def _counts(registry: Registry) -> dict[str, int]:
    tables = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    return {table: registry.rows(f"SELECT count(*) FROM {table}")[0][0] for (table,) in registry.rows(tables)} | {
        "alembic_version": 1
    }
