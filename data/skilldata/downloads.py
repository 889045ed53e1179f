"""Downloads of packages, counted by day and version: in a batch on its way, in the index, and in a snapshot.

Nothing here says who downloaded, or when in a day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from skilldata.models import Digest, Record

TAKE_DOWNLOADS = "TakeDownloads"  # the workflow that adds a batch to the index

TABLES: dict[str, str] = {
    "download": """
        repository_id BIGINT NOT NULL, path VARCHAR NOT NULL, content_digest VARCHAR NOT NULL, day DATE NOT NULL,
        downloads BIGINT NOT NULL, PRIMARY KEY (repository_id, path, content_digest, day)
    """,
}

# Days that are over: a snapshot changes once a day because of them, and nobody can watch a single download.
QUERIES: dict[str, str] = {
    "download": """
        SELECT repository_id, path, content_digest, day, downloads
        FROM download JOIN skill USING (repository_id, path) JOIN version USING (skill_id, content_digest)
             JOIN package USING (content_digest) LEFT JOIN skill_takedown AS ruled USING (skill_id)
        WHERE verdict <> 'blocked' AND coalesce(ruled.state, 'yanked') = 'yanked' AND day < current_date
        ORDER BY repository_id, path, content_digest, day
    """,
}
# When the last of those days was over.
AS_OF = "SELECT max(day) + 1 FROM download WHERE day < current_date"

Ask = Callable[[str, Sequence[object]], Iterator[tuple[Any, ...]]]


class DownloadCount(Record):
    """How often one version was downloaded on one day (UTC)."""

    day: date
    repository_id: int
    path: str
    content_digest: Digest
    downloads: Annotated[int, Field(ge=1)]


class DownloadBatch(Record):
    """Counts that are added to the index once, however often they are sent: `batch` is unique."""

    batch: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    counts: tuple[DownloadCount, ...]


def batch_workflow_id(batch: str) -> str:
    """Workflow id of a batch; a second one of the same id is refused."""
    return f"downloads/{batch}"


def downloads_by_content(ask: Ask, repository_id: int, path: str) -> dict[str, int]:
    """Give how often each version of a skill was downloaded, by content digest; `ask` runs a query on the snapshot."""
    query = """
        SELECT content_digest, sum(downloads)::BIGINT FROM download WHERE repository_id = ? AND path = ?
        GROUP BY content_digest
    """
    return dict(ask(query, [repository_id, path]))


def downloads_by_day(ask: Ask, repository_id: int, path: str) -> list[tuple[date, str, int]]:
    """Give day, content digest and number of downloads of a skill's versions, the newest day first."""
    query = """
        SELECT day, content_digest, downloads FROM download WHERE repository_id = ? AND path = ?
        ORDER BY day DESC, content_digest
    """
    return [(day, content, count) for day, content, count in ask(query, [repository_id, path])]
