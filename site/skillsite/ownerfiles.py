"""The pages, feeds and cards of an owner and its repositories: what is in an owner's tree besides skills."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any, NamedTuple

from skilldata.snapshot import DiagnosticRow, RepositoryRow, SkillSummary
from skillsite import records
from skillsite.addresses import (
    Addresses,
    licence_path,
    list_page,
    marketplace_path,
    owner_path,
    repository_path,
    topic_path,
)
from skillsite.cards import CARD, draw_card
from skillsite.feeds import FEED, newest, skills_feed
from skillsite.lists import OWNERS, SKILLS, SKILLS_PER_PAGE, Pager, numbered, pager_of
from skillsite.pages import Crumb, Page, SkillRow, path_or_none, skill_row
from skillsite.pagetwins import page_files
from skillsite.templating import Renderer
from skillsite.visible import one_line


class OwnerFile(NamedTuple):
    """Files to be written: a name below the tree, and what goes to each ending of it."""

    name: str
    contents: dict[str, bytes]


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


def owner_files(
    repositories: Iterable[records.RepositorySkills], plugins: Mapping[int, int], renderer: Renderer
) -> Iterator[tuple[str, OwnerFile]]:
    """Make all files of owners and their repositories.

    Args:
        repositories: All repositories of the owners, an owner's behind each other.
        plugins: How many plugins a repository has, by its id.
        renderer: Makes pages.

    Yields:
        The owner, and files with names below its tree.
    """
    addresses = renderer.addresses
    for owner, group in groupby(repositories, key=lambda item: item.repository.owner):
        skills: list[SkillSummary] = []
        entries: list[RepositoryEntry] = []
        for item in group:
            entries.append(_repository_entry(item))
            skills.extend(item.listed)
            if path_or_none(repository_path, owner, item.repository.name):
                for file in _repository_files(item, plugins.get(item.repository.repository_id, 0), renderer):
                    yield owner, file
        if path_or_none(owner_path, owner):
            for page in _owner(owner, entries, skills, addresses):
                yield owner, _in_tree(owner, page, renderer)
            if skills:
                yield owner, _feed(owner_path(owner), owner, owner, skills, renderer)


def _repository_files(item: records.RepositorySkills, plugins: int, renderer: Renderer) -> Iterator[OwnerFile]:
    row = item.repository
    folder = repository_path(row.owner, row.name)
    for page in _repository(item, renderer.addresses, plugins):
        yield _in_tree(row.owner, page, renderer)
    if item.listed:
        yield _feed(folder, f"{row.owner}/{row.name}", row.owner, item.listed, renderer)
    picture = draw_card(row.name, row.owner, renderer.look.title)
    yield OwnerFile(_below(row.owner, folder + CARD), {"": picture})


def _feed(folder: str, title: str, owner: str, skills: Sequence[SkillSummary], renderer: Renderer) -> OwnerFile:
    content = skills_feed(folder + FEED, title, folder, newest(skills), renderer.addresses, skills[0].updated_at)
    return OwnerFile(_below(owner, folder + FEED), {"": content})


def _in_tree(owner: str, page: Page, renderer: Renderer) -> OwnerFile:
    name, contents = page_files(page, renderer)
    return OwnerFile(_below(owner, name), contents)


def _below(owner: str, path: str) -> str:
    """Path below an owner's tree: `r/name/` for `r/owner/name/`."""
    part, _, rest = path.partition("/")
    return f"{part}/{rest.removeprefix(owner + '/')}"


_STATES = {
    "empty": "This repository has no commit.",
    "gone": "This repository is no longer there: GitHub answers that it does not exist or is private.",
    "blocked": "GitHub does not give this repository out.",
    "held": "Another repository took this name. A maintainer has to look before either is shown as the other.",
}


def _pages_of(skills: Sequence[SkillSummary], folder: str) -> Iterator[tuple[str, Pager, list[SkillRow]]]:
    last = max(1, -(-len(skills) // SKILLS_PER_PAGE))
    for number in range(1, last + 1):
        start = (number - 1) * SKILLS_PER_PAGE
        rows = [skill_row(summary) for summary in skills[start : start + SKILLS_PER_PAGE]]
        yield list_page(folder, number), pager_of(folder, number, len(skills), SKILLS_PER_PAGE), rows


def _owner(
    owner: str, repositories: list[RepositoryEntry], skills: list[SkillSummary], addresses: Addresses
) -> Iterator[Page]:
    description = f"Skills that {owner} publishes on GitHub, with their versions, licences and checks."
    for path, pager, rows in _pages_of(skills, owner_path(owner)):
        yield Page(
            path,
            "owner.html",
            numbered(owner, pager.number),
            description,
            {
                "owner": owner,
                "profile": f"{addresses.github_url}/{owner}",
                "repositories": repositories if pager.number == 1 else [],
                "rows": rows,
                "pager": pager,
                "unit": "skills",
            },
            (SKILLS, OWNERS),
            hide=not skills,
            feed=owner_path(owner) + FEED if skills else None,
            facts={"owner": owner, "skills_listed": len(skills), "repositories_read": len(repositories)},
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
            numbered(f"{row.owner}/{row.name}", pager.number),
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
            feed=folder + FEED if item.listed else None,
            card=folder + CARD,
            facts=_facts(item, refused),
        )


def _facts(
    item: records.RepositorySkills, refused: list[tuple[str, str | None, list[DiagnosticRow]]]
) -> dict[str, Any]:
    row = item.repository
    return {
        "repository_id": row.repository_id,
        "owner": row.owner,
        "repository": row.name,
        "state": row.state,
        "commit": row.revision,
        "licence": row.licence,
        "stars": row.stars,
        "topics": row.topics,
        "refused": [
            {"folder": folder, "diagnostics": [asdict(diagnostic) for diagnostic in diagnostics]}
            for folder, _, diagnostics in refused
        ],
    }


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
