"""Repositories and owners: what was found there, and why some of it is not listed."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from skillapi.endpoint import Call, Endpoint
from skillapi.parameters import Parameters
from skillapi.problems import Problem
from skillapi.renames import follow_repository
from skillapi.routes import shown
from skillapi.schemas import Diagnostic, OwnedRepository, OwnerAnswer, RepositoryAnswer, RepositorySkill
from skilldata.models import SkillState
from skilldata.snapshot import DiagnosticRow, RepositoryRow, SkillSummary, Snapshot


class Page(Parameters):
    """A part of a list. The cursor is the number of what came before, in the order of the list."""

    limit: Annotated[int, Field(ge=1, le=1000, description="Entries on a page")] = 200
    cursor: Annotated[int, Field(ge=0, le=10**9, description="`next` of the page before")] = 0

    def following(self, size: int) -> str | None:
        """Give the cursor of the page after this one; None where the list of `size` entries ends."""
        end = self.cursor + self.limit
        return str(end) if end < size else None


class RepositoryParameters(Page):
    """A repository, and which of its skills."""

    owner: Annotated[str, Field(max_length=100)]
    repository: Annotated[str, Field(max_length=100)]
    state: Annotated[SkillState | None, Field(description="Only skills in this state")] = None


class OwnerParameters(Page):
    """An owner."""

    owner: Annotated[str, Field(max_length=100)]


def get_repository(call: Call, asked: RepositoryParameters) -> RepositoryAnswer:
    """Show a repository with its skills."""
    snapshot = call.opened.snapshot
    row = _repository(call, asked.owner, asked.repository)
    skills = sorted(snapshot.summaries("repository_id = ?", (row.repository_id,)), key=lambda one: one.path)
    wanted = [one for one in skills if asked.state in (None, one.state)]
    page = wanted[asked.cursor : asked.cursor + asked.limit]
    wishes = snapshot.author_wishes(row.repository_id)
    found = _diagnostics(snapshot, row.repository_id, page)
    return RepositoryAnswer(
        **shown.repository_fields(row),
        counts=dict(sorted(Counter(one.state for one in skills).items())),
        categories=wishes.categories,
        maintainers=wishes.maintainers,
        author_file=[Diagnostic.model_validate(one) for one in wishes.diagnostics],
        skills=[
            RepositorySkill(**shown.summary_fields(one), diagnostics=shown.diagnostics(found[one.path])) for one in page
        ],
        next=asked.following(len(wanted)),
    )


def get_owner(call: Call, asked: OwnerParameters) -> OwnerAnswer:
    """Show an owner with their repositories."""
    snapshot = call.opened.snapshot
    rows = list(snapshot.query(_OWNED, (asked.owner,)))
    if not rows:
        raise Problem("not-found", f"No repository of {asked.owner!a} is known.", remedy="Names are those on GitHub.")
    states: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for repository_id, state, count in snapshot.query(_STATES, (asked.owner,)):
        states[repository_id][state] = count
    total: Counter[str] = Counter()
    for counts in states.values():
        total.update(counts)
    return OwnerAnswer(
        owner=rows[0][1],
        counts=dict(sorted(total.items())),
        repositories=[
            OwnedRepository(name=name, description=description, stars=stars, state=state, counts=states[repository_id])
            for repository_id, _, name, description, stars, state in rows[asked.cursor : asked.cursor + asked.limit]
        ],
        next=asked.following(len(rows)),
    )


_REPOSITORY = "SELECT * FROM repository WHERE lower(owner) = lower(?) AND lower(name) = lower(?)"
_OWNED = """
    SELECT repository_id, owner, name, description, stars, state FROM repository
    WHERE lower(owner) = lower(?) ORDER BY lower(name), name
"""
_STATES = """
    SELECT repository_id, state, count(*) FROM skill WHERE lower(owner) = lower(?)
    GROUP BY repository_id, state ORDER BY repository_id, state
"""
_DIAGNOSTICS = """
    SELECT path, rule, level, file, line, message, remedy FROM diagnostic
    WHERE repository_id = ? AND path BETWEEN ? AND ? ORDER BY path, ordinal
"""


def _repository(call: Call, owner: str, name: str) -> RepositoryRow:
    row = next(call.opened.snapshot.query(_REPOSITORY, (owner, name)), None)
    if row is None:
        follow_repository(call, owner, name)
        raise Problem(
            "not-found",
            f"Repository {owner!a}/{name!a} is not known.",
            remedy="It is crawled when one of the registry's sources names it.",
        )
    stored = RepositoryRow(*row)
    return replace(stored, topics=json.loads(str(stored.topics)))


def _diagnostics(
    snapshot: Snapshot, repository_id: int, page: list[SkillSummary]
) -> defaultdict[str, list[DiagnosticRow]]:
    found: defaultdict[str, list[DiagnosticRow]] = defaultdict(list)
    if page:
        for path, *row in snapshot.query(_DIAGNOSTICS, (repository_id, page[0].path, page[-1].path)):
            found[path].append(DiagnosticRow(*row))
    return found


ENDPOINTS: tuple[Endpoint[Any], ...] = (
    Endpoint(
        "/api/v1/repositories/{owner}/{repository}",
        "Show a repository with its skills, listed or not, and why",
        RepositoryParameters,
        RepositoryAnswer,
        get_repository,
        ("not-found", "unknown-parameter", "invalid-parameter"),
    ),
    Endpoint(
        "/api/v1/owners/{owner}",
        "Show an owner with their repositories",
        OwnerParameters,
        OwnerAnswer,
        get_owner,
        ("not-found", "unknown-parameter", "invalid-parameter"),
    ),
)
