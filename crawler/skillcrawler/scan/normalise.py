"""Undo cheap disguises, so that rules look at what a shell, an interpreter or a reader would see.

Compatibility characters are folded by a table made from Unicode's NFKC mappings and not by
`unicodedata.normalize`, which takes quadratic time for long runs of combining marks.
"""

from __future__ import annotations

import bisect
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import NamedTuple

# Invisible characters that split a word without changing how it looks.
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064"
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u3164\ufeff\uffa0\x00"
)
# Cyrillic and Greek letters that look like Latin ones: a selection of Unicode's confusables.txt (UTS 39).
LOOKALIKES: Mapping[str, str] = dict(
    zip(
        "аеіјорсѕухһԁԛԝкмтАВЕІЈКМНОРСТХЅУοανιρυΑΒΕΖΗΙΚΜΝΟΡΤΥΧɡıİ",
        "aeijopcsyxhdqwkmtABEIJKMHOPCTXSYoavipuABEZHIKMNOPTYXgiI",
        strict=True,
    )
)
_QUOTES = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'}
_LAST_FOLDED = 0x1FFFF  # above lie ideographs, tags and private use: nothing that folds to ASCII
_EXPANSION_LIMIT = 65_536  # characters that the values of variables may add to one file


class PlainText(NamedTuple):
    """Text without disguises, and the positions in it at which a newline was taken out."""

    text: str
    joined: list[int]

    def line(self, position: int) -> int:
        """The line of the original, from 1, that `position` came from."""
        return self.text.count("\n", 0, position) + bisect.bisect_right(self.joined, position) + 1


def plain_text(text: str) -> PlainText:
    """Fold look-alikes, mend split words, put in the values of variables and join continued lines.

    Args:
        text: A decoded file with line feeds as line ends.
    """
    if not text.isascii() or "\x00" in text:
        text = fold(text)
    for needle, pattern, replacement in _SPLIT_WORDS:
        if needle in text:
            text = pattern.sub(replacement, text)
    if _SPLIT_BY_BACKSLASHES.search(text):
        text = _BACKSLASHES.sub(lambda match: match[0].replace("\\", ""), text)
    return _join_lines(_expand_variables(text))


def fold(text: str) -> str:
    """Replace compatibility forms and look-alike letters by ASCII ones; drop `INVISIBLE` characters."""
    return _FOLDED.sub(lambda match: match[0].translate(_FOLD), text)


def _fold_table() -> Mapping[int, str | None]:
    table: dict[int, str | None] = {}
    for code in range(0x80, _LAST_FOLDED + 1):
        character = chr(code)
        folded = unicodedata.normalize("NFKC", character)
        if folded != character and folded.isascii() and folded.isprintable():
            table[code] = folded
    table |= {ord(character): plain for character, plain in {**LOOKALIKES, **_QUOTES}.items()}
    table |= {ord(character): None for character in INVISIBLE}
    return table


_FOLD = _fold_table()
_FOLDED = re.compile(r"[\x00\x80-\U0010ffff]+")  # all else stays as it is


def _letters_of_list(match: re.Match[str]) -> str:
    return f'"{"".join(_LIST_ITEM.findall(match[0]))}"'


_LIST_ITEM = re.compile(r"[\"']([^\"'\n]{1,3})[\"']")

