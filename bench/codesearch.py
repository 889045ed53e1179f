"""A code search over simulated SKILL.md files, by GitHub's rules; for `discovery`.

Pages of 100, no result past the 1,000th, `size:`, `path:`, `user:`, words and their negations, results in an
order of the search's own, and answers that are incomplete at a seeded rate. `python bench/codesearch.py --measure`
measures the real repositories and writes `discovery.json`.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from skillcrawler.discovery.partition import CAP, PER_PAGE
from skillcrawler.discovery.slices import WORDS

BASE = "filename:SKILL.md"
WORD_NAMES = [term.has for term in WORDS]
MEASURES = Path(__file__).with_name("discovery.json")
CORPUS_VARIABLE = "SKILLREGISTRY_TEST_CORPUS"
LOST_SHARE = 0.3  # of the results, in an incomplete answer


# -- what real SKILL.md files are like


class File(NamedTuple):
    """A measured file: bytes, a bit for each of `WORD_NAMES` that it has, and whether others are equal to it."""

    size: int
    words: int
    is_copy: bool


class Measures(NamedTuple):
    """Files by size, repositories as files per top folder, and where both were found."""

    files: list[File]
    repositories: list[dict[str, int]]
    origin: str


def measures() -> Measures:
    """Measure the real repositories, or read what was measured."""
    named = os.environ.get(CORPUS_VARIABLE)
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "corpus"
    found = sorted(folder.glob("*__*.json"))
    return measure(found) if found else read_measures()


def measure(corpus: Sequence[Path]) -> Measures:
    """Measure SKILL.md files in repositories given as data, at their last snapshot."""
    found: list[tuple[str, int, int]] = []
    repositories = []
    for file in corpus:
        data = json.loads(file.read_text(encoding="utf-8"))
        folders: Counter[str] = Counter()
        for path, mode, size, oid in data["snapshots"][-1]["entries"]:
            if Path(path).name.lower() == "skill.md" and mode.startswith("100") and size is not None:
                text = data["texts"].get(oid)
                bits = _word_bits(text if isinstance(text, str) else (text or {}).get("latin1", ""))
                found.append((oid, size, bits))
                folders[path.partition("/")[0] if "/" in path else ""] += 1
        if folders:
            repositories.append(dict(sorted(folders.items())))
    times = Counter(oid for oid, _, _ in found)
    files = sorted(File(size, bits, times[oid] > 1) for oid, size, bits in found)
    return Measures(files, repositories, f"measured in {len(repositories)} repositories")


def read_measures() -> Measures:
    """Read the committed figures."""
    data = json.loads(MEASURES.read_text(encoding="utf-8"))
    parts = [text.split(".") for text in data["files"].split()]
    files = [File(int(size), int(bits), bool(copy)) for size, bits, *copy in parts]
    return Measures(files, data["repositories"], f"read from {MEASURES.name}")


def write_measures(found: Measures) -> None:
    """Write the figures, for machines without the real repositories."""
    note = "SIZE.WORDS of each SKILL.md, .c where others are equal; its number in each repository by top folder"
    files = " ".join(f"{one.size}.{one.words}{'.c' if one.is_copy else ''}" for one in found.files)
    data = {"note": note, "words": WORD_NAMES, "files": files, "repositories": found.repositories}
    MEASURES.write_text(json.dumps(data) + "\n", encoding="utf-8")


def _word_bits(text: str) -> int:
    words = set(re.findall(r"[a-z0-9]+", text.lower()))
    return sum(1 << number for number, word in enumerate(WORD_NAMES) if word in words)


# -- a world of files, and a search over it


@dataclass
class World:
    """Files in the order of their repositories' names and their paths, as columns."""

    repositories: list[str] = field(default_factory=list)  # owner/name
    folders: list[str] = field(default_factory=list)  # distinct top folders
    repository_of: array[int] = field(default_factory=lambda: array("I"))
    folder_of: array[int] = field(default_factory=lambda: array("I"))
    size_of: array[int] = field(default_factory=lambda: array("I"))
    words_of: array[int] = field(default_factory=lambda: array("I"))

    def __len__(self) -> int:
        return len(self.size_of)

    def owner(self, file: int) -> str:
        return self.repositories[self.repository_of[file]].partition("/")[0]

    def path(self, file: int) -> str:
        folder = self.folders[self.folder_of[file]]
        return f"{folder}/s{file:07}/SKILL.md" if folder else "SKILL.md"


