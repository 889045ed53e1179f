"""Pages about plugins: one for each plugin, one for the marketplaces of a repository, and the list of all."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import NamedTuple

from skilldata.pluginrows import (
    MarketplaceRow,
    Plugin,
    PluginRow,
    count_plugins,
    marketplace_rows,
    plugin_details,
    plugin_diagnostics,
    plugin_rows,
    plugins_by_skill,
)
from skilldata.snapshot import DiagnosticRow, Snapshot
from skillsite.addresses import Addresses, list_page, marketplace_path, owner_path, plugin_path, repository_path
from skillsite.pages import META_CHARACTERS, Crumb, Page, path_or_none, skill_row
from skillsite.visible import one_line

PLUGINS_PER_PAGE = 200
MAX_SHOWN = 500  # components of a plugin, and plugins of a repository, on one page; the API has all
PLUGINS = Crumb("Plugins", "plugins/")
KINDS = {
    "skill": "Skills",
    "command": "Commands",
    "agent": "Agents",
    "hook": "Hooks",
    "mcp": "MCP servers",
    "lsp": "LSP servers",
}
_PRESENT = "gone_at IS NULL AND slug IS NOT NULL"


class PluginLink(NamedTuple):
    """A plugin in a list; `path` is None where its names cannot be part of an address."""

    name: str
    path: str | None
    address: str
    description: str
    version: str
    source: str


class Section(NamedTuple):
    """The plugins that one file of a repository declares; `marketplace` is None for a plugin.json."""

    file: str
    marketplace: MarketplaceRow | None
    plugins: list[PluginLink]
    diagnostics: list[DiagnosticRow]


def plugin_pages(snapshot: Snapshot, addresses: Addresses) -> Iterator[Page]:
    """Yield every page about plugins, in a fixed order."""
    yield from _list(snapshot)
    for row in plugin_rows(snapshot, _PRESENT):
        if path_or_none(plugin_path, row.owner, row.repository, row.slug):
            yield _plugin(plugin_details(snapshot, row), addresses)
    marketplaces: defaultdict[int, list[MarketplaceRow]] = defaultdict(list)
    for marketplace in marketplace_rows(snapshot):
        marketplaces[marketplace.repository_id].append(marketplace)
    for _, group in groupby(plugin_rows(snapshot, _PRESENT), key=lambda row: row.repository_id):
        rows = list(group)
        if path_or_none(marketplace_path, rows[0].owner, rows[0].repository):
            yield _repository(snapshot, rows, marketplaces.get(rows[0].repository_id, []), addresses)


def plugin_counts(snapshot: Snapshot) -> dict[int, int]:
    """Count the plugins of each repository that has any."""
    counts: defaultdict[int, int] = defaultdict(int)
    for row in plugin_rows(snapshot, _PRESENT):
        counts[row.repository_id] += 1
    return dict(counts)


def skill_plugins(snapshot: Snapshot) -> dict[tuple[int, str], list[PluginLink]]:
    """List the plugins of each skill that belongs to any, by repository id and folder."""
    return {key: [plugin_link(row) for row in rows] for key, rows in plugins_by_skill(snapshot).items()}


def fingerprint(links: Sequence[PluginLink]) -> str:
    """Name what a skill's page shows of its plugins."""
    return hashlib.sha256(repr(links).encode(errors="surrogatepass")).hexdigest() if links else ""


def plugin_link(row: PluginRow) -> PluginLink:
    """Make a row of a list."""
    return PluginLink(
        name=one_line(row.name, 120),
        path=path_or_none(plugin_path, row.owner, row.repository, row.slug),
        address=row.address,
        description=one_line(row.description, 260),
        version=one_line(row.version, 40),
        source=_source(row),
    )


