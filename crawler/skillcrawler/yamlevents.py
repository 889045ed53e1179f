"""Front matter's YAML as plain text values, from one pass over libyaml's events.

Nothing is constructed: no alias is expanded, no tag is looked up, every scalar stays the text its author
wrote (`yes`, `1.10` and `2024-01-01` included). YAML: https://yaml.org/spec/1.2.2/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import yaml

from skillcrawler import diagnostics as rules
from skillcrawler.diagnostics import Findings, Rule
from skilldata.names import safe_text

Value: TypeAlias = "str | list[Value] | dict[str, Value]"

MAX_DEPTH = 32
SHOWN = 60  # characters of a stranger's text that a message quotes


class Implicit(NamedTuple):
    """An unquoted scalar that many YAML readers do not take for text."""

    key: str  # 'name', 'metadata.version'
    text: str
    line: int


class Document(NamedTuple):
    """The top-level keys of a front matter, with the line each is on.

    `complete` is false where reading was given up: what is missing may be there all the same.
    """

    values: dict[str, Value]
    lines: dict[str, int]
    implicit: list[Implicit]
    complete: bool = True


def scan(source: str, first_line: int, findings: Findings) -> Document:
    """Read one YAML mapping.

    Args:
        source: YAML without the characters that it forbids.
        first_line: Line of the file that `source` begins on.
        findings: Takes what is refused or unusual, unless an error is raised.

    Raises:
        yaml.YAMLError: `source` is not YAML.
    """
    reader = _Reader(source, first_line)
    complete = reader.read()
    for rule, message, line in reader.notes:
        findings.add(rule, message, line)
    return Document(reader.values, reader.lines, reader.implicit, complete)


def quoted(text: str) -> str:
    """A stranger's text as a message may quote it: visible, short, in backquotes."""
    return f"`{safe_text(text, limit=SHOWN)}`"


class _TooDeepError(Exception):
    pass


