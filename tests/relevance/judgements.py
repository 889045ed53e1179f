"""The queries, each with the skills that answer it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from skilldata.search.words import joined
from tests.snapshots import SampleSkill

HERE = Path(__file__).parent
NAMES, TYPOS = 40, 40
LONGEST_NAME = 4  # words of a name that somebody may type


class Judged(NamedTuple):
    """One query. `grades` has 1 to 3 for each answer, by `answer_key`."""

    kind: str
    text: str
    grades: dict[str, int]


def answer_key(skill: SampleSkill) -> str:
    """Name what a skill says: copies are one answer."""
    return hashlib.sha256(skill.versions[-1].text.encode()).hexdigest()


def judge_all(skills: Sequence[SampleSkill]) -> list[Judged]:
    """Judge every query over these skills; those that nothing answers are left out."""
    judged = [*_known(skills), *_topics(skills), *_names(skills), *_typos(skills)]
    return [one for one in judged if one.grades]


def _known(skills: Sequence[SampleSkill]) -> Iterator[Judged]:
    for text, target in _rows("known.tsv"):
        owner, name = target.split("/")
        meant = [one for one in skills if one.repository.owner == owner and name in (one.slug, _folder(one))]
        names = {joined(one.name) for one in meant}
        grades = {answer_key(one): 2 for one in skills if joined(one.name) in names}
        yield Judged("known", text, grades | {answer_key(one): 3 for one in meant})


def _topics(skills: Sequence[SampleSkill]) -> Iterator[Judged]:
    for text, pattern in _rows("topics.tsv"):
        expression = re.compile(pattern, re.IGNORECASE)
        grades = {answer_key(one): 1 for one in skills if expression.search(one.description)}
        named = {answer_key(one): 2 for one in skills if expression.search(one.name.replace("-", " "))}
        yield Judged("topic", text, grades | named)


def _names(skills: Sequence[SampleSkill]) -> Iterator[Judged]:
    ways: list[Callable[[list[str]], str]] = [
        " ".join,
        "".join,
        lambda words: words[0] + "".join(word.capitalize() for word in words[1:]),
        lambda words: "_".join(words).upper(),
    ]
    for number, name in enumerate(_drawn(skills, "name", NAMES)):
        yield Judged("name", ways[number % len(ways)](name.split("-")), _named(skills, name))


def _typos(skills: Sequence[SampleSkill]) -> Iterator[Judged]:
    for number, name in enumerate(_drawn(skills, "typo", TYPOS)):
        words = name.split("-")
        longest = max(range(len(words)), key=lambda place: len(words[place]))
        words[longest] = _mistyped(words[longest], number)
        yield Judged("typo", " ".join(words), _named(skills, name))


def _drawn(skills: Sequence[SampleSkill], kind: str, count: int) -> list[str]:
    often = Counter(one.name for one in skills)
    usable = [
        name
        for name in often
        if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name)
        and len(name.split("-")) <= LONGEST_NAME
        and max(map(len, name.split("-"))) >= 6
        and often[name] <= 2
    ]
    return sorted(usable, key=lambda name: hashlib.sha256(f"{kind} {name}".encode()).digest())[:count]


def _mistyped(word: str, number: int) -> str:
    place = 1 + number // 3 % (len(word) - 2)
    match number % 3:
        case 0:
            return word[:place] + word[place + 1 :]
        case 1:
            return word[:place] + word[place] + word[place:]
        case _:
            return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _named(skills: Sequence[SampleSkill], name: str) -> dict[str, int]:
    return {answer_key(one): 3 for one in skills if one.name == name}


def _folder(skill: SampleSkill) -> str:
    return skill.path.rpartition("/")[2]


def _rows(file: str) -> Iterator[tuple[str, str]]:
    for line in (HERE / file).read_text(encoding="utf-8").splitlines():
        query, _, answer = line.partition("\t")
        yield query, answer
