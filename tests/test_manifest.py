"""A manifest's level follows from its diagnostics, and `strict` is what the reference validator accepts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from skills_ref import parser, validator

from skillcrawler.clientkeys import read_client_keys
from skillcrawler.diagnostics import RULES
from skillcrawler.manifest import ReadManifest, read_manifest
from skillcrawler.yamlevents import Value
from skilldata.clientkeys import ClientKeys
from skilldata.models import DiagnosticLevel, Level


def skill(front_matter: str, body: str = "Do this.\n") -> bytes:
    return f"---\n{front_matter}\n---\n{body}".encode()


def rules(manifest: ReadManifest) -> list[str]:
    return [diagnostic.rule for diagnostic in manifest.diagnostics]


def reference_accepts(data: bytes, folder: str) -> bool:
    """The verdict of skills-ref on a file of that content in that folder; a crash is no acceptance."""
    try:
        text = data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        metadata, _ = parser.parse_frontmatter(text)
        return not validator.validate_metadata(metadata, Path("/skills") / folder)
    except Exception:
        return False


# -- what is read


def test_everything_of_an_ordinary_skill() -> None:
    manifest = read_manifest(
        skill(
            "name: review\ndescription: >-\n  Reviews\n  code.\nlicense: MIT\n"
            "metadata:\n  author: me\n  version: '1.2.0'",
            "# Review\n\nLook.\n",
        ),
        folder="skills/review",
    )
    assert (manifest.level, manifest.diagnostics) == (Level.STRICT, ())
    assert (manifest.name, manifest.description) == ("review", "Reviews code.")
    assert (manifest.licence_text, manifest.metadata_version) == ("MIT", "1.2.0")
    assert manifest.manifest["metadata"] == {"author": "me", "version": "1.2.0"}
    assert (manifest.body, manifest.body_line) == ("# Review\n\nLook.\n", 11)
    assert manifest.text.split("\n")[manifest.body_line - 1] == "# Review"


@pytest.mark.parametrize(
    ("folder", "repository_name", "level"),
    [
        ("a/b/review", None, Level.STRICT),
        ("review/b", None, Level.LOADABLE),
        ("", "review", Level.STRICT),
        ("", "other", Level.LOADABLE),
        ("", None, Level.STRICT),
        ("b", "review", Level.LOADABLE),
    ],
)
def test_name_is_held_against_the_last_part_of_the_folder_or_the_repository(
    folder: str, repository_name: str | None, level: Level
) -> None:
    data = skill("name: review\ndescription: d")
    assert read_manifest(data, folder=folder, repository_name=repository_name).level is level


@pytest.mark.parametrize(
    ("file", "level", "found"),
    [
        ("SKILL.md", Level.STRICT, []),
        ("skill.md", Level.STRICT, ["file.lower-case"]),
        ("SKILL.MD", Level.LOADABLE, ["file.name"]),
        ("Skill.md", Level.LOADABLE, ["file.name"]),
    ],
)
def test_other_spellings_of_the_file_name(file: str, level: Level, found: list[str]) -> None:
    manifest = read_manifest(skill("name: a\ndescription: d"), folder="a", file=file)
    assert (manifest.level, rules(manifest)) == (level, found)
    assert all(diagnostic.file == file for diagnostic in manifest.diagnostics)


@pytest.mark.parametrize(
    ("front_matter", "rule", "line"),
    [
        ("name: a\ndescription: d\ntags: x", "key.unknown", 4),
        ("name: A\ndescription: d", "name.upper-case", 2),
        ("name: a_b\ndescription: d", "name.characters", 2),
        ("name: a--b\ndescription: d", "name.hyphens", 2),
        ("name: -a\ndescription: d", "name.hyphens", 2),
        (f"name: {'a' * 65}\ndescription: d", "name.too-long", 2),
        ("name: b\ndescription: d", "name.folder", 2),
        (f"name: a\ndescription: {'d' * 1025}", "description.too-long", 3),
        (f"name: a\ndescription: d\ncompatibility: {'c' * 501}", "compatibility.too-long", 4),
        ("name: a\ndescription: d\ncompatibility:\n  - x", "compatibility.not-text", 4),
    ],
)
def test_rule_that_keeps_a_manifest_from_being_strict(front_matter: str, rule: str, line: int) -> None:
    manifest = read_manifest(skill(front_matter), folder="a")
    assert manifest.level is Level.LOADABLE
    assert (rule, line) in [(diagnostic.rule, diagnostic.line) for diagnostic in manifest.diagnostics]
    assert manifest.name
    assert manifest.description


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "file.empty"),
        (b" \n\0", "front-matter.missing"),
        (b"\xef\xbb\xbf\r\n", "file.empty"),
        (b"# No front matter\n", "front-matter.missing"),
        (b"text\n---\nname: a\ndescription: d\n---\n", "front-matter.not-first"),
        (b"---\nname: a\ndescription: d\n", "front-matter.unclosed"),
        (skill("description: d"), "name.missing"),
        (skill("name:\ndescription: d"), "name.missing"),
        (skill("name: ' '\ndescription: d"), "name.missing"),
        (skill("name:\n  - a\ndescription: d"), "name.not-text"),
        (skill("name: a"), "description.missing"),
        (skill("name: a\ndescription: ''"), "description.missing"),
        (skill("name: a\ndescription:\n  a: b"), "description.not-text"),
        (skill("name: a\ndescription: *d"), "yaml.alias"),
        (skill("name: !!str a\ndescription: d"), "yaml.tag"),
        (skill("name: a\ndescription: d\nx: " + "x" * 65536), "front-matter.too-large"),
    ],
)
def test_rule_that_breaks_a_manifest(data: bytes, rule: str) -> None:
    manifest = read_manifest(data, folder="a")
    assert manifest.level is Level.BROKEN
    assert [d.rule for d in manifest.diagnostics if d.level is DiagnosticLevel.ERROR] == [rule]


def test_misspelt_key_is_named() -> None:
    manifest = read_manifest(skill("Name: a\ndescription: d"), folder="a")
    [missing] = [diagnostic for diagnostic in manifest.diagnostics if diagnostic.rule == "name.missing"]
    assert (missing.message, missing.line) == ("there is no name, only `Name`", 2)


def test_unquoted_colon_costs_the_level_and_nothing_else() -> None:
    manifest = read_manifest(skill("name: a\ndescription: Use when: asked"), folder="a")
    assert (manifest.level, manifest.description) == (Level.LOADABLE, "Use when: asked")
    [diagnostic] = manifest.diagnostics
    assert (diagnostic.rule, diagnostic.line) == ("yaml.unquoted-colon", 3)
    assert diagnostic.remedy == "Put the whole value in double quotes."


def test_name_that_yaml_takes_for_a_truth_value_is_kept_and_remarked() -> None:
    manifest = read_manifest(skill("name: yes\ndescription: 2024\nmetadata:\n  version: 1.0"), folder="yes")
    assert (manifest.level, manifest.name, manifest.description) == (Level.STRICT, "yes", "2024")
    assert manifest.metadata_version == "1.0"
    assert rules(manifest) == ["yaml.implicit-type"] * 3


def test_unicode_letters_are_letters_in_a_name() -> None:
    manifest = read_manifest(skill("name: données-\uff11\ndescription: d"), folder="x/données-1")
    assert (manifest.level, manifest.name) == (Level.STRICT, "données-\uff11")


def test_texts_never_hold_a_nul() -> None:
    manifest = read_manifest(skill('name: a\ndescription: "d\\0"', "body \0\n"), folder="a")
    assert (manifest.level, manifest.description, manifest.body) == (Level.STRICT, "d\ufffd", "body \ufffd\n")
    assert "\0" not in manifest.text
    assert rules(manifest) == ["text.nul", "text.nul"]


def test_messages_never_print_a_strangers_control_characters() -> None:
    manifest = read_manifest(skill('"\\e[31m\\u202e": x\nname: "a\\e"\ndescription: d'), folder="a")
    assert manifest.diagnostics
    assert all(diagnostic.message.isprintable() for diagnostic in manifest.diagnostics)


def test_body_that_is_missing_or_long_is_remarked() -> None:
    front_matter = "name: a\ndescription: d"
    assert rules(read_manifest(skill(front_matter, " \n"), folder="a")) == ["body.empty"]
    assert rules(read_manifest(skill(front_matter, "x\n" * 500), folder="a")) == []
    assert rules(read_manifest(skill(front_matter, "x\n" * 501), folder="a")) == ["body.long"]


def test_diagnostics_of_one_rule_are_counted_not_listed_without_end() -> None:
    manifest = read_manifest(skill("name: a\ndescription: d\n" + "\n".join(f"k{n}: v" for n in range(99))), folder="a")
    assert rules(manifest) == ["key.unknown"] * 10
    assert manifest.diagnostics[-1].message == "`k9` is not a key of the specification; and 89 more of the kind"


# -- the keys of clients


def test_keys_of_living_clients_are_typed() -> None:
    manifest = read_manifest(
        skill(
            "name: a\ndescription: d\nallowed-tools: Read, Bash(git add:*, git commit:*) Write\nmodel: opus\n"
            "disable-model-invocation: true\nuser-invocable: no\ncontext: fork\nagent: Explore\n"
            "argument-hint: [file] [line]\nwhen_to_use: on Mondays\npaths: src/**, docs/a b.md\n"
            "hooks:\n  PreToolUse:\n    - matcher: Bash\n      hooks:\n"
            "        - type: command\n          command: ./x.sh"
        ),
        folder="a",
    )
    assert manifest.client_keys == ClientKeys(
        allowed_tools=("Read", "Bash(git add:*, git commit:*)", "Write"),
        model="opus",
        disable_model_invocation=True,
        user_invocable=False,
        context="fork",
        agent="Explore",
        argument_hint="[file] [line]",
        when_to_use="on Mondays",
        paths=("src/**", "docs/a b.md"),
        hooks={"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "./x.sh"}]}]},
    )
    assert manifest.manifest["user-invocable"] == "no"
    assert manifest.level is Level.LOADABLE


@pytest.mark.parametrize(
    ("key", "value", "field", "typed"),
    [
        ("allowed-tools", ["Read", "Bash(ls *)"], "allowed_tools", ("Read", "Bash(ls *)")),
        ("allowed-tools", "Bash(a, b", "allowed_tools", ("Bash", "a", "b")),
        ("argument-hint", ["issue"], "argument_hint", "[issue]"),
        ("arguments", "one two", "arguments", ("one", "two")),
        ("user-invocable", " Off ", "user_invocable", False),
    ],
)
def test_spellings_of_one_value(key: str, value: Value, field: str, typed: object) -> None:
    assert getattr(read_client_keys({key: value}), field) == typed


def test_value_of_another_kind_is_left_out_and_remarked() -> None:
    manifest = read_manifest(
        skill("name: a\ndescription: d\nallowed-tools:\n  Read: x\nuser-invocable: maybe\nhooks: x\nmodel:"), folder="a"
    )
    assert manifest.client_keys == ClientKeys()
    assert [(d.rule, d.line) for d in manifest.diagnostics if d.rule == "key.type"] == [
        ("key.type", 4),
        ("key.type", 6),
        ("key.type", 7),
    ]


# -- properties

_PIECES = st.sampled_from(
    [
        *"\n\t:#-|>&*![]{},?=~%@`\\\"'",
        *(" ", "  ", ": ", "- ", "---", "...\n", "|\n  ", ">-\n  ", "<<: ", "? ", "!!str ", "&a ", "*a", "\\0", "\r\n"),
        *("\x00", "\x1b", "\x85", "\u2028", "\ufeff", "\xa0", "é", "İ", "ﬁ", "😀", "yes", "1.0", "x" * 1025),
        *(
            "name: a\n",
            "description: d\n",
            "metadata:\n  k: v\n",
            "license: MIT\n",
            "other: x\n",
            "  k: v\n",
            "  - i\n",
        ),
    ]
)
_BASES = st.sampled_from(
    [
        "---\nname: a\ndescription: Does this.\n---\nbody\n",
        "---\nname: a\ndescription: >-\n  Does\n  this.\nlicense: MIT\nmetadata:\n  author: me\n  version: '1'\n---\n",
        '---\n# note\nname: "a" # here\n\ndescription: does\n  this\nallowed-tools:\n  - Read\n  - Write\n---\nbody\n',
        "---\nname: a\ndescription: |\n  x\n\n  y\nmetadata:\n  b:\n    c: d\n  e:\n    - f: g\n      h: i\n---\n",
    ]
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sound file with a few pieces put in, taken out or written over."""
    text = draw(_BASES)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 3)))
        text = text[:start] + draw(_PIECES) + text[end:]
    return text.encode()


