"""Which number a skill has in the browser's index, and which file a word is in.

Both depend on as little as can be: a new skill or word changes no other's place, but in its own file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from skilldata.search.packing import common_start, hash_word

ROWS = 64  # places in a file of rows, of which three fifths are taken, on average

_TOGETHER = 16  # skills of one owner that stay together
_SHORTEST_KEY = 3
_LONGEST_KEY = 20
_CAPITAL = re.compile("[A-Z]")  # would read as a length in `write_prefixes`; words have none


def number_skills(owners: Iterable[str]) -> list[int]:
    """Give every skill a number: the file of its row, times `ROWS`, and its place there.

    Skills of one owner share files, for they are often found together; a file is chosen by the owner's hash.

    Args:
        owners: The owner of each skill, in an order that does not change for the skills of one owner.
    """
    names = list(owners)
    files = _round_up(-(-len(names) * 5 // (ROWS * 3)))
    seen: Counter[str] = Counter()
    taken: Counter[int] = Counter()
    numbers: list[int] = []
    for name in names:
        owner = name.lower()
        file = hash_word(f"{owner}/{seen[owner] // _TOGETHER}") % files
        seen[owner] += 1
        while taken[file] == ROWS:
            file = (file + 1) % files
        numbers.append(file * ROWS + taken[file])
        taken[file] += 1
    return numbers


def split_prefixes(sizes: Mapping[str, int], most: int) -> set[str]:
    """Find the beginnings of words that say too little to name a file, for together these words are too large.

    Args:
        sizes: The size of each word.
        most: What the words of one beginning may come to.
    """
    split: set[str] = set()
    open_words = [word for word in sizes if len(word) >= _SHORTEST_KEY]
    length = _SHORTEST_KEY
    while open_words and length < _LONGEST_KEY:
        together: Counter[str] = Counter()
        for word in open_words:
            together[word[:length]] += sizes[word]
        split.update(prefix for prefix, size in together.items() if size > most and not _CAPITAL.search(prefix))
        open_words = [word for word in open_words if word[:length] in split and len(word) > length]
        length += 1
    return split


def key(word: str, split: set[str]) -> str:
    """Give the beginning of a word whose hash names its file: the shortest that is not split."""
    for length in range(_SHORTEST_KEY, len(word)):
        if word[:length] not in split:
            return word[:length]
    return word


def write_prefixes(split: set[str]) -> str:
    """Write split beginnings as one text: how much of the one before is kept (a capital, A for 0) and the rest."""
    written, before = [], ""
    for prefix in sorted(split):
        kept = len(common_start(before, prefix))
        written.append(chr(ord("A") + len(prefix[:kept].encode("utf-16-le")) // 2) + prefix[kept:])
        before = prefix
    return "".join(written)


def fill_files(sizes: Mapping[str, int], files: int, most: int) -> tuple[list[list[str]], list[str]]:
    """Spread keys over files by their hashes.

    A file that comes to more than `most` gives its largest keys to the files that their hashes with a `+` name.

    Args:
        sizes: The size of each key's words.
        files: How many there are.
        most: What a file should come to at most.

    Returns:
        The keys of each file, and the keys that moved.
    """
    filled: list[list[str]] = [[] for _ in range(files)]
    for one in sizes:
        filled[hash_word(one) % files].append(one)
    loads = [sum(sizes[one] for one in keys) for keys in filled]
    moved: list[str] = []
    for number in sorted(range(files), key=lambda number: (-loads[number], number)):
        for one in sorted(filled[number], key=lambda one: (-sizes[one], one)):
            other = hash_word(one + "+") % files
            if loads[number] <= most:
                break
            if other != number and loads[other] + sizes[one] <= most:
                moved.append(one)
                filled[number].remove(one)
                filled[other].append(one)
                loads[number] -= sizes[one]
                loads[other] += sizes[one]
    return filled, sorted(moved)


def _round_up(count: int) -> int:
    """Give the next of few numbers, an eighth apart, so that a growing index seldom changes it."""
    step = 1 << max(0, count.bit_length() - 4)
    return max(1, -(-count // step) * step)
