"""Publishing the files of clients: what is written, what goes, and what readers see of it at every moment."""

from __future__ import annotations

import json
import posixpath
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skilldata.config import PublishSettings
from skilldata.publish.order import DOCUMENT, MARKDOWN, RAW
from skilldata.publish.target import FolderTarget
from tests.clients.published import Tree
from tests.conftest import Registry
from tests.snapshots import (
    ACME,
    SAMPLES,
    SampleSkill,
    SampleVersion,
    sample_skill,
    skill_text,
    synthetic_skills,
)
from tests.standin import StandIn
from tests.test_end_to_end import run
from tests.test_publisher import _Killed as Killed
from tests.test_publisher import _Mortal as MortalTarget

HERE = (".well-known/", "r/", "marketplace.json")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "tree", "https://registry.example")


def client_files(tree: Tree) -> dict[str, bytes]:
    return {path: tree.target.get(path) for path, _ in tree.target.paths("") if path.startswith(HERE)}


def check_references(target: FolderTarget) -> None:
    """Look that all that an index names is there."""
    for path, _ in list(target.paths("")):
        if path.endswith("agent-skills/index.json"):
            for skill in json.loads(target.get(path))["skills"]:
                assert target.size(posixpath.normpath(posixpath.join(posixpath.dirname(path), skill["url"])))
        elif path.endswith(".well-known/skills/index.json"):
            for skill in json.loads(target.get(path))["skills"]:
                for file in skill["files"]:
                    assert target.size(f"{posixpath.dirname(path)}/{skill['name']}/{file}") is not None, (path, file)


def of_files(name: str, files: dict[str, bytes]) -> SampleSkill:
    skill = sample_skill(ACME, name, f"Does {name}.", "# It\n")
    return replace(skill, versions=(replace(skill.versions[0], files=files),))


def test_publishing_twice_gives_the_same_and_writes_nothing(tree: Tree) -> None:
    tree.publish("one", SAMPLES)
    check_references(tree.target)
    before = client_files(tree)
    assert before[".well-known/clawhub.json"]
    again = tree.publisher().publish(tree.folder / "one")
    assert client_files(tree) == before
    assert again.puts <= 2


def test_two_ways_to_a_snapshot_lead_to_the_same_files(tree: Tree, tmp_path: Path) -> None:
    for name, skills in (("one", SAMPLES[:4]), ("two", SAMPLES[2:]), ("three", SAMPLES)):
        tree.publish(name, skills)
    other = Tree(tmp_path / "other", tree.url)
    other.publish("three", SAMPLES)
    assert client_files(tree) == client_files(other)


def test_what_is_taken_back_is_gone_from_every_file(tree: Tree) -> None:
    tree.publish("one", SAMPLES)
    assert any("pdf-forms" in path for path in client_files(tree))
    unfree = replace(SAMPLES[0], licence=None)
    tree.publish("two", [unfree, *SAMPLES[1:]])
    left = client_files(tree)
    assert not [path for path in left if "pdf-forms" in path]
    assert not [path for path, data in left.items() if b"pdf-forms" in data]
    tree.publish("three", SAMPLES[5:])
    assert not [path for path in client_files(tree) if path.startswith("r/acme/")]
    assert not (tree.folder / "public/r/acme").exists()
    check_references(tree.target)


def test_of_a_yanked_skill_only_the_pins_are_left(tree: Tree) -> None:
    tree.publish("one", SAMPLES)
    pins = {path: data for path, data in client_files(tree).items() if path.startswith("r/acme/tools@pdf-forms/1.")}
    assert pins
    tree.publish("two", [replace(SAMPLES[0], state="yanked"), *SAMPLES[1:]])
    left = client_files(tree)
    assert {path for path in left if "pdf-forms" in path} == set(pins)
    assert {path: left[path] for path in pins} == pins
    check_references(tree.target)
    tree.publish("three", SAMPLES)
    assert any(path.startswith("r/acme/tools/.well-known/skills/pdf-forms/") for path in client_files(tree))


def test_a_file_may_become_a_folder_and_a_folder_a_file(tree: Tree) -> None:
    one, two = of_files("a", {"x": b"1", "y/z": b"2"}), of_files("a", {"x/w": b"3", "y": b"4"})
    for number, skill in enumerate((one, two, one)):
        tree.publish(str(number), [skill])
        check_references(tree.target)
    raw = [path for path in client_files(tree) if path.startswith("r/acme/tools/.well-known/skills/a/")]
    assert sorted(posixpath.relpath(path, "r/acme/tools/.well-known/skills/a") for path in raw) == [
        "SKILL.md",
        "x",
        "y/z",
    ]


