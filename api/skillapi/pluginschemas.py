"""The documents about plugins and marketplaces."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from skillapi.schemas import Answer, Diagnostic, Url


class PluginSource(Answer):
    """Where a plugin's files come from; texts are empty where its kind has no such thing."""

    type: Annotated[str, Field(description="own, github, git, npm, archive or other")]
    address: str
    owner: Annotated[str, Field(description="Of the repository on GitHub, where it is one")]
    name: str
    folder: Annotated[str, Field(description="Plugin's folder in its repository; empty for the root")]
    ref: str
    revision: str
    known: Annotated[bool, Field(description="Whether the repository is in this registry")]


class PluginSummary(Answer):
    """One plugin as its repository declares it."""

    owner: str
    repository: str
    slug: str | None
    name: str
    description: str
    version: str
    author: str
    licence: Annotated[str, Field(description="As stated; nothing is concluded from it")]
    category: str
    keywords: list[str]
    file: Annotated[str, Field(description="The marketplace.json or plugin.json that declares it")]
    strict: Annotated[bool, Field(description="Whether a plugin.json is needed beside the marketplace's entry")]
    source: PluginSource
    updated_at: datetime
    url: Url


class PluginsAnswer(Answer):
    """One page of the plugins, by address."""

    total: int
    plugins: list[PluginSummary]
    next: str | None


class PluginComponent(Answer):
    """One thing that a plugin brings."""

    kind: Annotated[str, Field(description="skill, command, agent, hook, mcp or lsp")]
    name: str
    path: Annotated[str, Field(description="From the root of the repository that has the plugin's files")]


class PluginAnswer(PluginSummary):
    """Everything about one plugin."""

    homepage: str
    first_seen_at: datetime
    components: list[PluginComponent]
    skills: Annotated[list[str], Field(description="Addresses of its skills that are listed")]
    diagnostics: Annotated[list[Diagnostic], Field(description="About the file that declares it")]


class MarketplaceSummary(Answer):
    """One marketplace file."""

    owner: str
    repository: str
    file: str
    name: str
    owner_name: str
    description: str
    version: str
    plugins: Annotated[int, Field(description="How many it lists")]
    updated_at: datetime


class MarketplacesAnswer(Answer):
    """One page of the marketplaces, by repository and file."""

    total: int
    marketplaces: list[MarketplaceSummary]
    next: str | None
