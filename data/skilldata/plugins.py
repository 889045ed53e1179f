"""Plugins and marketplaces of Claude Code as the crawler reads them and the index keeps them.

A plugin is declared where it has its `plugin.json`, or by an entry of a marketplace file. Its files may be in the
repository that declares it, in another one, or in no repository at all.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from skilldata.models import Diagnostic, Record


class SourceType(StrEnum):
    """Where a plugin's files come from."""

    OWN = "own"  # a folder of the repository that declares it
    GITHUB = "github"
    GIT = "git"  # any git repository; on GitHub where owner and name are known
    NPM = "npm"
    ARCHIVE = "archive"
    OTHER = "other"  # a kind that is not known, or nothing that could be read


class ComponentKind(StrEnum):
    """What a plugin brings along."""

    SKILL = "skill"
    COMMAND = "command"
    AGENT = "agent"
    HOOK = "hook"
    MCP = "mcp"
    LSP = "lsp"


class PluginSource(Record):
    """Where a plugin's files are. Texts are as written, cut and safe to print; '' where there is nothing.

    `owner` and `name` are those of a repository on GitHub; `folder` is the plugin's folder in its repository, ''
    for the root.
    """

    type: SourceType
    address: str = ""  # of a git repository or an archive; the name of an npm package
    owner: str = ""
    name: str = ""
    folder: str = ""
    ref: str = ""  # branch, tag, or the version of an npm package
    revision: str = ""  # commit, or the SHA-256 of an archive


class Component(Record):
    """One thing that a plugin brings: the path is from the root of the repository that has its files."""

    kind: ComponentKind
    name: str
    path: str


class ReadPlugin(Record):
    """One plugin as declared; its identity is repository, file and name."""

    file: str  # the marketplace.json or plugin.json that declares it
    name: str
    slug: str = ""
    source: PluginSource
    description: str = ""
    version: str = ""
    author: str = ""
    homepage: str = ""
    licence: str = ""  # as stated; nothing is concluded from it
    category: str = ""
    keywords: tuple[str, ...] = ()
    strict: bool = True  # false: the marketplace's entry is all there is, no plugin.json is needed
    components: tuple[Component, ...] = ()


class ReadMarketplace(Record):
    """One marketplace file; its plugins have its path as `file`."""

    file: str
    name: str = ""
    owner: str = ""
    description: str = ""
    version: str = ""


class ReadPlugins(Record):
    """All that a repository says of plugins at one revision. `diagnostics` have whole paths as `file`."""

    marketplaces: tuple[ReadMarketplace, ...] = ()
    plugins: tuple[ReadPlugin, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


class KnownPlugin(Record):
    """A plugin that the index has, with the slug that it keeps."""

    file: str
    name: str
    slug: Annotated[str, StringConstraints(min_length=1)]
