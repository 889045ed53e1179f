"""`skillregistry doctor` finds what is wrong, says what to do, and ends accordingly."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from skillcli import crawls
from skillcli.doctor import Finding, State, examine, production, registry, services
from skilldata.config import BackupSettings, DatabaseSettings, Settings, SiteSettings
from skilldata.errors import ServiceUnavailable
from tests.conftest import Registry, new_registry
from tests.standin import StandIn
from tests.test_end_to_end import COMMAND, environment, run, worker
from tests.test_housekeeping import SKILL
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def patient(embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with StandIn() as github, new_registry(embedded, github, tmp_path_factory.mktemp("doctor") / "state") as made:
        github.add_repository("acme/tools", {"a/SKILL.md": SKILL})
        run(made, "crawl", "--wait", "acme/tools")
        run(made, "backup", "create")
        yield made


def examined(registry_: Registry, *arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    done = subprocess.run(
        [COMMAND, "doctor", "--json", *arguments],
        env=environment(registry_),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, {one["what"]: one for one in json.loads(done.stdout)["data"]}


def test_a_registry_that_works_is_well_and_not_ready_for_production(patient: Registry) -> None:
    asyncio.run(crawls.schedule(patient.settings))
    with worker(patient):
        wait_until(lambda: next(iter(services.check_temporal(patient.settings))).state is State.OK, 60)
        wait_until(lambda: list(services.check_temporal(patient.settings))[1].state is State.OK, 60)
        status, found = examined(patient)
        strict, more = examined(patient, "--production")
    assert status == 0, found
    for what in (
        "database",
        "database schema",
        "object store",
        "write-once",
        "temporal",
        "workers",
        "snapshot",
        "backup",
    ):
        assert found[what]["state"] == "ok", found[what]
    assert found["github token 1"]["state"] == "ok"
    assert strict == 1
    failing = {what for what, one in more.items() if one["state"] == "fail"}
    assert failing >= {"TLS to PostgreSQL", "TLS to the object store", "public address", "signatures"}
    assert all(one["remedy"] for one in more.values() if one["state"] != "ok")
    assert patient.settings.s3.secret_access_key is not None
    assert patient.settings.s3.secret_access_key.get_secret_value() not in json.dumps(more)


def test_a_service_that_is_away_is_a_finding_and_the_others_are_looked_at(patient: Registry) -> None:
    patient.environment["SKILLREGISTRY_DATABASE__URL"] = "postgresql://127.0.0.1:1/none"
    try:
        status, found = examined(patient)
    finally:
        assert patient.settings.database.url is not None
        patient.environment["SKILLREGISTRY_DATABASE__URL"] = patient.settings.database.url.get_secret_value()
    assert status == 1
    assert found["database"]["state"] == "fail"
    assert found["object store"]["state"] == "ok"


def test_work_that_waits_for_nobody_is_named(patient: Registry) -> None:
    queue = patient.settings.temporal.model_copy(update={"task_queue": "nobody-works-here"})
    settings = patient.settings.model_copy(update={"temporal": queue})
    assert _named(services.check_temporal(settings))["workers"].state is State.WARN
    asyncio.run(crawls.run(settings, crawls.request(settings, []), "waits-for-nobody", wait=False))
    wait_until(lambda: _named(services.check_temporal(settings))["workers"].state is State.FAIL, 30)


def test_a_token_that_github_refuses_is_named(patient: Registry) -> None:
    github = patient.settings.github.model_copy(update={"token": SecretStr("wrong"), "tokens": ()})
    [found] = services.check_github(patient.settings.model_copy(update={"github": github}))
    assert (found.what, found.state) == ("github token 1", State.FAIL)


def test_the_checklist_of_production(patient: Registry, tmp_path: Path) -> None:
    good = patient.settings.model_copy(
        update={
            "database": DatabaseSettings(url=SecretStr("postgresql://u:0123456789abcdefgh@db/x?sslmode=verify-full")),
            "s3": patient.settings.s3.model_copy(update={"endpoint": "https://s3.example"}),
            "site": SiteSettings.model_validate({"base_url": "https://skills.example/"}),
            "state_directory": tmp_path,
        }
    )
    assert _bad(production.check_settings(good)) == set()
    assert _bad(production.check_state(good)) == set()
    (tmp_path / "open").write_text("x")
    (tmp_path / "open").chmod(0o666)
    assert _bad(production.check_state(good)) == {"state directory"}
    weak = {
        "debug": True,
        "database": DatabaseSettings(url=SecretStr("postgresql://u:postgres@db/x?sslmode=disable")),
        "s3": good.s3.model_copy(
            update={"endpoint": "http://s3.example", "secret_access_key": SecretStr("minioadmin")}
        ),
        "site": SiteSettings.model_validate({"base_url": "http://skills.example/"}),
    }
    assert _bad(production.check_settings(good.model_copy(update=weak))) == {
        "debug", "secret in database.url", "secret s3.secret_access_key", "TLS to PostgreSQL",
        "TLS to the object store", "public address",
    }  # fmt: skip


def test_missing_backups_are_found(patient: Registry, tmp_path: Path) -> None:
    settings: Settings = patient.settings.model_copy(update={"backup": BackupSettings(folder=tmp_path)})
    assert _bad(production.check_backups(settings)) == {"backups"}
    assert _named(registry.check_backup(settings))["backup"].state is State.WARN
    assert _bad(production.check_backups(patient.settings)) == {"place of backups"}


def test_what_a_check_raises_is_its_finding() -> None:
    def raises() -> Iterator[Finding]:
        raise ServiceUnavailable("it is away", remedy="Wait.")

    found = list(examine([("one", raises), ("two", lambda: [Finding("two", State.OK, "well")])]))
    assert found == [Finding("one", State.FAIL, "it is away", "Wait."), Finding("two", State.OK, "well")]


def test_a_publish_job_writes_its_metrics(patient: Registry, tmp_path: Path) -> None:
    file = tmp_path / "registry.prom"
    run(patient, "publish", "--metrics", str(file))
    told = {family.name for family in text_string_to_metric_families(file.read_text())}
    assert {"skillregistry_snapshot_skills", "skillregistry_service_up", "skillregistry_disk_bytes"} <= told


def _named(findings: Iterator[Finding]) -> dict[str, Finding]:
    return {one.what: one for one in findings}


def _bad(findings: Iterator[Finding]) -> set[str]:
    return {one.what for one in findings if one.state is not State.OK}
