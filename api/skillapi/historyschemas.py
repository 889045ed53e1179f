"""What changed, and where it came from: the documents of those addresses."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from skillapi.schemas import Answer, Finding, PackagedFile, VerdictText


class FindingsAnswer(Answer):
    """What the security scanner found in a skill's current version."""

    verdict: VerdictText
    rule_set: Annotated[str, Field(description="The scanner's rules that gave the verdict; empty if none did")]
    findings: list[Finding]


class FileChange(Answer):
    """One file that is not the same in both versions."""

    change: Literal["added", "removed", "changed"]
    path: str
    before: Annotated[PackagedFile | None, Field(description="Null where it was added")]
    after: Annotated[PackagedFile | None, Field(description="Null where it was removed")]


class DiffAnswer(Answer):
    """What changed from one version of a skill to another."""

    before: Annotated[str | None, Field(description="Label; null where everything is new")]
    after: str
    verdict_before: VerdictText | None
    verdict_after: VerdictText
    licence_before: str | None
    licence_after: str | None
    files: list[FileChange]
    unchanged: Annotated[int, Field(description="Files that are the same in both")]
    page: Annotated[str | None, Field(description="Where the site shows the changed lines of this step")]


class ProvenanceAnswer(Answer):
    """Where a version came from, as the crawler saw it."""

    version: str
    repository_id: Annotated[int, Field(description="GitHub's number, which stays when the repository is renamed")]
    repository: Annotated[str, Field(description="owner/name today")]
    path: Annotated[str, Field(description="Folder from the repository's root; empty for the root itself")]
    revision: Annotated[str, Field(description="Commit it was read at")]
    committed_at: datetime
    content_digest: str
    package_digest: str
    licence: str | None
    licence_evidence: str
    source: Annotated[str, Field(description="The folder on GitHub at that commit")]
    statement: Annotated[
        str | None, Field(description="Key of the in-toto statement beside the packages; null where it is not public")
    ]
    envelope: Annotated[str | None, Field(description="Key of its DSSE envelope, where the registry signs")]


class SkillChange(Answer):
    """The latest thing that happened to one skill."""

    at: datetime
    change: Annotated[
        Literal["added", "changed", "gone", "yanked", "quarantined", "removed"],
        Field(description="The last three are decisions of maintainers"),
    ]
    owner: str
    repository: str
    slug: str
    version: str | None
    content_digest: str | None


class ChangesAnswer(Answer):
    """One page of the skills to which something happened after a time, oldest first."""

    since: datetime
    snapshot: Annotated[str, Field(description="The snapshot up to which they are told: ask for changes since it next")]
    total: int
    changes: list[SkillChange]
    next: Annotated[str | None, Field(description="Cursor of the next page")]


class ListedRepository(Answer):
    """One repository of the list of all."""

    repository_id: int
    owner: str
    name: str
    description: str
    stars: int
    state: str
    skills: Annotated[int, Field(description="Listed ones")]


class RepositoriesAnswer(Answer):
    """One page of all repositories, by name."""

    total: int
    repositories: list[ListedRepository]
    next: str | None


class ListedOwner(Answer):
    """One owner of the list of all."""

    owner: str
    repositories: int
    skills: Annotated[int, Field(description="Listed ones")]


class OwnersAnswer(Answer):
    """One page of all owners, by name."""

    total: int
    owners: list[ListedOwner]
    next: str | None
