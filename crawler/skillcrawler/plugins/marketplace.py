"""The reader of marketplace files, `.claude-plugin/marketplace.json`; the only one there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from skillcrawler.diagnostics import Findings
from skillcrawler.plugins import rules
from skillcrawler.plugins.fields import NAME_LENGTH, person, read_object, text, truth, words
from skillcrawler.plugins.sources import read_source
from skilldata.names import is_slug
from skilldata.plugins import ReadMarketplace, ReadPlugin

MARKETPLACE_FILE = ".claude-plugin/marketplace.json"
MAX_PLUGINS = 5000


class Entry(NamedTuple):
    """A plugin of a marketplace with its entry as written, which may name components.

    The name is '' where there is none: its source is a place to look all the same.
    """

    plugin: ReadPlugin
    written: Mapping[str, Any]


class MarketplaceFile(NamedTuple):
    """A marketplace and its entries in the order of the file."""

    marketplace: ReadMarketplace
    entries: tuple[Entry, ...]


def base_folder(file: str) -> str:
    """Give the folder that holds the `.claude-plugin` of a marketplace.json or plugin.json; '' for the root."""
    return file.rpartition("/")[0].rpartition("/")[0]


def read_marketplace_file(content: bytes | None, findings: Findings) -> MarketplaceFile | None:
    """Read a marketplace file; None where it is none.

    Args:
        content: Its bytes.
        findings: Of this file, named by its path from the repository's root.
    """
    data = read_object(content, findings)
    if data is None:
        return None
    plugins = data.get("plugins")
    if not isinstance(plugins, list):
        findings.add(rules.NO_PLUGINS, "there is no list `plugins`")
        return None
    if len(plugins) > MAX_PLUGINS:
        findings.add(rules.TOO_MANY, f"there are {len(plugins)} plugins, {MAX_PLUGINS} are read")
    metadata = data.get("metadata")
    more: Mapping[str, Any] = metadata if isinstance(metadata, Mapping) else {}
    entries: dict[str, Entry] = {}
    for number, written in enumerate(plugins[:MAX_PLUGINS]):
        entry = _read_entry(written, number, more.get("pluginRoot"), findings)
        if entry is None:
            continue
        key = entry.plugin.name or f" {number}"
        if entries.setdefault(key, entry) is not entry:
            findings.add(rules.DUPLICATE, f"{key} comes twice")
    marketplace = ReadMarketplace(
        file=findings.file,
        name=read_name(data, "the marketplace", findings),
        owner=person(data, "owner", findings),
        description=text(data, "description", findings) or text(more, "description", findings),
        version=text(data, "version", findings, limit=NAME_LENGTH)
        or text(more, "version", findings, limit=NAME_LENGTH),
    )
    return MarketplaceFile(marketplace, tuple(entries.values()))


def read_name(data: Mapping[str, Any], whose: str, findings: Findings) -> str:
    """Read the name of a plugin or marketplace; '' where there is none."""
    name = text(data, "name", findings, limit=NAME_LENGTH).replace("\n", " ")
    if not name:
        findings.add(rules.NO_NAME, f"{whose} has no name")
    elif not is_slug(name):
        findings.add(rules.NAME_FORM, f"{whose} is called {name!r}")
    return name


def read_details(data: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
    """Read what an entry and a plugin.json both may say, as fields of `ReadPlugin`."""
    return {
        "description": text(data, "description", findings),
        "version": text(data, "version", findings, limit=NAME_LENGTH),
        "author": person(data, "author", findings),
        "homepage": text(data, "homepage", findings, limit=500),
        "licence": text(data, "license", findings, limit=NAME_LENGTH),
        "category": text(data, "category", findings, limit=NAME_LENGTH),
        "keywords": words(data, "keywords", findings) or words(data, "tags", findings),
    }


def _read_entry(written: Any, number: int, plugin_root: Any, findings: Findings) -> Entry | None:
    if not isinstance(written, Mapping):
        findings.add(rules.TYPE, f"plugin {number + 1} is not an object")
        return None
    name = read_name(written, f"plugin {number + 1}", findings)
    called = name or f"plugin {number + 1}"
    plugin = ReadPlugin(
        file=findings.file,
        name=name,
        source=read_source(written.get("source"), called, base_folder(findings.file), plugin_root, findings),
        strict=truth(written, "strict", findings, default=True),
        **read_details(written, findings),
    )
    return Entry(plugin, written)
