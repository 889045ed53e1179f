"""From what somebody typed to tantivy's queries, strictest first.

The text is never parsed as a query language: words are looked up one by one, so no input is invalid.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import tantivy

from skilldata.search import ranking, words
from skilldata.search.fields import PLAIN, STEMMED, analyzers
from skilldata.search.highlights import SHORTEST_START, Highlighter
from skilldata.search.ranking import GRAM_WEIGHTS, MAX_SLOTS, SYNONYMS, WEIGHTS

MAX_CORRECTED = 4
_MAX_ENDINGS = 5  # words that an unfinished one may become
_SEEN_ENDINGS = 40


class Slot(NamedTuple):
    """One word of the text: as written, in lower case without accents, and without its ending."""

    word: str
    plain: str
    stem: str


class Planner:
    """Makes the queries for a text, knowing the words of one index."""

    def __init__(self, schema: tantivy.Schema, searcher: tantivy.Searcher) -> None:
        self._schema = schema
        self._searcher = searcher
        made = analyzers()
        self._stemmed, self._plain = made[STEMMED], made[PLAIN]

    def plan(self, text: str) -> Plan:
        """Read a text of at most a few hundred characters; anything is allowed in it."""
        text = words.clean(text)
        latin, runs = words.split_scripts(text)
        return Plan(self, text, self._slots(latin), [gram for run in runs for gram in _grams(run)][:MAX_SLOTS])

    def term(self, field: str, value: str) -> tantivy.Query:
        """Match a whole value of an unscored field."""
        return tantivy.Query.term_query(self._schema, field, value, index_option="basic")

    def correct(self, slots: Sequence[Slot]) -> dict[str, list[str]]:
        """Find, for words that hardly any skill has, the most frequent words one typo away."""
        found: dict[str, list[str]] = {}
        for slot in slots:
            if len(found) < MAX_CORRECTED and self._unheard_of(slot, last=slot is slots[-1]):
                least = self.frequency(slot.stem)
                known = {word: self._searcher.doc_freq("words", word) for word in _one_typo_away(slot.plain)}
                best = sorted((word for word in known if known[word] > least), key=lambda word: (-known[word], word))
                if best:
                    found[slot.plain] = best[:3]
        return found

    def slot(self, slot: Slot, corrections: Sequence[str], *, last: bool, fuzzy: bool = False) -> tantivy.Query:
        """Match one word in any field, or what it may stand for, which scores less."""
        choices = [self.meant(slot.plain)]
        choices += [_boost(self.word(other), ranking.CORRECTION) for other in corrections]
        parts = words.camel_parts(slot.word)
        if len(parts) > 1:
            choices.append(_all([self._scored("name", self.stem(part)) for part in parts]))
        if last:
            choices += [_boost(self.word(other), ranking.PREFIX) for other in self._endings(slot)]
        if fuzzy and len(slot.plain) >= ranking.SHORTEST_TYPO:
            choices.append(self._like(slot.plain, 2 if len(slot.plain) >= ranking.TWO_TYPOS else 1))
        return tantivy.Query.disjunction_max_query(choices)

    def read(self, text: str) -> list[str]:
        """List the words of a text in lower case and without accents."""
        return list(self._plain.analyze(" ".join(words.words(words.split_scripts(words.clean(text))[0]))))

    def meant(self, plain: str) -> tantivy.Query:
        """Match one word or, for a lower score, one that means the same."""
        others = [_boost(self.word(other), ranking.SYNONYM) for other in SYNONYMS.get(plain, ())]
        return tantivy.Query.disjunction_max_query([self.word(plain), *others]) if others else self.word(plain)

    def word(self, plain: str) -> tantivy.Query:
        """Match one word, in lower case and without accents, in any field and with any ending."""
        written = _boost(self.term("words", plain), ranking.WRITTEN_WEIGHT)
        anywhere = self.stemmed(self.stem(plain))
        return tantivy.Query.boolean_query([(tantivy.Occur.Must, anywhere), (tantivy.Occur.Should, written)])

    def stem(self, word: str) -> str:
        """Give a word without its ending."""
        return next(iter(self._stemmed.analyze(word)), word)

    def stemmed(self, stem: str) -> tantivy.Query:
        """Match a word without its ending in any field."""
        fields = [_boost(self._scored(field, stem), weight) for field, weight in WEIGHTS.items()]
        return tantivy.Query.disjunction_max_query(fields, tie_breaker=ranking.OTHER_FIELDS)

    def gram(self, gram: str) -> tantivy.Query:
        """Match one or two characters of a script without spaces."""
        fields = [_boost(self._scored(field, gram), weight) for field, weight in GRAM_WEIGHTS.items()]
        return tantivy.Query.disjunction_max_query(fields, tie_breaker=ranking.OTHER_FIELDS)

    def frequency(self, stem: str) -> int:
        """Give how many skills have a word without its ending, in the field where most have it."""
        return max(self._searcher.doc_freq(field, stem) for field in WEIGHTS)

    def _slots(self, latin: str) -> list[Slot]:
        slots = []
        for word in words.words(latin):
            tokens = zip(self._plain.analyze(word), self._stemmed.analyze(word), strict=True)
            slots += [Slot(word, plain, stem) for plain, stem in tokens]
        telling = [slot for slot in slots if slot.plain not in ranking.STOP_WORDS]
        return (telling or slots)[:MAX_SLOTS]

    def _scored(self, field: str, token: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, token, index_option="freq")

    def _like(self, plain: str, distance: int) -> tantivy.Query:
        query = tantivy.Query.fuzzy_term_query(self._schema, "words", plain, distance=distance)
        return tantivy.Query.const_score_query(query, ranking.FUZZY)

    def _endings(self, slot: Slot) -> list[str]:
        """Find what a word that hardly any skill has may become when it is written to its end."""
        if len(slot.plain) < 3 or self.frequency(slot.stem) >= ranking.RARE:
            return []
        found = self._searcher.terms_with_prefix("words", slot.plain, limit=_SEEN_ENDINGS)
        longer = [(word, count) for word, count in found if word != slot.plain]
        return [word for word, _ in sorted(longer, key=lambda one: (-one[1], one[0]))[:_MAX_ENDINGS]]

    def _unheard_of(self, slot: Slot, *, last: bool) -> bool:
        if (
            len(slot.plain) < ranking.SHORTEST_TYPO
            or slot.plain in SYNONYMS
            or self.frequency(slot.stem) >= ranking.UNHEARD_OF
        ):
            return False
        if self._searcher.doc_freq("words", slot.plain):
            return False
        return not (last and self._searcher.terms_with_prefix("words", slot.plain, limit=1))


class Counter(Planner):
    """Makes queries that match the same skills and score nothing: they are for counting, and read half as much."""

    def word(self, plain: str) -> tantivy.Query:
        """Match one word with any ending."""
        return self.stemmed(self.stem(plain))

    def stemmed(self, stem: str) -> tantivy.Query:
        """Match a word without its ending. What is in headings is in the body as well."""
        return _some([self.term("title", stem), self.term("body", stem)], 1)

    def gram(self, gram: str) -> tantivy.Query:
        """Match one or two characters of a script without spaces."""
        return _some([self.term(field, gram) for field in GRAM_WEIGHTS], 1)


class Plan:
    """The queries for one text.

    Attributes:
        exact: What a skill of exactly that name or address matches; None where there is none.
        address: What only the address matches.
        did_you_mean: The text with words put right that hardly any skill has.
    """

    def __init__(self, planner: Planner, text: str, slots: list[Slot], grams: list[str]) -> None:
        self._planner = planner
        self._slots = slots
        self._grams = grams
        self._corrections = planner.correct(slots)
        self.exact = _scored_term(planner, words.joined(text), ranking.EXACT_SCORE)
        path = text.strip().strip("/@").lower()
        self.address = _scored_term(planner, path, ranking.ADDRESS_SCORE) if "/" in path else None
        self.did_you_mean = self._corrected(text)

    def highlighter(self) -> Highlighter:
        """Give what finds the words in the texts of what is found."""
        meant = [
            word
            for slot in self._slots
            for word in (slot.plain, *SYNONYMS.get(slot.plain, ()), *self._corrections.get(slot.plain, ()))
        ]
        parts = [part.lower() for slot in self._slots for part in words.camel_parts(slot.word)]
        stem = self._planner.stem
        last = [slot.plain for slot in self._slots[-1:] if len(slot.plain) >= SHORTEST_START]
        return Highlighter(stem, map(stem, [*meant, *parts]), last, self._grams)

    def stages(self, planner: Planner | None = None) -> Iterator[tantivy.Query]:
        """Yield queries, each looser than the one before: nearly all words, half of them, similar ones.

        Args:
            planner: Makes the queries instead of the one that made this plan.
        """
        planner = planner or self._planner
        strict = self._parts(planner, fuzzy=False)
        if not strict:
            yield tantivy.Query.empty_query()
            return
        most = ranking.needed(len(strict))
        yield _some(strict, most)
        half = (len(strict) + 1) // 2
        if half < most:
            yield _some(strict, half)
        if self._slots:
            yield _some(self._parts(planner, fuzzy=True), half)

    def _parts(self, planner: Planner, *, fuzzy: bool) -> list[tantivy.Query]:
        last = len(self._slots) - 1
        found = [
            planner.slot(slot, self._corrections.get(slot.plain, ()), last=number == last, fuzzy=fuzzy)
            for number, slot in enumerate(self._slots)
        ]
        return found + [planner.gram(gram) for gram in self._grams]

    def _corrected(self, text: str) -> str | None:
        if not self._corrections:
            return None
        for slot in self._slots:
            if slot.plain in self._corrections:
                text = text.replace(slot.word, self._corrections[slot.plain][0])
        return text


def _grams(run: str) -> list[str]:
    return [run[start : start + 2] for start in range(len(run) - 1)] or [run]


def _one_typo_away(word: str) -> Iterator[str]:
    """Yield the words that differ from `word` by one letter left out, added, changed or swapped with the next."""
    letters = string.ascii_lowercase + string.digits
    for place in range(len(word) + 1):
        before, after = word[:place], word[place:]
        for letter in letters:
            yield before + letter + after
        if after:
            yield before + after[1:]
            yield from (before + letter + after[1:] for letter in letters)
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]


def _scored_term(planner: Planner, value: str, score: float) -> tantivy.Query | None:
    return tantivy.Query.const_score_query(planner.term("exact", value), score) if value else None


def _boost(query: tantivy.Query, weight: float) -> tantivy.Query:
    return tantivy.Query.boost_query(query, weight)


def _all(queries: Sequence[tantivy.Query]) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, query) for query in queries])


def _some(queries: Sequence[tantivy.Query], least: int) -> tantivy.Query:
    should = [(tantivy.Occur.Should, query) for query in queries]
    return tantivy.Query.boolean_query(should, minimum_number_should_match=least)
