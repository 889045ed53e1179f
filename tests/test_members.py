"""Links are replaced by what they lead to inside the repository; those that lead elsewhere are left out."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcrawler.discover import SkillFolder, find_skills
from skillcrawler.gitobjects import TreeEntry, blob_oid
from skillcrawler.members import Members, needed_links, read_links, resolve_members, source_files
from skillcrawler.tree import RepositoryTree
from skilldata.config import PackageSettings
from skilldata.errors import IntegrityError

LIMITS = PackageSettings()


class World:
    """A repository made of files (path: content), links (path: target) and submodules."""

    def __init__(self, files: dict[str, bytes] | None = None, links: dict[str, str] | None = None, *submodules: str):
        files, targets = files or {}, {path: target.encode() for path, target in (links or {}).items()}
        self.blobs = {blob_oid(data): data for data in (*files.values(), *targets.values())}
        listing = [TreeEntry(path, 0o100644, blob_oid(data)) for path, data in files.items()]
        listing += [TreeEntry(path, 0o120000, blob_oid(data)) for path, data in targets.items()]
        listing += [TreeEntry(path, 0o160000, "0" * 40) for path in submodules]
        self.tree = RepositoryTree(listing)
        self.rounds = 0

    def skill(self, path: str) -> SkillFolder:
        return next(skill for skill in find_skills(self.tree).skills if skill.path == path)

    def fetch(self, oids: frozenset[str]) -> dict[str, bytes]:
        self.rounds += 1
        return {oid: self.blobs[oid] for oid in oids}

    def members(self, path: str = "x", limits: PackageSettings = LIMITS) -> Members:
        skill = self.skill(path)
        texts = read_links(self.tree, [skill], self.fetch, limits)
        return resolve_members(self.tree, skill, texts, limits)


def shown(members: Members) -> dict[str, str]:
    return {member.path: member.origin for member in members.files}


def found(members: Members) -> set[tuple[str, str]]:
    return {(diagnostic.rule, diagnostic.file) for diagnostic in members.diagnostics}


def test_a_link_to_a_file_becomes_the_file() -> None:
    world = World({"x/SKILL.md": b"s", "shared/lib.py": b"code"}, {"x/lib.py": "../shared/lib.py"})
    members = world.members()
    assert shown(members) == {"SKILL.md": "x/SKILL.md", "lib.py": "shared/lib.py"}
    packed = source_files(members.files, world.blobs)
    assert {file.path: file.data for file in packed} == {"SKILL.md": b"s", "lib.py": b"code"}
    assert members.diagnostics == ()


def test_a_link_takes_the_mode_of_its_target() -> None:
    tree = RepositoryTree(
        [
            TreeEntry("x/SKILL.md", 0o100644, blob_oid(b"s")),
            TreeEntry("x/run", 0o120000, blob_oid(b"../tool")),
            TreeEntry("tool", 0o100755, blob_oid(b"t"), 1),
        ]
    )
    [skill] = find_skills(tree).skills
    members = resolve_members(tree, skill, {blob_oid(b"../tool"): b"../tool"}, LIMITS)
    assert [(member.path, member.mode, member.size) for member in members.files] == [
        ("SKILL.md", 0o100644, None),
        ("run", 0o100755, 1),
    ]


def test_a_link_to_a_folder_becomes_its_files() -> None:
    world = World(
        {"x/SKILL.md": b"s", "shared/refs/a.md": b"a", "shared/refs/deep/b.md": b"b"},
        {"x/references": "../shared/refs/"},
    )
    assert shown(world.members()) == {
        "SKILL.md": "x/SKILL.md",
        "references/a.md": "shared/refs/a.md",
        "references/deep/b.md": "shared/refs/deep/b.md",
    }


def test_chains_of_links_are_followed_in_two_rounds() -> None:
    links = {"x/a": "../one/b", "one": "two", "two/b": "../three/./c", "three/c": "../end/file"}
    world = World({"x/SKILL.md": b"s", "end/file": b"f"}, links)
    assert shown(world.members())["a"] == "end/file"
    assert world.rounds == 2


def test_two_dots_after_a_linked_folder_start_from_the_real_one() -> None:
    links = {"x/a": "../alias/../sibling", "alias": "deep/down"}
    world = World({"x/SKILL.md": b"s", "deep/down/f": b"f", "deep/sibling": b"right", "sibling": b"wrong"}, links)
    assert shown(world.members())["a"] == "deep/sibling"


def test_a_manifest_may_be_a_link_to_any_file() -> None:
    world = World({"docs/guide.md": b"s"}, {"x/SKILL.md": "../docs/guide.md"})
    members = world.members()
    assert members.manifest is not None
    assert members.manifest.origin == "docs/guide.md"
    assert not members.refused


HOSTILE_TARGETS = [
    ("/etc/passwd", "link.absolute"),
    ("//etc/passwd", "link.absolute"),
    ("../../outside", "link.outside"),
    ("../../../../../../../../etc/passwd", "link.outside"),
    ("../x/../../x/SKILL.md", "link.outside"),
    ("..//../..", "link.outside"),
    ("missing", "link.broken"),
    ("", "link.broken"),
    ("SKILL.md/", "link.broken"),
    ("SKILL.md/.", "link.broken"),
    ("SKILL.md/more", "link.broken"),
    ("SKILL.md\n", "link.broken"),
    ("SKILL.md\0", "link.broken"),
    ("..\\..\\secret", "link.broken"),
    ("~/.ssh/id_rsa", "link.broken"),
    ("./" * 600 + "SKILL.md", "link.broken"),
    ("link", "link.loop"),
    ("./link/x", "link.loop"),
    ("ping", "link.loop"),
    ("../mod", "link.submodule"),
    ("../mod/file", "link.submodule"),
    (".", "link.recursive"),
    ("..", "link.recursive"),
    ("../x", "link.recursive"),
]


@pytest.mark.parametrize(("target", "rule"), HOSTILE_TARGETS)
def test_a_link_that_leads_elsewhere_is_left_out_and_the_skill_lives(target: str, rule: str) -> None:
    world = World({"x/SKILL.md": b"s"}, {"x/link": target, "x/ping": "pong", "x/pong": "ping"}, "mod")
    members = world.members()
    assert shown(members) == {"SKILL.md": "x/SKILL.md"}
    assert (rule, "link") in found(members)
    assert not members.refused


@pytest.mark.parametrize("target", [*(target for target, _ in HOSTILE_TARGETS[:14]), "SKILL.md", "../docs", ".."])
def test_a_manifest_that_leads_elsewhere_refuses_the_skill(target: str) -> None:
    members = World({"docs/a": b"a"}, {"x/SKILL.md": target}).members()
    assert members.refused
    assert members.manifest is None
    assert found(members) == {("link.manifest", "SKILL.md")}


def test_a_link_larger_than_any_path_is_not_even_fetched() -> None:
    tree = RepositoryTree(
        [TreeEntry("x/SKILL.md", 0o100644, "a" * 40), TreeEntry("x/link", 0o120000, "b" * 40, 100_000_000)]
    )
    [skill] = find_skills(tree).skills
    assert needed_links(tree, [skill], {}, LIMITS) == set()
    assert found(resolve_members(tree, skill, {}, LIMITS)) == {("link.broken", "link")}


def test_a_link_whose_text_was_too_long_to_fetch_is_broken() -> None:
    world = World({"x/SKILL.md": b"s"}, {"x/link": "a" * 5_000})
    texts = read_links(world.tree, [world.skill("x")], lambda _: {}, LIMITS)
    assert found(resolve_members(world.tree, world.skill("x"), texts, LIMITS)) == {("link.broken", "link")}


def test_forty_links_in_a_row_are_followed_and_no_more() -> None:
    for length, rule in ((39, None), (40, None), (41, "link.loop")):
        chain = {f"x/l{n}": f"l{n + 1}" for n in range(1, length)} | {f"x/l{length}": "../end"}
        members = World({"x/SKILL.md": b"s", "end": b"e"}, chain).members()
        assert ("l1" in shown(members)) is (rule is None)
        assert rule is None or (rule, "l1") in found(members)


def test_folders_that_link_to_each_other_end() -> None:
    links = {"x/b": "../b", "b/x": "../x", "b/c": "../c", "c/b": "../b"}
    world = World({"x/SKILL.md": b"s", "x/f": b"x", "b/f": b"b", "c/f": b"c"}, links)
    members = world.members()
    assert shown(members) == {"SKILL.md": "x/SKILL.md", "f": "x/f", "b/f": "b/f", "b/c/f": "c/f"}
    assert found(members) == {("link.recursive", "b/x"), ("link.recursive", "b/c/b")}


def test_links_that_multiply_are_stopped() -> None:
    links = {f"d{n}/l{k}": f"../d{n + 1}" for n in range(40) for k in range(2)} | {"x/bomb": "../d0"}
    began = time.process_time()
    members = World({"x/SKILL.md": b"s", "d40/f": b"f"}, links).members()
    assert time.process_time() - began < 2
    assert members.refused
    assert ("link.too-many", "SKILL.md") in found(members)


def test_a_link_to_a_folder_of_thousands_is_stopped() -> None:
    files = {"x/SKILL.md": b"s"} | {f"big/{n}": b"f" for n in range(10_000)}
    assert World(files, {"x/a": "../big"}).members().refused


def test_a_repository_without_links_in_skills_fetches_none() -> None:
    world = World({"x/SKILL.md": b"s"}, {"CLAUDE.md": "AGENTS.md"})
    world.members()
    assert world.rounds == 0


def test_a_very_long_chain_of_folders_ends() -> None:
    links = {f"d{n}/{'long' * 20}": f"../d{n + 1}" for n in range(400)} | {"x/start": "../d0"}
    members = World({"x/SKILL.md": b"s", "d400/f": b"f"}, links).members()
    assert members.refused
    assert {rule for rule, _ in found(members)} == {"path.too-long"}


def test_another_skill_behind_a_link_stays_apart() -> None:
    world = World(
        {"x/SKILL.md": b"s", "y/SKILL.md": b"y", "y/data/a": b"a", "z/y2/SKILL.md": b"z", "z/f": b"f"},
        {"x/all": "../z", "x/y": "../y", "x/data": "../y/data", "x/text": "../y/SKILL.md"},
    )
    members = world.members()
    assert shown(members) == {
        "SKILL.md": "x/SKILL.md",
        "all/f": "z/f",
        "data/a": "y/data/a",
        "text": "y/SKILL.md",
    }
    assert found(members) == {("link.other-skill", "y"), ("link.other-skill", "all/y2")}


def test_a_submodule_behind_a_link_is_named() -> None:
    members = World({"x/SKILL.md": b"s", "lib/f": b"f"}, {"x/lib": "../lib"}, "lib/sub").members()
    assert found(members) == {("skill.submodule", "lib/sub")}


def test_paths_and_sizes_are_judged_before_anything_is_fetched() -> None:
    listing = [TreeEntry("x/SKILL.md", 0o100644, "a" * 40), TreeEntry("x/big", 0o100644, "b" * 40, 6_000_000)]
    listing += [TreeEntry("x/A", 0o100644, "c" * 40, 1), TreeEntry("x/a", 0o100644, "c" * 40, 1)]
    tree = RepositoryTree(listing)
    [skill] = find_skills(tree).skills
    members = resolve_members(tree, skill, {}, LIMITS)
    assert members.refused
    assert found(members) == {("package.file-too-large", "big"), ("path.case-collision", "a")}


def test_what_was_found_about_the_folder_comes_along() -> None:
    members = World({"x/SKILL.md": b"s", "x/in/SKILL.md": b"i"}).members()
    assert found(members) == {("skill.nested", "SKILL.md")}


def test_of_ten_thousand_bad_links_ten_are_reported() -> None:
    members = World({"x/SKILL.md": b"s"}, {f"x/{n}": "nowhere" for n in range(10_000)}).members()
    assert len(members.diagnostics) == 10
    assert members.diagnostics[-1].message.endswith("; and 9990 more of the kind")


def test_wrong_or_missing_bytes_are_refused() -> None:
    world = World({"x/SKILL.md": b"s"}, {"x/link": "SKILL.md"})
    members = world.members()
    oid = blob_oid(b"s")
    with pytest.raises(IntegrityError, match="did not arrive"):
        source_files(members.files, {})
    with pytest.raises(IntegrityError, match=oid):
        source_files(members.files, {oid: b"other"})
    with pytest.raises(IntegrityError, match=blob_oid(b"SKILL.md")):
        read_links(world.tree, [world.skill("x")], lambda oids: dict.fromkeys(oids, b"other"), LIMITS)


NAMES = st.sampled_from(["a", "b", "c"])
FOLDERS = st.lists(NAMES, max_size=3).map("/".join)
TARGETS = st.lists(st.sampled_from(["a", "b", "c", "..", ".", "", "x", "f"]), min_size=1, max_size=6).map("/".join)


@given(st.dictionaries(st.tuples(FOLDERS, NAMES), TARGETS, max_size=12), st.sets(FOLDERS, max_size=4))
def test_whatever_links_say_the_walk_ends_inside_the_repository(
    links: dict[tuple[str, str], str], folders: set[str]
) -> None:
    files = {"x/SKILL.md": b"s"} | {f"x/{folder}/f".replace("//", "/"): b"f" for folder in folders}
    linked = {f"x/{folder}/{name}".replace("//", "/"): target for (folder, name), target in links.items()}
    taken = {path.rpartition("/")[0] for path in (*files, *linked)}
    world = World(files, {path: target for path, target in linked.items() if path not in taken})
    members = world.members()
    assert {member.origin for member in members.files} <= set(files)
    assert members.unread == frozenset()
