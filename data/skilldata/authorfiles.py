"""What authors ask for in their repositories: kept with the index, and part of each snapshot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from skilldata.models import Diagnostic

if TYPE_CHECKING:
    from skilldata.database import Database

TABLES: dict[str, str] = {
    "author_file": """
        repository_id BIGINT PRIMARY KEY, exclude JSON NOT NULL, include JSON NOT NULL, categories JSON NOT NULL,
        maintainers JSON NOT NULL, diagnostics JSON NOT NULL
    """,
}
QUERIES: dict[str, str] = {
    "author_file": """
        SELECT repository_id, to_json(exclude), to_json(include), to_json(categories), to_json(maintainers),
               diagnostics::json
        FROM author_file ORDER BY repository_id
    """,
}


class AuthorWishes(NamedTuple):
    """Patterns of folders, categories, and accounts that speak for a repository; `diagnostics` as dictionaries."""

    exclude: list[str]
    include: list[str]
    categories: list[str]
    maintainers: list[str]
    diagnostics: list[dict[str, Any]]


NONE = AuthorWishes([], [], [], [], [])


def wishes(row: Sequence[str] | None) -> AuthorWishes:
    """Read a row of the snapshot's table, without its first column; None where there is none."""
    return AuthorWishes(*map(json.loads, row)) if row else NONE


class AuthorFiles:
    """The authors' files in the index.

    Args:
        database: The index.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self,
        repository_id: int,
        *,
        exclude: Sequence[str] = (),
        include: Sequence[str] = (),
        categories: Sequence[str] = (),
        maintainers: Sequence[str] = (),
        diagnostics: Sequence[Diagnostic] = (),
    ) -> bool:
        """Note what the file of a repository asks for; nothing at all where there is no file any more.

        Returns:
            Whether that is news, which is an event.
        """
        from skilldata.database.events import add_event, clean  # noqa: PLC0415  readers of a snapshot need no driver

        found = {
            "exclude": clean(exclude),
            "include": clean(include),
            "categories": clean(categories),
            "maintainers": clean(maintainers),
            "diagnostics": json.dumps(clean([one.model_dump(mode="json") for one in diagnostics])),
        }
        values = {**found, "id": repository_id}
        gone = not any((exclude, include, categories, maintainers, diagnostics))
        with self._database.transaction() as connection:
            changed = connection.execute(_DELETE if gone else _WRITE, values).rowcount > 0
            if changed:
                evidence = {name: found[name] for name in ("exclude", "include", "categories", "maintainers")}
                add_event(connection, "repository.author-file-changed", repository_id, evidence)
            return changed


_DELETE = "DELETE FROM author_file WHERE repository_id = %(id)s"
_WRITE = """
    INSERT INTO author_file (repository_id, exclude, include, categories, maintainers, diagnostics)
    VALUES (%(id)s, %(exclude)s, %(include)s, %(categories)s, %(maintainers)s, %(diagnostics)s::jsonb)
    ON CONFLICT (repository_id) DO UPDATE
    SET exclude = EXCLUDED.exclude, include = EXCLUDED.include, categories = EXCLUDED.categories,
        maintainers = EXCLUDED.maintainers, diagnostics = EXCLUDED.diagnostics
    WHERE (author_file.exclude, author_file.include, author_file.categories, author_file.maintainers,
           author_file.diagnostics) IS DISTINCT FROM
          (EXCLUDED.exclude, EXCLUDED.include, EXCLUDED.categories, EXCLUDED.maintainers, EXCLUDED.diagnostics)
"""
