"""What the index takes and gives, beside the models of `skilldata.models`."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from skilldata.models import Record, SkillState


class DueRepository(Record):
    """A repository that waits for a probe; `crawled_oid` is the commit that the index reflects, of that branch."""

    repository_id: int
    node_id: str
    owner: str
    name: str
    crawled_oid: str | None
    crawled_branch: str | None = None


class KnownSkill(Record):
    """What the index has of a skill, for a crawl that wants to skip the unchanged."""

    path: str
    slug: str | None
    tree_oid: str | None
    state: SkillState


class CrawlOutcome(Record):
    """What one crawl of one repository changed in the index; all zero where it changed nothing."""

    skills_added: int = 0
    versions_added: int = 0
    refused: int = 0
    gone: int = 0
    superseded: bool = False  # a newer head was seen meanwhile, so nothing was written


class Rewritten(NamedTuple):
    """That a branch's history no longer holds its old head, among so many commits back from the new one."""

    old_head: str
    searched: int


class SourceRow(NamedTuple):
    """A source with its health: `new`, `ok` or `failing`."""

    source_id: int
    kind: str
    target: str
    health: str
    error: str
    run_at: datetime | None
    succeeded_at: datetime | None
    repositories: int


class Failure(NamedTuple):
    """A repository whose last crawl failed, with the reason and the next try."""

    repository_id: int
    owner: str
    name: str
    attempts: int
    code: str
    message: str
    due_at: datetime


class StoredBlob(NamedTuple):
    """Where the bytes of a git blob are: a file of a stored package."""

    oid: str
    package_digest: str
    path: str
