"""What a snapshot says about skills and digests that were taken down.

A skill that is quarantined or removed is a row without text: its name, description, manifest, files and
diagnostics stay out of the snapshot, so that nobody who reads one can show them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

HIDDEN = frozenset({"quarantined", "removed"})

TABLES: dict[str, str] = {
    "takedown": """
        repository_id BIGINT NOT NULL, path VARCHAR NOT NULL, state VARCHAR NOT NULL, legal BOOLEAN NOT NULL,
        reason VARCHAR NOT NULL, since TIMESTAMP NOT NULL, PRIMARY KEY (repository_id, path)
    """,
    "blocked": """
        digest VARCHAR PRIMARY KEY, legal BOOLEAN NOT NULL, reason VARCHAR NOT NULL, since TIMESTAMP NOT NULL
    """,
    "revocation": """
        digest VARCHAR PRIMARY KEY, legal BOOLEAN NOT NULL, reason VARCHAR NOT NULL, since TIMESTAMP NOT NULL
    """,
}

QUERIES: dict[str, str] = {
    "takedown": """
        SELECT repository_id, path, skill_takedown.state, legal, reason, since
        FROM skill_takedown JOIN skill USING (skill_id) ORDER BY repository_id, path
    """,
    # Contents and packages, whichever of the two was named, and those that nobody has seen yet.
    "blocked": """
        SELECT DISTINCT ON (digest COLLATE "C") digest, legal, reason, at FROM (
            SELECT digest, legal, reason, at FROM ruling WHERE digest IS NOT NULL
            UNION ALL SELECT content_digest, legal, reason, at FROM blocked_content
            UNION ALL SELECT package_digest, legal, reason, at FROM blocked_content) AS every
        ORDER BY digest COLLATE "C", legal DESC, at, reason
    """,
    # What people who have a copy should not keep: blocked digests, packages that only hidden skills have, and what
    # the scanner blocks.
    "revocation": """
        SELECT DISTINCT ON (digest COLLATE "C") digest, legal, reason, at FROM (
            SELECT digest, legal, reason, at FROM ruling WHERE digest IS NOT NULL
            UNION ALL
            SELECT unnest(ARRAY[content_digest, package_digest]), legal, reason, at FROM blocked_content
            UNION ALL
            SELECT unnest(ARRAY[content_digest, package_digest]), legal, reason, since
            FROM withheld_package JOIN version USING (content_digest) JOIN skill_takedown USING (skill_id)
            WHERE state <> 'yanked'
            UNION ALL
            SELECT unnest(ARRAY[content_digest, package_digest]), FALSE, 'the security scanner blocks it', scanned_at
            FROM package WHERE verdict = 'blocked' AND scanned_at IS NOT NULL) AS every
        ORDER BY digest COLLATE "C", legal DESC, at, reason
    """,
}


class Takedown(NamedTuple):
    """Why a skill or a package is not shown: state, whether the law demands it, reason, since when."""

    state: str  # yanked, quarantined or removed
    legal: bool
    reason: str
    since: datetime


Ask = Callable[[str, Sequence[object]], Iterator[tuple[Any, ...]]]


def skill_takedown(ask: Ask, repository_id: int, path: str) -> Takedown | None:
    """Find what was decided about a skill; `ask` runs a query on the snapshot."""
    query = "SELECT state, legal, reason, since FROM takedown WHERE repository_id = ? AND path = ?"
    row = next(ask(query, [repository_id, path]), None)
    return Takedown(*row) if row else None


def blocked(ask: Ask, digest: str) -> Takedown | None:
    """Find out whether a digest, of a content or a package, is blocked."""
    row = next(ask("SELECT 'removed', legal, reason, since FROM blocked WHERE digest = ?", [digest]), None)
    return Takedown(*row) if row else None
