"""The index that a browser reads piece by piece from plain files, without a server that searches.

It is made from the API's index: for each word the best skills are asked for, with the scores that the API gives
them, so both rank by the same figures. A browser adds the scores of a query's words up.

    root            what is where, and the figures of `ranking` that a browser needs, as JSON
    words-N         the words whose hash (32-bit FNV-1a of the UTF-8), divided by the number of these files,
                    leaves N, each with the skills that have it: so nothing has to say where a word is
    known-N         the words of names, tags and descriptions in order, and `back-N` the same ordered by their
                    ends: what an unfinished word may become, and what a typo was meant to be, for that leaves
                    one half of a word as it was
    rows-N          what a list shows of `ROWS` neighbouring skills, as JSON

Every file is compressed by gzip (RFC 1952). Numbers are LEB128. A file of words is

    how many words, in order; for each: how much of the word before is kept and the bytes that follow (number,
    UTF-8), skills that have it, skills listed, skills of exactly that name, bytes of the list;
    then the lists: differences of the skills' numbers in order, a byte for the score of each, then the
    numbers of the skills of that name, best first;
    then, as JSON, the number and row of the skills that these words are likely to show, to save requests.

The byte is the score's logarithm, in steps of `STEPS` an octave from 1/4.
"""

from __future__ import annotations

import itertools
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import deflate
import tantivy

from skilldata.search import ranking, words
from skilldata.search.copies import ALONE, mark
from skilldata.search.fields import open_index
from skilldata.search.plan import Planner

FORMAT = 1  # counts changes of the files
LONGEST = 2048  # skills listed for one word, the best
LONGEST_IN_BODIES = 512  # … for a word that is in no name, tag or description
ROWS = 32
STEPS = 20
DESCRIPTION = 120  # characters of it that a row shows

_FIRST_ROWS = 10  # rows that come with a word, and one more for each
_LISTED_A_ROW = 128  # skills listed
_WORDS_BYTES = 4_500  # guessed, of a file of words; it is some three times as much, and a third when compressed
_KNOWN_BYTES = 16_000
_ROW_BYTES = 200
_FEW_ROWS = 2  # of so few skills, the rows are read apart
_LEVEL = 9
_BODY_WORD = range(3, 25)  # letters of a word that is searched though it stands in bodies only
_ALL = 10_000_000


class BrowserFile(NamedTuple):
    """One file of the index, by its name in the index's folder."""

    name: str
    data: bytes


def browser_index(folder: Path) -> Iterator[BrowserFile]:
    """Make the files from the search index in `folder`, `root` last.

    Raises:
        ValueError, OSError: There is no index there.
    """
    maker = _Maker(*open_index(folder))
    firsts: dict[str, list[str]] = {"known": [], "back": []}
    for kind, seen in firsts.items():
        for number, lines in enumerate(_batches(maker.known(backwards=kind == "back"), _KNOWN_BYTES)):
            seen.append(lines[0][:-1])
            yield _file(f"{kind}-{number}", "\n".join(lines).encode())
    for number, content in enumerate(maker.rows()):
        yield _file(f"rows-{number}", content)
    files = 0
    for content in maker.words():
        yield _file(f"words-{files}", content)
        files += 1
    about = {"format": FORMAT, "skills": len(maker.cards), "rows": ROWS, "words": files}
    yield _file("root", _json({**about, **firsts, **_FIGURES}))


_FIGURES = {
    "steps": STEPS,
    "stop": sorted(ranking.STOP_WORDS),
    "few": ranking.FEW,
    "rare": ranking.RARE,
    "prefix": ranking.PREFIX,
    "correction": ranking.CORRECTION,
    "typo": ranking.SHORTEST_TYPO,
    "typos2": ranking.TWO_TYPOS,
    "needed": [ranking.needed(count) for count in range(ranking.MAX_SLOTS + 1)],
}


class _Entry(NamedTuple):
    """A word with its list."""

    word: str
    total: int
    listed: int
    named: int
    content: bytes
    first: list[int]  # skills whose rows come with it


