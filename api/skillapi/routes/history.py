"""What changed from version to version and since a snapshot, what was found, and where a version came from."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field, field_validator

from skillapi.endpoint import Call, Endpoint
from skillapi.historyschemas import (
    ChangesAnswer,
    DiffAnswer,
    FileChange,
    FindingsAnswer,
    ProvenanceAnswer,
    SkillChange,
)
from skillapi.routes import shown
from skillapi.routes.repositories import Page
from skillapi.routes.skills import GONE, SKILL, SkillParameters, VersionParameters, find_skill, find_version
from skillapi.schemas import Finding, PackagedFile
from skilldata.models import Verdict
from skilldata.objects import provenance_key
from skilldata.snapshot import Skill, VersionRow

_SNAPSHOT_ID = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]+")
_UNKNOWN = ("not-found", "unknown-version", *GONE)


class DiffParameters(SkillParameters):
    """The address of a skill and two of its versions."""

    before: Annotated[
        str | None, Field(max_length=100, description="Label; the version before `after` where left out")
    ] = None
    after: Annotated[str | None, Field(max_length=100, description="Label; the current version where left out")] = None


class ChangesParameters(Page):
    """Since when."""

    since: Annotated[
        str, Field(max_length=100, description="Id of a snapshot, or a time as ISO 8601; everything where left out")
    ] = "1970-01-01T00:00:00Z"

    @field_validator("since")
    @classmethod
    def _is_time(cls, value: str) -> str:
        read_time(value)
        return value


def read_time(text: str) -> datetime:
    """Read the time that a snapshot's id begins with, or a time in ISO 8601, which is UTC where it names no zone.

    Raises:
        ValueError: It is neither.
    """
    found = _SNAPSHOT_ID.fullmatch(text)
    try:
        time = datetime.strptime(found[1], "%Y%m%dT%H%M%S%z") if found else datetime.fromisoformat(text)
        return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("it should be the id of a snapshot, or a time like 2026-03-01T08:30:00Z") from None


def list_findings(call: Call, asked: SkillParameters) -> FindingsAnswer:
    """List what the scanner found."""
    skill = find_skill(call, asked)
    current = skill.current
    return FindingsAnswer(
        verdict=Verdict(skill.summary.verdict),
        rule_set=current.rule_set if current else "",
        findings=[Finding.model_validate(row, from_attributes=True) for row in skill.findings],
    )


def compare(call: Call, asked: DiffParameters) -> DiffAnswer:
    """Compare two versions, file by file."""
    skill = find_skill(call, asked)
    after = find_version(skill, asked.after)
    before = find_version(skill, asked.before) if asked.before is not None else _before(skill.versions, after)
    old = _files(call, before) if before else {}
    new = _files(call, after)
    changed = [path for path in sorted({*old, *new}) if old.get(path) != new.get(path)]
    return DiffAnswer(
        before=before.label if before else None,
        after=after.label,
        verdict_before=Verdict(before.verdict) if before else None,
        verdict_after=Verdict(after.verdict),
        licence_before=before.licence if before else None,
        licence_after=after.licence,
        files=[_change(path, old.get(path), new.get(path)) for path in changed],
        unchanged=len({*old, *new}) - len(changed),
        page=_page_of(skill, before, after),
    )


def tell_provenance(call: Call, asked: VersionParameters) -> ProvenanceAnswer:
    """Tell where a version came from."""
    skill = find_skill(call, asked)
    summary, version = skill.summary, find_version(skill, asked.version)
    key = provenance_key(version.package_digest, summary.repository_id, summary.path)
    return ProvenanceAnswer(
        version=version.label,
        repository_id=summary.repository_id,
        repository=f"{summary.owner}/{summary.repository}",
        path=summary.path,
        revision=version.revision,
        committed_at=version.committed_at,
        content_digest=version.content_digest,
        package_digest=version.package_digest,
        licence=version.licence,
        licence_evidence=version.licence_evidence,
        source=shown.source_url(call.services.settings, summary, version.revision),
        statement=key if version.redistributable else None,
        envelope=key.removesuffix(".json") + ".dsse.json" if version.redistributable else None,
    )


def list_changes(call: Call, asked: ChangesParameters) -> ChangesAnswer:
    """List what happened to skills since a snapshot."""
    since, snapshot = read_time(asked.since), call.opened.snapshot
    after = since.replace(tzinfo=None)
    (total,) = next(snapshot.query(f"SELECT count(*) FROM ({_CHANGES})", (after,)))  # noqa: S608 - our own words
    query = f"{_CHANGES} ORDER BY happened, lower(owner), owner, lower(repository), slug, path LIMIT ? OFFSET ?"
    rows = snapshot.query(query, (after, asked.limit, asked.cursor))
    names = SkillChange.model_fields
    return ChangesAnswer(
        since=since,
        snapshot=snapshot.info.id,
        total=total,
        changes=[SkillChange(**dict(zip(names, row, strict=False))) for row in rows],
        next=asked.following(total),
    )


# The latest thing of each skill: a decision about it, that it went away, or its newest version.
_CHANGES = """
    SELECT greatest(takedown.since, skill.gone_at, skill.updated_at) AS happened,
           CASE WHEN takedown.since IS NOT NULL AND takedown.since >= greatest(skill.gone_at, skill.updated_at)
                THEN takedown.state
                WHEN skill.gone_at >= skill.updated_at THEN 'gone'
                WHEN skill.first_seen_at >= skill.updated_at THEN 'added'
                ELSE 'changed' END AS change,
           owner, repository, slug, label, content_digest, skill.path
    FROM skill LEFT JOIN takedown USING (repository_id, path)
    WHERE slug IS NOT NULL AND skill.state <> 'refused'
          AND greatest(takedown.since, skill.gone_at, skill.updated_at) > ?
