"""Rows of a snapshot as the documents show them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from skillapi import schemas
from skilldata.config import Settings
from skilldata.copyrows import Origin
from skilldata.models import Verdict
from skilldata.snapshot import DiagnosticRow, RepositoryRow, Skill, VersionRow
from skilldata.snapshot import SkillSummary as SummaryRow


def page_url(owner: str, repository: str, slug: str) -> str:
    """Give the path of a skill's page on the site."""
    return "/s/" + "/".join(quote(part, safe="") for part in (owner, repository, slug)) + ".html"


def source_url(settings: Settings, row: SummaryRow, revision: str) -> str:
    """Give the address of a skill's folder on GitHub at one commit."""
    parts = [row.owner, row.repository, "tree", revision, *row.path.split("/")]
    return "/".join([settings.github.git_url.rstrip("/"), *(quote(part, safe="") for part in parts if part)])


def summary_fields(row: SummaryRow) -> dict[str, Any]:
    """Give the fields of `schemas.SkillSummary`."""
    return {
        "owner": row.owner,
        "repository": row.repository,
        "slug": row.slug,
        "path": row.path,
        "state": row.state,
        "level": row.level,
        "name": row.name,
        "description": row.description,
        "licence": row.licence,
        "redistributable": row.redistributable,
        "stars": row.stars,
        "version": row.label,
        "content_digest": row.content_digest,
        "verdict": row.verdict,
        "updated_at": row.updated_at,
        "url": page_url(row.owner, row.repository, row.slug) if row.slug and row.state != "refused" else None,
    }


def repository_fields(row: RepositoryRow) -> dict[str, Any]:
    """Give the fields of `schemas.Repository`."""
    return {name: getattr(row, name) for name in schemas.Repository.model_fields}


def version(settings: Settings, skill: Skill, one: VersionRow) -> schemas.Version:
    """Show a version of a skill."""
    return schemas.Version(
        version=one.label,
        content_digest=one.content_digest,
        package_digest=one.package_digest,
        size=one.size,
        unpacked_size=one.unpacked_size,
        files=one.file_count,
        revision=one.revision,
        committed_at=one.committed_at,
        created_at=one.created_at,
        level=one.level,
        licence=one.licence,
        licence_evidence=one.licence_evidence,
        redistributable=one.redistributable,
        verdict=Verdict(one.verdict),
        rule_set=one.rule_set,
        download=f"/api/v1/packages/{one.package_digest}" if one.redistributable else None,
        downloads=skill.downloads.get(one.content_digest, 0),
        source=source_url(settings, skill.summary, one.revision),
    )


def similar(row: Origin) -> schemas.SimilarSkill:
    """Show a copy or what it is a copy of."""
    return schemas.SimilarSkill(
        address=row.address, identical=row.identical, similarity=round(row.similarity, 3), evidence=row.evidence
    )


def diagnostics(rows: list[DiagnosticRow]) -> list[schemas.Diagnostic]:
    """Show diagnostics."""
    return [schemas.Diagnostic.model_validate(row, from_attributes=True) for row in rows]
