"""How the registry fares, read from the index and from what is published: for metrics and `doctor`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from skilldata.config import Settings
from skilldata.database import Database
from skilldata.errors import NotFound, RegistryError
from skilldata.jsonindex.documents import Status
from skilldata.objects import ObjectStore
from skilldata.publish.live import open_publishers
from skilldata.publish.published import STATUS, Published
from skilldata.store import SnapshotStore
from skilldata.trust.metadata import PREFIX as METADATA


class CrawlHealth(NamedTuple):
    """The to-do list: repositories that are due, seconds that the first of them waits, and those that failed."""

    repositories: int
    due: int
    lag_seconds: float
    failing: int


class DatabaseHealth(NamedTuple):
    """Connections in use and at most, and bytes of the whole database."""

    connections: int
    connections_max: int
    bytes: int


class PublishHealth(NamedTuple):
    """What is live: its id, age of its last change and of the publish in seconds; which one is held, and why."""

    snapshot: str
    age_seconds: float
    published_seconds: float
    skills: int
    held: str = ""
    held_reason: str = ""


def crawl_health(database: Database) -> CrawlHealth:
    """Look at the to-do list."""
    with database.transaction() as connection:
        row = connection.execute(_CRAWL).fetchone()
    return CrawlHealth(*row) if row else CrawlHealth(0, 0, 0.0, 0)


def database_health(database: Database) -> DatabaseHealth:
    """Look at PostgreSQL itself."""
    with database.transaction() as connection:
        row = connection.execute(_DATABASE).fetchone()
    return DatabaseHealth(*row) if row else DatabaseHealth(0, 0, 0)


def source_counts(database: Database) -> dict[str, int]:
    """Count sources by their health: `new`, `ok`, `failing`."""
    with database.transaction() as connection:
        found = dict(connection.execute("SELECT health, count(*) FROM source GROUP BY 1").fetchall())
    return {"new": 0, "ok": 0, "failing": 0} | found


def publish_health(settings: Settings, objects: ObjectStore) -> PublishHealth | None:
    """Look at what is live; None where nothing is.

    Raises:
        ServiceUnavailable: The object store does not answer.
    """
    objects.ready()  # the pointer falls back on a local copy, which says nothing of the store
    pointer = SnapshotStore(settings.state_directory / "snapshots", objects).pointer()
    if pointer is None:
        return None
    now = datetime.now(UTC)
    status = _status(open_publishers(settings, objects)[0].published)
    return PublishHealth(
        pointer.snapshot,
        (now - pointer.as_of).total_seconds(),
        (now - pointer.published_at).total_seconds(),
        status.counts.get("skills", 0) if status else 0,
        (status.held or "") if status else "",
        status.held_reason if status else "",
    )


def metadata_expiry(objects: ObjectStore) -> datetime | None:
    """Read until when the signed metadata is valid; None where nothing is signed, or that cannot be read."""
    try:
        signed = json.loads(objects.get(f"{METADATA}timestamp.json"))["signed"]
        return datetime.fromisoformat(str(signed["expires"]))
    except NotFound:
        return None
    except (ValueError, KeyError, TypeError):
        return datetime.fromtimestamp(0, UTC)


def security_txt_expiry(site: Path) -> datetime | None:
    """Read until when the site's security.txt (RFC 9116) is valid; None where there is no site."""
    try:
        lines = (site / ".well-known" / "security.txt").read_text(encoding="utf-8").splitlines()
        return datetime.fromisoformat(next(line for line in lines if line.startswith("Expires:"))[8:].strip())
    except FileNotFoundError:
        return None
    except (ValueError, StopIteration):
        return datetime.fromtimestamp(0, UTC)


def _status(published: Published) -> Status | None:
    try:
        return published.document(Status, STATUS)
    except RegistryError:
        return None


_CRAWL = """
    SELECT count(*), count(*) FILTER (WHERE waits),
           coalesce(extract(epoch FROM now() - min(due_at) FILTER (WHERE waits)), 0)::float,
           count(*) FILTER (WHERE error_code <> '')
    FROM (SELECT due_at, error_code, due_at <= now() AND state <> 'held' AS waits
          FROM probe JOIN repository USING (repository_id)) AS every
"""
_DATABASE = """
    SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::integer,
           current_setting('max_connections')::integer, pg_database_size(current_database())
"""
