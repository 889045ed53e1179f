"""GitHub's search syntax: words, `key:value` qualifiers, comparisons and ranges.

Source: "Understanding the search syntax" of GitHub's documentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_TOKEN = re.compile(r'(?P<not>-)?(?:(?P<key>[a-z-]+):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))')
_COMPARISON = re.compile(r"(?P<sign>>=|<=|>|<)?(?P<value>.+)")
MAX_LENGTH = 256
MAX_OPERATORS = 5


class QueryError(ValueError):
    """A query that GitHub refuses."""


@dataclass(frozen=True)
class Qualifier:
    """One `key:value`, or `-key:value` where negated."""

    key: str
    value: str
    negated: bool = False


@dataclass(frozen=True)
class Query:
    """A parsed query: words all have to be found, qualifiers all have to hold."""

    words: tuple[str, ...]
    refused_words: tuple[str, ...]
    qualifiers: tuple[Qualifier, ...]

    def values(self, key: str) -> list[str]:
        """List the values of a qualifier, those that are not negated."""
        return [found.value for found in self.qualifiers if found.key == key and not found.negated]


def parse(text: str) -> Query:
    """Read a query.

    Raises:
        QueryError: It is too long, or has too many operators, or parentheses.
    """
    if not text.strip():
        raise QueryError("missing")
    words: list[str] = []
    refused: list[str] = []
    qualifiers: list[Qualifier] = []
    operators, negate = 0, False
    for match in _TOKEN.finditer(text):
        value = match["quoted"] if match["quoted"] is not None else match["plain"]
        if match["key"] is None and match["quoted"] is None and value in {"AND", "OR", "NOT"}:
            operators += 1
            negate = value == "NOT"
            continue
        negated = bool(match["not"]) or negate
        negate = False
        if match["key"]:
            qualifiers.append(Qualifier(match["key"], value, negated))
        elif match["quoted"] is None and re.search(r"[()]", value):
            raise QueryError("parentheses are not supported")
        else:
            (refused if negated else words).append(value.lower())
    if len(" ".join(words)) > MAX_LENGTH:
        raise QueryError(f"The search is longer than {MAX_LENGTH} characters.")
    if operators > MAX_OPERATORS:
        raise QueryError(f"More than {MAX_OPERATORS} AND / OR / NOT operators were used.")
    return Query(tuple(words), tuple(refused), tuple(qualifiers))


def number_matches(number: int, wanted: str) -> bool:
    """Say whether a number fits `10`, `>10`, `<=10`, `10..20`, `10..*`."""
    low, high = _range(wanted)
    try:
        return (low is None or number >= _number(low)) and (high is None or number <= _number(high))
    except ValueError:
        return False


def time_matches(moment: datetime, wanted: str) -> bool:
    """Say whether a time fits a date or time, a comparison with one, or a range; a date is a whole day."""
    low, high = _range(wanted)
    try:
        return (low is None or moment >= _bound(low, last=False)) and (
            high is None or moment <= _bound(high, last=True)
        )
    except ValueError:
        return False


def _range(wanted: str) -> tuple[str | None, str | None]:
    """Split into inclusive bounds; an exclusive one keeps its sign for `_number` and `_bound`."""
    first, dots, last = wanted.partition("..")
    if dots:
        return (None if first == "*" else first), (None if last == "*" else last)
    match = _COMPARISON.fullmatch(wanted)
    if match is None or match["sign"] is None:
        return wanted, wanted
    value = match["value"]
    return {">=": (value, None), "<=": (None, value), ">": (f">{value}", None), "<": (None, f"<{value}")}[match["sign"]]


def _number(text: str) -> int:
    return int(text.lstrip("<>")) + (text[0] == ">") - (text[0] == "<")


def _bound(text: str, *, last: bool) -> datetime:
    """Read one end of a span; with a sign, the first moment after it or the last before."""
    plain = text.lstrip("<>")
    moment = datetime.fromisoformat(plain)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    length = timedelta(days=1) if len(plain) == len("2026-01-01") else timedelta(seconds=1)
    smallest = timedelta(microseconds=1)
    if text[0] == ">":
        return moment + length
    if text[0] == "<":
        return moment - smallest
    return moment + length - smallest if last else moment
