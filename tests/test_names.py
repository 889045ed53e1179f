"""Slugs are stable, unique and readable; printed text shows what it would hide."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skilldata.names import assign_slugs, is_slug, safe_text, slugify

folders = st.text("abA-/._é数 ", max_size=12).map(lambda text: "/".join(filter(None, text.split("/"))))
names = st.none() | st.text("abA-_é数 ", max_size=6)


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("code-review", "code-review"),
        ("Code Review!", "code-review"),
        ("snake_case.v2", "snake-case-v2"),
        ("--a--b--", "a-b"),
        ("Café Olé", "cafe-ole"),
        ("İstanbul", "istanbul"),
        ("ﬁle Ⅷ", "file-viii"),
        ("数据", ""),
        ("", ""),
        ("x" * 70, "x" * 64),
        ("x" * 63 + "-y", "x" * 63),
    ],
)
def test_slugify(text: str, slug: str) -> None:
    assert slugify(text) == slug


@given(st.text())
def test_slugify_gives_a_slug_or_nothing(text: str) -> None:
    slug = slugify(text)
    assert slug == "" or is_slug(slug)


@pytest.mark.parametrize("text", ["", "-a", "a-", "a--b", "A", "a_b", "é", "a\n", "x" * 65])
def test_what_is_no_slug(text: str) -> None:
    assert not is_slug(text)


@pytest.mark.parametrize(
    ("path", "name", "slug"),
    [
        ("skills/review", "review", "review"),
        ("skills/review", "code-review", "code-review"),  # the manifest before the folder
        ("skills/code_review", "My Review", "code-review"),  # the folder where the name is no slug
        ("skills/code_review", None, "code-review"),
        ("skills/x", "crème-brûlée", "creme-brulee"),  # only accents stand in the way
        ("skills/data-tools", "数据-tools", "data-tools"),  # half of the name would be lost
        ("skills/数据", "数据 v2", "v2"),  # what is left is better than a hash
        ("", None, "my-repository"),
        ("", "tool", "tool"),
    ],
)
def test_slug_of_one_skill(path: str, name: str | None, slug: str) -> None:
    assert assign_slugs([(path, name)], repository_name="My.Repository") == {path: slug}


def test_skill_without_any_latin_letter_has_a_slug_of_its_own() -> None:
    slugs = assign_slugs([("技能/数据", "数据"), ("技能/研究", "研究")])
    assert all(slug.startswith("skill-") and len(slug) == len("skill-") + 8 for slug in slugs.values())
    assert len(set(slugs.values())) == 2


def test_shallowest_path_keeps_the_plain_slug_and_others_name_their_parent() -> None:
    skills = [
        ("plugins/git/skills/review", "review"),
        ("plugins/docs/skills/review", "review"),
        ("skills/review", "review"),
    ]
    assert assign_slugs(skills) == {
        "skills/review": "review",
        "plugins/git/skills/review": "review-git",
        "plugins/docs/skills/review": "review-docs",
    }


def test_equally_shallow_paths_go_by_their_bytes() -> None:
    assert assign_slugs([("b/x", "same"), ("a/x", "same")]) == {"a/x": "same", "b/x": "same-b"}


def test_suffix_makes_way_for_a_skill_that_is_called_so() -> None:
    slugs = assign_slugs([("a/x", "tool"), ("b/x", "tool"), ("deep/down/here", "tool-b")])
    assert slugs["deep/down/here"] == "tool-b"
    assert slugs["b/x"].startswith("tool-")
    assert slugs["b/x"] != "tool-b"


def test_collision_without_a_telling_parent_takes_a_hash_of_the_path() -> None:
    slugs = assign_slugs([("skills/x", "tool"), ("skills/y", "tool")])
    assert slugs["skills/x"] == "tool"
    assert len(slugs["skills/y"]) == len("tool-") + 8


def test_long_slugs_stay_within_the_limit_when_they_collide() -> None:
    name = "n" * 64
    slugs = assign_slugs([("a", name), (f"{'p' * 70}/a", name), (f"{'p' * 71}/a", name)])
    assert len(set(slugs.values())) == 3
    assert all(map(is_slug, slugs.values()))


def test_newcomers_never_change_a_slug_that_was_given() -> None:
    before = assign_slugs([("plugins/a/review", "review")])
    after = assign_slugs([("plugins/a/review", "review"), ("review", "review")], previous=before)
    assert after == {"plugins/a/review": "review", "review": after["review"]}
    assert after["review"] != "review"


def test_slug_stays_when_the_manifest_is_renamed() -> None:
    assert assign_slugs([("a", "new")], previous={"a": "old"}) == {"a": "old"}


def test_slug_of_a_gone_skill_stays_taken() -> None:
    assert assign_slugs([("b/tool", "tool")], previous={"a/tool": "tool"}) == {"b/tool": "tool-b"}


def test_previous_slugs_that_are_wrong_are_not_believed() -> None:
    slugs = assign_slugs([("a", "a"), ("b", "b")], previous={"a": "same", "b": "same", "c": "No Slug"})
    assert len(set(slugs.values())) == 2
    assert assign_slugs([("a", "a")], previous={"a": "No Slug"}) == {"a": "a"}


@given(st.dictionaries(folders, names, max_size=12), st.randoms(use_true_random=False))
def test_slugs_are_valid_unique_and_independent_of_order(
    skills: dict[str, str | None], shuffler: random.Random
) -> None:
    slugs = assign_slugs(skills.items())
    assert slugs.keys() == skills.keys()
    assert all(map(is_slug, slugs.values()))
    assert len(set(slugs.values())) == len(skills)
    shuffled = list(skills.items())
    shuffler.shuffle(shuffled)
    assert assign_slugs(shuffled) == slugs


@given(st.dictionaries(folders, names, max_size=8), st.dictionaries(folders, names, max_size=8))
def test_slugs_are_stable(first: dict[str, str | None], more: dict[str, str | None]) -> None:
    before = assign_slugs(first.items())
    after = assign_slugs({**more, **first}.items(), previous=before)
    assert {path: after[path] for path in first} == before
    assert len(set(after.values())) == len(after)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, naïve 数据 🙂", "plain text, naïve 数据 🙂"),
        ("a\x1b[31mred", "a<U+001B>[31mred"),
        ("one\ntwo\rthree", "one<U+000A>two<U+000D>three"),
        ("\u202egpj.exe", "<U+202E>gpj.exe"),
        ("zero\u200bwidth", "zero<U+200B>width"),
        ("tag\U000e0041", "tag<U+E0041>"),
        ("selector\U000e0100", "selector<U+E0100>"),
        ("\x9b31m", "<U+009B>31m"),
        ("\ud800", "<U+D800>"),
    ],
)
def test_safe_text_shows_what_would_hide(text: str, shown: str) -> None:
    assert safe_text(text) == shown


def test_safe_text_keeps_what_it_is_told_and_cuts() -> None:
    assert safe_text("a\n\tb\x00", keep="\n\t") == "a\n\tb<U+0000>"
    assert safe_text("abcdef", limit=3) == "abc…"
    assert safe_text("abc", limit=3) == "abc"


@given(st.text())
def test_safe_text_can_be_printed_to_any_terminal(text: str) -> None:
    shown = safe_text(text)
    shown.encode()
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert shown == safe_text(shown)


def test_no_slug_is_a_name_that_windows_keeps_for_a_device() -> None:
    slugs = assign_slugs([("skills/con", "con"), ("lpt1", None), ("x/common", "common")])
    assert slugs["skills/con"].startswith("con-")
    assert slugs["lpt1"] not in {"", "lpt1"}
    assert slugs["x/common"] == "common"
