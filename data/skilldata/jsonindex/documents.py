"""The documents of the JSON index. Their JSON Schemas are made from these models and published beside them.

A reader ignores what it does not know; a document only ever gains fields. What would change the meaning of
a field gets another number in `FORMAT` and another folder beside `index/v1/`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.json_schema import models_json_schema

from skilldata.models import Digest, ObjectId

FORMAT: Literal[1] = 1
SNAPSHOT_ID = r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}$"

SnapshotId = Annotated[str, StringConstraints(pattern=SNAPSHOT_ID)]
Prefix = Annotated[str, StringConstraints(pattern=r"^[01]{0,96}$")]
Size = Annotated[int, Field(ge=0)]


class Document(BaseModel):
    """Base of all documents."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class VersionEntry(Document):
    """One version of a skill, with the package that holds it. Sizes are bytes."""

    label: str
    content_digest: Digest
    package_digest: Digest
    size: Size
    unpacked_size: Size
    files: Size
    revision: ObjectId
    committed_at: datetime
    level: str
    licence: str | None
    redistributable: bool
    verdict: str
    downloads: Annotated[int, Field(ge=0, description="Through the API, up to the last whole day (UTC)")] = 0
    provenance: Annotated[str, Field(description="Path of the statement beside `packages/` of where it came from")]


class RepositoryRecord(Document):
    """One repository with listed skills. `repository` is `owner/name` as GitHub writes it."""

    kind: Literal["repository"] = "repository"
    repository: str
    repository_id: int
    description: str
    stars: Size
    licence: str | None
    topics: tuple[str, ...]
    archived: bool
    revision: ObjectId | None


class SkillRecord(Document):
    """One listed skill with its versions, the newest first. `skill` is `owner/repository/slug`.

    One that maintainers yanked is there for those who name one of its versions: it is in no list, and nothing that
    does not name a version installs it. `label` and `content_digest` are those of the version that its folder has
    now: an author may go back to the content of an earlier one.
    """

    kind: Literal["skill"] = "skill"
    skill: str
    repository_id: int
    path: str
    name: str
    description: str
    level: str
    licence: str | None
    redistributable: bool
    verdict: str
    first_seen_at: datetime
    updated_at: datetime
    label: str
    content_digest: Digest
    yanked: bool = False
    downloads: Annotated[int, Field(ge=0, description="Of all versions, counted as those of each")] = 0
    versions: tuple[VersionEntry, ...]


class Part(Document):
    """A content-addressed document: SHA-256 and size of its gzip bytes, and its size when unpacked."""

    digest: Digest
    size: Size
    unpacked_size: Size


class ShardPart(Part):
    """A shard or a directory, with the bits that the keys of all its records begin with."""

    prefix: Prefix
    records: Size


class Directory(Document):
    """A list of shards, in the order of their prefixes."""

    format: Literal[1] = FORMAT
    prefix: Prefix
    shards: tuple[ShardPart, ...]


class DeltaPart(Part):
    """A delta, from one snapshot (`base`) to another, with how many records it changes and removes."""

    base: SnapshotId
    snapshot: SnapshotId
    changed: Size
    removed: Size


class DeltaHead(Document):
    """The first line of a delta."""

    format: Literal[1] = FORMAT
    base: SnapshotId
    snapshot: SnapshotId


class Removed(Document):
    """A line of a delta: the address of a record that is no longer there, in lower case."""

    kind: Literal["removed"] = "removed"
    address: str


class Chains(Document):
    """Deltas that lead to an older snapshot from which a delta of the entry goes on to the newest."""

    format: Literal[1] = FORMAT
    deltas: tuple[DeltaPart, ...]


class Tree(Document):
    """All of a snapshot that follows from its content alone."""

    format: Literal[1] = FORMAT
    snapshot: SnapshotId
    as_of: datetime
    counts: dict[str, int]
    records: Size
    records_digest: Annotated[Digest, Field(description="SHA-256 over `SHA-256(line)` of all records by key")]
    directories: tuple[ShardPart, ...]


class SourceHealth(Document):
    """How one source is: repositories and listed skills that it found, and the floor that is expected of it."""

    kind: str
    target: str
    health: str
    succeeded_at: datetime | None
    repositories: Size
    skills: Size
    floor: Size = 0


