"""A skill at the root of a repository takes what belongs to it, and not the repository."""

from __future__ import annotations

import pytest

from skillcrawler.discover import find_skills
from skillcrawler.gitobjects import TreeEntry, blob_oid
from skillcrawler.root import select_root
from skillcrawler.tree import RepositoryTree

OTHERS = ["README.md", "src/main.c", "src/util/io.c", "tests/test_io.py", ".github/workflows/ci.yml", "Makefile"]


def select(text: str, *paths: str, links: tuple[str, ...] = (), submodules: tuple[str, ...] = ()) -> list[str]:
    listing = [TreeEntry(path, 0o100644, blob_oid(path.encode())) for path in ("SKILL.md", *OTHERS, *paths)]
    listing += [TreeEntry(path, 0o120000, blob_oid(path.encode())) for path in links]
    listing += [TreeEntry(path, 0o160000, "0" * 40) for path in submodules]
    tree = RepositoryTree(listing)
    root = find_skills(tree).skills[0]
    assert root.path == ""
    selected = select_root(tree, root, text)
    assert [diagnostic.rule for diagnostic in selected.diagnostics][-1] == "skill.root-selection"
    return [entry.path for entry in selected.entries if entry.path != "SKILL.md"]


def test_an_ordinary_repository_is_not_taken() -> None:
    assert select("# A skill\nDo this, then that.") == []


@pytest.mark.parametrize(
    "name", ["LICENSE", "LICENCE.txt", "license.md", "COPYING", "COPYING.LESSER", "NOTICE", "LICENSE-MIT", "NOTICE.md"]
)
def test_licences_are_taken(name: str) -> None:
    assert select("", name, f"src/{name}") == [name]


@pytest.mark.parametrize("name", ["licenses.py", "noticed.md", "LICENSE/x", "copyingmachine"])
def test_what_only_sounds_like_a_licence_is_not(name: str) -> None:
    assert select("", name) == []


def test_the_folders_of_the_specification_are_taken_whole() -> None:
    paths = ["assets/a/b.png", "references/x.md", "scripts/run.sh", "Scripts/no.sh", "script/no.sh", "a/scripts/no.sh"]
    assert select("", *paths) == ["assets/a/b.png", "references/x.md", "scripts/run.sh"]


@pytest.mark.parametrize(
    "text",
    [
        "see [forms](docs/FORMS.md)",
        "see [forms](<docs/FORMS.md>)",
        'see [forms](./docs/FORMS.md "All forms")',
        "see [forms](docs/FORMS.md#top)",
        "see [forms]( docs/FORMS.md )",
        "see [forms][1]\n\n[1]: docs/FORMS.md",
        "see `docs/FORMS.md`.",
        "Read docs/FORMS.md, then go on.",
        "Read docs/FORMS.md.",
        "```bash\ncat docs/FORMS.md | less\n```",
        "cat ${CLAUDE_PLUGIN_ROOT}/docs/FORMS.md",
        "cat {baseDir}/docs/FORMS.md",
        "cat $SKILL_DIR/docs/FORMS.md",
        "run --input=docs/FORMS.md",
        'open("docs/FORMS.md")',
        "type docs\\FORMS.md",
        "docs/./other/../FORMS.md",
        "| docs/FORMS.md | all forms |",
    ],
)
def test_a_file_that_the_text_names_is_taken(text: str) -> None:
    assert select(text, "docs/FORMS.md", "docs/other.md") == ["docs/FORMS.md"]


def test_paths_with_spaces_and_percent_signs_are_understood() -> None:
    assert select("[a](my%20file.md) and `your file.md`", "my file.md", "your file.md") == [
        "my file.md",
        "your file.md",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "see https://github.com/acme/tools/blob/main/docs/FORMS.md",
        "see ../docs/FORMS.md",
        "see [x](../../docs/FORMS.md)",
        "see FORMS.md",
        "see docs/FORMS.md.bak",
        "see docs",
        "see `docs`",
        "see [all](./) of [it](.)",
        "",
    ],
)
def test_what_the_text_does_not_name_is_left(text: str) -> None:
    assert select(text, "docs/FORMS.md") == []


@pytest.mark.parametrize("text", ["take one of `templates/`", "in templates/ there are", "see [all](templates)"])
def test_a_small_folder_that_the_text_names_is_taken(text: str) -> None:
    assert select(text, "templates/a.md", "templates/b/c.md") == ["templates/a.md", "templates/b/c.md"]


def test_a_large_folder_that_the_text_names_is_a_code_base() -> None:
    paths = [f"lib/{n}.py" for n in range(51)]
    assert select("`lib/` has the code, start at `lib/7.py`", *paths) == ["lib/7.py"]
    assert len(select("`lib/`", *paths[:50])) == 50


def test_other_skills_keep_their_files() -> None:
    paths = ["skills/x/SKILL.md", "skills/x/a.md", "scripts/SKILL.md", "scripts/run.sh", "references/n/skill.md"]
    text = "[x](skills/x/SKILL.md) `skills/x/a.md` `skills/x/` `skills/` `scripts/run.sh`"
    assert select(text, *paths) == []


def test_links_are_taken_as_they_are_and_submodules_left() -> None:
    taken = select("`lib/` and guide.md", links=("scripts", "guide.md"), submodules=("lib", "references/sub"))
    assert taken == ["guide.md", "scripts"]


def test_a_hostile_text_is_read_in_no_time() -> None:
    for text in ("](" * 200_000, "`" * 400_000, "](" + " " * 400_000, "a/" * 200_000, "../" * 100_000, "`a" * 200_000):
        assert select(text) == []
