"""The documents that the API answers with. Field names are stable; times are ISO 8601 in UTC, sizes bytes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from skilldata.clientkeys import ClientKeys
from skilldata.models import Verdict
from skilldata.ondemand import Phase

VerdictText = Annotated[
    Verdict, Field(description="Of the security scanner; none of its words says that a skill is harmless")
]

Url = Annotated[str, Field(description="Path below the site's address")]


class Answer(BaseModel):
    """Base of all documents."""

    model_config = ConfigDict(frozen=True)


class FoundSkill(Answer):
    """One hit of a search."""

    owner: str
    repository: str
    slug: str
    name: str
    description: str
    level: str
    licence: str | None
    redistributable: bool
    stars: int
    version: Annotated[str, Field(description="Label of the current version")]
    verdict: VerdictText
    updated_at: datetime
    url: Url
    copies: Annotated[int, Field(description="Other listed skills with the same content, folded into this one")]
    highlights: Annotated[
        dict[str, list[tuple[int, int]]],
        Field(description="Where the words of the query are in name and description: start, end in code points"),
    ]


class Facet(Answer):
    """How many of all hits have a value; the value can be used as a filter."""

    value: str
    count: int


class SearchAnswer(Answer):
    """One page of hits."""

    query: str
    total: Annotated[int, Field(description="Hits on all pages, copies folded")]
    results: list[FoundSkill]
    facets: Annotated[dict[str, list[Facet]], Field(description="By filter: licence, level, topic, owner, tag …")]
    next: Annotated[str | None, Field(description="Cursor of the next page")]
    did_you_mean: Annotated[str | None, Field(description="The query with likely typos put right")]


class Diagnostic(Answer):
    """One finding about a manifest or folder. `error` keeps a skill from being listed."""

    rule: str
    level: Literal["error", "warning", "info"]
    file: Annotated[str, Field(description="Path from the skill's folder; empty for the folder itself")]
    line: Annotated[int | None, Field(description="Counts from 1")]
    message: str
    remedy: str


class Finding(Answer):
    """One thing that a rule of the security scanner found in the files."""

    rule: str
    severity: Literal["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO"]
    file: Annotated[str, Field(description="Path from the skill's folder")]
    line: Annotated[int | None, Field(description="Counts from 1; null where the whole file is meant")]
    evidence: Annotated[str, Field(description="What was seen, hidden characters spelled out, secrets cut")]
    explanation: str
    remedy: str


class SecondFinding(Answer):
    """One thing that the second scanner names."""

    rule: str
    severity: Literal["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO"]
    file: Annotated[str, Field(description="Path from the skill's folder; empty for the skill as a whole")]
    line: Annotated[int | None, Field(description="Counts from 1")]
    text: str


class SecondOpinion(Answer):
    """What another project's scanner says of the current version: advisory, no part of the verdict."""

    scanner: str
    version: str
    highest: Annotated[
        Literal["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO"] | None, Field(description="Null: it found nothing")
    ]
    findings: Annotated[list[SecondFinding], Field(description="Heaviest first, at most 50")]
    more: Annotated[int, Field(description="Findings that are not kept")]
    problem: Annotated[str, Field(description="Why it could not look; empty where it could")]


class SkillSummary(Answer):
    """One skill of a repository. `slug`, `version` and `content_digest` are null where it was never listed."""

    owner: str
    repository: str
    slug: str | None
    path: Annotated[str, Field(description="Folder from the repository's root; empty for the root itself")]
    state: Annotated[str, Field(description="listed, refused, gone, yanked, quarantined or removed")]
    level: str
    name: str
    description: str
    licence: str | None
    redistributable: bool
    stars: int
    version: str | None
    content_digest: str | None
    verdict: VerdictText
    updated_at: datetime
    url: Annotated[str | None, Field(description="Path of its page below the site's address")]


class Version(Answer):
    """One version: what was read, where, and the package that holds it."""

    version: str
    content_digest: Annotated[str, Field(description="Over the files, whatever the compression")]
    package_digest: Annotated[str, Field(description="Over the bytes of the zip")]
    size: Annotated[int, Field(description="Bytes of the zip")]
    unpacked_size: int
    files: int
    revision: Annotated[str, Field(description="Commit it was read at")]
    committed_at: datetime
    created_at: Annotated[datetime, Field(description="When the registry first had it")]
    level: str
    licence: str | None
    licence_evidence: str
    redistributable: bool
    verdict: VerdictText
    rule_set: Annotated[str, Field(description="The scanner's rules that gave the verdict; empty if none did")]
    download: Annotated[str | None, Field(description="Path of the package; null where no licence allows it")]
    downloads: Annotated[int, Field(description="Of it through this API, up to the last whole day (UTC)")]
    source: Annotated[str, Field(description="The folder on GitHub at that commit")]


class SimilarSkill(Answer):
    """A skill that another one is a copy of, or that is a copy of it."""

    address: str
    identical: Annotated[bool, Field(description="Whether all files are the same")]
    similarity: Annotated[float, Field(description="Share of runs of words in common, estimated, 0.8 to 1")]
    evidence: Annotated[str, Field(description="Why the other is taken for the original: fork, lock file, stars …")]


