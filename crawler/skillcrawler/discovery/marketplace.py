"""Marketplace files, `.claude-plugin/marketplace.json`: where each plugin comes from.

Format: "Create and distribute a plugin marketplace" of Claude Code's documentation. A plugin's `source` is a
path in the same repository, or an object: `github` with `repo`, `url` with the address of a git repository,
`git-subdir` with `url` and `path`; `npm` and `archive` name no repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skillcrawler.discovery.addresses import RepositoryName, read_address
from skillcrawler.discovery.hostile import read_json
from skilldata.models import Record

MARKETPLACE_FILE = ".claude-plugin/marketplace.json"
MAX_PLUGINS = 5000
MAX_NOTES = 20
_ADDRESS_KEYS = {"github": "repo", "url": "url", "git": "url", "git-subdir": "url"}


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
    data = read_json(content)
    plugins = data.get("plugins") if isinstance(data, Mapping) else None
    if not isinstance(plugins, list):
        return None
    repositories: dict[str, RepositoryName] = {}
    notes: list[str] = []
    has_own = False
    for plugin in plugins[:MAX_PLUGINS]:
        found = _read_source(plugin.get("source") if isinstance(plugin, Mapping) else None)
        if found is None:
            has_own = True
        elif isinstance(found, RepositoryName):
            repositories.setdefault(str(found).lower(), found)
        elif found not in notes and len(notes) < MAX_NOTES:
            notes.append(found)
    return Marketplace(repositories=tuple(repositories.values()), has_own=has_own, notes=tuple(notes))


def _read_source(source: Any) -> RepositoryName | str | None:
    """Give a repository, None for the marketplace's own, or a word on why it is neither."""
    if isinstance(source, str):
        return _read_address(source) if "://" in source else None
    kind = source.get("source") if isinstance(source, Mapping) else None
    key = _ADDRESS_KEYS.get(kind) if isinstance(kind, str) else None
    if key is None:
        return f"plugins from {str(kind)[:40]!r} name no repository"
    return _read_address(source.get(key))


def _read_address(address: Any) -> RepositoryName | str:
    found = read_address(address) if isinstance(address, str) else None
    return found or f"{str(address)[:100]!r} is no repository on github.com"
