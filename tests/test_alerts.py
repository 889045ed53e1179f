"""Alert rules fire when they should, each is explained, and what they and the dashboard name is really told."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from skillapi.app import create_app
from skillcrawler.metrics import registry_metrics
from skilldata.vitals import vitals_text
from tests.conftest import ROOT, Registry
from tests.standin import StandIn
from tests.test_api import serving
from tests.test_end_to_end import run
from tests.test_housekeeping import SKILL

DEPLOY = ROOT / "deploy"
RULES, UNIT_TESTS = DEPLOY / "alerts" / "registry.yaml", DEPLOY / "alerts" / "registry.test.yaml"
NAMES = re.compile(r"\b(?:skillapi|skillregistry|temporal|process)_[a-z_]+\b(?!-)")
# What a worker tells when there is something to tell: a schedule that failed, and Temporal's SDK while it works.
ON_OCCASION = {"skillregistry_schedule_last_failure_timestamp_seconds", "temporal_worker_task_slots_used"}


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("command", [["check", "rules", RULES], ["test", "rules", UNIT_TESTS]], ids=["check", "test"])
def test_promtool_agrees(command: list[str | Path]) -> None:
    promtool = shutil.which("promtool")
    assert promtool is not None, "promtool is missing: apt-get install prometheus, or run .ci/run"
    done = subprocess.run([promtool, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_was_seen_firing_and_says_what_to_do() -> None:
    tests = [one for group in yaml.safe_load(UNIT_TESTS.read_text())["tests"] for one in group["alert_rule_test"]]
    fired = {one["alertname"] for one in tests if one.get("exp_alerts")}
    headings = re.findall(r"^### (\w+)$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    assert {rule["alert"] for rule in rules()} == fired == set(headings)
    for rule in rules():
        assert rule["annotations"]["remedy"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_rules_and_dashboard_name_only_metrics_that_are_told(registry: Registry, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL})
    keys = registry.settings.state_directory / "keys"
    run(registry, "trust", "init", "--keys", str(keys), "--metadata", str(registry.settings.state_directory / "tuf"))
    registry.environment["SKILLREGISTRY_TRUST__ONLINE_KEY_FILE"] = str(next(keys.glob("*online*")))
    run(registry, "crawl", "--wait", "acme/tools")
    with registry.database.transaction() as connection:
        connection.execute(
            "INSERT INTO schedule_state VALUES ('some', 60, FALSE, now(), NULL, '', now());"
            "INSERT INTO github_budget (credential, bucket, \"limit\", \"left\") VALUES ('some', 'core', 5000, 4000)"
            " ON CONFLICT DO NOTHING"
        )
    worker = vitals_text(registry_metrics(registry.settings, registry.database, registry.objects))
    [digest] = registry.rows("SELECT package_digest FROM package")[0]
    with serving(create_app(_Live(registry), registry.objects, registry.settings)) as address:
        assert httpx.get(f"{address}/api/v1/packages/{digest}").status_code == 200
        api = httpx.get(f"{address}/metrics").text
    families = [family for text in (worker, api) for family in text_string_to_metric_families(text)]
    told = {sample.name for family in families for sample in family.samples}
    dashboard = json.loads((DEPLOY / "dashboards" / "registry.json").read_text())
    asked = [rule["expr"] for rule in rules()]
    asked += [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    assert len(asked) > 40
    assert {name for one in asked for name in NAMES.findall(one)} - told - ON_OCCASION == set()


class _Live:
    """The snapshot that a registry published, for the API."""

    def __init__(self, registry: Registry) -> None:
        self._folder = registry.settings.state_directory / "snapshots"

    def current(self) -> Path:
        return self._folder / str(json.loads((self._folder / "live.json").read_text())["snapshot"])
