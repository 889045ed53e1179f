"""Names that repositories and skills went by before, from the events of the snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn
from urllib.parse import quote

from skillapi.endpoint import ROUTE, Call
from skillapi.problems import Moved
from skilldata.snapshot import Snapshot

# Whoever had the name last, and still has a row; nobody else goes by it, for then it would have been found.
_REPOSITORY = """
    SELECT repository.owner, repository.name FROM event JOIN repository USING (repository_id)
    WHERE kind = 'repository.renamed' AND lower(evidence->>'from') = lower(?)
    ORDER BY happened_at DESC LIMIT 1
"""
_SLUG = """
    SELECT skill.slug FROM event JOIN skill USING (repository_id, path)
    WHERE kind = 'skill.renamed' AND lower(owner) = lower(?) AND lower(repository) = lower(?)
          AND evidence->>'from' = ? AND skill.slug IS NOT NULL AND skill.slug <> ? AND skill.state <> 'refused'
    ORDER BY happened_at DESC LIMIT 1
"""


def follow_repository(call: Call, owner: str, name: str) -> None:
    """Send the caller on where a repository that is not known went by this name before.

    Raises:
        Moved: It did.
    """
    if found := _first(call.opened.snapshot, _REPOSITORY, (f"{owner}/{name}",)):
        _move(call, owner=found[0], repository=found[1])


def follow_skill(call: Call, owner: str, repository: str, slug: str) -> None:
    """Send the caller on where a skill that is not known, or its repository, went by this name before.

    Raises:
        Moved: It did.
    """
    if found := _first(call.opened.snapshot, _SLUG, (owner, repository, slug, slug)):
        _move(call, slug=found[0])
    follow_repository(call, owner, repository)


def _first(snapshot: Snapshot, query: str, values: Sequence[str]) -> tuple[Any, ...] | None:
    return next(snapshot.query(query, values), None)


def _move(call: Call, **names: str) -> NoReturn:
    """Point to the address that was asked for, with other names in it."""
    asked = {**call.request.path_params, **names}
    path = call.request.scope[ROUTE].format(**{name: quote(value, safe="") for name, value in asked.items()})
    query = call.request.scope["query_string"].decode("latin-1")
    raise Moved(f"{path}?{query}" if query else path)
