"""Plugins and marketplaces of Claude Code, as repositories declare them."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field

from skillapi.endpoint import Call, Endpoint
from skillapi.parameters import Parameters
from skillapi.pluginschemas import (
    MarketplacesAnswer,
    MarketplaceSummary,
    PluginAnswer,
    PluginComponent,
    PluginsAnswer,
    PluginSource,
    PluginSummary,
)
from skillapi.problems import Problem
from skillapi.routes import shown
from skillapi.routes.repositories import Page
from skilldata.errors import NotFound
from skilldata.pluginrows import (
    MarketplaceRow,
    PluginRow,
    count_marketplaces,
    count_plugins,
    find_plugin,
    marketplace_rows,
    plugin_rows,
)
from skilldata.snapshot import Snapshot


class PluginsParameters(Page):
    """Which plugins."""

    owner: Annotated[str | None, Field(max_length=100, description="Only of this owner's repositories")] = None


class PluginParameters(Parameters):
    """The address of a plugin."""

    owner: Annotated[str, Field(max_length=100)]
    repository: Annotated[str, Field(max_length=100)]
    slug: Annotated[str, Field(max_length=100)]


def list_plugins(call: Call, asked: PluginsParameters) -> PluginsAnswer:
    """List plugins."""
    where, values = ("gone_at IS NULL AND slug IS NOT NULL", [])
    if asked.owner is not None:
        where, values = f"{where} AND lower(owner) = lower(?)", [asked.owner]
    snapshot = call.opened.snapshot
    total = count_plugins(snapshot, where, values)
    rows = plugin_rows(snapshot, where, values, limit=asked.limit, offset=asked.cursor)
    return PluginsAnswer(
        total=total, plugins=[PluginSummary(**_fields(row)) for row in rows], next=asked.following(total)
    )


def get_plugin(call: Call, asked: PluginParameters) -> PluginAnswer:
    """Show a plugin."""
    try:
        plugin = find_plugin(call.opened.snapshot, asked.owner, asked.repository, asked.slug)
    except NotFound as error:
        raise Problem("not-found", f"There is {error.message}.", remedy="/api/v1/plugins lists them all.") from None
    return PluginAnswer(
        **_fields(plugin.row),
        homepage=plugin.row.homepage,
        first_seen_at=plugin.row.first_seen_at,
        components=[PluginComponent(kind=one.kind, name=one.name, path=one.path) for one in plugin.components],
        skills=[one.address for one in plugin.skills],
        diagnostics=shown.diagnostics(plugin.diagnostics),
    )


def list_marketplaces(call: Call, asked: Page) -> MarketplacesAnswer:
    """List marketplaces."""
    snapshot = call.opened.snapshot
    total = count_marketplaces(snapshot)
    rows = marketplace_rows(snapshot, limit=asked.limit, offset=asked.cursor)
    return MarketplacesAnswer(
        total=total, marketplaces=[_marketplace(snapshot, row) for row in rows], next=asked.following(total)
    )


def _marketplace(snapshot: Snapshot, row: MarketplaceRow) -> MarketplaceSummary:
    here = "repository_id = ? AND file = ? AND gone_at IS NULL"
    return MarketplaceSummary(
        **{name: getattr(row, name) for name in MarketplaceSummary.model_fields if name != "plugins"},
        plugins=count_plugins(snapshot, here, (row.repository_id, row.file)),
    )


def _fields(row: PluginRow) -> dict[str, Any]:
    names = PluginSummary.model_fields.keys() - {"source", "url"}
    source = {name: getattr(row, f"source_{name}") for name in PluginSource.model_fields if name != "known"}
    address = "/".join(quote(part, safe="") for part in (row.owner, row.repository, row.slug or ""))
    return {
        **{name: getattr(row, name) for name in names},
        "source": PluginSource(**source, known=row.source_id is not None),
        "url": f"/p/{address}.html",
    }


_PROBLEMS = ("unknown-parameter", "invalid-parameter")

ENDPOINTS: tuple[Endpoint[Any], ...] = (
    Endpoint("/api/v1/plugins", "List plugins by address", PluginsParameters, PluginsAnswer, list_plugins, _PROBLEMS),
    Endpoint(
        "/api/v1/plugins/{owner}/{repository}/{slug}",
        "Show a plugin with what it brings",
        PluginParameters,
        PluginAnswer,
        get_plugin,
        ("not-found",),
        operation="plugin",
    ),
    Endpoint(
        "/api/v1/marketplaces",
        "List marketplace files by repository",
        Page,
        MarketplacesAnswer,
        list_marketplaces,
        _PROBLEMS,
    ),
)
