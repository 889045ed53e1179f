"""Copies of one skill are shown as one, even in a filtered search.

Of the skills with the same content, or nearly the same (see `skilldata.copies`), a search shows the most
canonical one: most stars, then first seen, then address. Near copies that the scanner judges otherwise
are a group of their own. Which skill is shown depends on the filters: the copy with the most stars may
have another owner than the one asked for. So each skill of such a group is marked, when the index is
built, with every combination of filters for which it is the one to show; a search then asks for the
mark of its own filters, and totals, facets and pages count each group once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

ALONE = "*"  # the mark of a skill without copies


def mark(filters: Mapping[str, str]) -> str:
    """Name a combination of filters. A repository settles its owner, and a group has one verdict."""
    settled = {"verdict", "owner"} if "repository" in filters else {"verdict"}
    kept = {name: value for name, value in filters.items() if name not in settled}
    return "&".join(f"{name}={kept[name]}" for name in sorted(kept))


def marks(group: Iterable[Mapping[str, Iterable[str]]]) -> list[list[str]]:
    """Mark the skills of one group.

    Args:
        group: The values of each skill for each filter, in lower case, the most canonical skill first.

    Returns:
        For each skill the marks of the filters for which it is shown.
    """
    taken: set[str] = set()
    found: list[list[str]] = []
    for values in group:
        own = [one for one in _combinations(values) if one not in taken]
        taken.update(own)
        found.append(own)
    return found


def _combinations(values: Mapping[str, Iterable[str]]) -> set[str]:
    choices = [[None, *((name, value) for value in chosen)] for name, chosen in values.items()]
    return {mark(dict(pair for pair in picked if pair is not None)) for picked in itertools.product(*choices)}