class _Maker:
    def __init__(self, schema: tantivy.Schema, searcher: tantivy.Searcher) -> None:
        self._schema = schema
        self._searcher = searcher
        self._planner = Planner(schema, searcher)
        shown = tantivy.Query.term_set_query(schema, "fold", [ALONE, mark({})])
        self._shown = tantivy.Query.const_score_query(shown, 0.0)
        found = searcher.search(self._shown, max(1, searcher.num_docs)).hits
        addresses = sorted((address.segment_ord, address.doc) for _, address in found)
        cards = [json.loads(searcher.doc(tantivy.DocAddress(*one))["card"][0]) for one in addresses]
        self.cards = cards
        self._numbers = {address: number for number, address in enumerate(addresses)}
        self._named = _by_name(cards)
        self._rows = [_row(card) for card in cards]
        self._title = {**dict.fromkeys(ranking.SYNONYMS, 1), **dict(self._terms("words"))}
        self._places = {word for card in cards for word in self._planner.read(f"{card['owner']} {card['repository']}")}
        self._grams: set[str] = set()

    def words(self) -> Iterator[bytes]:
        """Give each file of words."""
        found = self._find_words()
        files = max(1, sum(self._size(word, count) for word, count in found.items()) // _WORDS_BYTES)
        bins: list[list[str]] = [[] for _ in range(files)]
        for word in found:
            bins[_hash(word) % files].append(word)
        for one in bins:
            entries = [self._entry(word) for word in sorted(one)]
            yield self._file([entry for entry in entries if entry.listed or entry.named])

    def known(self, *, backwards: bool) -> list[str]:
        """List the words that can be guessed, each followed by a digit for how frequent it is."""
        return sorted(
            f"{word[::-1] if backwards else word}{min(9, int(math.log2(count)))}"
            for word, count in self._title.items()
            if len(word) >= ranking.SHORTEST_TYPO - 1 and word.isascii() and word.isalpha()
        )

    def rows(self) -> Iterator[bytes]:
        """Give each file of rows."""
        for batch in _slices(self._rows, ROWS):
            yield _json(batch)

    def _find_words(self) -> dict[str, int]:
        """Find all words there are, with about how many skills have them."""
        found = dict.fromkeys(self._named, 0)
        for field in ("body", "headings"):
            for stem, count in self._terms(field):
                if len(stem) in _BODY_WORD and (stem.isalpha() or count > 1):
                    found[stem] = max(count, found.get(stem, 0))
        for field in ("title_grams", "body_grams"):
            for gram, count in self._terms(field):
                self._grams.add(gram)
                found[gram] = max(count, found.get(gram, 0))
        for word in self._places:
            found.setdefault(word, 1)
        for word, count in self._title.items():
            found[word] = max(count * 2, found.get(word, 0))
        return found

    def _size(self, word: str, count: int) -> int:
        """Guess the bytes of an entry."""
        title = self._title.get(word, 0)
        rows = 0 if title <= _FEW_ROWS else min(title, _FIRST_ROWS) + min(title, LONGEST) // _LISTED_A_ROW
        return len(word) + 4 + 2 * min(count, LONGEST if title else LONGEST_IN_BODIES) + _ROW_BYTES * rows

    def _query(self, word: str) -> tantivy.Query:
        if word in self._title or word in self._places:
            return self._planner.meant(word)
        return self._planner.gram(word) if word in self._grams else self._planner.stemmed(word)

    def _entry(self, word: str) -> _Entry:
        named = self._named.get(word, [])
        longest = LONGEST if word in self._title else LONGEST_IN_BODIES
        both = [(tantivy.Occur.Must, one) for one in (self._query(word), self._shown)]
        result = self._searcher.search(tantivy.Query.boolean_query(both), longest, weight_by_field="prior")
        total = int(result.count)  # type: ignore[attr-defined]  # missing from tantivy's stubs
        listed = [(self._numbers[at.segment_ord, at.doc], score) for score, at in result.hits]
        first = named[:_FIRST_ROWS]
        if word in self._title and len(listed) > _FEW_ROWS:
            first = first + [number for number, _ in listed[: _FIRST_ROWS + len(listed) // _LISTED_A_ROW]]
        listed.sort()
        gaps = [number - before for before, number in itertools.pairwise([0, *(number for number, _ in listed)])]
        scores = bytes(_score_byte(score) for _, score in listed)
        return _Entry(word, total, len(listed), len(named), _numbers(gaps) + scores + _numbers(named), first)

    def _file(self, entries: Sequence[_Entry]) -> bytes:
        shown = sorted({number for entry in entries for number in entry.first})
        return _words(entries) + _json([[number, *self._rows[number]] for number in shown])

    def _terms(self, field: str) -> Iterable[tuple[str, int]]:
        found: list[tuple[str, int]] = self._searcher.terms_with_prefix(field, "", limit=_ALL)
        return found


def _by_name(cards: Sequence[dict[str, Any]]) -> dict[str, list[int]]:
    """Find the skills of each name, written without separators; most stars first."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for number in sorted(range(len(cards)), key=lambda number: (-cards[number]["stars"], number)):
        for name in {words.joined(cards[number]["name"]), words.joined(cards[number]["slug"])} - {""}:
            found[name].append(number)
    return dict(found)


def _row(card: dict[str, Any]) -> list[Any]:
    description = " ".join(card["description"].split())
    if len(description) > DESCRIPTION:
        description = description[:DESCRIPTION].rpartition(" ")[0] + " …"
    name = card["name"] if card["name"] != card["slug"] else 0
    return [card["owner"], card["repository"], card["slug"], name, description] + [
        card[key] for key in ("level", "licence", "stars")
    ]


def _words(entries: Sequence[_Entry]) -> bytes:
    made = bytearray(_numbers([len(entries)]))
    before = ""
    for entry in entries:
        shared = len(_common(before, entry.word))
        rest = entry.word[shared:].encode()
        kept = len(entry.word[:shared].encode("utf-16-le")) // 2  # as JavaScript counts
        made += _numbers([kept, len(rest)]) + rest
        made += _numbers([entry.total, entry.listed, entry.named, len(entry.content)])
        before = entry.word
    for entry in entries:
        made += entry.content
    return bytes(made)


def _common(one: str, other: str) -> str:
    pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(left for left, _ in pairs)


def _batches(lines: Iterable[str], size: int) -> Iterator[list[str]]:
    batch: list[str] = []
    total = 0
    for line in lines:
        if batch and total + len(line) > size:
            yield batch
            batch, total = [], 0
        batch.append(line)
        total += len(line) + 1
    if batch:
        yield batch


def _slices(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _hash(word: str) -> int:
    value = 0x811C9DC5
    for byte in word.encode("utf-8", "replace"):
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


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


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _file(name: str, content: bytes) -> BrowserFile:
    return BrowserFile(name, bytes(deflate.gzip_compress(content, _LEVEL)))
