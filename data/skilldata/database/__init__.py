"""The index in PostgreSQL. The only package that imports the driver.

- `database`      the index as one object; start here
- `lookup`        where one repository stands
- `todo`          who is to be looked at next
- `repositories`  what is seen of repositories
- `crawls`        what a crawl of one of them found, with `skills`, `packages` and `rows`
- `events`        the append-only history
"""

from skilldata.database.database import Database, database_url
from skilldata.database.lookup import Standing, find_repository
from skilldata.database.records import (
    CrawlOutcome,
    DueRepository,
    Failure,
    KnownSkill,
    Rewritten,
    SourceRow,
    StoredBlob,
)

__all__ = [
    "CrawlOutcome",
    "Database",
    "DueRepository",
    "Failure",
    "KnownSkill",
    "Rewritten",
    "SourceRow",
    "Standing",
    "StoredBlob",
    "database_url",
    "find_repository",
]
