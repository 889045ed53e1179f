"""Where one repository stands: asked by whoever wants it read now."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from skilldata.database.database import Database
from skilldata.models import RepositoryState
from skilldata.ondemand import AskedRepository


class Standing(NamedTuple):
    """A repository in the index, why its last crawl failed ('' where it did not), and its last change."""

    repository_id: int
    state: RepositoryState
    head_oid: str | None
    error: str
    changed_at: datetime | None


def find_repository(database: Database, asked: AskedRepository) -> Standing | None:
    """Find a repository by its numeric id, else by a name that it goes by or went by; None where it is not known.

    Of several that went by a name, the one that goes by it now and is still there comes first.
    """
    query = """
        SELECT repository_id, state, head_oid, error,
               greatest((SELECT max(at) FROM event WHERE event.repository_id = repository.repository_id),
                        (SELECT max(updated_at) FROM skill WHERE skill.repository_id = repository.repository_id))
        FROM repository JOIN probe USING (repository_id)
        WHERE CASE WHEN %(id)s::bigint IS NOT NULL THEN repository_id = %(id)s
              ELSE repository_id IN (SELECT repository_id FROM repository_name WHERE name = %(full)s) END
        ORDER BY lower(owner || '/' || name) = %(full)s DESC, state = 'gone', repository_id DESC LIMIT 1
    """
    full = f"{asked.owner}/{asked.name}".lower()
    with database.transaction() as connection:
        row = connection.execute(query, {"id": asked.repository_id, "full": full}).fetchone()
    return None if row is None else Standing(row[0], RepositoryState(row[1]), *row[2:])
