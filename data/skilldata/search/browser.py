"""The index that a browser reads piece by piece from plain files, without a server that searches.

It is made from the API's index: for each word the best skills are asked for, with the scores that the API gives
them, so both rank by the same figures. A browser adds the scores of a query's words up.

    root            what is where, and the figures of `ranking` that a browser needs, as JSON
    words-N         the words whose key's hash (32-bit FNV-1a of the UTF-8), divided by the number of these files,
                    leaves N, each with the skills that have it. A key is how a word begins: the first three
                    letters, or more where the root says that these begin too many. So other endings of a word,
                    and most typos, are in its own file
    known-N         the words of names, tags and descriptions in order, and `back-N` the same ordered by their
                    ends: what a short unfinished word may become, and what a typo was meant to be
    rows-N          what a list shows of the skills numbered from N times `ROWS`, as JSON; null where there is none

Every file is compressed by gzip (RFC 1952). Numbers are LEB128. A file of words is

    how many words, in order; for each: how much of the word before is kept and the bytes that follow (number,
    UTF-8), skills that have it, skills listed, skills of exactly that name, bytes of the list, and the place
    (from 1) of the entry whose list belongs to this one too, 0 for none: words that differ in their endings
    share a list under `=` and their stem, and have one of those that say it in just this way;
    then the lists: differences of the skills' numbers in order, a byte for the score of each, then the
    numbers of the skills of that name, best first;
    then, as JSON, the number and row of the skills that these words are likely to show, to save requests.

The byte is the score's logarithm, in steps of `STEPS` an octave from 1/4.
"""

from __future__ import annotations

import json
import math
import tempfile
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import tantivy

from skilldata.search import ranking, words
from skilldata.search.copies import ALONE, mark
from skilldata.search.fields import open_index
from skilldata.search.numbering import ROWS, fill_files, key, number_skills, split_prefixes, write_prefixes
from skilldata.search.packing import STEPS, BrowserFile, Entry, pack, pack_json, pack_words
from skilldata.search.plan import Planner

FORMAT = 2  # counts changes of the files
LONGEST = 1024  # skills listed for one word, the best
LONGEST_IN_BODIES = 256  # … for a word that is in no name, tag or description
MOST_WORDS = 4  # of a query, the rarest: each may be a file
FREQUENT = 400  # words that the root tells to be frequent
DESCRIPTION = 120  # characters of it that a row shows

_FIRST_ROWS = 4  # rows that come with a word, and one more for each
_LISTED_A_ROW = 512  # skills listed
_WORDS_BYTES = 3_500  # guessed, of a file of words, and of the words of one key
_FULL = 2  # times that much, a file gives words to others
_KNOWN_BYTES = 16_000
_ROW_BYTES = 110
_FEW_ROWS = 4  # of so few skills, the rows are read apart
_NAMED = 100  # skills of exactly one name, the best
_BODY_WORD = range(3, 25)  # letters of a word that is searched though it stands in bodies only
_ALL = 10_000_000


def browser_index(folder: Path) -> Iterator[BrowserFile]:
    """Make the files from the search index in `folder`, `root` last.

    Raises:
        ValueError, OSError: There is no index there.
    """
    with tempfile.TemporaryFile(prefix="rows-") as rows:
        yield from _files(_Maker(*open_index(folder), rows))


