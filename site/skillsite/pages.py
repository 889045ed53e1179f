"""What a page is, what a row in a list shows, and the pages of which there is only one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from skilldata.snapshot import SkillSummary, Snapshot
from skillsite import records
from skillsite.addresses import (
    AddressError,
    Addresses,
    level_path,
    owner_path,
    repository_path,
    skill_path,
    topic_path,
)
from skillsite.visible import one_line

DESCRIPTION_CHARACTERS = 260  # of a skill in a list
META_CHARACTERS = 160  # of the description that search engines show
NEWEST = 8
TOPICS_ON_HOME = 24
REPOSITORIES_ON_HOME = 8

LEVELS = {
    "strict": "Follows the Agent Skills specification to the letter.",
    "loadable": "A client can use it: name and description are there. It departs from the specification.",
    "broken": "A client cannot use it: the manifest has no name or description that could be read.",
}


class Crumb(NamedTuple):
    """One step of the way to a page; `path` is a path of the site."""

    text: str
    path: str


def repository_crumbs(owner: str, repository: str) -> tuple[Crumb, Crumb]:
    """The steps to what lies in a repository."""
    return Crumb(owner, owner_path(owner)), Crumb(repository, repository_path(owner, repository))


class Twins(NamedTuple):
    """Paths of what a page says, for programs."""

    json: str
    markdown: str


@dataclass(frozen=True)
class Page:
    """One HTML page, not yet rendered.

    Args:
        path: File, from the site's root.
        template: Name of its template; `context` has what that uses.
        title: What the page is about, without the site's name.
        description: One sentence for search engines.
        crumbs: The way to the page, without the page itself.
        hide: Whether search engines are asked to leave it out.
        feed: Path of its Atom feed; None where it has none.
        card: Path of the picture that is shown beside links to it.
        twin: Whether it has twins in JSON and Markdown that are made from its lists and `facts`.
        facts: What the twins say besides.
        json_ld: Its facts as JSON-LD; None where the site makes them from the rest.
    """

    path: str
    template: str
    title: str
    description: str
    context: dict[str, Any] = field(default_factory=dict)
    crumbs: tuple[Crumb, ...] = ()
    hide: bool = False
    feed: str | None = None
    card: str = "card.png"
    twin: bool = True
    facts: dict[str, Any] = field(default_factory=dict)
    json_ld: dict[str, Any] | None = None


@dataclass(frozen=True)
class SkillRow:
    """A skill in a list. A `path` is None where the name behind it cannot be part of an address."""

    name: str
    path: str | None
    owner: str
    repository: str
    repository_path: str | None
    description: str
    level: str
    licence: str | None
    stars: int
    updated_at: datetime
    verdict: str


def skill_row(summary: SkillSummary) -> SkillRow:
    """Make the row of a skill."""
    return SkillRow(
        name=one_line(summary.name or summary.slug or summary.path, 120),
        path=path_or_none(skill_path, summary.owner, summary.repository, summary.slug, ending=".html"),
        owner=summary.owner,
        repository=summary.repository,
        repository_path=path_or_none(repository_path, summary.owner, summary.repository),
        description=one_line(summary.description, DESCRIPTION_CHARACTERS),
        level=summary.level,
        licence=summary.licence,
        stars=summary.stars,
        updated_at=summary.updated_at,
        verdict=summary.verdict,
    )


def path_or_none(make: Any, *names: str | None, ending: str = "") -> str | None:
    """Call one of the path functions of `addresses`; None where it raises AddressError."""
    try:
        return str(make(*names)) + ending
    except AddressError:
        return None


class Entry(NamedTuple):
    """A name with the number of its skills, linked where it has a page."""

    name: str
    path: str | None
    skills: int


def entries(tallies: Sequence[records.Tally], make: Any) -> list[Entry]:
    """Turn counts by owner, topic, licence or level into entries; `make` is the path function."""
    return [Entry(tally.value or "no licence", path_or_none(make, tally.value), tally.skills) for tally in tallies]


def fixed_pages(snapshot: Snapshot, addresses: Addresses, site_title: str, index: str | None = None) -> Iterator[Page]:
    """Yield home, search, status, about and the page for addresses that lead nowhere."""
    info = snapshot.info
    yield _home(snapshot, addresses, site_title)
    yield Page("search/index.html", "search.html", "Search", f"Search the skills of {site_title}.", {"index": index})
    yield Page(
        "status/index.html",
        "status.html",
        "Status",
        "How fresh this site is, and what it was built from.",
        {"info": info, "levels": entries(records.read_tallies(snapshot, "level"), level_path)},
    )
    yield Page(
        "about/index.html",
        "about.html",
        "About",
        "What is listed here, what the levels and licences mean, and how to be listed or left out.",
        {"levels": LEVELS, "api": addresses.canonical("api/v1/")},
    )
    yield Page("404.html", "not_found.html", "Page not found", "There is no such page.", hide=True, twin=False)


def _home(snapshot: Snapshot, addresses: Addresses, site_title: str) -> Page:
    repositories = [
        (one_line(f"{owner}/{name}"), path_or_none(repository_path, owner, name), one_line(description, 140), stars, n)
        for owner, name, description, stars, n in snapshot.query(_TOP_REPOSITORIES, [REPOSITORIES_ON_HOME])
    ]
    return Page(
        "index.html",
        "home.html",
        "Skills for agents",
        f"{site_title}: every skill with its versions, licence, checks and exact source.",
        {
            "info": snapshot.info,
            "newest": [skill_row(summary) for summary in _first(snapshot, "first_seen_at", NEWEST)],
            "changed": [skill_row(summary) for summary in _first(snapshot, "updated_at", NEWEST)],
            "topics": entries(records.read_tallies(snapshot, "topic")[:TOPICS_ON_HOME], topic_path),
            "repositories": repositories,
            "search_api": addresses.canonical("api/v1/search?q=pdf"),
        },
    )


def _first(snapshot: Snapshot, column: str, limit: int) -> Iterator[SkillSummary]:
    # At most one of a repository, or a repository with hundreds of skills would fill the list.
    rows = snapshot.query(
        f"SELECT * FROM skill WHERE state = 'listed' "  # noqa: S608  a column's name of our own
        f"QUALIFY row_number() OVER (PARTITION BY repository_id ORDER BY {column} DESC, path) = 1 "
        f"ORDER BY {column} DESC, stars DESC, lower(owner), lower(repository), slug, path LIMIT ?",
        [limit],
    )
    return (SkillSummary(*row) for row in rows)


_TOP_REPOSITORIES = """
    SELECT owner, name, description, stars, skills
    FROM repository JOIN (SELECT repository_id, count(*) AS skills FROM skill WHERE state = 'listed' GROUP BY ALL)
    USING (repository_id) ORDER BY stars DESC, lower(owner), lower(name) LIMIT ?
"""
