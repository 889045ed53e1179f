"""The to-do list: who is due, in which order, and when next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from skilldata.database import Database
from skilldata.database.todo import due_query
from skilldata.intervals import Bounds
from skilldata.models import Repository, RepositoryState
from tests.conftest import Registry

MANY = """
    INSERT INTO repository (repository_id, node_id, owner, name, default_branch, description, stars, forks, topics,
                            is_fork, archived, state)
    SELECT number, 'R_' || number, 'owner' || number / 100, 'r' || number, 'main', '', 0, 0, '{}', FALSE, FALSE,
           'active'
    FROM generate_series(1, 100000) AS number
"""
PROBES = """
    INSERT INTO probe (repository_id, due_at, attempts)
    SELECT number, '2026-01-01'::timestamptz + number * interval '1 minute', (number %% 50 = 0)::integer
    FROM generate_series(1, 100000) AS number
"""


def test_a_page_of_due_work_reads_a_page_and_not_the_list(registry: Registry) -> None:
    with registry.database.transaction() as connection:
        connection.execute(MANY)
        connection.execute(PROBES.encode(), ())
    with registry.database.transaction() as connection:
        connection.execute("ANALYZE probe")
        connection.execute("ANALYZE repository")
    now = datetime(2027, 1, 1, tzinfo=UTC)
    due = registry.database.due(200, before=now)
    assert [one.repository_id for one in due] == [number for number in range(1, 205) if number % 50][:200]
    for condition in ("attempts = 0", "attempts > 0"):
        plan = _plan(registry, due_query(condition, named=False), {"before": now, "limit": 200})
        nodes = list(_nodes(plan))
        assert not [node for node in nodes if "Sort" in node["Node Type"]]
        assert max(node["Actual Rows"] * node["Actual Loops"] for node in nodes) <= 300
        assert "probe_due" in json.dumps(plan)


def test_those_that_failed_come_after_those_that_did_not(registry: Registry) -> None:
    _add(registry.database, 1, 2, 3)
    registry.database.record_failure(1, "fetch-failed", "no", retry_at=datetime(2020, 1, 1, tzinfo=UTC))
    now = datetime.now(UTC) + timedelta(seconds=5)
    assert [one.repository_id for one in registry.database.due(9, before=now)] == [2, 3, 1]
    assert [one.repository_id for one in registry.database.due(2, before=now)] == [2, 3]


def test_a_still_repository_waits_longer_each_time_and_a_changed_one_less(registry: Registry) -> None:
    bounds = Bounds(timedelta(hours=2), timedelta(hours=20))
    with Database(registry.settings.database, bounds) as database:
        repository = _add(database, 1)[0]
        waits = [_wait_after(database, registry, repository) for _ in range(5)]
        assert waits == [timedelta(hours=hours) for hours in (10, 15, 20, 20, 20)]
        database.record_probe([repository.model_copy(update={"head_oid": "b" * 40})])
        _crawl(database, "b" * 40)
        assert registry.rows("SELECT wait FROM probe") == [(timedelta(hours=10),)]


def _wait_after(database: Database, registry: Registry, repository: Repository) -> timedelta:
    if database.record_probe([repository]):
        _crawl(database, str(repository.head_oid))
    [(wait, due_in)] = registry.rows("SELECT wait, due_at - probed_at FROM probe")
    assert wait == due_in
    return timedelta(seconds=round(wait.total_seconds()))


def _crawl(database: Database, head: str) -> None:
    database.record_crawl(1, revision=head, tree_oid="c" * 40, committed_at=datetime.now(UTC), skills=[])


def _add(database: Database, *ids: int) -> list[Repository]:
    pushed = datetime.now(UTC) - timedelta(hours=100)
    repositories = [
        Repository(
            repository_id=number,
            node_id=f"R_{number}",
            owner="acme",
            name=f"r{number}",
            head_oid="a" * 40,
            pushed_at=pushed,
            state=RepositoryState.ACTIVE,
        )
        for number in ids
    ]
    database.record_probe(repositories)
    return repositories


def _plan(registry: Registry, query: str, values: dict[str, Any]) -> dict[str, Any]:
    with registry.database.transaction() as connection:
        row = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}".encode(), values).fetchone()
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)
