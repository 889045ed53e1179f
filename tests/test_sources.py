"""Sources as a maintainer sees them, and each at its own interval."""

from __future__ import annotations

import asyncio
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from temporalio.client import ScheduleDescription, ScheduleIntervalSpec

from skillcli import crawls
from skillcrawler.schedules import SOURCES, apply_schedules, pause_schedules, resume_schedules
from skillcrawler.worker import connect
from skilldata.config import Settings, load_settings
from skilldata.models import Source, SourceKind
from skilldata.sources import all_sources
from skilldata.sourcestate import RunTotals, ShortSlice, SourceRuns
from tests.conftest import Registry
from tests.standin import StandIn
from tests.test_end_to_end import COMMAND, environment, run

SKILL = "---\nname: a\ndescription: One.\n---\nbody\n"
CONFIGURED = [
    {"kind": "repository", "target": "acme/tools", "interval_seconds": 3600},
    {"kind": "owner", "target": "nobody", "interval_seconds": 86_400},
    {"kind": "topic", "target": "agent-skills", "enabled": False},
]


@pytest.fixture
def settings(registry: Registry, tmp_path: Path) -> Settings:
    """The registry's, with sources of the test's own."""
    file = tmp_path / "sources.yaml"
    file.write_text(yaml.safe_dump({"sources": CONFIGURED}), encoding="utf-8")
    registry.environment["SKILLREGISTRY_SOURCES_FILE"] = str(file)
    return load_settings(environment=registry.environment)


def listed(registry: Registry) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in run(registry, "sources")}


def crawl_as_scheduled(registry: Registry, settings: Settings) -> int:
    """Crawl as the schedule does; give how many sources were listed."""
    request = crawls.request(settings, all_sources(settings), only=False, publish=False)
    report = asyncio.run(crawls.run(settings, request, f"crawl/{registry.settings.s3.bucket}", wait=True))
    assert report is not None
    return report.counters.sources


def test_each_source_has_its_interval_state_and_health(registry: Registry, settings: Settings, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL})
    assert {name: (row["health"], row["run"], row["enabled"]) for name, row in listed(registry).items()} == {
        "repository:acme/tools": ("new", None, True),
        "owner:nobody": ("new", None, True),
        "topic:agent-skills": ("new", None, False),
    }
    # One that fails says why, and the others go on.
    assert crawl_as_scheduled(registry, settings) == 2
    rows = listed(registry)
    good, bad = rows["repository:acme/tools"], rows["owner:nobody"]
    assert (good["health"], good["repositories"], good["run"]["outcome"], good["run"]["added"]) == ("ok", 1, "done", 1)
    assert (bad["health"], bad["run"]["outcome"]) == ("failing", "failed")
    assert "nobody" in bad["error"]
    text = subprocess.run([COMMAND, "sources"], env=environment(registry), capture_output=True, text=True, check=True)
    words = {line.split()[0]: line.split()[1:5] for line in text.stdout.splitlines()}
    assert words["owner:nobody"][:3] == ["1", "d", "failing"]
    assert words["topic:agent-skills"] == ["1", "d", "off", "new"]


def test_only_what_is_due_is_listed(registry: Registry, settings: Settings, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL})
    assert crawl_as_scheduled(registry, settings) == 2
    assert crawl_as_scheduled(registry, settings) == 0
    with registry.database.transaction() as connection:
        connection.execute("UPDATE source SET run_at = run_at - interval '2 hours'")
    assert listed(registry)["repository:acme/tools"]["due_at"] < listed(registry)["owner:nobody"]["due_at"]
    assert crawl_as_scheduled(registry, settings) == 1
    with registry.database.transaction() as connection:
        connection.execute("UPDATE source SET run_at = run_at - interval '2 days'")
    # The failed one is tried again after its interval, and what it says stays until it succeeds.
    github.add_repository("nobody/came", {"a/SKILL.md": SKILL})
    assert listed(registry)["owner:nobody"]["error"]
    assert crawl_as_scheduled(registry, settings) == 2
    now = listed(registry)["owner:nobody"]
    assert (now["health"], now["error"], now["repositories"]) == ("ok", "", 1)


def test_a_source_is_shown_with_its_runs_and_short_slices(registry: Registry, settings: Settings) -> None:
    runs = SourceRuns(registry.database)
    source = Source(kind=SourceKind.CODE, target="SKILL.md")
    opened = runs.open(source)
    runs.save(opened, {}, RunTotals(requests=3, claimed=2000, seen=1000, notes=("\x1b[2Jone note",)))
    runs.finish(opened, [ShortSlice("filename:SKILL.md size:7", "cannot be split", 1500, 1000)])
    shown = run(registry, "sources", "show", "code:skill.md")
    assert (shown["configured"], shown["enabled"], shown["short_slices"]) == (False, False, 1)
    assert shown["runs"][0]["short"] == [
        {"query": "filename:SKILL.md size:7", "reason": "cannot be split", "claimed": 1500, "seen": 1000}
    ]
    command = [str(COMMAND), "sources", "show", "code:SKILL.md"]
    text = subprocess.run(command, env=environment(registry), capture_output=True, text=True, check=True).stdout
    assert "filename:SKILL.md size:7" in text
    assert "\x1b" not in text
    missing = subprocess.run([*command[:-1], "who/knows"], env=environment(registry), capture_output=True, check=False)
    assert missing.returncode == 3


def test_schedules_are_the_same_the_second_time_follow_an_interval_and_stay_paused(settings: Settings) -> None:
    async def story() -> None:
        client = await connect(settings.temporal)
        handle = client.get_schedule_handle(SOURCES)
        sources = all_sources(settings)

        async def applied(sources: list[Source]) -> ScheduleDescription:
            await apply_schedules(client, settings, sources)
            return await handle.describe()

        first = await applied(sources)
        assert first.schedule.spec.intervals == [ScheduleIntervalSpec(every=timedelta(minutes=15))]
        second = await applied(sources)
        assert (second.schedule.spec, second.schedule.policy, second.schedule.state) == (
            first.schedule.spec,
            first.schedule.policy,
            first.schedule.state,
        )
        assert second.schedule.action == first.schedule.action
        await pause_schedules(client, note="upkeep")
        faster = [source.model_copy(update={"interval_seconds": 600}) for source in sources]
        third = await applied(faster)
        assert third.schedule.spec.intervals == [ScheduleIntervalSpec(every=timedelta(seconds=150))]
        assert (third.schedule.state.paused, third.schedule.state.note) == (True, "upkeep")
        await resume_schedules(client, note="done")
        assert not (await applied(sources)).schedule.state.paused

    asyncio.run(story())
