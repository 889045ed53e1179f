"""The commands around snapshots, run as a person runs them, and what fsck finds when something is wrong."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from skilldata.objects import WITHHELD
from skilldata.publish.order import ROOT
from tests.conftest import Registry
from tests.standin import StandIn
from tests.test_crawl import SKILL
from tests.test_end_to_end import COMMAND, environment, run


def failing(registry: Registry, *arguments: str) -> tuple[int, Any, str]:
    """Run a command that is to fail; give status, data and errors."""
    done = subprocess.run(
        [COMMAND, *arguments, "--json"], env=environment(registry), capture_output=True, text=True, check=False
    )
    return done.returncode, json.loads(done.stdout)["data"] if done.stdout else None, done.stderr


def test_a_life_of_snapshots(registry: Registry, github: StandIn) -> None:
    names = [f"skill-{number}" for number in range(4)]
    github.add_repository("acme/tools", {f"{name}/SKILL.md": SKILL.format(name=name) for name in names})
    first = run(registry, "crawl", "--wait", "acme/tools")["published"]["snapshot"]
    assert run(registry, "snapshot", "verify") == {"id": first, "problems": []}
    assert [one for one in run(registry, "fsck") if one["problems"]] == []
    shown = run(registry, "snapshot", "show")
    assert {"index.duckdb", "json/tree.json", "parquet/skill.parquet"} <= {file["path"] for file in shown["files"]}

    github.push("acme/tools", {f"{name}/SKILL.md": None for name in names[2:]})
    report = run(registry, "crawl", "--wait", "acme/tools")["published"]
    assert not report["changed"]
    assert "it has 2 skills, the live one has 4" in report["held"]
    smaller = run(registry, "snapshot", "create")["id"]
    difference = run(registry, "snapshot", "diff")
    assert (difference["old"], difference["new"]) == (first, smaller)
    assert difference["removed"] == ["acme/tools/skill-2", "acme/tools/skill-3"]
    status, _, errors = failing(registry, "snapshot", "publish", smaller)
    assert status == 1
    assert "--even-if-smaller" in errors
    assert [one["live"] for one in run(registry, "snapshot", "list")] == [False, True]

    run(registry, "snapshot", "publish", smaller, "--even-if-smaller")
    assert [one for one in run(registry, "fsck", "--quick") if one["problems"]] == []
    run(registry, "snapshot", "rollback")
    entry = json.loads(registry.objects.get(f"{ROOT}entry.json"))
    assert entry["snapshot"] == first
    pruned = run(registry, "snapshot", "prune", "--dry-run")
    assert (pruned["snapshots"], pruned["dry_run"]) == ([], True)
    run(registry, "snapshot", "prune")


def test_fsck_finds_what_is_wrong(registry: Registry, github: StandIn) -> None:
    github.add_repository("acme/tools", {f"{name}/SKILL.md": SKILL.format(name=name) for name in ("a", "b")})
    live = run(registry, "crawl", "--wait", "acme/tools")["published"]["snapshot"]
    [(key, size), *_] = registry.objects.keys(WITHHELD)
    whole = registry.objects.get(key)
    registry.objects.put(key, b"x" * size, content_type="application/zip")
    document = f"{ROOT}skills/acme/tools/a.json"
    registry.objects.put(document, b"{}", content_type="application/json")
    registry.objects.put(f"{ROOT}skills/acme/tools/zombie.json", b"{}", content_type="application/json")
    twin = registry.settings.state_directory / "site" / "live" / "s" / "acme" / "tools" / "b.json"
    twin.unlink()
    parquet = registry.settings.state_directory / "snapshots" / live / "parquet" / "skill.parquet"
    parquet.write_bytes(parquet.read_bytes()[:-1] + b"!")
    status, report, _ = failing(registry, "fsck")
    assert status == 1
    found = {one["name"]: one["problems"] for one in report if one["problems"]}
    assert len(found["packages of the index"]) == 1
    assert found["files of the snapshot"] == ["parquet/skill.parquet has other bytes than its digest says"]
    assert found["site"] == ["acme/tools/b has no page"]
    [published] = [problems for name, problems in found.items() if name.startswith("published")]
    assert len(published) == 2
    assert registry.objects.get(key) != whole


def test_fsck_compares_the_files_that_clients_install_from(registry: Registry, github: StandIn) -> None:
    licensed = SKILL.replace("description:", "license: MIT\ndescription:", 1)
    files = {f"{name}/SKILL.md": licensed.format(name=name) for name in "abc"}
    github.add_repository("acme/tools", {**files, "a/run.sh": "true\n"})
    run(registry, "crawl", "--wait", "acme/tools")
    [clean] = [one for one in run(registry, "fsck") if one["name"].startswith("clients' files")]
    assert clean["checked"] > 20
    assert clean["problems"] == []

    place = "r/acme/tools"
    wrong = {
        f"{place}/.well-known/skills/a/run.sh": b"false\n",
        f"{place}/marketplace.json": b"{}",
        f"{place}/.well-known/skills/b/more.sh": b"true\n",
        "r/nobody/marketplace.json": b"{}",
        ".well-known/agent-skills/index.json": b"{}",
    }
    for path, data in wrong.items():
        registry.objects.put(path, data, content_type="text/plain")
    pin = f"{place}@c/0.0.1/.well-known/agent-skills/index.json"
    registry.objects.delete(pin)
    status, report, _ = failing(registry, "fsck")
    [found] = [one["problems"] for one in report if one["name"].startswith("clients' files")]
    assert status == 1
    assert sorted(problem.split()[0] for problem in found) == sorted([*wrong, pin])


def test_a_snapshot_id_that_nobody_has_is_not_found(registry: Registry) -> None:
    status, _, errors = failing(registry, "snapshot", "publish", "20260101T000000Z-000000000000")
    assert status == 3
    assert "snapshot list" in errors
