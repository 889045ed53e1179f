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


def test_history_is_only_ever_added_to(registry: Registry, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    with Crawler(registry) as crawler:
        crawler.crawl("acme/tools")
    for attempt in ("DELETE FROM event", "UPDATE event SET actor = 'nobody'"):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            registry.rows(attempt)
