"""What goes into a search and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from skilldata.errors import RegistryError
from skilldata.search.words import clean

MAX_TEXT = 200  # characters of a query that are read
MAX_LIMIT = 100  # hits of one page
MAX_DEPTH = 10_000  # hits that paging reaches; who wants all reads the snapshot's listing
HIGHLIGHTED = ("name", "description")
NO_LICENCE = "none"  # the value that stands for "no licence found" in filters and facets


def filter_value(text: str) -> str:
    """Write a value so that it compares without case."""
    return clean(text).lower()


class CursorError(RegistryError):
    """A cursor that no search gave, or one of another search."""

    code = "cursor"


class Sort(StrEnum):
    """Order of the hits. Ties go by address, those of relevance by repository."""

    RELEVANCE = "relevance"
    STARS = "stars"
    UPDATED = "updated"


@dataclass(frozen=True, slots=True)
class Query:
    """One search. An empty `text` finds everything, most stars first.

    Filters compare without case. `repository` is `owner/name`, `licence` an SPDX id or `none`.
    `tag`, `category` and `client` are what the author of a skill or of one of its copies wrote. `updated_since` is of
    the skill that is shown. `limit` is cut to 1 … 100 and `text` to 200 characters. `cursor` is the `next` of the page
    before.
    """

    text: str = ""
    owner: str | None = None
    repository: str | None = None
    licence: str | None = None
    level: str | None = None
    topic: str | None = None
    verdict: str | None = None
    tag: str | None = None
    category: str | None = None
    client: str | None = None
    updated_since: datetime | None = None
    sort: Sort = Sort.RELEVANCE
    limit: int = 20
    cursor: str | None = None

    @property
    def filters(self) -> dict[str, str]:
        """The filters that are set, by name, in the form in which the index has their values."""
        return _set(
            {
                "owner": self.owner,
                "repository": self.repository,
                "licence": self.licence,
                "level": self.level,
                "topic": self.topic,
                "verdict": self.verdict,
            }
        )

    @property
    def shared_filters(self) -> dict[str, str]:
        """Those of the same kind that a skill shares with its copies."""
        return _set({"tag": self.tag, "category": self.category, "client": self.client})


@dataclass(frozen=True, slots=True)
class Hit:
    """One skill found.

    `copies` counts the other listed skills with the same content. `highlights` has where the words of the query are in
    `name` and `description`: start and end in characters (code points), in order.
    """

    owner: str
    repository: str
    slug: str
    name: str
    description: str
    level: str
    licence: str | None
    redistributable: bool
    stars: int
    version: str
    verdict: str
    updated_at: datetime
    copies: int
    highlights: dict[str, list[tuple[int, int]]] = field(default_factory=dict)


def _set(filters: dict[str, str | None]) -> dict[str, str]:
    return {name: filter_value(value) for name, value in filters.items() if value is not None}


@dataclass(frozen=True, slots=True)
class FacetCount:
    """How many of the skills found have a value."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Results:
    """One page. `total` counts all skills found, copies folded; `next` is the cursor of the page after."""

    total: int
    hits: list[Hit]
    facets: dict[str, list[FacetCount]]
    next: str | None
    did_you_mean: str | None
