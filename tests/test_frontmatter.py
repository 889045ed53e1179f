"""Front matter is found and read in any bytes, and every oddity is reported where it stands."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from skillcrawler import frontmatter
from skillcrawler.diagnostics import Findings
from skillcrawler.yamlevents import Document
from skilldata.models import Level


def read(data: bytes | str) -> tuple[Document, Findings]:
    findings = Findings("SKILL.md")
    text = frontmatter.decode(data.encode() if isinstance(data, str) else data, findings)
    parts = frontmatter.split(text, findings)
    document = frontmatter.read(parts, findings) if parts else frontmatter.UNREAD
    return document, findings


def rules(findings: Findings) -> list[tuple[str, int | None]]:
    return [(diagnostic.rule, diagnostic.line) for diagnostic in findings.diagnostics()]


def fenced(source: str) -> str:
    return f"---\n{source}\n---\nbody\n"


def test_ordinary_front_matter_is_read_with_the_line_of_each_key() -> None:
    document, findings = read(
        "---\n# note\nname: a\ndescription: >-\n  one\n  two\nmetadata:\n  author: me\n  tags:\n    - x\n    - y\n---\n"
    )
    assert document.values == {
        "name": "a",
        "description": "one two",
        "metadata": {"author": "me", "tags": ["x", "y"]},
    }
    assert document.lines == {"name": 3, "description": 4, "metadata": 7}
    assert rules(findings) == []


@pytest.mark.parametrize(
    "written", ["yes", "No", "on", "~", "null", "1.10", "0x1F", "1_000", "12:30:45", "2024-01-01", "1.5e+3", ".inf"]
)
def test_scalars_stay_the_text_that_was_written(written: str) -> None:
    document, findings = read(fenced(f"name: {written}\nx: [{written}]"))
    assert document.values == {"name": written, "x": [written]}
    assert [implicit.key for implicit in document.implicit] == ["name"]
    assert findings.level is Level.LOADABLE  # for the brackets alone


# -- bytes


def test_byte_order_mark_is_dropped_and_reported() -> None:
    document, findings = read(b"\xef\xbb\xbf---\nname: a\n---\n")
    assert document.values == {"name": "a"}
    assert rules(findings) == [("text.byte-order-mark", 1)]


@pytest.mark.parametrize(
    ("data", "reported"),
    [
        (b"---\r\nname: a\r\nb: c\r\n---\r\n", []),
        (b"---\rname: a\rb: c\r---\r", [("text.line-endings", None)]),
        (b"---\r\nname: a\nb: c\r---\n", [("text.line-endings", None)]),
    ],
)
def test_every_line_ending_is_a_line_break(data: bytes, reported: list[tuple[str, int | None]]) -> None:
    document, findings = read(data)
    assert document.values == {"name": "a", "b": "c"}
    assert document.lines == {"name": 2, "b": 3}
    assert rules(findings) == reported


def test_bytes_that_are_not_utf_8_are_read_as_latin_1() -> None:
    document, findings = read(b"---\nname: caf\xe9\n---\n")
    assert document.values == {"name": "café"}
    assert rules(findings) == [("text.not-utf-8", None)]


def test_bad_bytes_count_beyond_the_text_that_is_kept_and_in_the_middle_of_a_character() -> None:
    filler = b"---\nname: a\n---\n" + b"x" * (frontmatter.TEXT_LIMIT - 17)
    assert rules(read(filler + "é".encode())[1]) == [("text.too-long", None)]
    assert rules(read(filler + b"\xc3x")[1]) == [("text.too-long", None), ("text.not-utf-8", None)]
    assert rules(read(filler + b"x" * 5_000_000 + b"\xff")[1])[1] == ("text.not-utf-8", None)


def test_only_one_mebibyte_of_text_is_kept() -> None:
    findings = Findings("SKILL.md")
    text = frontmatter.decode("é".encode() * frontmatter.TEXT_LIMIT, findings)
    assert text == "é" * (frontmatter.TEXT_LIMIT // 2)


@pytest.mark.parametrize(
    ("character", "read_as"),
    [("\0", "\ufffd"), ("\x07", "\ufffd"), ("\x9b", "\ufffd"), ("\uffff", "\ufffd"), ("\x85", " "), ("\u2028", " ")],
)
def test_characters_that_yaml_forbids_are_replaced_and_reported(character: str, read_as: str) -> None:
    document, findings = read(fenced(f"name: a\nx: b{character}c"))
    assert document.values == {"name": "a", "x": f"b{read_as}c"}
    assert rules(findings) == [("front-matter.control-character", 3)]


def test_escaped_nul_does_not_get_through() -> None:
    document, findings = read(fenced('name: "a\\0b"'))
    assert document.values == {"name": "a\ufffdb"}
    assert rules(findings) == [("text.nul", 2)]


# -- where it is


def test_file_without_front_matter() -> None:
    assert rules(read("# Title\n\n---\n\nText: with a rule above\n")[1]) == [("front-matter.missing", 1)]
    assert rules(read("----\nname: a\n----\n")[1]) == [("front-matter.missing", 1)]


@pytest.mark.parametrize("before", ["\n", " ", "<!-- comment -->\n", "# Title\n\n"])
def test_front_matter_that_does_not_come_first_is_read_but_broken(before: str) -> None:
    document, findings = read(f"{before}---\nname: a\ndescription: b\n---\n")
    assert document.values == {"name": "a", "description": "b"}
    line = before.count("\n") + 1
    assert rules(findings) == [("front-matter.not-first", line)]
    assert document.lines["name"] == line + 1


def test_unclosed_front_matter_is_read_to_the_first_blank_line_but_broken() -> None:
    document, findings = read("---\nname: a\ndescription: b\n\n# Title\n\nText: more\n")
    assert document.values == {"name": "a", "description": "b"}
    assert rules(findings) == [("front-matter.unclosed", 1)]


@pytest.mark.parametrize("data", ["---", "---\n", "---\n---", "--- \n---\t\nbody"])
def test_fences_with_nothing_between(data: str) -> None:
    document, _ = read(data)
    assert document.values == {}


def test_body_begins_after_the_closing_line() -> None:
    findings = Findings("SKILL.md")
    parts = frontmatter.split("---\nname: a\n---\nfirst\n---\nsecond", findings)
    assert parts is not None
    assert (parts.body, parts.body_line) == ("first\n---\nsecond", 4)


def test_dashes_inside_a_line_are_reported() -> None:
    document, findings = read(fenced("name: a\ndescription: one --- two"))
    assert document.values["description"] == "one --- two"
    assert rules(findings) == [("front-matter.dashes", 3)]


def test_large_front_matter_is_not_read() -> None:
    at_limit = fenced("x: " + "é" * ((frontmatter.FRONT_MATTER_LIMIT - 4) // 2))
    assert rules(read(at_limit)[1]) == []
    document, findings = read(at_limit.replace("x:", "xx:"))
    assert (document.values, document.complete) == ({}, False)
    assert rules(findings) == [("front-matter.too-large", 1)]


# -- YAML that is refused or odd


def test_alias_bomb_is_refused_and_stays_as_small_as_it_is() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{key}: &{key} [{','.join(['*' + before] * 9)}]\n" for before, key in zip("abcde", "bcdef", strict=True)
    )
    document, findings = read(fenced(bomb))
    assert findings.level is Level.BROKEN
    assert len(repr(document.values)) < 4 * len(bomb)
    last = [diagnostic for diagnostic in findings.diagnostics() if diagnostic.rule == "yaml.alias"][-1]
    assert last.message.endswith("; and 35 more of the kind")


@pytest.mark.parametrize(
    ("source", "rule", "level"),
    [
        ("x: *a", "yaml.alias", Level.BROKEN),
        ("x: !!python/object:os.system a", "yaml.tag", Level.BROKEN),
        ("x: !custom\n  a: b", "yaml.tag", Level.BROKEN),
        ("x: !Important thing", "yaml.tag", Level.BROKEN),
        ("- a\n- b", "yaml.not-a-mapping", Level.BROKEN),
        ("just text", "yaml.not-a-mapping", Level.BROKEN),
        ("x: " + "[" * 40 + "]" * 40, "yaml.too-deep", Level.BROKEN),
        ("x: &a b", "yaml.anchor", Level.LOADABLE),
        ("? [a]\n: b", "yaml.key", Level.LOADABLE),
        ("<<:\n  a: b", "yaml.key", Level.LOADABLE),
        ("x: [a]", "yaml.flow-style", Level.LOADABLE),
        ("x: {a: b}", "yaml.flow-style", Level.LOADABLE),
        ("x:\n  a: b\ny:\n    a: b", "yaml.indentation", Level.LOADABLE),
        ("x: y\n...\nz: 1", "yaml.syntax", Level.LOADABLE),
        ("x: |# comment\n  a", "yaml.block-header", Level.LOADABLE),
        ("x: a\tb", "yaml.tab", Level.LOADABLE),
    ],
)
def test_what_the_reference_validator_refuses(source: str, rule: str, level: Level) -> None:
    _, findings = read(fenced(source))
    assert rule in [found for found, _ in rules(findings)]
    assert findings.level is level


def test_last_of_two_keys_counts_at_any_depth() -> None:
    document, findings = read(fenced("x: 1\nm:\n  a: 1\n  a: 2\nx: 2"))
    assert document.values == {"x": "2", "m": {"a": "2"}}
    assert rules(findings) == [("yaml.duplicate-key", 5), ("yaml.duplicate-key", 6)]


@pytest.mark.parametrize("source", ['x: "a\tb"', "x: 'a\n\tb'", "x: |\n  a\n  \tb", "x: a # b\tc", "# a\tb\nx: c"])
def test_tabs_in_quotes_blocks_and_comments_are_harmless(source: str) -> None:
    assert rules(read(fenced(source))[1]) == []


# -- what is not YAML


@pytest.mark.parametrize(
    ("source", "value", "reported"),
    [
        ("x: Use when: always", "Use when: always", ("yaml.unquoted-colon", 2)),
        ("x: one\n  two: three\n  four", "one two: three four", ("yaml.unquoted-colon", 3)),
        ("x: @scope/package", "@scope/package", ("yaml.reserved-character", 2)),
        ("x: `code` first", "`code` first", ("yaml.reserved-character", 2)),
        ("x: **bold** first", "**bold** first", ("yaml.reserved-character", 2)),
        ("x: [Beta] a thing", "[Beta] a thing", ("yaml.reserved-character", 2)),
        ('x: "quoted" and more', '"quoted" and more', ("yaml.reserved-character", 2)),
        ('x: "say "hi" to them"', 'say "hi" to them', ("yaml.reserved-character", 2)),
        ("x: one\ntwo", "one two", ("yaml.syntax", 2)),
        ("x: >\n\tone\n\ttwo", "one two", ("yaml.tab", 3)),
        ("x:\n\t- a\n\t- b", ["a", "b"], ("yaml.tab", 3)),
    ],
)
def test_value_that_is_not_yaml_is_read_as_text(source: str, value: object, reported: tuple[str, int]) -> None:
    document, findings = read(fenced(f"{source}\nname: a"))
    assert document.values == {"x": value, "name": "a"}
    assert rules(findings) == [reported]
    assert findings.level is Level.LOADABLE


def test_key_without_a_space_after_its_colon() -> None:
    document, findings = read(fenced('name: a\ndescription:"what it does"\n'))
    assert document.values == {"name": "a", "description": "what it does"}
    assert rules(findings) == [("yaml.missing-space", 3)]


def test_one_bad_line_leaves_nested_neighbours_alone() -> None:
    document, findings = read(fenced("name: a\nmetadata:\n  author: me: you\n  version: 1.0\nlicense: MIT"))
    assert document.values == {
        "name": "a",
        "metadata": {"author": "me: you", "version": "1.0"},
        "license": "MIT",
    }
    assert rules(findings) == [("yaml.unquoted-colon", 4)]


def test_bad_indentation_is_reported_even_where_every_key_can_be_read() -> None:
    document, findings = read(fenced("name: a\nm:\n    b: c\n  d: e"))
    assert document.values == {"name": "a", "m": {"b": "c", "d": "e"}}
    assert rules(findings) == [("yaml.syntax", 5)]


def test_keys_that_are_all_indented_are_still_keys() -> None:
    document, findings = read(fenced("  name: a\n  description: b: c"))
    assert document.values == {"name": "a", "description": "b: c"}
    assert rules(findings) == [("yaml.unquoted-colon", 3)]


def test_aliases_are_refused_in_recovered_front_matter_too() -> None:
    document, findings = read(fenced("x: a: b\ny: *z"))
    assert document.values == {"x": "a: b", "y": "*z"}
    assert findings.level is Level.BROKEN


# -- bounds

_LIMIT = frontmatter.FRONT_MATTER_LIMIT - 64
HOSTILE = {
    "brackets": "[" * _LIMIT,
    "braces": "{" * _LIMIT,
    "brackets in a value": "a: " + "[a, " * (_LIMIT // 4),
    "brackets on lines": "a:\n" + " [\n" * (_LIMIT // 3),
    "braces with keys": "{a: " * (_LIMIT // 4),
    "dashes": "- " * (_LIMIT // 2),
    "question marks": "? " * (_LIMIT // 2),
    "flow list": "a: [" + "b," * (_LIMIT // 2) + "]",
    "flow list at the deepest": "a: " + "[" * 31 + "a," * (_LIMIT // 2 - 40),
    "many keys": "a:\n" * (_LIMIT // 3),
    "many distinct keys": "".join(f"k{number}:\n" for number in range(_LIMIT // 8)),
    "many keys that are not YAML": "a: @\n" * (_LIMIT // 5),
    "nested keys that are not YAML": "a:\n" + " b: @\n" * (_LIMIT // 6),
    "stairs": "\n".join(" " * depth + "a:" for depth in range(300)),
    "stairs that are not YAML": "\n".join(" " * depth + "a:" for depth in range(300)) + " @",
    "colons": "a: " + "b: " * (_LIMIT // 3),
    "anchors": "&a " * (_LIMIT // 3),
    "aliases": "- *a\n" * (_LIMIT // 5),
    "tags": "!" * _LIMIT,
    "percent": "%" * _LIMIT,
    "quotes": '"' * _LIMIT,
    "tabs": "\t" * _LIMIT,
    "tabbed lines": "a:\n" + "\tb: c\n" * (_LIMIT // 6),
    "spaces": "a" + " " * (_LIMIT - 1),
    "blank lines": "\n" * _LIMIT,
    "control characters": "\x01" * _LIMIT,
    "escapes": 'a: "' + "\\x41" * (_LIMIT // 4 - 2) + '"',
    "one word": "a: " + "x" * (_LIMIT - 3),
    "folded": "a: >\n" + " x\n" * (_LIMIT // 3 - 2),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_front_matter_takes_more_than_two_seconds(name: str) -> None:
    started = time.process_time()
    _, findings = read(fenced(HOSTILE[name]))
    assert time.process_time() - started < 2
    assert len(findings.diagnostics()) < 200


@pytest.mark.parametrize("name", HOSTILE)
def test_no_front_matter_takes_much_memory(name: str) -> None:
    data = fenced(HOSTILE[name]).encode()
    tracemalloc.start()
    try:
        read(data)
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_unclosed_text_of_a_mebibyte_is_bounded_too() -> None:
    started = time.process_time()
    _, findings = read("---\n" + "a: @\n" * (frontmatter.TEXT_LIMIT // 5))
    assert time.process_time() - started < 2
    assert findings.level is Level.BROKEN