class _Reader:
    """Builds the values of one document from its events."""

    def __init__(self, source: str, first_line: int) -> None:
        self.values: dict[str, Value] = {}
        self.lines: dict[str, int] = {}
        self.implicit: list[Implicit] = []
        self.notes: list[tuple[Rule, str, int]] = []
        self._source = source
        self._first_line = first_line
        self._flow_line = 0  # where brackets were reported last: once a line is enough
        # Spans of quoted and block scalars, where a tab is harmless; kept only where there are tabs.
        self._spans: list[tuple[int, int]] | None = [] if "\t" in source else None
        self._events: Iterator[Any] = yaml.parse(source, Loader=yaml.CSafeLoader)

    def read(self) -> bool:
        """Read the first document; false where it is nested too deeply to go on."""
        events = self._events
        next(events)  # start of the stream
        if type(next(events)) is yaml.StreamEndEvent:
            return True
        root = next(events)
        try:
            self._root(root)
        except _TooDeepError:
            return False
        if self._spans is not None:
            self._check_tabs(self._spans)
        # The ends of document and stream: what follows a line `...` is an error here.
        next(events)
        next(events)
        return True

    def _root(self, event: Any) -> None:
        if type(event) is yaml.MappingStartEvent:
            self._collection(event, 0)
            self._mapping(self.values, 0, "")
            return
        self._note(rules.YAML_NOT_MAPPING, "the front matter has no keys", event)
        self._value(event, 0)

    def _mapping(self, into: dict[str, Value], depth: int, parent: str) -> None:
        column: int | None = None
        while type(key_event := next(self._events)) is not yaml.MappingEndEvent:
            key = self._key(key_event, depth)
            event = next(self._events)
            kind = type(event)
            if kind is yaml.ScalarEvent:
                if depth < 2 and event.implicit[0] and _is_implicit(event.value):
                    name = f"{parent}.{key}" if parent else str(key)
                    self.implicit.append(Implicit(name, event.value, self._line(event)))
            elif kind is yaml.MappingStartEvent:
                if column not in (None, event.start_mark.column):
                    self._note(rules.YAML_INDENTATION, f"{quoted(str(key))} is indented unlike its neighbours", event)
                column = event.start_mark.column if column is None else column
            value = self._value(event, depth + 1, str(key) if depth == 0 else "")
            if key is None:
                continue
            if key in into:
                self._note(rules.YAML_DUPLICATE, f"{quoted(key)} comes twice", key_event)
            into[key] = value
            if depth == 0:
                self.lines[key] = self._line(key_event)

    def _key(self, event: Any, depth: int) -> str | None:
        if type(event) is yaml.ScalarEvent and event.value != "<<":
            return self._scalar(event)
        self._note(rules.YAML_KEY, "a key is not plain text", event)
        self._value(event, depth + 1)
        return None

    def _value(self, event: Any, depth: int, parent: str = "") -> Value:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            return self._scalar(event)
        if kind is yaml.AliasEvent:
            self._note(rules.YAML_ALIAS, f"{quoted('*' + event.anchor)} is an alias", event)
            return f"*{event.anchor}"
        self._collection(event, depth)
        if kind is yaml.MappingStartEvent:
            values: dict[str, Value] = {}
            self._mapping(values, depth, parent)
            return values
        entries: list[Value] = []
        while type(entry := next(self._events)) is not yaml.SequenceEndEvent:
            entries.append(self._value(entry, depth + 1))
        return entries

    def _collection(self, event: Any, depth: int) -> None:
        if depth >= MAX_DEPTH:
            self._note(rules.YAML_TOO_DEEP, f"values are nested more than {MAX_DEPTH} deep", event)
            raise _TooDeepError
        if event.flow_style and self._flow_line != self._line(event):
            self._flow_line = self._line(event)
            self._note(rules.YAML_FLOW, "a value is written in brackets or braces", event)
        self._properties(event)

    def _scalar(self, event: Any) -> str:
        if event.tag is not None or event.anchor is not None:
            self._properties(event)
        text: str = event.value
        if not event.implicit[0]:
            self._check_quoted(event)
        if "\0" in text:
            self._note(rules.TEXT_NUL, "a value has NUL characters", event)
            return text.replace("\0", "\ufffd")
        return text

    def _check_quoted(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        if event.style in ("|", ">"):
            header = _BLOCK_HEADER.match(self._source, start)
            if header is None:
                self._note(rules.YAML_BLOCK_HEADER, "something follows the sign of a block of text", event)
            start = header.end() if header else start
        if self._spans is not None:
            self._spans.append((start, end))

    def _check_tabs(self, harmless: list[tuple[int, int]]) -> None:
        """Find a tab that is neither in a quoted or block scalar nor in a comment."""
        pieces, position = [], 0
        for start, end in harmless:
            inside = self._source[start:end]
            pieces += [self._source[position:start], "\n" * inside.count("\n"), "" if inside[-1:] == "\n" else '"']
            position = end
        pieces.append(self._source[position:])
        for number, line in enumerate("".join(pieces).split("\n"), self._first_line):
            before, tab, _ = line.partition("\t")
            if tab and not _COMMENT.search(before):
                self.notes.append((rules.YAML_TAB, "there is a tab outside quotes", number))
                return

    def _properties(self, event: Any) -> None:
        if event.tag is not None:
            self._note(rules.YAML_TAG, f"{quoted(event.tag)} is a tag", event)
        if event.anchor is not None:
            self._note(rules.YAML_ANCHOR, f"{quoted('&' + event.anchor)} is an anchor", event)

    def _note(self, rule: Rule, message: str, event: Any) -> None:
        self.notes.append((rule, message, self._line(event)))

    def _line(self, event: Any) -> int:
        return int(event.start_mark.line) + self._first_line


_BLOCK_HEADER = re.compile(r"[|>](?:[-+][1-9]?|[1-9][-+]?)?(?: +#[^\n]*| *)(?=\n|$)")
_COMMENT = re.compile(r"(?:^|\s)#")

_RESOLVERS: dict[str, list[tuple[str, Any]]] = yaml.SafeLoader.yaml_implicit_resolvers


def _is_implicit(text: str) -> bool:
    """Whether YAML 1.1 takes an unquoted scalar for something else than text."""
    return bool(text) and any(pattern.match(text) for _, pattern in _RESOLVERS.get(text[0], ()))