def make_world(found: Measures, count: int, seed: int, size: Callable[[int, random.Random], int]) -> World:
    """Draw repositories until there are enough files.

    Args:
        found: What they are drawn from.
        count: How many files.
        seed: Of the draws.
        size: Gives a file its size, by the number of its original.
    """
    chance = random.Random(seed)
    world = World(folders=sorted({folder for one in found.repositories for folder in one}))
    numbers = {folder: number for number, folder in enumerate(world.folders)}
    owner = 0
    while len(world) < count:
        owner += chance.random() < 0.8  # a fifth of the repositories belong to the owner of the one before
        world.repositories.append(f"owner{owner:06}/r{len(world.repositories):06}")
        for folder, skills in chance.choice(found.repositories).items():
            for _ in range(min(skills, count - len(world))):
                original = chance.randrange(len(found.files))
                world.size_of.append(size(original, chance))
                world.words_of.append(found.files[original].words)
                world.folder_of.append(numbers[folder])
                world.repository_of.append(len(world.repositories) - 1)
    return world


def clumped(found: Measures, count: int, seed: int) -> World:
    """Make a world in which every size is one that was measured."""
    return make_world(found, count, seed, lambda original, _: found.files[original].size)


def spread(found: Measures, count: int, seed: int) -> World:
    """Make a world in which only copies have exactly the size of their original."""
    sizes = sorted({one.size for one in found.files})
    between = {
        size: ((before + size) // 2, (size + after) // 2)
        for before, size, after in zip([0, *sizes], sizes, [*sizes[1:], sizes[-1]], strict=False)
    }

    def size(original: int, chance: random.Random) -> int:
        file = found.files[original]
        return file.size if file.is_copy else chance.randint(*between[file.size])

    return make_world(found, count, seed, size)


class FileHit(NamedTuple):
    """A result: the number of a file, and its repository's owner."""

    file: int
    owner: str

    @property
    def key(self) -> str:
        return str(self.file)


class Page(NamedTuple):
    total: int
    incomplete: bool
    hits: list[FileHit]


class Query:
    """A parsed code search."""

    def __init__(self, text: str, world: World) -> None:
        self.low, self.high = 0, 384 * 1024 - 1
        self.owners: set[str] = set()
        self._folders: list[tuple[int, bool]] = []
        self._words: list[tuple[int, bool]] = []
        numbers = {folder: number for number, folder in enumerate(world.folders)}
        negated = False
        for token in text.split():
            key, colon, value = token.lstrip("-").partition(":")
            if token == "NOT":
                negated = True
                continue
            if not colon:
                self._words.append((1 << WORD_NAMES.index(token), not negated))
            elif key == "size":
                low, _, high = value.partition("..")
                self.low = self.low if low == "*" else int(low)
                self.high = self.high if high == "*" else int(high)
            elif key == "path":
                self._folders.append((numbers.get(value, -1), not token.startswith("-")))
            elif key == "user":
                self.owners.add(value)
            elif token != BASE:
                raise ValueError(f"the simulated search does not know {token}")
            negated = False

    @property
    def is_span(self) -> bool:
        """Whether nothing but the size is asked for."""
        return not (self.owners or self._folders or self._words)

    def fits(self, world: World, file: int) -> bool:
        return (
            self.low <= world.size_of[file] <= self.high
            and all((world.folder_of[file] == folder) is wanted for folder, wanted in self._folders)
            and all(bool(world.words_of[file] & bit) is wanted for bit, wanted in self._words)
            and (not self.owners or world.owner(file) in self.owners)
        )


class Engine:
    """A code search by GitHub's rules.

    Args:
        world: What is searched.
        incomplete: Chance of an answer that leaves results out and says so.
        seed: Of that chance, and of the ranks.
        ranked: Give results in an order of the engine's own, as GitHub does; else by repository and path.
    """

    def __init__(self, world: World, incomplete: float, seed: int, *, ranked: bool = True) -> None:
        self._world = world
        self._order = list(range(len(world)))
        if ranked:
            random.Random(seed).shuffle(self._order)
        self._order.sort(key=world.size_of.__getitem__)
        self._sizes = array("I", (world.size_of[file] for file in self._order))
        self._incomplete = incomplete
        self._chance = random.Random(seed)
        self._last: tuple[str, Sequence[int]] = ("", ())
        self.incomplete_answers = 0

    def search(self, text: str, page: int) -> Page:
        if (page - 1) * PER_PAGE >= CAP:
            raise ValueError("only the first 1,000 search results are available")
        if text != self._last[0]:
            self._last = text, self._find(Query(text, self._world))
        found = self._last[1]
        incomplete = self._chance.random() < self._incomplete
        total = len(found)
        if incomplete:
            self.incomplete_answers += 1
            total = int(total * (1 - LOST_SHARE))
        hits = found[:CAP][(page - 1) * PER_PAGE : page * PER_PAGE]
        if incomplete:
            hits = [file for file in hits if self._chance.random() > LOST_SHARE]
        return Page(total, incomplete, [FileHit(file, self._world.owner(file)) for file in hits])

    def _find(self, query: Query) -> Sequence[int]:
        start, end = bisect_left(self._sizes, query.low), bisect_right(self._sizes, query.high)
        if query.is_span:
            return self._order[start:end]
        return [file for file in self._order[start:end] if query.fits(self._world, file)]


if __name__ == "__main__" and "--measure" in sys.argv:
    write_measures(measures())
