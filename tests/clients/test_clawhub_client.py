"""ClawHub's client, as it comes from npm, searches, inspects, installs and updates through the API."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests import node
from tests.clients.published import Client, Tree, build, files, packaged, serving_api
from tests.clients.test_skills_client import COMMIT, PDF, with_version
from tests.snapshots import SAMPLES
from tests.test_api import point
from tests.waiting import wait_until

PROGRAM = node.PACKAGES / "clawhub/bin/clawdhub.js"

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not PROGRAM.exists(), reason="clawhub is not installed"),
]


def client(home: Path, **variables: str) -> Client:
    return Client(PROGRAM, home, {"CLAWHUB_CONFIG_PATH": str(home / "clawhub.json"), **variables})


@pytest.fixture
def clawhub(api: str, tmp_path: Path) -> Client:
    return client(tmp_path / "home", CLAWHUB_REGISTRY=f"{api}/clawhub")


def test_skills_are_searched_and_browsed(clawhub: Client) -> None:
    said = clawhub.run("search", "csv")
    assert "csv-tools v0.0.1" in said
    assert "@acme" in said
    listed = json.loads(clawhub.run("explore", "--json").partition("{")[2].join(["{", ""]))["items"]
    assert {"pdf-forms", "csv-tools", "hyo-seiri"} <= {one["slug"] for one in listed}
    assert "meeting-notes" not in {one["slug"] for one in listed}  # without a licence
    assert "pdf-forms" in clawhub.run("search", "pdf", "--prefix")


def test_a_skill_is_inspected(clawhub: Client) -> None:
    said = clawhub.run("inspect", "@acme/pdf-forms", "--versions", "--files")
    assert all(one in said for one in ("1.2.0", "1.1.0", "1.0.0", "references/fields.md"))
    assert "# PDF forms" in clawhub.run("inspect", "@acme/pdf-forms", "--file", "SKILL.md")
    assert "no skill @acme/none" in clawhub.run("inspect", "@acme/none", fails=True)


def test_a_skill_is_installed_and_listed(clawhub: Client) -> None:
    clawhub.run("install", "@acme/pdf-forms")
    assert files(clawhub.home / "project/skills/@acme/pdf-forms") == packaged(PDF)
    assert "pdf-forms  1.2.0" in clawhub.run("list")


def test_a_name_that_several_owners_have_is_asked_about(clawhub: Client) -> None:
    said = clawhub.run("install", "csv-tools", fails=True)
    assert "clawhub install @acme/csv-tools" in said
    assert "clawhub install @zoe/csv-tools" in said
    clawhub.run("install", "commit-message", "--version", "0.0.1")
    assert files(clawhub.home / "project/skills/commit-message") == packaged(COMMIT)


def test_grave_findings_need_a_word_of_the_user(clawhub: Client) -> None:
    assert "--force" in clawhub.run("install", "@mallory/xss", fails=True)
    clawhub.run("install", "@mallory/xss", "--force")


def test_an_update_is_installed_and_an_older_version_when_asked_for(tmp_path: Path) -> None:
    newer = with_version(PDF, "1.3.0", "# PDF\n\nNewer.\n")
    point(tmp_path / "live", build(tmp_path / "one", SAMPLES))
    with serving_api(tmp_path / "live", [*SAMPLES, newer]) as api:
        clawhub = client(tmp_path / "home", CLAWHUB_REGISTRY=f"{api}/clawhub")
        clawhub.run("install", "@acme/pdf-forms")
        assert "up to date" in clawhub.run("update", "--all")
        point(tmp_path / "live", build(tmp_path / "two", [newer, *SAMPLES[1:]]))
        wait_until(lambda: "1.3.0" in httpx.get(f"{api}/clawhub/api/v1/skills/pdf-forms").text)
        clawhub.run("update", "--all")
        assert files(clawhub.home / "project/skills/@acme/pdf-forms") == packaged(newer)
        clawhub.run("update", "@acme/pdf-forms", "--version", "1.0.0")
        assert files(clawhub.home / "project/skills/@acme/pdf-forms") == packaged(PDF, 0)


def test_the_registry_is_found_through_its_site(api: str, tmp_path: Path) -> None:
    clawhub = client(tmp_path / "home", CLAWHUB_SITE=api)
    clawhub.run("install", "@acme/pdf-forms")
    assert files(clawhub.home / "project/skills/@acme/pdf-forms") == packaged(PDF)


def test_the_published_tree_says_where_the_api_is(tree: Tree) -> None:
    content = json.loads((tree.folder / "public/.well-known/clawhub.json").read_text())
    assert content["apiBase"] == f"{tree.url}/clawhub"
