"""The page that shows what changed from each version of a skill to the next."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from skilldata.snapshot import FileRow, Skill, VersionRow
from skillsite.addresses import Addresses, repository_path, skill_path
from skillsite.cards import CARD
from skillsite.comparing import Comparison, compare
from skillsite.packages import Texts
from skillsite.pages import Crumb, Page, repository_crumbs
from skillsite.visible import one_line

CHANGES = ".changes.html"  # behind the path of a skill
MAX_STEPS = 8  # comparisons on a page, the newest first
MAX_LINES = 3000  # of all comparisons on a page

FilesOf = Callable[[VersionRow], tuple[list[FileRow], Texts]]


class Step(NamedTuple):
    """A version beside the one before it; `comparison` is None where the page has shown enough."""

    before: VersionRow
    after: VersionRow
    comparison: Comparison | None
    upstream: str


def has_changes(skill: Skill) -> bool:
    """Whether there is anything to compare."""
    return len(skill.versions) > 1


def anchor(version: VersionRow) -> str:
    """Id of the part of the page about a version."""
    return f"v{version.ordinal}"


def changes_page(skill: Skill, files_of: FilesOf, addresses: Addresses) -> Page:
    """Lay out the comparisons of a skill that has several versions.

    Args:
        skill: The skill.
        files_of: Reads files and texts of a version.
        addresses: Where pages are.

    Raises:
        AddressError: Owner, repository or slug cannot be part of an address.
    """
    summary = skill.summary
    path = skill_path(summary.owner, summary.repository, summary.slug)
    name = one_line(summary.name or summary.slug or "", 80)
    return Page(
        path + CHANGES,
        "changes.html",
        f"Changes of {name}",
        f"What changed in {summary.address} from version to version.",
        {
            "steps": _steps(skill, files_of, addresses),
            "earlier": max(0, len(skill.versions) - 1 - MAX_STEPS),
            "anchor": anchor,
            "slug": summary.slug,
            "json": path + ".json",
        },
        (
            *repository_crumbs(summary.owner, summary.repository),
            Crumb(name, path + ".html"),
        ),
        hide=True,
        card=repository_path(summary.owner, summary.repository) + CARD,
        twin=False,
    )


def _steps(skill: Skill, files_of: FilesOf, addresses: Addresses) -> list[Step]:
    steps = []
    left = MAX_LINES
    newest_first = skill.versions[: MAX_STEPS + 1]
    names = (skill.summary.owner, skill.summary.repository)
    after_files = files_of(newest_first[0])
    for after, before in pairwise(newest_first):
        before_files = files_of(before)
        comparison = None
        if left > 0:
            comparison = compare(before_files[0], after_files[0], before_files[1], after_files[1])
            left -= sum(len(file.lines) for file in comparison.files)
        steps.append(Step(before, after, comparison, addresses.comparison(*names, before.revision, after.revision)))
        after_files = before_files
    return steps