def _files(maker: _Maker) -> Iterator[BrowserFile]:
    firsts: dict[str, list[str]] = {"known": [], "back": []}
    for kind, seen in firsts.items():
        for number, lines in enumerate(_batches(maker.known(backwards=kind == "back"), _KNOWN_BYTES)):
            seen.append(lines[0][:-1])
            yield pack(f"{kind}-{number}", "\n".join(lines).encode())
    for number, content in enumerate(maker.cards.files()):
        yield pack(f"rows-{number}", content)
    found = maker.find_words()
    split = split_prefixes(found, _WORDS_BYTES)
    by_key: defaultdict[str, list[str]] = defaultdict(list)
    for word in found:
        by_key[key(word, split)].append(word)
    loads = {one: sum(found[word] for word in same) for one, same in by_key.items()}
    files = max(1, sum(loads.values()) // _WORDS_BYTES)
    filled, moved = fill_files(loads, files, _FULL * _WORDS_BYTES)
    del found, loads
    for number, keys in enumerate(filled):
        yield pack(f"words-{number}", maker.words(sorted(word for one in keys for word in by_key.pop(one))))
    about = {"format": FORMAT, "rows": ROWS, "words": files, "split": write_prefixes(split), "moved": moved}
    yield pack("root", pack_json({**about, "frequent": maker.frequent(), **firsts, **_FIGURES}))


_FIGURES = {
    "steps": STEPS,
    "most": MOST_WORDS,
    "stop": sorted(ranking.STOP_WORDS),
    "few": ranking.FEW,
    "rare": ranking.RARE,
    "prefix": ranking.PREFIX,
    "correction": ranking.CORRECTION,
    "typo": ranking.SHORTEST_TYPO,
    "typos2": ranking.TWO_TYPOS,
    "needed": [ranking.needed(count) for count in range(ranking.MAX_SLOTS + 1)],
}


class _Cards:
    """The skills of the index by number. Their rows wait in a file: a million of them are not kept in memory."""

    def __init__(self, searcher: tantivy.Searcher, shown: tantivy.Query, planner: Planner, rows: IO[bytes]) -> None:
        found = searcher.search(shown, max(1, searcher.num_docs)).hits
        at = sorted((address.segment_ord, address.doc) for _, address in found)
        del found
        self._file = rows
        self._starts = array("Q", [0])
        self.places: set[str] = set()
        owners: list[str] = []
        stars = array("Q")
        names: list[set[str]] = []
        for one in at:
            card = json.loads(searcher.doc(tantivy.DocAddress(*one))["card"][0])
            self._starts.append(self._starts[-1] + self._file.write(pack_json(_row(card))))
            self.places.update(planner.read(f"{card['owner']} {card['repository']}"))
            owners.append(card["owner"])
            stars.append(card["stars"])
            names.append({words.joined(card["name"]), words.joined(card["slug"])} - {""})
        numbers = number_skills(owners)
        self._order = {number: place for place, number in enumerate(numbers)}
        self._numbers = dict(zip(at, numbers, strict=True))
        self.named: dict[str, list[int]] = {}
        for place in sorted(range(len(at)), key=lambda place: (-stars[place], numbers[place])):
            for name in names[place]:
                self.named.setdefault(name, []).append(numbers[place])

    def number(self, address: tantivy.DocAddress) -> int:
        return self._numbers[address.segment_ord, address.doc]

    def row(self, number: int) -> bytes:
        place = self._order[number]
        self._file.seek(self._starts[place])
        return self._file.read(self._starts[place + 1] - self._starts[place])

    def files(self) -> Iterator[bytes]:
        """Give each file of rows."""
        for first in range(0, max(self._order, default=-1) + 1, ROWS):
            rows = [self.row(number) if number in self._order else b"null" for number in range(first, first + ROWS)]
            yield b"[" + b",".join(rows) + b"]"


class _Maker:
    def __init__(self, schema: tantivy.Schema, searcher: tantivy.Searcher, rows: IO[bytes]) -> None:
        self._searcher = searcher
        self._planner = Planner(schema, searcher)
        shown = tantivy.Query.term_set_query(schema, "fold", [ALONE, mark({})])
        self._shown = _unscored(shown)
        self.cards = _Cards(searcher, self._shown, self._planner, rows)
        self._title = {**dict.fromkeys(ranking.SYNONYMS, 1), **dict(self._terms("words"))}
        self._grams: set[str] = set()

    def words(self, one: Iterable[str]) -> bytes:
        """Give a file of these words."""
        forms: defaultdict[str, list[str]] = defaultdict(list)
        for word in one:
            forms[self._shared_stem(word)].append(word)
        entries: list[Entry] = []
        alone = set(forms[""])
        for stem, same in forms.items():
            if stem and len(same) > 1:
                base = self._base(stem, itself=stem in alone)
                alone.discard(base.word)
                entries += [base, *(self._form(word, base) for word in same)]
            elif stem:
                entries += map(self._entry, same)
        entries += [entry for entry in map(self._entry, alone) if entry.listed or entry.named]
        shown = sorted({number for entry in entries for number in entry.rows})
        rows = [b"[%d,%s" % (number, self.cards.row(number)[1:]) for number in shown]
        return pack_words(sorted(entries), b"[" + b",".join(rows) + b"]")

    def known(self, *, backwards: bool) -> list[str]:
        """List the words that can be guessed, each followed by a digit for how frequent it is."""
        return sorted(
            f"{word[::-1] if backwards else word}{min(9, int(math.log2(count)))}"
            for word, count in self._title.items()
            if len(word) >= ranking.SHORTEST_TYPO - 1 and word.isascii() and word.isalpha()
        )

    def frequent(self) -> list[str]:
        """List the most frequent words of names, tags and descriptions that a query may have."""
        telling = (word for word in self._title if word not in ranking.STOP_WORDS)
        return sorted(telling, key=lambda word: (-self._title[word], word))[:FREQUENT]

    def find_words(self) -> dict[str, int]:
        """Find all words there are, with the bytes that their entries come to, about."""
        found = dict.fromkeys(self.cards.named, 0)
        for field in ("body", "headings"):
            for stem, count in self._terms(field):
                if len(stem) in _BODY_WORD and (stem.isalpha() or count > 1):
                    found[stem] = max(count, found.get(stem, 0))
        for field in ("title_grams", "body_grams"):
            for gram, count in self._terms(field):
                self._grams.add(gram)
                found[gram] = max(count, found.get(gram, 0))
        for word in self.cards.places:
            found.setdefault(word, 1)
        for word, count in self._title.items():
            found[word] = max(count * 2, found.get(word, 0))
        return {word: self._size(word, count) for word, count in found.items()}

    def _size(self, word: str, count: int) -> int:
        """Guess the bytes of an entry, compressed."""
        title = self._title.get(word, 0)
        rows = 0 if title <= _FEW_ROWS else min(title, _FIRST_ROWS) + min(title, LONGEST) // _LISTED_A_ROW
        return len(word) + 2 * min(count, LONGEST if title else LONGEST_IN_BODIES) + _ROW_BYTES * rows

    def _query(self, word: str) -> tantivy.Query | None:
        if word in self._title or word in self.cards.places:
            return self._planner.meant(word)
        if word in self._grams:
            return self._planner.gram(word)
        return self._planner.stemmed(word) if self._planner.frequency(word) else None

    def _shared_stem(self, word: str) -> str:
        """Give what other endings of a word have in common with it, or '' if it stands for more or less than that."""
        return self._planner.stem(word) if word in self._title and word not in ranking.SYNONYMS else ""

    def _base(self, stem: str, *, itself: bool) -> Entry:
        """List the skills that have a word with any ending, for the words that share that; the stem may be one."""
        plain = itself and stem not in self.cards.places and stem not in self._grams
        named = self.cards.named.get(stem, [])[:_NAMED] if plain else []
        return self._listed(stem if plain else "=" + stem, self._planner.stemmed(stem), LONGEST, named)

    def _form(self, word: str, base: Entry) -> Entry:
        """List the skills that have a word with just this ending."""
        written = self._planner.term("words", word)
        query = tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, self._planner.word(word)), (tantivy.Occur.Must, _unscored(written))]
        )
        entry = self._listed(word, query, LONGEST, self.cards.named.get(word, [])[:_NAMED])
        return entry._replace(total=base.total, base=base.word)

    def _entry(self, word: str) -> Entry:
        named = self.cards.named.get(word, [])[:_NAMED]
        query = self._query(word)
        if query is None:
            return Entry(word, 0, [], named, named[:_FIRST_ROWS] if len(named) > _FEW_ROWS else [])
        longest = LONGEST if word in self._title and word not in ranking.STOP_WORDS else LONGEST_IN_BODIES
        return self._listed(word, query, longest, named)

    def _listed(self, word: str, query: tantivy.Query, longest: int, named: list[int]) -> Entry:
        both = [(tantivy.Occur.Must, one) for one in (query, self._shown)]
        result = self._searcher.search(tantivy.Query.boolean_query(both), longest, weight_by_field="prior")
        total = int(result.count)  # type: ignore[attr-defined]  # missing from tantivy's stubs
        listed = [(self.cards.number(at), score) for score, at in result.hits]
        first = named[:_FIRST_ROWS] if len(named) > _FEW_ROWS else []
        if word in self._title and len(listed) > _FEW_ROWS:
            first = first + [number for number, _ in listed[: _FIRST_ROWS + len(listed) // _LISTED_A_ROW]]
        return Entry(word, total, sorted(listed), named, first)

    def _terms(self, field: str) -> Iterable[tuple[str, int]]:
        found: list[tuple[str, int]] = self._searcher.terms_with_prefix(field, "", limit=_ALL)
        return found


def _unscored(query: tantivy.Query) -> tantivy.Query:
    return tantivy.Query.const_score_query(query, 0.0)


def _row(card: dict[str, Any]) -> list[Any]:
    description = " ".join(card["description"].split())
    if len(description) > DESCRIPTION:
        description = description[:DESCRIPTION].rpartition(" ")[0] + " …"
    name = card["name"] if card["name"] != card["slug"] else 0
    return [card["owner"], card["repository"], card["slug"], name, description] + [
        card[field] for field in ("level", "licence", "stars")
    ]


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
