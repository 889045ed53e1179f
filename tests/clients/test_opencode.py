"""OpenCode, as it comes from npm, takes the skills of a published address, file by file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import node
from tests.clients.published import Client, Tree, files, packaged
from tests.clients.test_skills_client import COMMIT, CSV, PDF, with_version

PROGRAMS = sorted((node.LARGE / "node_modules").glob("opencode-*-baseline/bin/opencode"))
QUIET = {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_AUTOUPDATE": "1"}

pytestmark = pytest.mark.node


def client(home: Path, url: str) -> Client:
    project = home / "project"
    project.mkdir(parents=True, exist_ok=True)
    (project / "opencode.json").write_text(json.dumps({"skills": {"urls": [url]}, "autoupdate": False}))
    return Client(PROGRAMS[0], home, QUIET)


def taken(home: Path) -> dict[str, dict[str, bytes]]:
    return {folder.name: files(folder) for folder in (home / "cache/opencode/skills").iterdir()}


def test_the_skills_of_a_repository_are_taken_and_renewed(own_tree: Tree, tmp_path: Path) -> None:
    own_tree.publish("one", [PDF, CSV, COMMIT])
    opencode = client(tmp_path / "home", f"{own_tree.url}/r/acme/tools/.well-known/skills/")
    assert '"pdf-forms"' in opencode.run("debug", "skill")
    expected = {str(skill.slug): packaged(skill) for skill in (PDF, CSV, COMMIT)}
    assert taken(opencode.home) == expected
    newer = with_version(CSV, "0.0.2", "# CSV\n\nBetter.\n")
    own_tree.publish("two", [PDF, newer, COMMIT])
    opencode.run("debug", "skill")
    assert taken(opencode.home) == {**expected, "csv-tools": packaged(newer)}


def test_one_version_is_taken_from_the_api(api: str, tmp_path: Path) -> None:
    opencode = client(tmp_path / "home", f"{api}/r/acme/tools@pdf-forms/1.0.0/.well-known/skills/")
    opencode.run("debug", "skill")
    assert taken(opencode.home) == {"pdf-forms": packaged(PDF, 0)}
