"""Pages that list skills, and pages that list the lists: browse, levels, licences, topics, owners, repositories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import Any, NamedTuple

from skilldata.snapshot import RepositoryRow, SkillSummary, Snapshot
from skillsite import records
from skillsite.addresses import (
    AddressError,
    Addresses,
    level_path,
    licence_path,
    list_page,
    marketplace_path,
    owner_path,
    repository_path,
    topic_path,
)
from skillsite.pages import LEVELS, Crumb, Page, SkillRow, entries, path_or_none, skill_row
from skillsite.plugins import plugin_counts
from skillsite.visible import one_line

SKILLS_PER_PAGE = 100
NAMES_PER_PAGE = 400
SKILLS = Crumb("Skills", "skills/")


class Pager(NamedTuple):
    """Where a page stands in its list: `number` of `last`, with the files of its neighbours."""

    number: int
    last: int
    total: int
    previous: str | None
    next: str | None
    first_row: int


class RepositoryEntry(NamedTuple):
    """A repository in an owner's list."""

    name: str
    path: str | None
    description: str
    stars: int
    listed: int
    refused: int
    state: str
    is_fork: bool


def list_pages(snapshot: Snapshot) -> Iterator[Page]:
    """Yield all pages that list skills by something, and the pages that list those."""
    everything = next(records.read_groups(snapshot, "all"), records.Group(None, 0, iter(())))
    yield from _skill_list(
        "skills/", "All skills", "Every listed skill, by owner, repository and name.", everything, crumbs=()
    )
    for group in records.read_groups(snapshot, "level"):
        level = group.value or ""
        yield from _skill_list(level_path(level), f"Level {level}", LEVELS.get(level, ""), group)
    for group in records.read_groups(snapshot, "licence"):
        if folder := path_or_none(licence_path, group.value):
            yield from _skill_list(folder, *_licence_words(group.value), group, crumbs=(_LICENCES,))
    for group in records.read_groups(snapshot, "topic"):
        if folder := path_or_none(topic_path, group.value):
            words = (f"Topic {group.value}", f"Skills from repositories with the topic {group.value}.")
            yield from _skill_list(folder, *words, group, crumbs=(_TOPICS,))
    yield from _name_list(snapshot, "owner", _OWNERS, owner_path, "Everyone who has a listed skill, most skills first.")
    yield from _name_list(
        snapshot, "topic", _TOPICS, topic_path, "Topics that authors gave to their repositories, most skills first."
    )
    yield from _name_list(
        snapshot, "licence", _LICENCES, licence_path, "Licences of the listed skills, most skills first."
    )


def repository_pages(snapshot: Snapshot, addresses: Addresses) -> Iterator[Page]:
    """Yield the pages of every crawled repository and of its owner."""
    plugins = plugin_counts(snapshot)
    for owner, group in groupby(records.read_repositories(snapshot), key=lambda item: item.repository.owner):
        skills: list[SkillSummary] = []
        repositories: list[RepositoryEntry] = []
        for item in group:
            repositories.append(_repository_entry(item))
            skills.extend(item.listed)
            try:
                yield from _repository(item, addresses, plugins.get(item.repository.repository_id, 0))
            except AddressError:
                continue  # the skills of that repository are recorded as skipped, each by its own address
        if path_or_none(owner_path, owner):
            yield from _owner(owner, repositories, skills, addresses)


_OWNERS = Crumb("Owners", "owners/")
_TOPICS = Crumb("Topics", "topics/")
_LICENCES = Crumb("Licences", "licences/")

_STATES = {
    "empty": "This repository has no commit.",
    "gone": "This repository is no longer there: GitHub answers that it does not exist or is private.",
    "blocked": "GitHub does not give this repository out.",
    "held": "Another repository took this name. A maintainer has to look before either is shown as the other.",
}


def _licence_words(licence: str | None) -> tuple[str, str]:
    if licence:
        return f"Licence {licence}", f"Skills under {licence}, as found in the skill or its repository."
    return (
        "Without a licence",
        "Skills for which no licence was found. They are described and linked; their files are not handed out.",
    )


