"""Housekeeping by schedule, and what the worker tells of itself and of the registry."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from skillcli import crawls
from skillcrawler.exporter import exporting
from skillcrawler.metrics import registry_metrics
from skillcrawler.scheduled import schedule_states
from skillcrawler.schedules import ALL, BACKUP, GARBAGE, METADATA, UPKEEP
from skillcrawler.worker import connect
from skilldata.backup import open_backups
from skilldata.database import Database
from skilldata.health import crawl_health
from skilldata.schedulestate import ScheduleState, ScheduleStates
from skilldata.upkeep import maintain, sizes
from skilldata.vitals import memory_limit, vitals_text
from tests.conftest import Registry, new_registry
from tests.standin import StandIn
from tests.test_end_to_end import run, worker
from tests.waiting import wait_until

SKILL = "---\nname: a\ndescription: One.\nlicense: MIT\n---\nBody.\n"


@pytest.fixture(scope="module")
def kept(embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A published registry whose worker looks after it."""
    with StandIn() as github, new_registry(embedded, github, tmp_path_factory.mktemp("kept") / "state") as made:
        github.add_repository("acme/tools", {"a/SKILL.md": SKILL})
        run(made, "crawl", "--wait", "acme/tools")
        yield made


def values(text: str) -> dict[str, float]:
    """Read metrics: name and labels as they are written, to value."""
    return {
        sample.name + "".join(f"{{{key}={value}}}" for key, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_schedules_keep_the_registry_and_metrics_tell_of_it(kept: Registry) -> None:
    kept.environment["SKILLREGISTRY_WORKER__METRICS_PORT"] = "0"
    settings = kept.settings
    asyncio.run(crawls.schedule(settings))
    states = ScheduleStates(kept.database)
    log = settings.state_directory / "worker.log"
    with worker(kept):
        wait_until(lambda: log.exists() and "metrics on" in log.read_text(), 60)
        address = log.read_text().partition("metrics on ")[2].partition('"')[0]
        asyncio.run(_trigger(kept, BACKUP, UPKEEP, GARBAGE))
        wait_until(lambda: _succeeded(states) >= {BACKUP, UPKEEP, GARBAGE}, 120)
        told = values(_get(address))
        assert _get(address.replace("/metrics", "/healthz")) == "ok\n"
    assert len(open_backups(settings).list()) >= 1
    last = told[f"skillregistry_schedule_last_success_timestamp_seconds{{schedule={BACKUP}}}"]
    assert abs(last - datetime.now(UTC).timestamp()) < 300
    assert told[f"skillregistry_schedule_interval_seconds{{schedule={BACKUP}}}"] == 300
    assert told["skillregistry_service_up{service=database}"] == told["skillregistry_service_up{service=s3}"] == 1
    assert told["skillregistry_snapshot_skills"] == 1
    assert told["skillregistry_sources{health=ok}"] == 1
    assert told["process_resident_memory_bytes"] < told["skillregistry_memory_limit_bytes"]
    assert any(name.startswith("temporal_") for name in told)


async def _trigger(registry: Registry, *schedules: str) -> None:
    client = await connect(registry.settings.temporal)
    for schedule in schedules:
        await client.get_schedule_handle(schedule).trigger()


def _succeeded(states: ScheduleStates) -> set[str]:
    return {state.schedule for state in states.list() if state.succeeded_at is not None}


def test_every_schedule_is_known_to_those_who_watch(kept: Registry) -> None:
    wanted = asyncio.run(crawls.schedule(kept.settings))
    assert {*wanted, METADATA} == set(ALL)

    async def states() -> list[ScheduleState]:
        return await schedule_states(await connect(kept.settings.temporal))

    assert {state.schedule for state in asyncio.run(states())} >= set(wanted)


def test_a_success_is_remembered_when_temporal_forgets(kept: Registry) -> None:
    states, then = ScheduleStates(kept.database), datetime(2026, 1, 1, tzinfo=UTC)
    states.note([ScheduleState("some", 60, False, then, then + timedelta(hours=1), "some/1 failed")])
    states.note([ScheduleState("some", 90, True)])
    [found] = [state for state in states.list() if state.schedule == "some"]
    assert found == ScheduleState("some", 90, True, then, then + timedelta(hours=1), "some/1 failed")


def test_a_service_that_is_away_is_told_and_nothing_else_is_made_up(kept: Registry) -> None:
    settings = kept.settings.model_copy(update={"s3": kept.settings.s3.model_copy(update={"bucket": "nobody-has-it"})})
    objects = type(kept.objects)(settings.s3)
    told = values(vitals_text(registry_metrics(settings, kept.database, objects)))
    assert told["skillregistry_service_up{service=s3}"] == 0
    assert told["skillregistry_service_up{service=database}"] == 1
    assert "skillregistry_snapshot_age_seconds" not in told


def test_upkeep_lets_old_runs_go_and_keeps_the_last(kept: Registry) -> None:
    with kept.database.transaction() as connection:
        connection.execute(
            """
            INSERT INTO source_run (source_id, started_at, finished_at, outcome)
            SELECT source_id, now() - interval '100 days', now() - interval '100 days', 'ok'
            FROM source, generate_series(1, 5)
            """
        )
        connection.execute("UPDATE source_run SET finished_at = now() - interval '100 days'")
    before = kept.rows("SELECT max(run_id), count(*) FROM source_run GROUP BY source_id")
    done = maintain(kept.database, timedelta(days=90), reindex=True)
    assert done.runs == sum(count - 1 for _, count in before) > 0
    assert kept.rows("SELECT run_id FROM source_run") == [(last,) for last, _ in before]
    assert run(kept, "db", "maintain")["runs"] == 0
    shown = run(kept, "db", "sizes")
    assert {one["table"] for one in shown} >= {"skill", "version", "schedule_state"}
    assert all(one.cleaned for one in sizes(kept.database))


def test_the_lag_is_that_of_the_first_that_waits(kept: Registry) -> None:
    with kept.database.transaction() as connection:
        connection.execute("UPDATE probe SET due_at = now() - interval '1 hour', error_code = 'timeout'")
    found = crawl_health(kept.database)
    assert (found.repositories, found.due, found.failing) == (1, 1, 1)
    assert 3600 <= found.lag_seconds < 3700


def test_the_exporter_answers_three_addresses() -> None:
    well = [True]
    with exporting("127.0.0.1", 0, lambda: "up 1\n", sdk="http://127.0.0.1:1/metrics", alive=lambda: well[0]) as port:
        base = f"http://127.0.0.1:{port}"
        assert _get(f"{base}/metrics") == "up 1\n"
        assert _get(f"{base}/healthz") == "ok\n"
        well[0] = False
        for path, status in (("/healthz", 503), ("/elsewhere", 404)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                _get(base + path)
            assert refused.value.code == status
            refused.value.close()


def test_the_memory_limit_is_the_containers(tmp_path: Path) -> None:
    machine = memory_limit(tmp_path)
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_limit(tmp_path) == machine > 0
    (tmp_path / "memory.max").write_text("268435456\n")
    assert memory_limit(tmp_path) == 268_435_456


def test_a_database_that_is_away_is_no_reason_to_fail(kept: Registry) -> None:
    database = Database(kept.settings.database)  # never opened: every question fails
    told = values(vitals_text(registry_metrics(kept.settings, database, kept.objects)))
    assert told["skillregistry_service_up{service=database}"] == 0
    assert told["skillregistry_snapshot_skills"] == 1


def _get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=20) as answer:
        text: str = answer.read().decode()
        return text