def check_invariants(manifest: ReadManifest) -> None:
    levels = {diagnostic.level for diagnostic in manifest.diagnostics}
    expected = {
        Level.BROKEN: DiagnosticLevel.ERROR in levels,
        Level.LOADABLE: DiagnosticLevel.WARNING in levels and DiagnosticLevel.ERROR not in levels,
        Level.STRICT: levels <= {DiagnosticLevel.INFO},
    }
    assert expected[manifest.level]
    if manifest.level is not Level.BROKEN:
        assert manifest.name
        assert manifest.description
    assert all(RULES[diagnostic.rule].remedy == diagnostic.remedy for diagnostic in manifest.diagnostics)
    lines = manifest.text.count("\n") + 1
    assert all(diagnostic.line is None or 1 <= diagnostic.line <= lines for diagnostic in manifest.diagnostics)
    stored = json.dumps(manifest.model_dump(mode="json"), ensure_ascii=False)
    assert "\\u0000" not in stored
    stored.encode()  # nothing that PostgreSQL or a page cannot hold


@given(st.binary(max_size=400) | st.text(max_size=400).map(skill))
@settings(max_examples=400, deadline=None)
def test_any_bytes_have_a_level_that_their_diagnostics_explain(data: bytes) -> None:
    check_invariants(read_manifest(data, folder="x/a"))


