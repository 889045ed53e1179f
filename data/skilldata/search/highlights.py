"""Where in a text the words of a query are: places, never markup."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

MAX_RANGES = 50  # of one text
SHORTEST_START = 3  # letters of an unfinished word, or of a stem, that are looked for

Ranges = list[tuple[int, int]]

_WORD = re.compile(r"[^\W_]+")


class Highlighter:
    """Finds the words of one query.

    Args:
        stem: Gives a word, in any case, without its ending.
        stems: What words are without their endings that count as found.
        starts: How words begin that count as found, in lower case without accents.
        grams: Characters that count as found wherever they are.
    """

    def __init__(
        self, stem: Callable[[str], str], stems: Iterable[str], starts: Iterable[str], grams: Iterable[str]
    ) -> None:
        self._stem = functools.cache(stem)
        self._stems = frozenset(stems)
        self._starts = tuple(starts)
        self._grams = tuple(grams)
        # An ending changes the last letter of a stem at most: happy, happi.
        self._begins = {one[: max(SHORTEST_START, len(one) - 1)] for one in self._stems} | set(self._starts)

    def find(self, text: str) -> Ranges:
        """Give start and end of what is found, in characters (code points), in order, none overlapping."""
        plain = _plain(text)
        found = [(at, at + len(gram)) for gram in self._grams for at in _places(plain, gram)]
        for begin in self._begins:
            for start in _places(plain, begin):
                if start == 0 or not plain[start - 1].isalnum():
                    end = _end(plain, start)
                    if self._counts(plain[start:end]):
                        found.append((start, end))
        return _joined(sorted(found))[:MAX_RANGES]

    def _counts(self, word: str) -> bool:
        return word.startswith(self._starts) or self._stem(word) in self._stems


def _places(text: str, part: str) -> Iterator[int]:
    at = text.find(part) if part else -1
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _end(text: str, start: int) -> int:
    found = _WORD.match(text, start)
    return found.end() if found else start


def _joined(ranges: Ranges) -> Ranges:
    """Make one of those that overlap or touch, as pairs of characters do."""
    found: Ranges = []
    for start, end in ranges:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif start < end:
            found.append((start, end))
    return found


def _plain(text: str) -> str:
    """Write every character in lower case without accents, so that none changes its place."""
    return text.lower() if text.isascii() else "".join(map(_plain_character, text))


def _plain_character(character: str) -> str:
    return character.lower() if character.isascii() else unicodedata.normalize("NFKD", character)[0].lower()[:1]
