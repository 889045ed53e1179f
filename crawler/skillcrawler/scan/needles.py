"""Which of all signals' literal strings a text may hold, found out in one pass over its words.

There are hundreds of such strings, and hardly any is in a given text; asking for each would cost more than all the
rest of a scan. So the text is cut into words, and of each word it is looked up which parts of needles it holds.
Only needles all of whose parts are there, and those without any, need to be looked for in the text itself.

A word has a blank at either end, and so has a part of a needle where the needle goes on: `nc ` is looked for only
where a word ends with `nc`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from skillcrawler.scan.runs import one_byte_each

_PART = re.compile(rb" ?[a-z0-9]{2,} ?")
_START = 3  # characters by which parts are looked up
_REMEMBERED = 1 << 15  # words: those of most texts are the same few thousand
_BLANKED = bytes(code if code < 0x80 and chr(code).isalnum() else 0x20 for code in range(256))


class Needles:
    """The literal strings that are looked for."""

    def __init__(self) -> None:
        self._bare: set[str] = set()
        self._short: set[bytes] = set()
        self._by_longest: dict[bytes, set[tuple[frozenset[bytes], str]]] = {}
        self._by_start: dict[bytes, set[bytes]] = {}
        self._remembered = lru_cache(_REMEMBERED)(self._parts_of)

    def add(self, needles: Iterable[str]) -> None:
        """Take up further needles, in lower case."""
        for needle in needles:
            parts = frozenset(_parts(needle))
            if not parts:
                self._bare.add(needle)
                continue
            self._by_longest.setdefault(max(parts, key=len), set()).add((parts, needle))
            for part in parts:
                if len(part) < _START:
                    self._short.add(part)
                else:
                    self._by_start.setdefault(part[:_START], set()).add(part)
        self._remembered.cache_clear()

    def possible(self, text: str) -> frozenset[str]:
        """Give the needles that may be in a text of lower case: all that are, and few others."""
        words = set(_blanked(text).split())
        if len(words) < _REMEMBERED:
            there = set[bytes]().union(*map(self._remembered, words))
        else:
            there = self._parts_in_all(b" %b " % b"  ".join(words))
        likely = (needle for part in there for parts, needle in self._by_longest.get(part, ()) if parts <= there)
        return frozenset((*self._bare, *likely))

    def _parts_of(self, word: bytes) -> tuple[bytes, ...]:
        return tuple(self._find_parts(b" %b " % word))

    def _find_parts(self, word: bytes) -> Iterator[bytes]:
        for part in self._short:
            if part in word:
                yield part
        by_start = self._by_start.get
        for at in range(len(word) - _START + 1):
            parts = by_start(word[at : at + _START])
            if parts is not None:
                for part in parts:
                    if word.startswith(part, at):
                        yield part

    def _parts_in_all(self, words: bytes) -> set[bytes]:
        """The parts in very many words at once; what was found is not looked for again."""
        missing = {start: set(parts) for start, parts in self._by_start.items()}
        there = {part for part in self._short if part in words}
        for at in range(len(words) - _START + 1):
            parts = missing.get(words[at : at + _START])
            if parts:
                found = [part for part in parts if words.startswith(part, at)]
                there.update(found)
                parts.difference_update(found)
        return there


def _blanked(text: str) -> bytes:
    """The text as ASCII, of the same length, with blanks for all but letters and digits."""
    return one_byte_each(text).translate(_BLANKED)


def _parts(needle: str) -> Iterator[bytes]:
    """The words of a needle with the blanks at their sides; one blank can be at the side of two."""
    blanked = _blanked(needle)
    at = 0
    while match := _PART.search(blanked, at):
        yield match[0]
        at = match.end() - match[0].endswith(b" ")
