"""How the files of the browser's index are written; `browser` says what is in them."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import deflate

STEPS = 20  # of a score's byte, an octave

_LEVEL = 9


class BrowserFile(NamedTuple):
    """One file of the index, by its name in the index's folder."""

    name: str
    data: bytes


class Entry(NamedTuple):
    """A word with the skills that have it.

    Args:
        word: As a browser asks for it.
        total: How many skills have it.
        listed: The best of them: number and score, by number.
        named: The numbers of the skills of exactly that name, best first.
        rows: The numbers of skills whose rows come with it.
        base: The word, in the same file, whose list belongs to this one too.
    """

    word: str
    total: int
    listed: list[tuple[int, float]]
    named: list[int]
    rows: list[int]
    base: str = ""


def pack(name: str, content: bytes) -> BrowserFile:
    """Compress one file."""
    return BrowserFile(name, bytes(deflate.gzip_compress(content, _LEVEL)))


def pack_json(content: object) -> bytes:
    """Write JSON without spaces."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def pack_words(entries: Sequence[Entry], rows: bytes) -> bytes:
    """Write a file of words: a table of the words, their lists, then `rows`, which are JSON."""
    made = bytearray(_numbers([len(entries)]))
    lists = [_list(entry) for entry in entries]
    before = ""
    places = {entry.word: place for place, entry in enumerate(entries, 1)}
    for entry, content in zip(entries, lists, strict=True):
        shared = len(common_start(before, entry.word))
        rest = entry.word[shared:].encode()
        kept = len(entry.word[:shared].encode("utf-16-le")) // 2  # as JavaScript counts
        made += _numbers([kept, len(rest)]) + rest
        made += _numbers([entry.total, len(entry.listed), len(entry.named), len(content)])
        made += _numbers([places.get(entry.base, 0)])
        before = entry.word
    return bytes(made) + b"".join(lists) + rows


def hash_word(text: str) -> int:
    """Give the 32-bit FNV-1a of the UTF-8."""
    value = 0x811C9DC5
    for byte in text.encode("utf-8", "replace"):
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def common_start(one: str, other: str) -> str:
    """Give what two texts begin with."""
    pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(left for left, _ in pairs)


def _list(entry: Entry) -> bytes:
    gaps = [number - before for before, number in itertools.pairwise([0, *(number for number, _ in entry.listed)])]
    return _numbers(gaps) + bytes(_score_byte(score) for _, score in entry.listed) + _numbers(entry.named)


def _score_byte(score: float) -> int:
    return min(255, max(0, round(STEPS * math.log2(max(score, 0.25) * 4))))


def _numbers(values: Iterable[int]) -> bytes:
    made = bytearray()
    for value in values:
        rest = value
        while rest > 127:
            made.append(rest & 127 | 128)
            rest >>= 7
        made.append(rest)
    return bytes(made)