class SkillAnswer(SkillSummary):
    """Everything about one skill, but its lists."""

    first_seen_at: datetime
    gone_at: datetime | None
    downloads: Annotated[int, Field(description="Of all versions through this API, up to the last whole day (UTC)")]
    manifest: Annotated[dict[str, Any], Field(description="Front matter as the author wrote it")]
    client_keys: Annotated[
        ClientKeys, Field(description="Keys that clients know, typed: what it asks for and who may call it")
    ]
    plugins: Annotated[list[str], Field(description="Addresses of the plugins that bring it")]
    current: Version | None
    copies: Annotated[list[str], Field(description="Addresses of other listed skills with the same content")]
    origin: Annotated[SimilarSkill | None, Field(description="What it is a copy of, identical or nearly")]
    copy_count: Annotated[int, Field(description="Copies of which it is the origin, identical or nearly")]
    similar: Annotated[list[SimilarSkill], Field(description="Some of those that are not identical")]
    yanked: Annotated[str | None, Field(description="Why maintainers hide it from lists, where they do")]
    diagnostics: Annotated[dict[str, int], Field(description="How many of each level")]
    findings: Annotated[list[Finding], Field(description="Of the security scanner, heaviest first")]
    second_opinion: Annotated[
        SecondOpinion | None, Field(description="Advisory; null where no other scanner was asked")
    ]


class VersionsAnswer(Answer):
    """All versions of a skill, newest first."""

    versions: list[Version]


class DayOfDownloads(Answer):
    """How often one version was downloaded on one day (UTC)."""

    day: date
    version: str
    downloads: int


class DownloadsAnswer(Answer):
    """Downloads of a skill through this API, the newest day first; days that are not over are not in it."""

    total: int
    days: list[DayOfDownloads]


class PackagedFile(Answer):
    """One file of a version."""

    path: str
    mode: Annotated[str, Field(description="POSIX permission bits, octal")]
    size: int
    sha256: str


class FilesAnswer(Answer):
    """The files of one version."""

    version: str
    content_digest: str
    files: list[PackagedFile]


class DiagnosticsAnswer(Answer):
    """What was found about a skill's manifest and folder."""

    level: str
    diagnostics: list[Diagnostic]


class RepositorySkill(SkillSummary):
    """A skill of a repository with the reasons why it is not listed or not strict."""

    diagnostics: list[Diagnostic]


class Repository(Answer):
    """One repository as last crawled."""

    repository_id: int
    owner: str
    name: str
    description: str
    default_branch: str
    revision: str | None
    committed_at: datetime | None
    pushed_at: datetime | None
    first_seen_at: datetime
    stars: int
    forks: int
    topics: list[str]
    licence: str | None
    is_fork: bool
    archived: bool
    state: str


class RepositoryAnswer(Repository):
    """A repository with one page of its skills, by folder; refused ones among them."""

    counts: Annotated[dict[str, int], Field(description="Skills by state")]
    categories: Annotated[list[str], Field(description="As the author's .skillregistry.yaml has them")]
    maintainers: Annotated[list[str], Field(description="GitHub accounts that the author's file names")]
    author_file: Annotated[list[Diagnostic], Field(description="What is wrong with the author's file")]
    skills: list[RepositorySkill]
    next: str | None


class OwnedRepository(Answer):
    """One repository of an owner, with its skills counted by state."""

    name: str
    description: str
    stars: int
    state: str
    counts: dict[str, int]


class OwnerAnswer(Answer):
    """An owner with one page of repositories, by name."""

    owner: str
    counts: Annotated[dict[str, int], Field(description="Skills by state, over all repositories")]
    repositories: list[OwnedRepository]
    next: str | None


class StatusAnswer(Answer):
    """What the API serves."""

    snapshot: str
    as_of: datetime
    format: int
    counts: dict[str, int]
    files: Annotated[dict[str, str], Field(description="Digests of the snapshot's files")]


class ReindexAnswer(Answer):
    """A request to have a repository read, and how far it is."""

    owner: str
    repository: str
    state: Annotated[Phase, Field(description="live, unchanged, unknown, held and failed are ends")]
    next: Annotated[str, Field(description="What happens next, or what to do")]
    status: Annotated[str, Field(description="Address at which this document is kept up to date")]
    asked_at: Annotated[datetime | None, Field(description="When the reading was first asked for")] = None
    finished_at: datetime | None = None
    skills_added: int = 0
    versions_added: int = 0
    refused: Annotated[int, Field(description="Skills that are not listed for a reason")] = 0
    gone: int = 0
    snapshot: Annotated[str | None, Field(description="The snapshot that has what was read")] = None
    error: Annotated[str, Field(description="What went wrong; empty where nothing did")] = ""


class DeliveryAnswer(Answer):
    """What became of a webhook delivery."""

    outcome: Literal["accepted", "repeated", "ignored"]
    repositories: Annotated[int, Field(description="Repositories that are read because of it")] = 0
    reason: str = ""


class HealthAnswer(Answer):
    """The process answers."""

    status: Literal["ok"] = "ok"


class ReadyAnswer(Answer):
    """Whether there is something to serve. `degraded`: yes, but a newer snapshot or the store is out of reach."""

    status: Literal["ready", "degraded"]
    snapshot: str
    as_of: datetime
    age_seconds: float
    opened_at: datetime
    snapshot_error: Annotated[bool, Field(description="Whether the newest snapshot cannot be opened")]
    store_ready: Annotated[bool | None, Field(description="Null where no store is configured or asked yet")]


class ProblemAnswer(Answer):
    """RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    remedy: str
    request_id: str


class ProblemKindAnswer(Answer):
    """What a problem's code means."""

    code: str
    title: str
    status: int
    meaning: str
