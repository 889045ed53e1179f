"""Figures of a ranking: nDCG (Järvelin and Kekäläinen, 2002) with gains of 2^grade - 1, and success."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from tests.relevance.judgements import Judged

DEPTH = 10
SUCCESS = 2  # grade from which an answer is what was looked for


class Score(NamedTuple):
    """Means over queries, each from 0 to 1."""

    ndcg: float
    first: float  # the first hit is what was looked for
    within: float  # one of the first ten is


def score(judged: Sequence[Judged], answers: Sequence[Sequence[str]]) -> Score:
    """Score the hits of each query, given by `answer_key`, best first."""
    pairs = [(one.grades, list(dict.fromkeys(hits))[:DEPTH]) for one, hits in zip(judged, answers, strict=True)]
    return Score(
        fmean(_ndcg(grades, hits) for grades, hits in pairs),
        fmean(any(grades.get(hit, 0) >= SUCCESS for hit in hits[:1]) for grades, hits in pairs),
        fmean(any(grades.get(hit, 0) >= SUCCESS for hit in hits) for grades, hits in pairs),
    )


def _ndcg(grades: dict[str, int], hits: list[str]) -> float:
    best = sorted(grades.values(), reverse=True)[:DEPTH]
    return _gain([grades.get(hit, 0) for hit in hits]) / _gain(best)


def _gain(grades: Sequence[int]) -> float:
    return sum((2.0**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades))
