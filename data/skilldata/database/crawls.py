"""Recording one crawl of one repository, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

from skilldata.database import todo
from skilldata.database.events import add_event
from skilldata.database.plugins import PluginWriter
from skilldata.database.records import CrawlOutcome, Rewritten
from skilldata.database.skills import CrawlWriter
from skilldata.intervals import Bounds
from skilldata.models import ReadSkill
from skilldata.plugins import ReadPlugins


class Crawled(NamedTuple):
    """What was crawled; as the arguments of `Database.record_crawl`."""

    repository_id: int
    revision: str
    tree_oid: str
    committed_at: datetime
    licence_basis: str
    rewritten: Rewritten | None
    plugins: ReadPlugins | None
    bounds: Bounds


def record_crawl(
    connection: Connection[tuple[Any, ...]], crawled: Crawled, skills: Iterable[ReadSkill], unchanged: Sequence[str]
) -> CrawlOutcome | None:
    """Write a crawl in the caller's transaction; None where the repository is not in the index."""
    # The lock makes simultaneous crawls of one repository take turns.
    row = connection.execute(_LOCK, (crawled.repository_id,)).fetchone()
    if row is None:
        return None
    head, pushed_at, crawled_oid = row
    if head != crawled.revision:
        return CrawlOutcome(superseded=True)
    if crawled.rewritten is not None and crawled.rewritten.old_head == crawled_oid:
        evidence = {"from": crawled_oid, "to": head, "commits_searched": crawled.rewritten.searched}
        add_event(connection, "repository.history-rewritten", crawled.repository_id, evidence)
    writer = CrawlWriter(connection, crawled.repository_id, crawled.revision, crawled.committed_at)
    outcome = writer.write(skills, unchanged)
    if crawled.plugins is not None:
        PluginWriter(connection, crawled.repository_id).write(crawled.plugins)
    known = {key: value for key, value in crawled._asdict().items() if key not in {"rewritten", "plugins", "bounds"}}
    connection.execute(_CRAWLED, known)
    changed = crawled_oid is not None and crawled_oid != crawled.revision
    todo.finish_probes(connection, [(crawled.repository_id, pushed_at)], bounds=crawled.bounds, changed=changed)
    return outcome


_LOCK = "SELECT head_oid, pushed_at, crawled_oid FROM repository WHERE repository_id = %s FOR UPDATE"
_CRAWLED = """
    UPDATE repository SET crawled_oid = %(revision)s, crawled_branch = default_branch, crawled_tree = %(tree_oid)s,
           committed_at = %(committed_at)s, licence_basis = %(licence_basis)s
    WHERE repository_id = %(repository_id)s AND crawled_oid IS DISTINCT FROM %(revision)s
"""
