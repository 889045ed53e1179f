"""What rules are made of: a signal is one pattern with the literal strings that announce it.

Patterns see lower-case text (`cased=True`: the case kept) and must take linear time: bounded
repetitions, nothing optional beside something that matches the same, no back references. "A then B"
is written as two signals and `pairs`, not as one pattern with a gap.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from skillcrawler.scan.needles import Needles

NEEDLES = Needles()
"""The needles of all signals."""


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """A pattern to look for around certain literal strings.

    Attributes:
        needles: At least one of them is in every match, in lower case. Text without any is skipped.
        pattern: A regular expression for lower-case text.
        lines: How many lines before and after the needle's own belong to what is searched.
        cased: Whether the pattern sees the text with its case.
    """

    needles: tuple[str, ...]
    pattern: str
    lines: int = 0
    cased: bool = False
    compiled: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Compile the pattern once, and have its needles looked for."""
        NEEDLES.add(self.needles)
        object.__setattr__(self, "compiled", re.compile(self.pattern, re.MULTILINE))


def words(*literals: str) -> Signal:
    """A signal for literal strings as they are."""
    return Signal(literals, "|".join(re.escape(literal) for literal in literals))


def pairs(
    first: Sequence[re.Match[str]], second: Sequence[re.Match[str]], *, within: int, ordered: bool = True
) -> Iterator[tuple[re.Match[str], re.Match[str]]]:
    """Every match of `second` with the nearest match of `first` before it, at most `within` characters apart.

    Args:
        first: Matches in order of position.
        second: Matches in order of position.
        within: Greatest distance in characters between the end of one and the start of the other.
        ordered: Whether `first` must come first; otherwise the nearest on either side counts.
    """
    index = 0
    for match in second:
        while index < len(first) and first[index].start() < match.start():
            index += 1
        before = first[index - 1] if index else None
        if before is not None and match.start() - before.end() <= within:
            yield before, match
        elif not ordered and index < len(first) and first[index].start() - match.end() <= within:
            yield first[index], match


def near(match: re.Match[str], others: Sequence[re.Match[str]], *, before: int, after: int) -> Sequence[re.Match[str]]:
    """Those of `others` that start at most `before` characters before `match` or `after` behind its end."""
    first = bisect.bisect_left(others, match.start() - before, key=re.Match.start)
    last = bisect.bisect_right(others, match.end() + after, key=re.Match.start)
    return others[first:last]


def merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Sorted spans with those that touch made one."""
    current: tuple[int, int] | None = None
    for start, end in sorted(spans):
        if current is None:
            current = (start, end)
        elif start <= current[1]:
            current = (current[0], max(current[1], end))
        else:
            yield current
            current = (start, end)
    if current is not None:
        yield current