def _skill_list(
    folder: str, title: str, lead: str, group: records.Group, *, crumbs: tuple[Crumb, ...] = (SKILLS,)
) -> Iterator[Page]:
    rows = map(skill_row, group.skills)
    last = max(1, -(-group.total // SKILLS_PER_PAGE))
    for number in range(1, last + 1):
        pager = _pager(folder, number, last, group.total, SKILLS_PER_PAGE)
        context = {"lead": lead, "rows": list(islice(rows, SKILLS_PER_PAGE)), "pager": pager, "unit": "skills"}
        yield Page(list_page(folder, number), "list.html", _numbered(title, number), lead, context, crumbs)


def _name_list(snapshot: Snapshot, by: str, crumb: Crumb, make: Any, lead: str) -> Iterator[Page]:
    names = entries(records.read_tallies(snapshot, by), make)
    last = max(1, -(-len(names) // NAMES_PER_PAGE))
    for number in range(1, last + 1):
        pager = _pager(crumb.path, number, last, len(names), NAMES_PER_PAGE)
        start = (number - 1) * NAMES_PER_PAGE
        context = {"lead": lead, "entries": names[start : start + NAMES_PER_PAGE], "pager": pager}
        context["unit"] = crumb.text.lower()
        yield Page(list_page(crumb.path, number), "names.html", _numbered(crumb.text, number), lead, context, (SKILLS,))


def _pager(folder: str, number: int, last: int, total: int, size: int) -> Pager:
    return Pager(
        number=number,
        last=last,
        total=total,
        previous=list_page(folder, number - 1) if number > 1 else None,
        next=list_page(folder, number + 1) if number < last else None,
        first_row=(number - 1) * size + 1,
    )


def _numbered(title: str, number: int) -> str:
    return title if number == 1 else f"{title}, page {number}"


def _pages_of(skills: Sequence[SkillSummary], folder: str) -> Iterator[tuple[str, Pager, list[SkillRow]]]:
    last = max(1, -(-len(skills) // SKILLS_PER_PAGE))
    for number in range(1, last + 1):
        start = (number - 1) * SKILLS_PER_PAGE
        rows = [skill_row(summary) for summary in skills[start : start + SKILLS_PER_PAGE]]
        yield list_page(folder, number), _pager(folder, number, last, len(skills), SKILLS_PER_PAGE), rows


def _owner(
    owner: str, repositories: list[RepositoryEntry], skills: list[SkillSummary], addresses: Addresses
) -> Iterator[Page]:
    description = f"Skills that {owner} publishes on GitHub, with their versions, licences and checks."
    for path, pager, rows in _pages_of(skills, owner_path(owner)):
        yield Page(
            path,
            "owner.html",
            _numbered(owner, pager.number),
            description,
            {
                "owner": owner,
                "profile": f"{addresses.github_url}/{owner}",
                "repositories": repositories if pager.number == 1 else [],
                "rows": rows,
                "pager": pager,
                "unit": "skills",
            },
            (SKILLS, _OWNERS),
            hide=not skills,
        )


def _repository(item: records.RepositorySkills, addresses: Addresses, plugins: int) -> Iterator[Page]:
    row = item.repository
    folder = repository_path(row.owner, row.name)
    refused = [
        (
            summary.path or "(the repository's root)",
            addresses.source(row.owner, row.name, row.revision, summary.path) if row.revision else None,
            diagnostics,
        )
        for summary, diagnostics in item.refused
    ]
    for path, pager, rows in _pages_of(item.listed, folder):
        first = pager.number == 1
        yield Page(
            path,
            "repository.html",
            _numbered(f"{row.owner}/{row.name}", pager.number),
            one_line(row.description, 150) or f"Skills in the repository {row.owner}/{row.name}.",
            {
                "repository": row,
                "state": _STATES.get(row.state, ""),
                "owner_path": owner_path(row.owner),
                "source": addresses.repository(row.owner, row.name),
                "commit": addresses.commit(row.owner, row.name, row.revision) if row.revision else None,
                "parent": _link_to(item.parent),
                "topics": [(topic, path_or_none(topic_path, topic) if item.listed else None) for topic in row.topics],
                "licence_path": path_or_none(licence_path, row.licence) if _has_licence(item) else None,
                "plugins": plugins,
                "plugins_path": marketplace_path(row.owner, row.name),
                "rows": rows,
                "pager": pager,
                "unit": "skills",
                "author": item.author,
                "refused": refused if first else [],
                "gone": [skill_row(summary) for summary in item.gone] if first else [],
            },
            (SKILLS, Crumb(row.owner, owner_path(row.owner))),
            hide=not item.listed,
        )


def _has_licence(item: records.RepositorySkills) -> bool:
    """Whether the repository's licence has a list: some listed skill must be under it."""
    return any(summary.licence == item.repository.licence for summary in item.listed)


def _repository_entry(item: records.RepositorySkills) -> RepositoryEntry:
    row = item.repository
    return RepositoryEntry(
        name=row.name,
        path=path_or_none(repository_path, row.owner, row.name),
        description=one_line(row.description, 180),
        stars=row.stars,
        listed=len(item.listed),
        refused=len(item.refused),
        state=row.state,
        is_fork=row.is_fork,
    )


def _link_to(parent: RepositoryRow | None) -> Crumb | None:
    folder = path_or_none(repository_path, parent.owner, parent.name) if parent else None
    return Crumb(f"{parent.owner}/{parent.name}", folder) if parent and folder else None
