"""`deploy/update` asks for one thing after the other: nothing old ends before what is new was seen ready."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import yaml

from tests.conftest import ROOT

# What is asked of docker is written down; `old` runs, `new` is added; nothing is ready where UNREADY is set.
DOCKER = """#!/bin/sh
echo "$*" >>"$ASKED"
case "$*" in
*"ps --quiet api") echo old; if grep -q scale "$ASKED"; then echo new; fi ;;
exec*) [ -z "${UNREADY:-}" ] ;;
esac
"""


def updated(folder: Path, **variables: str) -> tuple[int, list[str]]:
    """Run it; give its exit status, and what docker was asked, options of all calls left out."""
    shutil.copy(ROOT / "deploy" / "update", folder / "update")
    (folder / "docker").write_text(DOCKER)
    (folder / "docker").chmod(0o755)
    asked = folder / "asked"
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "ASKED": str(asked), **variables}
    done = subprocess.run([folder / "update"], env=environment, capture_output=True, text=True, check=False, timeout=30)
    options = "--env-file images.env --env-file production.env -f compose.prod.yaml "
    return done.returncode, asked.read_text().replace(options, "").splitlines()


def test_the_old_api_ends_after_the_new_one_was_seen_ready(tmp_path: Path) -> None:
    status, asked = updated(tmp_path)
    assert status == 0
    ready = "python -m skillcli.healthy http://127.0.0.1:8080/readyz"
    steps = (
        "compose run --rm setup", f"exec skillregistry-rehearsal {ready}",
        "compose up --detach --no-deps --no-recreate --scale api=2 api", f"exec new {ready}", "stop old",
        "compose up --detach --no-deps worker",
    )  # fmt: skip
    places = [asked.index(step) for step in steps]
    assert places == sorted(places)


def test_an_image_that_does_not_become_ready_replaces_nothing(tmp_path: Path) -> None:
    status, asked = updated(tmp_path, UNREADY="yes", UPDATE_SECONDS="0")
    assert status == 1
    assert asked[-1] == "rm skillregistry-rehearsal"
    assert not [one for one in asked if "--scale" in one or one.startswith("stop old")]


def test_it_asks_of_services_that_production_has() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.prod.yaml").read_text())["services"]
    assert {"setup", "api", "worker"} <= set(services)
    assert services["api"]["stop_grace_period"]
    assert "container_name" not in services["api"]  # two of them run for a moment
    assert "ports" not in services["api"]