def test_files_have_types_that_no_browser_runs(tree: Tree) -> None:
    kinds: dict[str, Any] = {}

    class Noting(FolderTarget):
        def put(self, path: str, data: bytes, kind: Any) -> None:
            kinds[path] = kind
            super().put(path, data, kind)

    tree.publish(
        "one", [of_files("a", {"index.html": b"<script>", "x.svg": b"<svg/>"})], target=Noting(tree.folder / "public")
    )
    raw = "r/acme/tools/.well-known/skills/"
    assert kinds[f"{raw}a/index.html"] == kinds[f"{raw}a/x.svg"] == RAW
    assert kinds[f"{raw}a/SKILL.md"] == MARKDOWN
    assert kinds[f"{raw}index.json"] == kinds["r/acme/marketplace.json"] == DOCUMENT
    assert "immutable" not in RAW.cache_control


def test_only_what_changed_is_written(tree: Tree) -> None:
    many = synthetic_skills(1000, body_bytes=300)
    full = tree.publish("one", many)
    some = [changed(skill) if number < 10 else skill for number, skill in enumerate(many)]
    part = tree.publish("two", some)
    assert part.puts < full.puts * 0.05
    check_references(tree.target)


def test_raw_files_can_be_left_out(tree: Tree) -> None:
    tree.settings = PublishSettings(raw_files=False)
    tree.publish("one", SAMPLES)
    assert not [path for path in client_files(tree) if ".well-known/skills" in path]
    tree.settings = PublishSettings()
    tree.publisher().publish(tree.folder / "one")
    assert "r/acme/tools/.well-known/skills/pdf-forms/SKILL.md" in client_files(tree)
    check_references(tree.target)


def test_going_back_gives_the_files_as_they_were(tree: Tree) -> None:
    tree.publish("one", SAMPLES[:5])
    before = client_files(tree)
    first = tree.publisher().published.entry()
    assert first is not None
    tree.publish("two", [changed(SAMPLES[0]), *SAMPLES[4:]])
    tree.publisher().go_back(first.snapshot, tree.folder / "one")
    assert client_files(tree) == before


@pytest.mark.parametrize("seed", range(12))
def test_a_publisher_that_is_killed_leaves_nothing_that_leads_nowhere(tree: Tree, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    first, second, third = SAMPLES[:5], [changed(SAMPLES[0]), *SAMPLES[2:]], SAMPLES[1:]
    tree.publish("one", first)
    for name, skills in (("two", second), ("three", third)):
        mortal = MortalTarget(tree.folder / "public", chance.randrange(1, 60))
        try:
            tree.publish(name, skills, target=mortal)
        except Killed:
            check_references(tree.target)
    tree.publish("four", third)
    other = Tree(tmp_path / "other", tree.url)
    other.publish("four", third)
    assert client_files(tree) == client_files(other)


def changed(skill: SampleSkill) -> SampleSkill:
    text = skill_text(skill.name, skill.description, "# Other\n")
    return replace(skill, versions=(*skill.versions, SampleVersion("9.0.0", text, {"more.txt": b"m"}, day=12)))


def test_a_ruling_takes_raw_files_away_before_the_next_snapshot(
    registry: Registry, github: StandIn, tmp_path: Path
) -> None:
    text = "---\nname: {0}\ndescription: Does {0}.\nlicense: MIT\n---\n{0}\n"
    github.add_repository("acme/tools", {f"{name}/SKILL.md": text.format(name) for name in ("one", "two")})
    run(registry, "crawl", "--wait", "acme/tools")

    def raw() -> set[str]:
        keys = [key for folder in ("r/", ".well-known/") for key, _ in registry.objects.keys(folder)]
        return {key for key in keys if key.endswith("SKILL.md")}

    one, two = (f"r/acme/tools/.well-known/skills/{name}/SKILL.md" for name in ("one", "two"))
    assert {one, two} <= raw()
    run(registry, "skill", "quarantine", "acme/tools/one", "--reason", "to be looked into")
    left = raw()
    assert one not in left
    assert two in left
    assert all(b"\none\n" not in registry.objects.get(key) for key in left)
