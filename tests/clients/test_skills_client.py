"""`npx skills`, as it comes from npm, finds, installs and updates what the registry publishes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests import node
from tests.clients.published import Client, Tree, files, packaged
from tests.snapshots import SAMPLES, SampleSkill, SampleVersion, skill_text

PROGRAM = node.PACKAGES / "skills/bin/cli.mjs"
PDF, CSV, COMMIT = SAMPLES[:3]
ADD = ("--yes", "--agent", "claude-code")
INSTALLED = "project/.claude/skills"

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not PROGRAM.exists(), reason="skills is not installed"),
]


@pytest.fixture
def skills(tmp_path: Path) -> Client:
    return Client(PROGRAM, tmp_path / "home")


def with_version(skill: SampleSkill, label: str, body: str) -> SampleSkill:
    text = skill_text(skill.name, skill.description, body)
    return replace(skill, versions=(*skill.versions, SampleVersion(label, text, {"new.txt": b"new\n"}, day=11)))


def names(home: Path) -> list[str]:
    return sorted(path.name for path in (home / INSTALLED).iterdir())


def test_a_repository_is_listed_and_installed(tree: Tree, skills: Client) -> None:
    said = skills.run("add", f"{tree.url}/r/acme/tools", "--list")
    assert all(one.name in said for one in (PDF, CSV, COMMIT))
    skills.run("add", f"{tree.url}/r/acme/tools", *ADD)
    assert names(skills.home) == ["commit-message", "csv-tools", "pdf-forms"]
    for skill in (PDF, CSV, COMMIT):
        assert files(skills.home / INSTALLED / str(skill.slug)) == packaged(skill)
    assert "pdf-forms" in skills.run("list")


def test_one_skill_is_installed_by_the_address_that_a_search_prints(tree: Tree, skills: Client) -> None:
    skills.run("add", f"{tree.url}/r/acme/tools@csv-tools", *ADD)
    assert names(skills.home) == ["csv-tools"]
    lock = json.loads((skills.home / "project/skills-lock.json").read_text())["skills"]["csv-tools"]
    assert lock["sourceType"] == "well-known"


def test_a_name_outside_ascii_is_installed_by_its_slug(tree: Tree, skills: Client) -> None:
    skills.run("add", f"{tree.url}/r/tanaka-yuki/skills_jp@hyo-seiri", *ADD)
    assert files(skills.home / INSTALLED / "hyo-seiri")["SKILL.md"].decode().startswith("---\nname: ")


def test_a_whole_owner_and_the_root_are_installed(tree: Tree, skills: Client) -> None:
    skills.run("add", f"{tree.url}/r/tanaka-yuki", *ADD)
    skills.run("add", tree.url, *ADD)
    assert {"hyo-seiri", "kaigi", "csv-tools"} <= set(names(skills.home))


def test_nothing_is_handed_out_that_may_not_be(tree: Tree, skills: Client) -> None:
    for scope in ("nolicence/notes", "nolicence", "vanished/old@old-skill", "acme/tools@draft"):
        skills.run("add", f"{tree.url}/r/{scope}", *ADD, fails=True)


def test_an_update_is_noticed_and_a_pin_stays(own_tree: Tree, skills: Client) -> None:
    own_tree.publish("one", [CSV, PDF])
    skills.run("add", f"{own_tree.url}/r/acme/tools@csv-tools", *ADD)
    skills.run("add", f"{own_tree.url}/r/acme/tools@pdf-forms/1.1.0", *ADD)
    before = files(skills.home / INSTALLED / "pdf-forms")
    assert before == packaged(PDF, 1)
    skills.run("check")
    assert files(skills.home / INSTALLED / "csv-tools") == packaged(CSV)
    newer, other = with_version(CSV, "0.0.2", "# CSV\n\nBetter.\n"), with_version(PDF, "1.3.0", "# PDF\n\nNewer.\n")
    own_tree.publish("two", [newer, other])
    skills.run("update", "--yes")
    assert files(skills.home / INSTALLED / "csv-tools") == packaged(newer) != packaged(CSV)
    assert files(skills.home / INSTALLED / "pdf-forms") == before


def test_what_is_found_can_be_installed(api: str, tmp_path: Path) -> None:
    skills = Client(PROGRAM, tmp_path / "home", {"SKILLS_API_URL": api})
    said = skills.run("find", "csv")
    address = f"{api}/r/acme/tools@csv-tools"
    assert address in said
    assert f"{api}/r/zoe/tools@csv-tools" in skills.run("find", "csv", "--owner", "zoe")
    skills.run("add", address, *ADD)
    assert files(skills.home / INSTALLED / "csv-tools") == packaged(CSV)
    skills.run("update", "--yes")


def test_the_api_serves_repositories_and_pins(api: str, skills: Client) -> None:
    skills.run("add", f"{api}/r/Acme/Tools", *ADD)
    assert names(skills.home) == ["commit-message", "csv-tools", "pdf-forms"]
    skills.run("add", f"{api}/r/acme/tools@pdf-forms/1.0.0", *ADD)
    assert files(skills.home / INSTALLED / "pdf-forms") == packaged(PDF, 0)
