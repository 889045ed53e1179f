"""Front matter that is not YAML, read key by key.

Real files break YAML in few ways, nearly all on one line: a colon in an unquoted description, a value
that starts with `@`, a tab. So the front matter is cut at its top-level keys, each is read alone, and
where one is not YAML even then its value is the text that stands there. Every such line is reported.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

import yaml

from skillcrawler import diagnostics as rules
from skillcrawler.diagnostics import Findings, Rule
from skillcrawler.yamlevents import Document, Implicit, Value, quoted, scan

# A key costs a libyaml parser; past this many the rest is taken as text.
MAX_SCANS = 500
MAX_NESTING = 3

_KEY = re.compile(r"""(?P<key>[A-Za-z_][\w.-]*|"[^"]+"|'[^']+')[ \t]*:(?:[ \t]+|$)""")
_TIGHT_KEY = re.compile(r"(?P<key>name|description|license|compatibility|allowed-tools|metadata):(?=[^ \t])")
_INDENTED_KEY = re.compile(rf"\n*[ \t]+(?:{_KEY.pattern})", re.MULTILINE)
_BLOCK = re.compile(r"[|>][-+0-9]{0,2}[ \t]*(?:#.*)?")
_LEADING_TAB = re.compile(r"^ *\t[ \t]*", re.MULTILINE)
_LOOSE_COLON = re.compile(r":(?:[ \t]|$)", re.MULTILINE)
_RESERVED = frozenset("@`%&*!|>[]{},?-#\"'")


def recover(source: str, first_line: int, error: yaml.YAMLError, findings: Findings) -> Document:
    """Read what can be read of front matter that libyaml refuses.

    Args:
        source: YAML without the characters that it forbids.
        first_line: Line of the file that `source` begins on.
        error: What libyaml said of the whole.
        findings: Takes one diagnostic for each key that is not YAML.
    """
    recovery = _Recovery(findings)
    values = recovery.read(textwrap.dedent(source).split("\n"), first_line, 0)
    if not recovery.explained:
        mark = getattr(error, "problem_mark", None)
        # libyaml may point at a line after the last.
        offset = min(mark.line, source.count("\n")) if mark is not None else 0
        message = f"not YAML: {getattr(error, 'problem', None) or 'unreadable'}"
        findings.add(rules.YAML_SYNTAX, message, first_line + offset)
    return Document(values, recovery.lines, recovery.implicit, recovery.complete)


class _Chunk(NamedTuple):
    """A key with the lines that belong to it; `line` is the first one's in the file."""

    key: str
    value: str  # what follows the colon
    lines: list[str]
    line: int
    tight: bool  # no space after the colon


class _Recovery:
    def __init__(self, findings: Findings) -> None:
        self.lines: dict[str, int] = {}
        self.implicit: list[Implicit] = []
        self.complete = True
        self.explained = False  # some diagnostic says why it is not YAML
        self._findings = findings
        self._scans = 0

    def read(self, lines: list[str], first_line: int, nesting: int) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for chunk in _chunks(lines, first_line):
            if nesting == 0:
                self.lines[chunk.key] = chunk.line
            if chunk.key in values:
                self._findings.add(rules.YAML_DUPLICATE, f"{quoted(chunk.key)} comes twice", chunk.line)
            values[chunk.key] = self._read_chunk(chunk, nesting)
        return values

    def _read_chunk(self, chunk: _Chunk, nesting: int) -> Value:
        # Without a space after its colon, a key and its value are one text to YAML.
        document = None if chunk.tight else self._scan("\n".join(chunk.lines), chunk.line)
        if document is None:
            return self._repair(chunk, nesting)
        if nesting == 0:
            self.implicit += document.implicit
        return document.values.get(chunk.key, "")

    def _scan(self, source: str, line: int) -> Document | None:
        self._scans += 1
        if self._scans > MAX_SCANS:
            return None
        try:
            document = scan(source, line, self._findings)
        except yaml.YAMLError:
            return None
        self.complete &= document.complete
        return document

    def _repair(self, chunk: _Chunk, nesting: int) -> Value:
        source = "\n".join(chunk.lines)
        mended = source
        if tab := _LEADING_TAB.search(source):
            mended = _LEADING_TAB.sub(lambda found: found[0].replace("\t", "  "), source)
            line = chunk.line + source.count("\n", 0, tab.start())
            self._explain(rules.YAML_TAB, f"a tab indents a line of {quoted(chunk.key)}", line)
        if chunk.tight:
            mended = mended.replace(":", ": ", 1)
            message = f"there is no space between {quoted(chunk.key)}, its colon and its value"
            self._explain(rules.YAML_NO_SPACE, message, chunk.line)
        if mended != source and (document := self._scan(mended, chunk.line)) is not None:
            return document.values.get(chunk.key, "")
        rest = mended.split("\n")[1:]
        if not chunk.value and nesting < MAX_NESTING and _INDENTED_KEY.match("\n".join(rest)):
            return self.read(textwrap.dedent("\n".join(rest)).split("\n"), chunk.line + 1, nesting + 1)
        rule, line = _cause(chunk)
        self._explain(rule, f"the value of {quoted(chunk.key)} is not YAML and is read as text", line)
        return _as_text(chunk.value, rest)

    def _explain(self, rule: Rule, message: str, line: int) -> None:
        self.explained = True
        self._findings.add(rule, message, line)


def _chunks(lines: list[str], first_line: int) -> Iterator[_Chunk]:
    """Cut at the keys in the first column; lines before the first of them may be keys by themselves."""
    current: _Chunk | None = None
    for number, line in enumerate(lines, first_line):
        text = line if current is not None else line.lstrip(" \t")
        tight = _TIGHT_KEY.match(text)
        match = _KEY.match(text) or tight
        if match is None:
            if current is not None:
                current.lines.append(line)
            continue
        if current is not None:
            yield current
        key = match["key"].strip("\"'")
        current = _Chunk(key, text[match.end() :].strip(), [text], number, match is tight)
    if current is not None:
        yield current


def _cause(chunk: _Chunk) -> tuple[Rule, int]:
    """The likeliest reason why a value is not YAML, and the line to look at."""
    if chunk.value[:1] in _RESERVED and not _BLOCK.fullmatch(chunk.value):
        return rules.YAML_RESERVED, chunk.line
    texts = [chunk.value, *chunk.lines[1:]]
    for offset, text in enumerate(texts):
        if _LOOSE_COLON.search(text):
            return rules.YAML_COLON, chunk.line + offset
    return rules.YAML_SYNTAX, chunk.line


def _as_text(value: str, rest: list[str]) -> str:
    """A value as its author meant it to read."""
    if _BLOCK.fullmatch(value):
        text = textwrap.dedent("\n".join(rest)).strip("\n")
        return text if value[0] == "|" else " ".join(text.split("\n"))
    text = " ".join([value, *(line.strip() for line in rest)]).strip()
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if is_quoted else text