# Each entry: a needle that must be there, what to look for, what to put instead. Patterns begin with
# a literal where they can: the regular expression engine skips to it quickly.
_SPLIT_WORDS: tuple[tuple[str, re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    ("$", re.compile(r"\$(?:\{IFS[^}\n]{0,20}\}|IFS(?:\$\d)?)"), " "),
    ("\\n", re.compile(r"\\n(?=(?:curl|wget|nohup|bash|sh|python3?|node|nc|eval|source|exec|powershell|iex)\b)"), "  "),
    ("''", re.compile(r"''(?<=\w'')(?=\w)"), ""),
    ('""', re.compile(r'""(?<=\w"")(?=\w)'), ""),
    ("'", re.compile(r"'(?<=[A-Za-z]')([A-Za-z]{1,4})'(?=[A-Za-z])"), r"\1"),
    ('"', re.compile(r'"(?<=[A-Za-z]")([A-Za-z]{1,4})"(?=[A-Za-z])'), r"\1"),
    ("/", re.compile(r"([\"'])(?<=[\w.][\"'])[ ]{0,2}/[ ]{0,2}\1(?=[\w.])"), "/"),
    ("+", re.compile(r"[\"'`][ \t]{0,20}\+[ \t]{0,20}[\"'`]"), ""),
    (
        "join",
        re.compile(r"\[(?:[\"'][^\"'\n]{1,3}[\"'][ \t]{0,4},[ \t]{0,4}){3,2000}[\"'][^\"'\n]{1,3}[\"']\]"),
        _letters_of_list,
    ),
)

# What tells quickly that words may be split by backslashes, and what finds them.
_SPLIT_BY_BACKSLASHES = re.compile(r"\\[A-Za-z]{1,2}\\")
_BACKSLASHES = re.compile(r"(?<![\w\\:/.])(?:[A-Za-z]{1,2}\\){2,40}[A-Za-z]+")

_ASSIGNMENT = re.compile(
    r"[\n;][ \t]{0,80}(?:(?:export|set|local|const|let|var)[ \t]{1,8}|\$)?([A-Za-z_]\w{0,40})"
    r"(?:[ \t]{0,8}=[ \t]{0,8}(?:\"([^\"\n$`]{2,300})\"|'([^'\n]{2,300})')|=([^\s\"'$`;|&<>(){}\[\]]{1,300}))"
)
_VARIABLE = re.compile(
    r"[$\"'{](?:(?<=\$)\{?([A-Za-z_]\w{0,40})\}?"
    r"|(?<=[\"'])[ \t]{0,8}\+[ \t]{0,8}([A-Za-z_]\w{0,40})\b(?:[ \t]{0,8}\+[ \t]{0,8}[\"'])?"
    r"|(?<=[\w/ .]\{)([A-Za-z_]\w{0,40})\})"
)


def _expand_variables(text: str) -> str:
    """Put the values of variables that are assigned a literal where they are used, once."""
    values: dict[str, str] = {}
    if "=" not in text or not _VARIABLE.search(text):
        return text
    for match in _ASSIGNMENT.finditer("\n" + text):
        values.setdefault(match[1], match[2] or match[3] or match[4])
    if not values:
        return text
    room = _EXPANSION_LIMIT

    def value(match: re.Match[str]) -> str:
        nonlocal room
        found = values.get(match[1] or match[2] or match[3])
        if found is None or len(found) > room:
            return match[0]
        room -= len(found)
        return found

    return _VARIABLE.sub(value, text)


# A backslash; a caret or backtick after a blank; a pipe before a command; && ; strings added up.
_CONTINUED = re.compile(
    r"[\\`^|&\"'](?:(?<=\\)\n|(?<=[`^])\n(?<=[ \t][`^]\n)[ \t]{0,200}|(?<=\|)[ \t]{0,20}\n[ \t]{0,200}(?=[A-Za-z(])"
    r"|(?<=&)&[ \t]{0,20}\n|(?<=[\"'])[ \t]{0,20}(?:\+[ \t]{0,20}\n|\n[ \t]{0,200}\+)[ \t]{0,200}[\"'])"
)
_STAYS = {"|": "|", "&": "&&"}  # of what is taken out


def _join_lines(text: str) -> PlainText:
    if "\n" not in text:
        return PlainText(text, [])
    pieces: list[str] = []
    joined: list[int] = []
    position = length = 0
    for match in _CONTINUED.finditer(text):
        piece = text[position : match.start()] + _STAYS.get(match[0][0], "")
        pieces.append(piece)
        length += len(piece)
        joined.append(length)
        position = match.end()
    pieces.append(text[position:])
    return PlainText("".join(pieces), joined)
