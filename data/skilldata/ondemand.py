"""What the API asks of the crawler and hears back: names of workflows, their ids, their messages.

The API knows nothing else of the crawler; both sides agree on what is written here.
"""

from __future__ import annotations

import re
from enum import StrEnum

from skilldata.models import ObjectId, Record

# Workflows, and what can be said to them.
REFRESH_REPOSITORY = "RefreshRepository"
TAKE_DELIVERY = "TakeDelivery"
PUBLISH_SOON = "PublishSoon"
ASK = "ask"
STATE = "state"

PUBLISH_SOON_ID = "publish/soon"
MAX_DELIVERED = 500  # repositories of one delivery; an App may be given more, and the crawl finds the others

# GitHub's rules for new names, and the underscore that names of managed users have.
_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


class AskedRepository(Record):
    """A repository that is to be read: by its numeric id where that is known, else by its name.

    `head` is the commit that its default branch is said to be at.
    """

    owner: str
    name: str
    repository_id: int | None = None
    head: ObjectId | None = None


class RefreshRequest(Record):
    """Read a repository now; `may_add` lets one in that the index does not have."""

    repository: AskedRepository
    may_add: bool = False


class Delivery(Record):
    """One webhook delivery that names repositories."""

    delivery: str
    event: str
    repositories: tuple[AskedRepository, ...]
    may_add: bool = False


class Phase(StrEnum):
    """How far a request has come; those after `publishing` are ends."""

    WAITING = "waiting"
    READING = "reading"
    PUBLISHING = "publishing"
    LIVE = "live"  # what was read is in the live snapshot
    UNCHANGED = "unchanged"  # there was nothing new
    UNKNOWN = "unknown"  # the index does not have it, and it may not be added
    HELD = "held"  # it waits for a maintainer
    FAILED = "failed"


class RefreshState(Record):
    """Where a request stands, and what it did so far."""

    repository: str = ""  # owner/name, as it was asked for
    phase: Phase = Phase.WAITING
    repository_id: int | None = None
    skills_added: int = 0
    versions_added: int = 0
    refused: int = 0
    gone: int = 0
    snapshot: str | None = None
    error: str = ""


def is_repository_name(owner: str, name: str) -> bool:
    """Whether GitHub could have a repository of that name."""
    return bool(_OWNER.fullmatch(owner) and _NAME.fullmatch(name) and name.strip("."))


def refresh_id(repository: AskedRepository) -> str:
    """Workflow id of the requests for one repository: at most one runs, and later ones join it."""
    if repository.repository_id is not None:
        return f"crawl/on-demand/{repository.repository_id}"
    return f"crawl/on-demand/{repository.owner}/{repository.name}".lower()


def delivery_id(delivery: str) -> str:
    """Workflow id of one delivery, which makes a second one of the same id a double."""
    return f"webhook/{delivery}"