"""


def _page_of(skill: Skill, before: VersionRow | None, after: VersionRow) -> str | None:
    """Give the part of the site's page of changes that shows this step; it has steps from a version to the next."""
    summary = skill.summary
    if before is None or summary.slug is None or before != _before(skill.versions, after):
        return None
    path = shown.page_url(summary.owner, summary.repository, summary.slug).removesuffix(".html")
    return f"{path}.changes.html#v{after.ordinal}"


def _before(versions: list[VersionRow], after: VersionRow) -> VersionRow | None:
    return next((one for one in versions if one.ordinal < after.ordinal), None)


def _files(call: Call, version: VersionRow) -> dict[str, PackagedFile]:
    query = "SELECT path, mode, size, sha256 FROM file WHERE content_digest = ?"
    rows = call.opened.snapshot.query(query, (version.content_digest,))
    return {row[0]: PackagedFile(path=row[0], mode=f"{row[1]:04o}", size=row[2], sha256=row[3]) for row in rows}


def _change(path: str, before: PackagedFile | None, after: PackagedFile | None) -> FileChange:
    change = "added" if before is None else "removed" if after is None else "changed"
    return FileChange(change=change, path=path, before=before, after=after)


ENDPOINTS: tuple[Endpoint[Any], ...] = (
    Endpoint(
        f"{SKILL}/findings",
        "List what the security scanner found",
        SkillParameters,
        FindingsAnswer,
        list_findings,
        ("not-found", *GONE),
    ),
    Endpoint(
        f"{SKILL}/diff",
        "Compare two versions, file by file",
        DiffParameters,
        DiffAnswer,
        compare,
        _UNKNOWN,
    ),
    Endpoint(
        f"{SKILL}/provenance",
        "Tell where a version came from",
        VersionParameters,
        ProvenanceAnswer,
        tell_provenance,
        _UNKNOWN,
    ),
    Endpoint(
        "/api/v1/changes",
        "List what happened to skills since a snapshot",
        ChangesParameters,
        ChangesAnswer,
        list_changes,
        ("unknown-parameter", "invalid-parameter"),
    ),
)