def _list(snapshot: Snapshot) -> Iterator[Page]:
    total = count_plugins(snapshot, _PRESENT)
    last = max(1, -(-total // PLUGINS_PER_PAGE))
    rows = map(plugin_link, plugin_rows(snapshot, _PRESENT))
    for number in range(1, last + 1):
        lead = "Plugins of Claude Code that crawled repositories declare, each with what it brings."
        context = {
            "lead": lead,
            "rows": list(islice(rows, PLUGINS_PER_PAGE)),
            "total": total,
            "previous": list_page(PLUGINS.path, number - 1) if number > 1 else None,
            "next": list_page(PLUGINS.path, number + 1) if number < last else None,
        }
        title = PLUGINS.text if number == 1 else f"{PLUGINS.text}, page {number}"
        yield Page(list_page(PLUGINS.path, number), "plugins.html", title, lead, context)


def _plugin(plugin: Plugin, addresses: Addresses) -> Page:
    row = plugin.row
    components: defaultdict[str, list[str]] = defaultdict(list)
    for one in plugin.components[:MAX_SHOWN]:
        components[one.kind].append(one.name or one.path)
    elsewhere = (row.source_owner, row.source_name) if row.source_type != "own" and row.source_owner else None
    context = {
        "plugin": row,
        "source": _source(row),
        "source_page": path_or_none(repository_path, *elsewhere) if elsewhere and row.source_id is not None else None,
        "source_url": addresses.repository(*elsewhere) if elsewhere else None,
        "here": repository_path(row.owner, row.repository),
        "marketplace": marketplace_path(row.owner, row.repository),
        "components": [(title, components[kind]) for kind, title in KINDS.items() if components[kind]],
        "more": max(0, len(plugin.components) - MAX_SHOWN),
        "skills": [skill_row(skill) for skill in plugin.skills[:MAX_SHOWN]],
        "diagnostics": _about(plugin),
    }
    repository = Crumb(row.repository, marketplace_path(row.owner, row.repository))
    return Page(
        plugin_path(row.owner, row.repository, row.slug),
        "plugin.html",
        one_line(row.name, 80),
        one_line(row.description, META_CHARACTERS) or f"A plugin from {row.owner}/{row.repository}.",
        context,
        (PLUGINS, Crumb(row.owner, owner_path(row.owner)), repository),
    )


def _repository(
    snapshot: Snapshot, rows: list[PluginRow], marketplaces: list[MarketplaceRow], addresses: Addresses
) -> Page:
    owner, name = rows[0].owner, rows[0].repository
    by_file = {marketplace.file: marketplace for marketplace in marketplaces}
    declared: defaultdict[str, list[PluginRow]] = defaultdict(list)
    for row in rows[:MAX_SHOWN]:
        declared[row.file].append(row)
    found: defaultdict[str, list[DiagnosticRow]] = defaultdict(list)
    for diagnostic in plugin_diagnostics(snapshot, rows[0].repository_id):
        found[diagnostic.file].append(diagnostic)
    files = list(dict.fromkeys([*declared, *by_file, *found]))[:MAX_SHOWN]
    sections = [
        Section(file, by_file.get(file), [plugin_link(row) for row in declared[file]], found[file]) for file in files
    ]
    return Page(
        marketplace_path(owner, name) + "index.html",
        "marketplace.html",
        f"Plugins of {owner}/{name}",
        f"Marketplaces and plugins that the repository {owner}/{name} declares.",
        {
            "sections": sections,
            "more": max(0, len(rows) - MAX_SHOWN),
            "here": repository_path(owner, name),
            "owner": owner,
            "repository": name,
            "github": addresses.repository(owner, name),
        },
        (PLUGINS, Crumb(owner, owner_path(owner))),
    )


def _about(plugin: Plugin) -> list[DiagnosticRow]:
    """A marketplace's file speaks of many plugins: only what names this one is about it."""
    if plugin.row.file.endswith("/plugin.json"):
        return plugin.diagnostics
    return [one for one in plugin.diagnostics if one.message.startswith(f"{plugin.row.name} ")]


def _source(row: PluginRow) -> str:
    folder = f", folder {one_line(row.source_folder, 200)}" if row.source_folder else ""
    if row.source_type == "own":
        return f"this repository{folder}"
    if row.source_owner:
        return f"{row.source_owner}/{row.source_name}{folder}"
    return f"{row.source_type}: {one_line(row.source_address, 200)}{folder}" if row.source_address else "not stated"
