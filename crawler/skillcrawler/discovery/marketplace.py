"""Marketplace files as places to look: which other repositories their plugins come from."""

from __future__ import annotations

from skillcrawler.diagnostics import Findings
from skillcrawler.discovery.addresses import RepositoryName
from skillcrawler.plugins.marketplace import MARKETPLACE_FILE, read_marketplace_file
from skilldata.models import Record
from skilldata.plugins import PluginSource, SourceType

MAX_NOTES = 20


class Marketplace(Record):
    """What a marketplace file says.

    Attributes:
        repositories: Other repositories that plugins come from, each once.
        has_own: Whether plugins come from the marketplace's own repository.
        notes: What was left out and why, for people; at most `MAX_NOTES`.
    """

    repositories: tuple[RepositoryName, ...] = ()
    has_own: bool = False
    notes: tuple[str, ...] = ()


def read_marketplace(content: bytes) -> Marketplace | None:
    """Read a marketplace file; None where it is none."""
    findings = Findings(MARKETPLACE_FILE)
    read = read_marketplace_file(content, findings)
    if read is None:
        return None
    sources = [entry.plugin.source for entry in read.entries]
    unread = [found.message for found in findings.diagnostics() if found.rule.startswith("plugin.source")]
    notes = dict.fromkeys([*(note for one in sources if (note := _note(one))), *unread])
    return Marketplace(
        repositories=repositories_of(sources),
        has_own=any(one.type is SourceType.OWN for one in sources),
        notes=tuple(notes)[:MAX_NOTES],
    )


def repositories_of(sources: list[PluginSource]) -> tuple[RepositoryName, ...]:
    """List the repositories on GitHub that plugins come from, each once."""
    found = (RepositoryName(one.owner, one.name) for one in sources if one.owner)
    return tuple({str(one).lower(): one for one in reversed(list(found))}.values())[::-1]


def _note(source: PluginSource) -> str | None:
    if source.type is SourceType.GIT and not source.owner:
        return f"{source.address[:100]!r} is no repository on github.com"
    if source.type in (SourceType.NPM, SourceType.ARCHIVE):
        return f"plugins from {source.type.value!r} name no repository"
    return None
