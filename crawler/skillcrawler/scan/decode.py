"""Read what is hidden one level down: base64, hexadecimal, escapes, character codes, rot13, reversed text.

Only what decodes to readable text is returned; everything is bounded, nothing is run.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import string
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias
from urllib.parse import unquote

from skillcrawler.scan.runs import Runs, one_byte_each
from skillcrawler.scan.signals import NEEDLES

MAXIMUM = 5_500_000  # characters of one hidden text that are looked at: more than a file may have bytes
_SHORTEST = 8


class Hidden(NamedTuple):
    """A text found inside another one."""

    text: str
    how: str
    position: int


def hidden_texts(text: str, spend: Callable[[int], None], has: Callable[[str], bool]) -> Iterator[Hidden]:
    """Yield what `text` (undisguised, with its case) hides.

    Args:
        text: `View.plain` of the file.
        spend: Told how many characters are decoded; may raise where that becomes too much.
        has: Whether the text in lower case has a string of `NEEDLES`.
    """
    data = one_byte_each(text)
    for encoding in _ENCODINGS:
        for start, end in encoding.places(data, has):
            for match in encoding.pattern.finditer(text, start, end):
                spend(match.end() - match.start())
                decoded = encoding.read(match[0])
                if decoded and len(decoded) >= _SHORTEST and _readable(decoded):
                    yield Hidden(decoded[:MAXIMUM], encoding.name, match.start())
    for needles, name, read in _WHOLE:
        if any(map(has, needles)):
            yield Hidden(read(text[:MAXIMUM]), name, 0)


_Places: TypeAlias = Callable[[bytes, Callable[[str], bool]], Iterator[tuple[int, int]]]


def _anywhere(*needles: str) -> _Places:
    """An encoding that can be anywhere in a text that has one of these strings."""
    NEEDLES.add(needles)

    def places(data: bytes, has: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
        if any(map(has, needles)):
            yield 0, len(data)

    return places


def _in_runs(characters: str, length: int) -> _Places:
    """An encoding that can be in runs of so many of its characters."""
    runs = Runs(characters, length)

    def places(data: bytes, has: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
        for start, end in runs.within(data):
            yield start, min(end + 1, len(data))  # and what follows, which a pattern may look at

    return places


def _in_lines(characters: str, length: int) -> _Places:
    """An encoding that can be from the first line on that ends with a run."""
    runs = Runs(characters, length)

    def places(data: bytes, has: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
        for start, end in runs.within(data):
            if data[end : end + 1] == b"\n":
                yield start, len(data)
                return

    return places


class _Encoding(NamedTuple):
    name: str
    places: _Places
    pattern: re.Pattern[str]
    read: Callable[[str], str]


def _base64(run: str) -> str:
    compact = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(compact[: len(compact) - (len(compact) % 4 == 1)] + "===", validate=False)
    except binascii.Error:
        return ""
    return _text_of(data)


def _base64_lines(run: str) -> str:
    """Several lines as one; without the last one where that belongs to something else."""
    lines = run.split("\n")
    return _base64("".join(lines)) or _base64("".join(lines[:-1]))


def _text_of(data: bytes) -> str:
    if data[:2] == b"\x1f\x8b" or data[:1] == b"\x78":
        data = inflated(data) or data
    if data[1::2].count(0) > 0.8 * len(data[1::2]) > 0:
        return data.decode("utf-16-le", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return ""


def inflated(data: bytes, limit: int = MAXIMUM) -> bytes:
    """At most `limit` bytes of what a gzip, zlib or raw deflate stream holds; empty if it is none."""
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        try:
            return zlib.decompressobj(window).decompress(data, limit)
        except zlib.error:
            continue
    return b""


def _hexadecimal(run: str) -> str:
    digits = re.sub(r"[^0-9a-fA-F]", "", run.replace("0x", " ").replace("\\x", " "))
    return _text_of(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _unicode_escapes(run: str) -> str:
    return "".join(
        chr(int(code, 16)) for code in re.findall(r"[uU+{x]+([0-9a-fA-F]{2,6})", run) if int(code, 16) < 0xD800
    )


def _octal(run: str) -> str:
    return "".join(chr(int(code, 8) & 0xFF) for code in re.findall(r"[0-7]{2,3}", run))


def _codes(run: str) -> str:
    numbers = [int(number) for number in re.findall(r"\d{1,3}", run)]
    return "".join(map(chr, numbers)) if all(9 <= number < 256 for number in numbers) else ""


_BASE64 = string.ascii_letters + string.digits + "+/_-"
_ENCODINGS = (
    _Encoding(
        "base64",
        _in_runs(_BASE64 + "=", 16),
        re.compile(r"(?<![A-Za-z0-9+/_=-])(?!data:)[A-Za-z0-9+/_-]{16,}={0,2}(?![A-Za-z0-9+/_-])"),
        _base64,
    ),
    _Encoding(
        "base64",
        _in_lines(_BASE64, 56),
        re.compile(r"(?<![A-Za-z0-9+/_=-])(?:[A-Za-z0-9+/_-]{56,}+\n)++[A-Za-z0-9+/_-]*+={0,2}"),
        _base64_lines,
    ),
    _Encoding("hexadecimal escapes", _anywhere("\\x"), re.compile(r"(?:\\x[0-9a-fA-F]{2}){6,200000}"), _hexadecimal),
    _Encoding(
        "hexadecimal",
        _in_runs(string.hexdigits, 24),
        re.compile(r"(?<![A-Za-z0-9])(?:[0-9a-fA-F]{2}){12,}(?![A-Za-z0-9])"),
        _hexadecimal,
    ),
    _Encoding(
        "unicode escapes",
        _anywhere("\\u"),
        re.compile(r"(?:\\u\{?[0-9a-fA-F]{4,6}\}?){5,200000}"),
        _unicode_escapes,
    ),
    _Encoding("octal escapes", _anywhere("\\1", "\\0", "\\5"), re.compile(r"(?:\\[01]?[0-7]{2}){6,200000}"), _octal),
    _Encoding(
        "character codes",
        _in_runs(string.digits + ", ", 23),
        re.compile(r"(?:\d{2,3}[ ]?,[ ]?){7,200000}\d{2,3}"),
        _codes,
    ),
    _Encoding(
        "character codes",
        _anywhere("chr(", "[char]"),
        re.compile(r"(?:(?:chr\(|\[char\]\(?) ?\d{2,3}\)?[ +.&,]{0,4}){4,20000}", re.IGNORECASE),
        _codes,
    ),
    _Encoding(
        "percent encoding",
        _in_runs("%" + string.hexdigits, 18),
        re.compile(r"(?:%[0-9a-fA-F]{2}){6,200000}"),
        lambda run: unquote(run, errors="replace"),
    ),
    _Encoding(
        "character references", _anywhere("&#"), re.compile(r"(?:&#x?[0-9a-fA-F]{2,6};){5,200000}"), html.unescape
    ),
)
_WHOLE: tuple[tuple[tuple[str, ...], str, Callable[[str], str]], ...] = (
    (("rot13", "rot_13", "n-za-m"), "rot13", lambda text: codecs.encode(text, "rot13")),
    (("| rev", "|rev", "[::-1]", ".reverse()", "strrev("), "reversed text", lambda text: text[::-1]),
)
for _entry in _WHOLE:
    NEEDLES.add(_entry[0])


def _readable(text: str) -> bool:
    sample = text[:2_000]
    printable = sum(character.isprintable() or character in "\n\r\t" for character in sample)
    ascii_share = sum(character.isascii() for character in sample)
    return printable >= 0.95 * len(sample) and ascii_share >= 0.8 * len(sample)
