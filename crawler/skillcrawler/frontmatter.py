"""The text of a SKILL.md and the front matter in it, from any bytes.

Nothing here raises for what a file holds, and nothing takes time or memory out of proportion to it:
1 MiB of text is kept, and 64 KiB of front matter is read.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

import yaml

from skillcrawler import diagnostics as rules
from skillcrawler.diagnostics import Findings
from skillcrawler.yamlevents import Document, scan
from skillcrawler.yamlrecovery import recover

TEXT_LIMIT = 1024 * 1024  # bytes
FRONT_MATTER_LIMIT = 64 * 1024  # bytes
UNREAD = Document({}, {}, [], complete=False)

_CHUNK = 1024 * 1024
_FENCE = re.compile(r"^---", re.MULTILINE)
# Front matter further down, which no client sees; a `---` of Markdown has no such key below it.
_LATER_FENCE = re.compile(r"^[ \t]*---[ \t]*\n(?=(?:name|description)[ \t]*:)", re.MULTILINE)
_END_OF_UNCLOSED = re.compile(r"^[ \t]*(?:#.*)?$", re.MULTILINE)
# All but the characters of https://yaml.org/spec/1.2.2/#51-character-set, and of these without the
# byte order mark and the line breaks of YAML 1.1, on which readers disagree.
_FORBIDDEN = re.compile("[^\t\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_INSTEAD = {"\x85": " ", "\u2028": " ", "\u2029": " ", "\ufeff": ""}


class Parts(NamedTuple):
    """Where the front matter is: its YAML, and the line each part begins on."""

    source: str
    source_line: int
    body: str
    body_line: int


def decode(data: bytes, findings: Findings) -> str:
    r"""Text of a file, with `\n` for every line break and no byte order mark; NULs are still in it."""
    text = _decoded(data, findings)
    if text.startswith("\ufeff"):
        findings.add(rules.TEXT_BYTE_ORDER_MARK, "the file starts with a byte order mark", 1)
        text = text[1:]
    return _with_line_feeds(text, findings)


def split(text: str, findings: Findings) -> Parts | None:
    """Find the front matter; None where there is none.

    It opens with `---` alone on the first line and ends before the next line that starts with `---`.
    """
    opening, _, _ = text.partition("\n")
    start, line = len(opening) + 1, 2
    if "\t" in opening and opening.rstrip(" \t") == "---":
        findings.add(rules.YAML_TAB, "a tab follows the opening `---`", 1)
    if opening.rstrip(" \t") != "---":
        later = _LATER_FENCE.search(text, 0, FRONT_MATTER_LIMIT)
        if later is None:
            findings.add(rules.FRONT_MATTER_MISSING, "there is no front matter", 1)
            return None
        start, line = later.end(), text.count("\n", 0, later.end()) + 1
        findings.add(rules.FRONT_MATTER_NOT_FIRST, f"the front matter opens on line {line - 1}, not 1", line - 1)
    closing = _FENCE.search(text, start)
    if closing is None:
        return _unclosed(text, start, line, findings)
    source = text[start : closing.start()]
    end = text.find("\n", closing.end()) + 1 or len(text)
    return Parts(source, line, text[end:], line + source.count("\n") + 1)


def read(parts: Parts, findings: Findings) -> Document:
    """Read the front matter, key by key where it is not YAML."""
    source = parts.source
    if len(source.encode()) > FRONT_MATTER_LIMIT:
        message = f"the front matter is larger than {FRONT_MATTER_LIMIT // 1024} KiB"
        findings.add(rules.FRONT_MATTER_TOO_LARGE, message, parts.source_line - 1)
        return UNREAD
    dashes = source.find("---")
    if dashes >= 0:
        line = parts.source_line + source.count("\n", 0, dashes)
        findings.add(rules.FRONT_MATTER_DASHES, "there is `---` inside a line of the front matter", line)
    source = _without_forbidden(source, parts.source_line, findings)
    try:
        return scan(source, parts.source_line, findings)
    except yaml.YAMLError as error:
        return recover(source, parts.source_line, error, findings)


def _decoded(data: bytes, findings: Findings) -> str:
    if len(data) > TEXT_LIMIT:
        findings.add(rules.TEXT_TOO_LONG, f"the file has {len(data):,} bytes, {TEXT_LIMIT:,} are shown")
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        text = decoder.decode(data[:TEXT_LIMIT])
        # The rest is only checked: bytes that are not UTF-8 count wherever they are.
        for start in range(TEXT_LIMIT, len(data), _CHUNK):
            decoder.decode(data[start : start + _CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        findings.add(rules.TEXT_ENCODING, "the file is not UTF-8")
        return data[:TEXT_LIMIT].decode("latin-1")
    return text


def _with_line_feeds(text: str, findings: Findings) -> str:
    if "\r" not in text:
        return text
    returns, feeds, both = text.count("\r"), text.count("\n"), text.count("\r\n")
    if not returns == feeds == both:
        findings.add(rules.TEXT_LINE_ENDINGS, f"{both} CRLF, {feeds - both} LF and {returns - both} CR")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unclosed(text: str, start: int, line: int, findings: Findings) -> Parts:
    """Take the keys up to the first blank line or heading, so that the name at least is known."""
    findings.add(rules.FRONT_MATTER_UNCLOSED, "no line `---` ends the front matter", line - 1)
    end = _END_OF_UNCLOSED.search(text, start, start + FRONT_MATTER_LIMIT)
    source = text[start : end.start() if end else start + FRONT_MATTER_LIMIT]
    return Parts(source, line, text[start + len(source) :], line + source.count("\n"))


def _without_forbidden(source: str, first_line: int, findings: Findings) -> str:
    first = _FORBIDDEN.search(source)
    if first is None:
        return source
    line = first_line + source.count("\n", 0, first.start())
    mended, count = _FORBIDDEN.subn(lambda found: _INSTEAD.get(found[0], "\ufffd"), source)
    message = f"{count} characters that YAML readers refuse, the first is U+{ord(first[0]):04X}"
    findings.add(rules.FRONT_MATTER_CONTROL, message, line)
    return mended
