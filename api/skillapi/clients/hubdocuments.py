"""What ClawHub's client is told of skills and versions. Times are milliseconds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from skillapi.endpoint import Call
from skilldata.clientformats.offers import Offer, one_line
from skilldata.jsonindex.documents import VersionEntry
from skilldata.models import Verdict

# The client knows no other words. "clean" is its word, not the registry's: nothing was found, and that is all.
_STATUS = {Verdict.NO_FINDINGS: "clean", Verdict.FINDINGS: "suspicious", Verdict.PENDING: "pending"}


def listed(row: tuple[Any, ...], name: str) -> dict[str, Any]:
    """Show a skill in a list.

    Args:
        row: Owner, repository, slug, name, description, label, stars, first seen, updated.
        name: What it is called among its owner's.
    """
    _, _, _, title, description, label, stars, created, updated = row
    return {
        "slug": name,
        "displayName": one_line(title) or name,
        "summary": one_line(description),
        "tags": {"latest": label},
        "stats": {"stars": stars},
        "createdAt": milliseconds(created),
        "updatedAt": milliseconds(updated),
        "latestVersion": {"version": label, "createdAt": milliseconds(updated), "changelog": ""},
    }


def skill(offer: Offer) -> dict[str, Any]:
    """Show a skill."""
    return {
        "slug": offer.name,
        "displayName": one_line(offer.skill.name) or offer.name,
        "summary": offer.description,
        "tags": {"latest": offer.version.label},
        "stats": {},
        "createdAt": milliseconds(offer.skill.first_seen_at),
        "updatedAt": milliseconds(offer.skill.updated_at),
    }


def version(one: VersionEntry) -> dict[str, Any]:
    """Show a version."""
    return {"version": one.label, "createdAt": milliseconds(one.committed_at), "changelog": ""}


def version_with_files(call: Call, offer: Offer, one: VersionEntry) -> dict[str, Any]:
    """Show a version with its files, and what the security scanner says of it."""
    snapshot = call.opened.snapshot
    rows = snapshot.query(
        "SELECT path, size, sha256 FROM file WHERE content_digest = ? ORDER BY path", (one.content_digest,)
    )
    files = [
        {"path": path, "size": size, "sha256": sha256, "contentType": "application/octet-stream"}
        for path, size, sha256 in rows
    ]
    security = {
        "status": _STATUS.get(Verdict(one.verdict), "error"),
        "hasWarnings": one.verdict != Verdict.NO_FINDINGS,
        "checkedAt": milliseconds(snapshot.info.as_of),
    }
    return {
        "version": {**version(one), "files": files, "security": security},
        "skill": {"slug": offer.name, "displayName": one_line(offer.skill.name) or offer.name},
    }


def moderation(call: Call, offer: Offer) -> dict[str, Any] | None:
    """Warn of a skill with grave findings: the client asks before it installs one."""
    query = "SELECT DISTINCT rule FROM finding WHERE repository_id = ? AND path = ? AND severity = 'HIGH' ORDER BY rule"
    rules = [rule for (rule,) in call.opened.snapshot.query(query, (offer.skill.repository_id, offer.skill.path))]
    if not rules:
        return None
    return {
        "isSuspicious": True,
        "isMalwareBlocked": False,
        "verdict": "suspicious",
        "reasonCodes": rules,
        "summary": f"The security scanner found {', '.join(rules)}; the skill's page shows where.",
    }


def milliseconds(time: datetime) -> int:
    """Write a time as the client reads it."""
    return int(time.timestamp() * 1000)
