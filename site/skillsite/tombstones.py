"""The page of a skill that maintainers took down: its address, the reason, and nothing of the skill itself."""

from __future__ import annotations

import json

from skilldata.snapshot import Skill
from skilldata.takedowns import HIDDEN, Takedown
from skillsite.addresses import Addresses, repository_path, skill_path
from skillsite.pages import Crumb, Page, Twins, repository_crumbs
from skillsite.visible import one_line


def takedown(skill: Skill) -> Takedown | None:
    """Give why a skill has a tombstone instead of a page; None where it has a page."""
    return skill.takedown if skill.summary.state in HIDDEN else None


def tombstone_page(skill: Skill, why: Takedown, addresses: Addresses) -> Page:
    """Lay out the tombstone of a skill; search engines are asked to forget it.

    Raises:
        AddressError: Owner, repository or slug cannot be part of an address.
    """
    summary = skill.summary
    path = skill_path(summary.owner, summary.repository, summary.slug)
    return Page(
        path + ".html",
        "tombstone.html",
        one_line(summary.slug or "", 80),
        f"This skill is {why.state}.",
        {
            "summary": summary,
            "why": why,
            "twins": Twins(path + ".json", path + ".md"),
            "repository": repository_path(summary.owner, summary.repository),
        },
        (
            Crumb("Skills", "skills/"),
            *repository_crumbs(summary.owner, summary.repository),
        ),
        hide=True,
        twin=False,
    )


def json_tombstone(skill: Skill, why: Takedown, addresses: Addresses) -> bytes:
    """What the tombstone says, as one JSON object."""
    summary = skill.summary
    path = skill_path(summary.owner, summary.repository, summary.slug)
    content = {
        "address": summary.address,
        "url": addresses.canonical(path + ".html"),
        "state": why.state,
        "legal": why.legal,
        "reason": why.reason,
        "since": why.since.isoformat(),
    }
    return json.dumps(content, ensure_ascii=False).encode(errors="replace") + b"\n"


def markdown_tombstone(skill: Skill, why: Takedown) -> bytes:
    """What the tombstone says, as Markdown for agents."""
    lines = [
        f"# {skill.summary.slug}",
        "",
        f"- Address: {skill.summary.address}",
        f"- State: {why.state}{', because a law demands it' if why.legal else ''}",
        f"- Reason: {one_line(why.reason)}",
        f"- Since: {why.since.date().isoformat()}",
        "",
        "Its text and files are not given out. Do not install it from elsewhere without looking at the reason.",
    ]
    return "\n".join(lines).encode(errors="replace") + b"\n"
