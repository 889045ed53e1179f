"""Every SKILL.md of a tree is found, and every file belongs to one skill at most."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcrawler.discover import Discovery, SkillFolder, find_skills
from skillcrawler.gitobjects import TreeEntry, blob_oid, decode_path
from skillcrawler.tree import RepositoryTree

FILE, RUN, LINK, SUBMODULE, FOLDER = 0o100644, 0o100755, 0o120000, 0o160000, 0o040000


def entry(path: str, mode: int = FILE) -> TreeEntry:
    return TreeEntry(path, mode, blob_oid(path.encode("utf-8", "surrogateescape")))


def find(*paths: str | TreeEntry) -> Discovery:
    return find_skills(tree_of(paths))


def tree_of(paths: Iterable[str | TreeEntry]) -> RepositoryTree:
    return RepositoryTree(path if isinstance(path, TreeEntry) else entry(path) for path in paths)


def files(skill: SkillFolder) -> list[str]:
    return [skill.relative(member.path) for member in skill.entries]


def rules(skill: SkillFolder) -> list[str]:
    return [diagnostic.rule for diagnostic in skill.diagnostics]


def test_a_skill_is_its_folder_with_all_below() -> None:
    found = find("README.md", "skills/x/SKILL.md", "skills/x/scripts/run.sh", "skills/xy/notes.md")

    [skill] = found.skills
    assert skill.path == "skills/x"
    assert skill.manifest_file == "SKILL.md"
    assert files(skill) == ["SKILL.md", "scripts/run.sh"]
    assert skill.diagnostics == ()
    assert found.wanted == {entry("skills/x/SKILL.md").oid}


@pytest.mark.parametrize("name", ["SKILL.md", "skill.md", "SKILL.MD", "Skill.Md"])
def test_the_case_of_its_name_does_not_matter(name: str) -> None:
    [skill] = find(f"x/{name}").skills
    assert skill.manifest_file == name


@pytest.mark.parametrize("name", ["SKILL.md.txt", "MYSKILL.md", "SKILLS.md", "S\u212aILL.md", "\u017fkill.md", "SKILL"])
def test_other_names_make_no_skill(name: str) -> None:
    assert find(f"x/{name}") == Discovery((), ())


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["skill.md", "SKILL.md", "SKILL.MD"], "SKILL.md"),
        (["skill.md", "Skill.md"], "Skill.md"),
        (["skill.md", "SKILL.MD"], "SKILL.MD"),
    ],
)
def test_of_several_spellings_one_is_taken_and_the_others_are_named(names: list[str], chosen: str) -> None:
    [skill] = find(*(f"x/{name}" for name in names), "x/inner/notes.md").skills
    assert skill.manifest_file == chosen
    assert files(skill) == [chosen, "inner/notes.md"]
    assert {found.file for found in skill.diagnostics} == set(names) - {chosen}
    assert set(rules(skill)) == {"skill.several-manifests"}


def test_a_nested_skill_keeps_its_files_to_itself() -> None:
    found = find("a/SKILL.md", "a/one.md", "a/b/c/SKILL.md", "a/b/c/two.md", "a/b/three.md", "a/b/c/d/skill.md")

    outer, inner, innermost = found.skills
    assert files(outer) == ["SKILL.md", "one.md", "b/three.md"]
    assert files(inner) == ["SKILL.md", "two.md"]
    assert files(innermost) == ["skill.md"]
    assert rules(outer) == rules(inner) == ["skill.nested"]
    assert rules(innermost) == []


def test_a_root_skill_does_not_take_the_repository() -> None:
    found = find("SKILL.md", "src/main.c", "skills/x/SKILL.md", "skills/x/a.md")
    root, inner = found.skills
    assert (root.path, files(root)) == ("", ["SKILL.md"])
    assert files(inner) == ["SKILL.md", "a.md"]


@pytest.mark.parametrize("folder", ["node_modules/pkg", "vendor/x", ".claude/skills/x", ".git-templates/x", "a/test"])
def test_skills_are_found_wherever_they_lie(folder: str) -> None:
    assert [skill.path for skill in find(f"{folder}/SKILL.md").skills] == [folder]


def test_a_manifest_may_be_a_link_and_its_target_is_wanted() -> None:
    found = find(entry("x/SKILL.md", LINK), entry("x/data", LINK))
    [skill] = found.skills
    assert skill.has_links
    assert found.wanted == {entry("x/SKILL.md").oid, entry("x/data").oid}


@pytest.mark.parametrize("mode", [FOLDER, SUBMODULE])
def test_a_manifest_that_is_no_file_is_reported(mode: int) -> None:
    found = find(entry("x/SKILL.md", mode), "x/SKILL.md/inside" if mode == FOLDER else "x/other")
    assert found.skills == ()
    [unusable] = found.unusable
    assert (unusable.path, unusable.manifest_file) == ("x", "SKILL.md")
    assert unusable.diagnostic.rule == "skill.manifest-not-a-file"


def test_a_folder_called_like_a_manifest_is_noticed_even_where_folders_are_not_listed() -> None:
    [unusable] = find("x/SKILL.md/inside").unusable
    assert unusable.path == "x"


def test_a_file_wins_over_a_folder_of_another_spelling() -> None:
    found = find("x/SKILL.md/inside", "x/skill.md")
    assert [skill.manifest_file for skill in found.skills] == ["skill.md"]
    assert found.unusable == ()


def test_submodules_are_named_and_not_followed() -> None:
    [skill] = find("x/SKILL.md", entry("x/lib", SUBMODULE)).skills
    assert files(skill) == ["SKILL.md"]
    [diagnostic] = skill.diagnostics
    assert (diagnostic.rule, diagnostic.level, diagnostic.file) == ("skill.submodule", "info", "lib")


@pytest.mark.parametrize("folder", [b"a/\xff", b"a\nb", b"a/../b", b"x/.git"])
def test_a_skill_in_a_misleading_folder_is_unusable_and_keeps_its_files_from_others(folder: bytes) -> None:
    hostile = decode_path(folder)
    found = find(f"{hostile}/SKILL.md", f"{hostile}/x", "a/SKILL.md", "x/SKILL.md")
    assert [files(skill) for skill in found.skills] == [["SKILL.md"], ["SKILL.md"]]
    [unusable] = found.unusable
    assert unusable.path.isprintable()
    assert unusable.diagnostic.rule.startswith("path.")


def test_the_folder_has_its_tree_id_where_git_listed_it() -> None:
    tree = RepositoryTree(
        [TreeEntry("x", FOLDER, "a" * 40), entry("x/SKILL.md"), entry("y/SKILL.md"), entry("SKILL.md")], "b" * 40
    )
    assert [skill.tree_oid for skill in find_skills(tree).skills] == ["b" * 40, "a" * 40, None]


def test_a_path_listed_twice_is_kept_twice_for_the_path_rules_to_refuse() -> None:
    [skill] = find("x/SKILL.md", "x/a", "x/a").skills
    assert files(skill) == ["SKILL.md", "a", "a"]


SEGMENTS = st.sampled_from(["a", "b", "SKILL.md", "skill.md", "x.md", "\udcff"])
PATHS = st.lists(SEGMENTS, min_size=1, max_size=5).map("/".join)


@given(st.lists(st.tuples(PATHS, st.sampled_from([FILE, LINK, SUBMODULE])), max_size=25))
def test_nothing_is_dropped_silently_and_nothing_belongs_to_two(listing: list[tuple[str, int]]) -> None:
    found = find(*(entry(path, mode) for path, mode in dict(listing).items()))

    folders = {path.rpartition("/")[0] for path, _ in listing if path.rpartition("/")[2].lower() == "skill.md"}
    reported = {skill.path for skill in found.skills} | {unusable.path for unusable in found.unusable}
    assert {folder for folder in folders if "\udcff" not in folder} <= reported
    assert len(found.skills) + len(found.unusable) >= len(folders)
    owned = [member.path for skill in found.skills for member in skill.entries]
    assert len(owned) == len(set(owned))


def test_the_order_of_the_listing_does_not_matter() -> None:
    paths = ["b/SKILL.md", "a/SKILL.md", "a/x", "a/n/SKILL.md", "SKILL.md"]
    assert {skill.path for skill in find(*paths).skills} == {skill.path for skill in find(*reversed(paths)).skills}
    assert [skill.path for skill in find(*reversed(paths)).skills] == ["", "a", "a/n", "b"]


def test_sixty_thousand_skills_are_found_in_time_that_grows_with_their_number() -> None:
    found, seconds = _find_many(61_000)
    assert len(found.skills) == 61_000
    assert all(len(skill.entries) == 2 for skill in found.skills)
    fewer = min(_find_many(61_000 // 8)[1] for _ in range(3))
    assert seconds < 24 * fewer  # eight times as many; 64 times the time were it quadratic


def _find_many(count: int) -> tuple[Discovery, float]:
    """Find `count` skills of two files beside other code; the CPU seconds that it takes."""
    listing = [entry(f"group{n % 60}/skill{n}/SKILL.md") for n in range(count)]
    listing += [entry(f"group{n % 60}/skill{n}/references/notes.md") for n in range(count)]
    listing += [entry(f"src/module{n % 100}/file{n}.py") for n in range(count // 8)]
    began = time.process_time()
    return find_skills(RepositoryTree(listing)), time.process_time() - began


def test_a_tree_thousands_of_folders_deep_is_read_without_recursion() -> None:
    deep = "/".join("d" * 3_000)
    found = find(f"{deep}/SKILL.md", f"{deep}/x", "a/SKILL.md")
    assert [skill.path for skill in found.skills] == ["a"]
    assert len(found.unusable) == 1


@pytest.mark.corpus
def test_every_manifest_of_the_real_repositories_is_found(corpus_directory: Path) -> None:
    counted = 0
    for path in sorted(corpus_directory.glob("*__*.json")):
        for snapshot in json.loads(path.read_text())["snapshots"]:
            listing = [TreeEntry(name, int(mode, 8), oid, size) for name, mode, size, oid in snapshot["entries"]]
            folders = {
                e.folder for e in listing if e.path.lower() == "skill.md" or e.path.lower().endswith("/skill.md")
            }
            found = find_skills(RepositoryTree(listing))
            assert {skill.path for skill in found.skills} == folders
            assert found.unusable == ()
            counted += len(folders)
    assert counted > 0
