"""The files of clients: names, texts and paths that every client takes, whatever a stranger wrote."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skilldata.clientformats.addresses import ClientAddresses
from skilldata.clientformats.catalogue import Catalogue
from skilldata.clientformats.marketplace import marketplace_name
from skilldata.clientformats.offers import MAX_DESCRIPTION, one_line
from skilldata.clientformats.scopes import Scope
from skilldata.clientformats.wellknown import are_fetchable
from skilldata.config import PublishSettings, Settings
from skilldata.contents import require_json_index
from skilldata.errors import NotFound
from skilldata.jsonindex.build import build_json_index
from skilldata.snapshot import JSON_INDEX, Snapshot
from tests.snapshots import ACME, SAMPLES, SampleRepository, SampleSkill, make_snapshot, packages, sample_skill

ADDRESSES = ClientAddresses("Test registry", "https://files.example/", "https://registry.example/")
NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def catalogue(folder: Path, skills: tuple[SampleSkill, ...] = SAMPLES, **settings: Any) -> Catalogue:
    make_snapshot(folder, skills)
    snapshot = Snapshot(folder)
    build_json_index(snapshot, folder / JSON_INDEX)
    return Catalogue(require_json_index(folder), snapshot, ADDRESSES, PublishSettings(**settings))


def index(made: Catalogue, scope: str, kind: str = "agent-skills") -> list[dict[str, Any]]:
    folder = f"{scope}/" if scope else ""
    found: list[dict[str, Any]] = json.loads(made.document(f"{folder}.well-known/{kind}/index.json"))["skills"]
    return found


@pytest.mark.parametrize(
    "path", ["", "r/acme", "r/acme/tools", "r/acme/evil.repo@csv-tools", "r/acme/tools@csv-tools/1.2.0-registry.1"]
)
def test_a_scope_is_its_path(path: str) -> None:
    scope = Scope.parse(path)
    assert scope is not None
    assert scope.path == path
    assert scope.depth == (path.count("/") + 1 if path else 0)


@pytest.mark.parametrize(
    "path",
    ["r", "r/", "/r/acme", "r/acme/", "r/acme//x", "r/acme/..", "r/../acme", "r/acme/tools@", "r/acme/tools@A",
     "r/acme/tools@a/", "r/acme/tools@a/..", "r/acme/tools@a/1..2", "r/acme/tools@a/1/2", "x/acme", "r/acme/t@a@b"],
)  # fmt: skip
def test_other_paths_are_no_scopes(path: str) -> None:
    assert Scope.parse(path) is None


def test_each_scope_has_its_skills_with_addresses_that_lead_to_packages(tmp_path: Path) -> None:
    made = catalogue(tmp_path / "one")
    stored = packages()
    expected = {
        "r/acme": {"commit-message", "csv-tools", "pdf-forms"},
        "r/acme/tools": {"commit-message", "csv-tools", "pdf-forms"},
        "r/acme/tools@pdf-forms": {"pdf-forms"},
        "r/acme/tools@pdf-forms/1.0.0": {"pdf-forms"},
        "r/mallory/evil.repo": {"xss"},
        "r/tanaka-yuki/skills_jp": {"hyo-seiri", "kaigi"},
    }
    for scope, names in expected.items():
        skills = index(made, scope)
        assert {skill["name"] for skill in skills} == names
        for skill in skills:
            url = urljoin(
                f"https://mirror.example/some/where/{scope}/.well-known/agent-skills/index.json", skill["url"]
            )
            plain = skill["digest"].removeprefix("sha256:")
            assert url == f"https://mirror.example/some/where/packages/{plain[:2]}/{plain}.zip"
            assert skill["digest"] in stored
    current, pinned = (index(made, f"r/acme/tools@pdf-forms{pin}")[0]["digest"] for pin in ("", "/1.0.0"))
    assert current != pinned


def test_what_may_not_be_handed_out_is_nowhere(tmp_path: Path) -> None:
    made = catalogue(tmp_path / "one")
    for scope in ("r/nolicence", "r/nolicence/notes", "r/vanished/old@old-skill", "r/acme/tools@pdf-forms/9.9.9"):
        for file in (".well-known/agent-skills/index.json", ".well-known/skills/index.json", "marketplace.json"):
            with pytest.raises(NotFound):
                made.document(f"{scope}/{file}")
    assert "meeting-notes" not in made.document("marketplace.json").decode()


def test_names_are_told_apart_and_the_oldest_keeps_its_own(tmp_path: Path) -> None:
    other, third = SampleRepository("acme", "more"), SampleRepository("acme", "skills")
    same = [sample_skill(one, "csv-tools", "Clean CSV.", f"# {one.name}\n") for one in (other, ACME, third)]
    made = catalogue(tmp_path / "one", tuple(same))
    names = [skill["name"] for skill in index(made, "r/acme")]
    assert len(set(names)) == 3
    assert "csv-tools" in names
    assert all(NAME.fullmatch(name) for name in names)
    assert [skill["name"] for skill in index(made, "r/acme/more")] == ["csv-tools"]


def test_a_version_taken_back_has_no_pin(tmp_path: Path) -> None:
    unfree = replace(SAMPLES[0], licence=None)
    made = catalogue(tmp_path / "one", (unfree, *SAMPLES[1:]))
    with pytest.raises(NotFound):
        index(made, "r/acme/tools@pdf-forms/1.0.0")
    assert {skill["name"] for skill in index(made, "r/acme/tools")} == {"commit-message", "csv-tools"}


def test_a_yanked_skill_is_offered_to_who_names_a_version_and_to_nobody_else(tmp_path: Path) -> None:
    yanked = replace(SAMPLES[0], state="yanked")
    made = catalogue(tmp_path / "one", (yanked, *SAMPLES[1:]), featured=("acme/tools/pdf-forms",))
    [pinned] = index(made, "r/acme/tools@pdf-forms/1.0.0")
    assert pinned["name"] == "pdf-forms"
    for scope in ("", "r/acme", "r/acme/tools"):
        assert "pdf-forms" not in {skill["name"] for skill in index(made, scope)}
    with pytest.raises(NotFound):
        index(made, "r/acme/tools@pdf-forms")


def test_the_root_shows_what_was_chosen_first_and_few_in_all(tmp_path: Path) -> None:
    made = catalogue(tmp_path / "one", featured=("acme/tools/commit-message", "no/such/skill"), featured_count=2)
    names = [skill["name"] for skill in index(made, "")]
    assert "commit-message" in names
    assert len(names) == 2
    listed = json.loads(catalogue(tmp_path / "two", marketplace_skills=2).document("marketplace.json"))["plugins"]
    assert len(listed) == 2


@given(st.text(max_size=1500))
def test_descriptions_are_one_visible_line_of_bounded_length(text: str) -> None:
    shown = one_line(text.encode("utf-8", "ignore").decode())
    assert len(shown.encode("utf-16-le")) // 2 <= MAX_DESCRIPTION
    assert not re.search(r"[\x00-\x1f\x7f\u202e\u200b]", shown)


def test_long_descriptions_are_counted_as_javascript_does() -> None:
    assert len(one_line("😀" * 600).encode("utf-16-le")) // 2 <= MAX_DESCRIPTION


@pytest.mark.parametrize("name", ["a..b", "a#b", "a?b", "a%2fb", "a:b", "a\\b", "/a", "a\nb"])
def test_a_skill_with_a_file_that_cannot_be_fetched_is_left_out(name: str) -> None:
    assert are_fetchable(("SKILL.md", "a b/ä.txt"))
    assert not are_fetchable(("SKILL.md", name))


def test_files_with_hostile_names_cost_only_their_own_skill(tmp_path: Path) -> None:
    odd = sample_skill(ACME, "odd", "Has odd files.", "# Odd\n")
    version = replace(odd.versions[0], files={"a#b.txt": b"x"})
    made = catalogue(tmp_path / "one", (replace(odd, versions=(version,)), SAMPLES[1]))
    assert [skill["name"] for skill in index(made, "r/acme/tools", "skills")] == ["csv-tools"]
    assert [skill["name"] for skill in index(made, "r/acme/tools")] == ["csv-tools", "odd"]


def test_marketplace_names_are_unique_and_never_reserved() -> None:
    scopes = [
        Scope(), Scope("acme"), Scope("acme", "tools"), Scope("acme", "tools.x"), Scope("acme", "tools-x"),
        Scope("acme", "tools", "x"), Scope("acme", "tools", "x", "1.0.0"), Scope("acme-tools"),
        Scope("acme", ".github"),
        Scope("anthropics"), Scope("anthropics", "skills"), Scope("x", "claude-official"), Scope("acme", "a..b"),
    ]  # fmt: skip
    names = [marketplace_name(scope, "Agent Skill Registry") for scope in scopes]
    assert len(set(names)) == len(names)
    assert names[2] == "acme_tools"
    for name in names:
        assert re.fullmatch(r"[a-z0-9_-]+", name)
        assert not re.search("anthropic|claude|official", name)


def test_a_plugin_names_its_package_and_digest(tmp_path: Path) -> None:
    made = json.loads(catalogue(tmp_path / "one").document("r/acme/tools/marketplace.json"))
    plugin = next(one for one in made["plugins"] if one["name"] == "pdf-forms")
    sha = plugin["source"]["sha256"]
    assert plugin["source"]["url"] == f"https://files.example/packages/{sha[:2]}/{sha}.zip"
    assert plugin["version"] == "1.2.0"
    assert plugin["homepage"] == "https://registry.example/s/acme/tools/pdf-forms.html"


def test_addresses_come_from_the_settings() -> None:
    plain = Settings()
    assert ClientAddresses.of(plain).files == ClientAddresses.of(plain).site
    bucket = plain.model_copy(update={"s3": plain.s3.model_copy(update={"public_url": "https://cdn.example/b"})})
    assert ClientAddresses.of(bucket).files == "https://cdn.example/b/"
    publish = plain.publish.model_copy(update={"public_url": "https://files.example"})
    assert ClientAddresses.of(bucket.model_copy(update={"publish": publish})).files == "https://files.example/"
