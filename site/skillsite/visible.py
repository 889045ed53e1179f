"""Characters that a reader cannot see, made visible.

Zero-width, bidirectional and tag characters can hide an instruction from a person that an agent still
reads. On our pages each is shown as a mark such as `⟦U+202E⟧`. Marks are plain text, so that they are
harmless in an attribute or a title too.

The classes of characters come from the Unicode Character Database: general categories Cc, Cf, Co and Cs, and
the few letters and symbols that have no ink (`_BLANK`).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Letters, marks and symbols that draw nothing: combining grapheme joiner, Hangul fillers, Khmer inherent
# vowels, Mongolian and other variation selectors, line and paragraph separator, braille blank.
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2028\u2029\u2800\u3164\uffa0"
    + "".join(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
)
_ORDINARY = frozenset("\t\n\r")
_CONTROLS = bytes(code for code in [*range(0x20), 0x7F] if chr(code) not in _ORDINARY)
_PRESENTATION = "\ufe0e\ufe0f"  # text or emoji style of the character before
_ZERO_WIDTH_JOINER = "\u200d"


def show_hidden(text: str) -> str:
    """Replace every character that a reader could not see by its mark.

    Joiners and style selectors inside emoji stay, as do line ends and tabs; a byte order mark at the very
    start is dropped.
    """
    if text.isascii() and (text.isprintable() or not _has_control(text.encode())):
        return text
    text = text.removeprefix("\ufeff")
    hidden = sorted(filter(_is_hidden, set(text)))
    return re.sub("[" + re.escape("".join(hidden)) + "]", _mark, text) if hidden else text


def one_line(text: str, limit: int | None = None) -> str:
    """Show hidden characters, fold white space to single spaces, and cut at a word after `limit` characters."""
    folded = " ".join(show_hidden(text).split())
    if limit is None or len(folded) <= limit:
        return folded
    head, _, tail = folded[:limit].rpartition(" ")
    return (head if len(tail) < limit // 4 else folded[:limit]).rstrip(",.;:") + "…"


def _has_control(text: bytes) -> bool:
    return len(text.translate(None, _CONTROLS)) < len(text)  # several times as fast as a search


def _mark(match: re.Match[str]) -> str:
    character = match.group()
    before = match.string[match.start() - 1] if match.start() else ""
    if character in _PRESENTATION and _takes_style(before):
        return character
    if character == _ZERO_WIDTH_JOINER and _joins(before, match.string[match.end() : match.end() + 1]):
        return character
    return f"⟦U+{ord(character):04X}⟧"


@lru_cache(maxsize=8192)
def _is_hidden(character: str) -> bool:
    if character in _ORDINARY:
        return False
    # Not Cn: which code points are assigned depends on the Python that runs, and a page must not.
    return unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs"} or character in _BLANK


def _takes_style(before: str) -> bool:
    # Keycaps (1️⃣, #️⃣) start with ASCII; everything else with style is a symbol or punctuation.
    return before in tuple("0123456789#*") or unicodedata.category(before or "a")[0] in "SP"


def _joins(before: str, after: str) -> bool:
    # Between pictures only: 👩‍💻. Skin tones are modifier symbols (Sk), ♀ and ⚕ are So.
    return bool(before and after) and (before in _PRESENTATION or _is_picture(before)) and _is_picture(after)


def _is_picture(character: str) -> bool:
    return not character.isascii() and unicodedata.category(character) in {"So", "Sk"}
