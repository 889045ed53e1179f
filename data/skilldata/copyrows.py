"""What a snapshot tells about copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

TABLES: dict[str, str] = {
    "copy": """
        repository_id BIGINT NOT NULL, path VARCHAR NOT NULL, origin_repository_id BIGINT NOT NULL,
        origin_path VARCHAR NOT NULL, identical BOOLEAN NOT NULL, similarity REAL NOT NULL, evidence VARCHAR NOT NULL,
        PRIMARY KEY (repository_id, path)
    """,
}

MOST = 30  # near copies of one origin that are named

Ask = Callable[[str, Sequence[object]], Iterator[tuple[Any, ...]]]


class Origin(NamedTuple):
    """The skill that another one is a copy of.

    `similarity` is 0.8 to 1, `evidence` why it is taken for the original: fork, lock file, same repository,
    stars, earlier commit or first address.
    """

    owner: str
    repository: str
    slug: str
    identical: bool
    similarity: float
    evidence: str

    @property
    def address(self) -> str:
        """`owner/repo/slug`."""
        return f"{self.owner}/{self.repository}/{self.slug}"


def origin_of(ask: Ask, repository_id: int, path: str) -> Origin | None:
    """Find what a skill is a copy of; None where it is none. `ask` runs a query on the snapshot."""
    row = next(ask(_ORIGIN, [repository_id, path]), None)
    return Origin(*row) if row else None


def similar_to(ask: Ask, repository_id: int, path: str, limit: int) -> tuple[int, list[Origin]]:
    """Count the copies of an origin, and give some that are not identical, the most similar first."""
    count = next(ask(_COUNT, [repository_id, path]))[0]
    near = ask(_NEAR, [repository_id, path, limit]) if count else iter(())
    return count, [Origin(*row) for row in near]


_ORIGIN = """
    SELECT owner, repository, slug, identical, similarity, evidence
    FROM copy JOIN skill ON skill.repository_id = origin_repository_id AND skill.path = origin_path
    WHERE copy.repository_id = ? AND copy.path = ?
"""
_COUNT = "SELECT count(*) FROM copy WHERE origin_repository_id = ? AND origin_path = ?"
_NEAR = """
    SELECT owner, repository, slug, identical, similarity, evidence
    FROM copy JOIN skill USING (repository_id, path)
    WHERE origin_repository_id = ? AND origin_path = ? AND NOT identical
    ORDER BY similarity DESC, stars DESC, lower(owner), lower(repository), path LIMIT ?
"""