# Where strict is narrower than skills-ref: the list in docs/adr/0004-strict-level.md.
_NARROWER = re.compile(
    "---.*---.*\n---|^---[^\n]*[^\n -]|[^\n]---|\\A---[^\n]*[^ \n]"  # dashes elsewhere than on lines of their own
    "|[\x85\u2028\u2029\ufeff]"
    "|(?:^|[\\s-])[ \t]*:(?:\\s)"  # an empty key
    "|[|>][^\n]*\n\\s*\t"  # a block that begins with a tab
    "|\\\\[uU]0*[dD][89a-fA-F]",  # half of a surrogate pair
    re.DOTALL | re.MULTILINE,
)


@given(mutated())
@settings(max_examples=600, deadline=None)
@example(b"---\nname: a\ndescription: one\ttwo\n---\n")
@example(b"---\nname: a\ndescription: |#\n  x\n---\n")
@example(b"---\t\nname: a\ndescription: x\n---\n")
@example(b"---\nname: a\ndescription: x\nmetadata:\n    b: c\n  d: e\n---\n")
@example(b"---\nname: a\ndescription: x\nmetadata:\n  " + b"k" * 1030 + b": v\n---\n")
def test_strict_is_what_the_reference_validator_accepts(data: bytes) -> None:
    manifest = read_manifest(data, folder="x/a")
    check_invariants(manifest)
    accepted = reference_accepts(data, "a")
    if manifest.level is Level.STRICT:
        assert accepted
    elif accepted:
        assert _NARROWER.search(data.decode())
