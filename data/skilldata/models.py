"""The records that cross a boundary: between crawler and index, index and snapshot, snapshot and reader.

Times are timezone-aware UTC. Sizes are bytes. Digests are `sha256:` and 64 lower-case hexadecimal
digits; git object ids are 40 (SHA-1). Words are those of the glossary in docs/concepts.md.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
ObjectId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
EVIDENCE_LIMIT = 200  # characters


class Record(BaseModel):
    """Base of all records: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceKind(StrEnum):
    """Where the crawler looks for repositories."""

    OWNER = "owner"
    REPOSITORY = "repository"
    TOPIC = "topic"
    SEARCH = "search"
    CODE = "code"
    MARKETPLACE = "marketplace"
    LIST = "list"


class Source(Record):
    """One place to look: `target` is an owner, `owner/name`, a topic, a query or an address."""

    kind: SourceKind
    target: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    interval_seconds: Annotated[int, Field(ge=60)] = 86_400


class ConfiguredSource(Source):
    """A source as the configuration has it; one that is not `enabled` is kept, and not listed."""

    enabled: bool = True


class RepositoryState(StrEnum):
    """What a repository is upstream, as last seen."""

    ACTIVE = "active"
    EMPTY = "empty"  # no commit
    GONE = "gone"  # 404: deleted or private
    BLOCKED = "blocked"  # 451 or disabled
    HELD = "held"  # another repository took this one's name; waits for a maintainer


class Repository(Record):
    """One GitHub repository, keyed by its numeric id because names move."""

    repository_id: int
    node_id: str
    owner: str
    name: str
    default_branch: str = ""
    head_oid: ObjectId | None = None
    tree_oid: ObjectId | None = None
    description: str = ""
    stars: int = 0
    forks: int = 0
    topics: tuple[str, ...] = ()
    licence: str | None = None  # SPDX id, in GitHub's opinion
    is_fork: bool = False
    parent_id: int | None = None
    archived: bool = False
    pushed_at: datetime | None = None
    state: RepositoryState = RepositoryState.ACTIVE


class Level(StrEnum):
    """How well a manifest follows the Agent Skills specification."""

    STRICT = "strict"
    LOADABLE = "loadable"
    BROKEN = "broken"


class SkillState(StrEnum):
    """Whether the registry shows a skill, and if not, in what way not."""

    LISTED = "listed"
    REFUSED = "refused"  # broken, too large, unsafe paths…: see its diagnostics
    GONE = "gone"  # no longer upstream
    YANKED = "yanked"  # by a maintainer: hidden, but still served
    QUARANTINED = "quarantined"  # by a maintainer: hidden and not served, until it is looked into
    REMOVED = "removed"  # by a maintainer: a tombstone


class DiagnosticLevel(StrEnum):
    """`error` keeps a skill from being listed, `warning` from being strict, `info` is only said."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Diagnostic(Record):
    """One finding about a manifest or folder.

    `file` is relative to the skill's folder; `line` counts from 1 where there is one. `remedy` is one
    sentence that tells the author what to do.
    """

    rule: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$")]
    level: DiagnosticLevel
    message: str
    remedy: Annotated[str, StringConstraints(min_length=1)]
    file: str = "SKILL.md"
    line: int | None = None


class PackagedFile(Record):
    """One file of a package: path from the skill's root, POSIX mode (0o644 or 0o755), size, content, git blob."""

    path: str
    mode: int
    size: int
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    oid: ObjectId


class Package(Record):
    """A stored zip. `content_digest` covers the files, `package_digest` the zip's own bytes."""

    package_digest: Digest
    content_digest: Digest
    size: int
    unpacked_size: int
    files: tuple[PackagedFile, ...]


class Licence(Record):
    """An SPDX id with where it was seen and how sure that is (0 to 1)."""

    spdx: str | None = None
    evidence: str = ""  # 'front matter', 'skill folder: LICENSE.txt', 'repository: LICENSE', 'GitHub'
    confidence: float = 0.0


class Severity(StrEnum):
    """How much a finding weighs; one `CRITICAL` finding keeps a skill from being listed."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"
    INFO = "INFO"

    @property
    def rank(self) -> int:
        """0 for `INFO` up to 4 for `CRITICAL`."""
        return len(Severity) - 1 - list(Severity).index(self)

    def at_most(self, ceiling: Severity) -> Severity:
        """The lighter of the two."""
        return min(self, ceiling, key=lambda severity: severity.rank)


class Verdict(StrEnum):
    """What the security scanner says of a content. None of these words says that a skill is harmless."""

    PENDING = "pending"  # not scanned yet
    NO_FINDINGS = "no findings"
    FINDINGS = "findings"
    BLOCKED = "blocked"  # at least one CRITICAL finding: not listed, not served
    ERROR = "error"  # the scan is partial; its problem says why


class Finding(Record):
    """One thing that a security rule found. `line` counts from 1; None where a file as a whole is meant."""

    rule: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    severity: Severity
    file: str
    line: int | None = None
    evidence: Annotated[str, Field(max_length=EVIDENCE_LIMIT)]
    explanation: str
    remedy: str


class ScanReport(Record):
    """The findings of one scan, heaviest first, and the rules they were found with."""

    findings: tuple[Finding, ...] = ()
    verdict: Verdict
    rule_set: str
    problem: str = ""  # why the scan is partial

    @property
    def highest(self) -> Severity | None:
        """The heaviest severity found, None without findings."""
        return max((finding.severity for finding in self.findings), key=lambda severity: severity.rank, default=None)


class ReadSkill(Record):
    """What the crawler read of one skill folder at one revision: the row that the index takes.

    A refused skill has diagnostics of level `error` and no package.
    """

    path: str  # folder from the repository's root; '' is the root itself
    manifest_file: str  # file name as found: SKILL.md, skill.md …
    tree_oid: str | None  # git tree of the folder
    slug: str | None = None
    name: str = ""
    description: str = ""
    level: Level
    metadata_version: str | None = None
    manifest: dict[str, Any] = {}
    text: str = ""  # the whole SKILL.md, decoded
    licence: Licence = Licence()
    redistributable: bool = False
    package: Package | None = None
    scan: ScanReport | None = None  # of the package's files
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def has_version(self) -> bool:
        """Whether there is a package, a manifest that can be loaded, and a slug: something to keep a version of."""
        return self.package is not None and self.level is not Level.BROKEN and self.slug is not None

    @property
    def state(self) -> SkillState:
        """`LISTED` where there is a version that the scanner does not block, else `REFUSED`."""
        blocked = self.scan is not None and self.scan.verdict is Verdict.BLOCKED
        return SkillState.LISTED if self.has_version and not blocked else SkillState.REFUSED
