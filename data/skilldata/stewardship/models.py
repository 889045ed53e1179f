"""What is decided about skills, digests, repositories and owners."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from skilldata.errors import RegistryError
from skilldata.models import Digest, Record
from skilldata.opinions import Opinion

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]
Owner = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,100}$")]
RepositoryName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$")]
SkillAddress = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}/[a-z0-9-]{1,64}$")
]


class StewardshipError(RegistryError):
    """A decision that cannot be made or lifted as it was asked for."""

    code: ClassVar[str] = "stewardship"


class Action(StrEnum):
    """What may be decided."""

    YANKED = "yanked"  # a skill: hidden from lists and search, still served to those who know it
    QUARANTINED = "quarantined"  # a skill: hidden and not served, until it is looked into
    REMOVED = "removed"  # a skill: a tombstone is all that remains
    BLOCKED = "blocked"  # a digest, repository or owner: all that comes from it is removed, now and later


class Place(StrEnum):
    """Where a package of the index belongs in the object store."""

    SERVED = "served"  # under a key that may be public
    ASIDE = "aside"  # kept for the registry itself, under a key that is not
    ERASED = "erased"  # nowhere


class Origin(StrEnum):
    """Who made a ruling, and so who can lift it: a command, or an entry of the policy file."""

    MAINTAINER = "maintainer"
    POLICY = "policy"


class Target(Record):
    """What is ruled on: one of skill, repository, owner and digest, and how a person named it."""

    named: str
    skill_id: int | None = None
    repository_id: int | None = None
    owner: str | None = None  # lower case
    digest: Digest | None = None  # of a content or a package


class Ruling(Record):
    """A decision that is in force. `legal` tells readers that it was demanded by law (451 instead of 410)."""

    origin: Origin
    action: Action
    named: str
    legal: bool
    reason: str
    actor: str
    at: datetime


class Event(Record):
    """One entry of a skill's history."""

    at: datetime
    kind: str
    actor: str
    evidence: dict[str, object]


class Standing(Record):
    """How a skill stands: upstream, by rulings, and therefore for readers."""

    address: str
    repository_id: int
    path: str
    upstream: str
    state: str
    reason: str
    legal: bool
    label: str | None
    content_digest: Digest | None
    package_digest: Digest | None
    second_opinion: Opinion | None  # another scanner's of that content, advisory
    rulings: tuple[Ruling, ...]
    events: tuple[Event, ...]


class BlockedDigest(Record):
    """Entry of the policy: content or package that no one is given, whatever it is called."""

    digest: Digest
    reason: Reason
    legal: bool = False


class BlockedRepository(Record):
    """Entry of the policy: a repository that is neither crawled nor shown."""

    repository: RepositoryName
    reason: Reason
    legal: bool = False


class BlockedOwner(Record):
    """Entry of the policy: an owner of whom nothing is crawled or shown."""

    owner: Owner
    reason: Reason
    legal: bool = False


class ForcedState(Record):
    """Entry of the policy: a skill and the state that it is to have."""

    skill: SkillAddress
    state: Action
    reason: Reason
    legal: bool = False


class Blocked(Record):
    """The blocked part of the policy."""

    digests: Annotated[tuple[BlockedDigest, ...], Field(max_length=100_000)] = ()
    repositories: Annotated[tuple[BlockedRepository, ...], Field(max_length=100_000)] = ()
    owners: Annotated[tuple[BlockedOwner, ...], Field(max_length=100_000)] = ()


class Policy(Record):
    """What the maintainers' policy file says."""

    blocked: Blocked = Blocked()
    skills: Annotated[tuple[ForcedState, ...], Field(max_length=100_000)] = ()
