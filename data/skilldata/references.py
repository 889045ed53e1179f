"""References: repositories that crawled ones name, in lock files and marketplaces."""

from __future__ import annotations

from collections.abc import Sequence

from skilldata.database import Database
from skilldata.database.events import clean
from skilldata.sourcestate import SkippedFork, add_found, add_skipped

MAX_REFERENCES = 1000  # of one repository's file
RETRY_DAYS = 30  # until a name that led nowhere is tried again


class References:
    """The references in the index.

    Args:
        database: The index.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, repository_id: int, path: str, names: Sequence[tuple[str, str]]) -> int:
        """Note which repositories a file of a crawled one names, as pairs of owner and name.

        Returns:
            How many of these names are new; what is no longer named stays.
        """
        pairs = names[:MAX_REFERENCES]
        query = """
            INSERT INTO reference (repository_id, path, owner, name)
            SELECT %s, %s, lower(owner), lower(name) FROM unnest(%s::text[], %s::text[]) AS named (owner, name)
            ON CONFLICT DO NOTHING
        """
        columns = [clean(owner) for owner, _ in pairs], [clean(name) for _, name in pairs]
        with self._database.transaction() as connection:
            return connection.execute(query, (repository_id, path, *columns)).rowcount

    def open(self, limit: int) -> list[tuple[str, str]]:
        """List names, as pairs of owner and name, that were not looked up yet or led nowhere a while ago."""
        query = """
            SELECT owner, name FROM reference
            WHERE found_id IS NULL AND (looked_up_at IS NULL OR looked_up_at < now() - make_interval(days => %s))
            GROUP BY owner, name ORDER BY min(first_seen_at), owner, name LIMIT %s
        """
        with self._database.transaction() as connection:
            return [(row[0], row[1]) for row in connection.execute(query, (RETRY_DAYS, limit))]

    def settle(self, looked_up: Sequence[tuple[tuple[str, str], SkippedFork | None]]) -> int:
        """Take what look-ups came to: names, each with its repository, if there is one.

        A repository with evidence that it is a mere copy of its parent is noted, and not added.

        Returns:
            How many repositories are new to the index.
        """
        there = [fork for _, fork in looked_up if fork is not None]
        with self._database.transaction() as connection:
            added = add_found(connection, [fork.repository for fork in there if not fork.evidence])
            add_skipped(connection, [fork for fork in there if fork.evidence])
            for (owner, name), fork in looked_up:
                connection.execute(
                    "UPDATE reference SET looked_up_at = now(), found_id = %s WHERE owner = %s AND name = %s",
                    (fork.repository.repository_id if fork else None, owner, name),
                )
            return added
