"""The append-only history of the index, and texts that PostgreSQL can hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

CRAWLER = "crawler"


def add_event(
    connection: Connection[tuple[Any, ...]],
    kind: str,
    repository_id: int | None,
    evidence: dict[str, Any],
    *,
    skill_id: int | None = None,
    actor: str = CRAWLER,
) -> None:
    """Add an event.

    Args:
        connection: In the transaction that makes the change.
        kind: What happened, `thing.past-tense`.
        repository_id: To which repository, if to one.
        evidence: What shows it.
        skill_id: To which skill, if to one.
        actor: Who did it.
    """
    connection.execute(_INSERT, (kind, actor, repository_id, skill_id, Jsonb(clean(evidence))))


def add_events(
    connection: Connection[tuple[Any, ...]],
    repository_id: int,
    events: Iterable[tuple[str, int | None, dict[str, Any]]],
) -> None:
    """Add many events of the crawler's, each given as kind, skill and evidence, in their order."""
    rows = [(kind, CRAWLER, repository_id, skill_id, Jsonb(clean(evidence))) for kind, skill_id, evidence in events]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_INSERT, rows)


def clean(value: Any) -> Any:
    """Replace what PostgreSQL's text cannot hold (NUL, lone surrogates), in texts at any depth."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {clean(key): clean(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(inner) for inner in value]
    return value


_INSERT = "INSERT INTO event (kind, actor, repository_id, skill_id, evidence) VALUES (%s, %s, %s, %s, %s)"
