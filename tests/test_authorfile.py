"""What authors ask for is heeded at every crawl, and no file of theirs can do harm."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillapi.app import create_app
from skillapi.live import FolderSource
from skillcrawler.authorfile import AUTHOR_FILE, MAX_BYTES, AuthorFile, read_author_file
from skilldata.export import create_snapshot
from skilldata.objects import WITHHELD
from skilldata.snapshot import Snapshot
from skillsite.build import build_site
from tests.conftest import Registry
from tests.standin import StandIn
from tests.test_api import serving
from tests.test_crawl import SKILL, Crawler

STATES = 'SELECT path, state FROM skill ORDER BY path COLLATE "C"'


@pytest.fixture
def crawler(registry: Registry) -> Iterator[Crawler]:
    with Crawler(registry) as made:
        yield made


@pytest.mark.parametrize(("pattern", "inside", "outside"), [
    ("examples", ["examples", "examples/a/b"], ["", "skills/examples", "examples2"]),
    ("/examples/", ["examples", "examples/a"], ["skills/examples"]),
    ("**/drafts", ["drafts", "a/b/drafts", "a/drafts/b"], ["a/draft", ""]),
    ("skills/*-old", ["skills/x-old", "skills/-old/a"], ["skills/x", "x-old", "skills/a/b-old"]),
    ("skills/**/x", ["skills/x", "skills/a/b/x"], ["x", "skills"]),
    ("skills/?", ["skills/a"], ["skills/ab", "skills"]),
    ("**", ["", "a", "a/b"], []),
    (".", [""], ["a"]),
    ("a/[xy]", ["a/x", "a/y/z"], ["a/z"]),
])  # fmt: skip
def test_a_pattern_stands_for_folders_and_what_is_in_them(pattern: str, inside: list[str], outside: list[str]) -> None:
    wishes = AuthorFile(exclude=(pattern,))
    assert [folder for folder in inside if not wishes.excludes(folder)] == []
    assert [folder for folder in outside if wishes.excludes(folder)] == []


def test_what_is_excluded_is_out_included_or_not() -> None:
    wishes = AuthorFile(include=("skills",), exclude=("skills/b",))
    assert [path for path in ("skills/a", "skills/b", "other") if not wishes.excludes(path)] == ["skills/a"]


@pytest.mark.parametrize(("content", "expected", "rules"), [
    (b"exclude: '**'\n", AuthorFile(exclude=("**",)), []),
    (b"\xef\xbb\xbfexclude:\n- a\n- a\n- b\n", AuthorFile(exclude=("a", "b")), []),
    (b"categories: [pdf, NOT OK, web-sites]\n", AuthorFile(categories=("pdf", "web-sites")), ["author.value"]),
    (b"maintainers: [octocat, '<script>']\n", AuthorFile(maintainers=("octocat",)), ["author.value"]),
    (b"exclude: {a: b}\ninclude: [[x], ../up, '']\n", AuthorFile(), ["author.value"] * 3),
    (b"exlude: a\n", AuthorFile(), ["author.key"]),
    (b"exclude:\n", AuthorFile(), []),
    (b"", AuthorFile(), []),
    (b"# nothing\n", AuthorFile(), []),
    (b"exclude: [a\n", AuthorFile(), ["author.unreadable"]),
    (b"- a\n", AuthorFile(), ["author.unreadable"]),
    (b"exclude: \xff\n", AuthorFile(), ["author.unreadable"]),
    (b"exclude: a\0\n", AuthorFile(), ["author.unreadable"]),
    (b"a: &a [x]\nexclude: *a\n", AuthorFile(), ["author.unreadable"]),
    (b"exclude: " + b"[" * 5000, AuthorFile(), ["author.unreadable"]),
    (b"#" * (MAX_BYTES + 1), AuthorFile(), ["author.unreadable"]),
])  # fmt: skip
def test_a_file_says_what_it_says_and_the_rest_is_a_diagnostic(
    content: bytes, expected: AuthorFile, rules: list[str]
) -> None:
    read = read_author_file(content)
    assert [one.rule for one in read.diagnostics] == rules
    assert all(one.file == AUTHOR_FILE and one.remedy for one in read.diagnostics)
    assert read == AuthorFile(read.exclude, read.include, read.categories, read.maintainers, read.diagnostics)
    assert (read.exclude, read.include, read.categories, read.maintainers) == (
        expected.exclude,
        expected.include,
        expected.categories,
        expected.maintainers,
    )


@given(st.binary(max_size=2000))
def test_any_bytes_are_read(data: bytes) -> None:
    read = read_author_file(b"exclude:\n- " + data)
    assert all(isinstance(one, str) for one in read.exclude)


def test_hostile_patterns_are_matched_in_no_time() -> None:
    wishes = AuthorFile(exclude=tuple(f"{'**/*a' * 40}{number}" for number in range(100)))
    folder = "/".join(["a" * 200] * 5)
    started = time.process_time()
    assert not wishes.excludes(folder)
    assert time.process_time() - started < 1


def test_an_author_leaves_and_comes_back(registry: Registry, crawler: Crawler, github: StandIn) -> None:
    files = {f"{folder}/SKILL.md": SKILL.format(name=folder) for folder in ("a", "b", "c")}
    github.add_repository("acme/tools", {**files, AUTHOR_FILE: "exclude: [b]\n"})
    crawler.crawl("acme/tools")
    assert registry.rows(STATES) == [("a", "listed"), ("b", "refused"), ("c", "listed")]
    assert registry.rows("SELECT rule FROM diagnostic JOIN skill USING (skill_id) WHERE path = 'b'") == [
        ("author.excluded",)
    ]
    # No folder changes, only what is asked for.
    github.push("acme/tools", {AUTHOR_FILE: 'exclude: "**"\n'})
    crawler.crawl()
    assert {state for _, state in registry.rows(STATES)} == {"refused"}
    github.push("acme/tools", {AUTHOR_FILE: None})
    crawler.crawl()
    assert {state for _, state in registry.rows(STATES)} == {"listed"}
    assert registry.rows("SELECT FROM author_file") == []
    assert len(registry.rows("SELECT FROM event WHERE kind = 'repository.author-file-changed'")) == 3


def test_what_is_excluded_is_not_even_fetched(registry: Registry, crawler: Crawler, github: StandIn) -> None:
    secret = "---\nname: b\ndescription: Kept out.\n---\nnobody-shall-see\n"
    github.add_repository(
        "acme/tools", {"a/SKILL.md": SKILL.format(name="a"), "b/SKILL.md": secret, AUTHOR_FILE: "include: a\n"}
    )
    crawler.crawl("acme/tools")
    folder = registry.settings.state_directory / "snapshots"
    made = folder / create_snapshot(registry.database, folder).id
    assert b"nobody-shall-see" not in b"".join(path.read_bytes() for path in made.rglob("*") if path.is_file())
    assert len(list(registry.objects.keys(WITHHELD))) == 1


def test_the_repository_says_who_speaks_for_it_and_what_is_wrong(
    registry: Registry, crawler: Crawler, github: StandIn
) -> None:
    content = "categories: [pdf]\nmaintainers: [octocat]\nexlude: [a]\n"
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a"), AUTHOR_FILE: content})
    crawler.crawl("acme/tools")
    folder = registry.settings.state_directory / "snapshots"
    made = folder / create_snapshot(registry.database, folder).id
    with serving(create_app(FolderSource(made), registry.objects, registry.settings)) as address:
        answer = httpx.get(f"{address}/api/v1/repositories/acme/tools").json()
    assert (answer["categories"], answer["maintainers"]) == (["pdf"], ["octocat"])
    assert [one["rule"] for one in answer["author_file"]] == ["author.key"]
    with Snapshot(made) as snapshot:
        report = build_site(snapshot, registry.settings.state_directory / "site", settings=registry.settings.site)
    page = report.path / "r/acme/tools/index.html"
    assert "octocat" in page.read_text()
    assert "author.key" in page.read_text()