class Freshness(Document):
    """How far behind GitHub the index was: seconds since repositories were last looked at."""

    observed_at: datetime
    lag_p50_seconds: float | None
    lag_p95_seconds: float | None
    oldest_repository: str | None
    oldest_probed_at: datetime | None
    never_probed: Size


class Download(Document):
    """A large file for analysts, with its path from the entry document."""

    path: str
    digest: Digest
    size: Size


class Downloads(Document):
    """The large files, which are published less often, and the snapshot that they are of.

    `changes` are the rows that differ in `changed_to`, a later snapshot, one file a table.
    """

    snapshot: SnapshotId
    published_at: datetime
    files: tuple[Download, ...]
    changed_to: SnapshotId | None = None
    changes: tuple[Download, ...] = ()


class Entry(Tree):
    """`entry.json`: where every reader begins."""

    published_at: datetime
    packages: Annotated[str, Field(description="Address of packages, from here; {first} is two digits of {digest}")]
    deltas: tuple[DeltaPart, ...]
    chains: Part | None = None
    sources: tuple[SourceHealth, ...]
    downloads: Downloads | None = None


class Status(Document):
    """`status.json`: whether the registry is well."""

    format: Literal[1] = FORMAT
    snapshot: SnapshotId
    as_of: datetime
    published_at: datetime
    checked_at: datetime
    counts: dict[str, int]
    freshness: Freshness | None
    sources: tuple[SourceHealth, ...]
    held: str | None = None
    held_reason: str = ""


class PublishedSnapshot(Document):
    """One line of the history: a snapshot that was published, and when."""

    snapshot: SnapshotId
    published_at: datetime
    counts: dict[str, int]


class History(Document):
    """`history.json`: the snapshots that were live, oldest first."""

    format: Literal[1] = FORMAT
    snapshots: tuple[PublishedSnapshot, ...] = ()


class FeedLine(Document):
    """One line of the change feed."""

    at: datetime
    snapshot: SnapshotId
    change: Literal["added", "changed", "removed"]
    address: str
    content_digest: Digest | None = None
    package_digest: Digest | None = None


class Revoked(Document):
    """A package or content that nobody should have any more. `legal` where a law demands that."""

    digest: Digest
    legal: bool
    reason: str
    since: datetime


class Revocations(Document):
    """`revocations.json`: what was taken back, in the order of digests."""

    format: Literal[1] = FORMAT
    snapshot: SnapshotId
    as_of: datetime
    revoked: tuple[Revoked, ...] = ()


class PublisherState(Document):
    """The publisher's own notes.

    `documents` are the snapshots that small documents may show, more than one while they are being written;
    `feed` is the one that the change feed has come to. `clients` are the snapshots that clients' files may
    show, and `clients_made` names what else went into them. `statement_key` is the id of the key that signed
    where packages come from.
    """

    documents: tuple[SnapshotId, ...] = ()
    feed: SnapshotId | None = None
    clients: tuple[SnapshotId, ...] = ()
    clients_made: str = ""
    statement_key: str = ""


class SkillLink(Document):
    """A skill as its repository's document lists it."""

    slug: str
    name: str
    description: str
    label: str
    content_digest: Digest
    package_digest: Digest


class RepositoryDocument(Document):
    """`repositories/owner/name.json`."""

    format: Literal[1] = FORMAT
    repository: RepositoryRecord
    skills: tuple[SkillLink, ...]


class OwnedRepository(Document):
    """A repository as its owner's document lists it."""

    repository: str
    stars: Size
    skills: tuple[str, ...]


class OwnerDocument(Document):
    """`owners/owner.json`."""

    format: Literal[1] = FORMAT
    owner: str
    repositories: tuple[OwnedRepository, ...]


PUBLISHED: tuple[type[Document], ...] = (
    Entry, Directory, SkillRecord, RepositoryRecord, DeltaHead, Removed, Chains, Status, History, FeedLine,
    RepositoryDocument, OwnerDocument, Revocations,
)  # fmt: skip


def encode(document: Document) -> bytes:
    """Write a document as one line of UTF-8: the same bytes for the same content."""
    return document.model_dump_json().encode() + b"\n"


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of all documents, under `$defs`."""
    _, schema = models_json_schema([(model, "serialization") for model in PUBLISHED], title="Agent skill index, v1")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
