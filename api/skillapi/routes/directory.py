"""All repositories, and all owners."""

from __future__ import annotations

from typing import Any

from skillapi.endpoint import Call, Endpoint
from skillapi.historyschemas import ListedOwner, ListedRepository, OwnersAnswer, RepositoriesAnswer
from skillapi.routes.repositories import Page


def list_repositories(call: Call, asked: Page) -> RepositoriesAnswer:
    """List repositories."""
    total, rows = _page(call, "repository", _REPOSITORIES, asked)
    names = ListedRepository.model_fields
    found = [ListedRepository(**dict(zip(names, row, strict=True))) for row in rows]
    return RepositoriesAnswer(total=total, repositories=found, next=asked.following(total))


def list_owners(call: Call, asked: Page) -> OwnersAnswer:
    """List owners."""
    total, rows = _page(call, "(SELECT DISTINCT lower(owner) FROM repository)", _OWNERS, asked)
    found = [ListedOwner(owner=name, repositories=count, skills=int(skills)) for name, count, skills in rows]
    return OwnersAnswer(total=total, owners=found, next=asked.following(total))


_SKILLS = "(SELECT repository_id, count(*) AS skills FROM skill WHERE state = 'listed' GROUP BY ALL) AS listed"
_REPOSITORIES = f"""
    SELECT repository_id, owner, name, description, stars, state, coalesce(skills, 0)
    FROM repository LEFT JOIN {_SKILLS} USING (repository_id)
    ORDER BY lower(owner), owner, lower(name), name, repository_id LIMIT ? OFFSET ?
"""  # noqa: S608 - our own words
_OWNERS = f"""
    SELECT min(owner), count(*), sum(coalesce(skills, 0)) FROM repository LEFT JOIN {_SKILLS} USING (repository_id)
    GROUP BY lower(owner) ORDER BY lower(owner) LIMIT ? OFFSET ?
"""  # noqa: S608 - our own words


def _page(call: Call, every: str, query: str, asked: Page) -> tuple[int, list[tuple[Any, ...]]]:
    snapshot = call.opened.snapshot
    (total,) = next(snapshot.query(f"SELECT count(*) FROM {every}"))  # noqa: S608 - one of two of our own
    return total, list(snapshot.query(query, (asked.limit, asked.cursor)))


_PROBLEMS = ("unknown-parameter", "invalid-parameter")

ENDPOINTS: tuple[Endpoint[Any], ...] = (
    Endpoint(
        "/api/v1/repositories",
        "List repositories",
        Page,
        RepositoriesAnswer,
        list_repositories,
        _PROBLEMS,
        operation="all-repositories",
    ),
    Endpoint("/api/v1/owners", "List owners", Page, OwnersAnswer, list_owners, _PROBLEMS, operation="all-owners"),
)
