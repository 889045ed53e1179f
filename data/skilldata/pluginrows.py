"""Reading plugins and marketplaces from a snapshot.

A plugin's address is `owner/repository/slug`, of the repository that declares it. A skill belongs to a plugin where
the plugin names its folder, or takes whatever lies in the `skills` folder of another repository.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from heapq import nsmallest
from typing import Any

import duckdb

from skilldata.errors import NotFound
from skilldata.snapshot import DiagnosticRow, SkillSummary, Snapshot

MAX_BRINGING = 20  # plugins that a skill names


@dataclass(frozen=True, slots=True)
class MarketplaceRow:
    """One marketplace file of a repository."""

    repository_id: int
    file: str
    owner: str
    repository: str
    name: str
    owner_name: str
    description: str
    version: str
    first_seen_at: datetime
    updated_at: datetime
    gone_at: datetime | None


@dataclass(frozen=True, slots=True)
class PluginRow:
    """One plugin as its repository declares it. `source_*` are '' where its kind of source has no such thing.

    `source_id` is the id of the repository that has its files, where the index knows that one.
    """

    repository_id: int
    file: str
    name: str
    owner: str
    repository: str
    slug: str | None
    description: str
    version: str
    author: str
    homepage: str
    licence: str
    category: str
    keywords: list[str]
    strict: bool
    source_type: str
    source_address: str
    source_owner: str
    source_name: str
    source_folder: str
    source_ref: str
    source_revision: str
    source_id: int | None
    first_seen_at: datetime
    updated_at: datetime
    gone_at: datetime | None

    @property
    def address(self) -> str:
        """`owner/repository/slug`; the name stands for the slug of a plugin that is gone."""
        return f"{self.owner}/{self.repository}/{self.slug or self.name}"


@dataclass(frozen=True, slots=True)
class ComponentRow:
    """One thing that a plugin brings: skill, command, agent, hook, mcp or lsp."""

    kind: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Plugin:
    """Everything that a snapshot knows of one plugin. `skills` are those that are listed here."""

    row: PluginRow
    components: list[ComponentRow]
    skills: list[SkillSummary]
    diagnostics: list[DiagnosticRow]


def find_plugin(snapshot: Snapshot, owner: str, repository: str, slug: str) -> Plugin:
    """Read one plugin by its address. Owner and repository compare without case.

    Raises:
        NotFound: No plugin goes by that address.
    """
    where = "lower(owner) = lower(?) AND lower(repository) = lower(?) AND slug = ?"
    for row in plugin_rows(snapshot, where, (owner, repository, slug)):
        return plugin_details(snapshot, row)
    raise NotFound(f"no plugin {owner}/{repository}/{slug}", remedy="/api/v1/plugins lists all.")


def count_plugins(snapshot: Snapshot, where: str, parameters: Sequence[object] = ()) -> int:
    """Count plugins; arguments as of `plugin_rows`."""
    query = f"SELECT count(*) FROM plugin WHERE {where}"  # noqa: S608
    return next((int(row[0]) for row in _query(snapshot, query, parameters)), 0)


def plugin_rows(
    snapshot: Snapshot,
    where: str = "gone_at IS NULL",
    parameters: Sequence[object] = (),
    *,
    limit: int | None = None,
    offset: int = 0,
) -> Iterator[PluginRow]:
    """Yield plugins in the order of owner, repository and slug.

    Args:
        snapshot: To read.
        where: A condition of our own making over the columns of `plugin`; values go in `parameters`.
        parameters: Values for the `?` of the condition.
        limit: How many at most.
        offset: How many to leave out before.
    """
    query = f"SELECT {', '.join(_PLUGIN)} FROM plugin WHERE {where}"  # noqa: S608
    query += " ORDER BY lower(owner), owner, lower(repository), slug, file, name"
    query += f" LIMIT {limit:d} OFFSET {offset:d}" if limit is not None else ""
    for row in _query(snapshot, query, parameters):
        values = dict(zip(_PLUGIN, row, strict=True))
        yield PluginRow(**values | {"keywords": json.loads(values["keywords"])})


def count_marketplaces(snapshot: Snapshot) -> int:
    """Count the marketplaces that `marketplace_rows` yields if nothing else is asked for."""
    return next(int(row[0]) for row in _query(snapshot, "SELECT count(*) FROM marketplace WHERE gone_at IS NULL", ()))


def marketplace_rows(
    snapshot: Snapshot,
    where: str = "gone_at IS NULL",
    parameters: Sequence[object] = (),
    *,
    limit: int | None = None,
    offset: int = 0,
) -> Iterator[MarketplaceRow]:
    """Yield marketplaces in the order of owner, repository and file; arguments as of `plugin_rows`."""
    query = f"SELECT * FROM marketplace WHERE {where} ORDER BY lower(owner), owner, lower(repository), file"  # noqa: S608
    query += f" LIMIT {limit:d} OFFSET {offset:d}" if limit is not None else ""
    for row in _query(snapshot, query, parameters):
        yield MarketplaceRow(*row)


def plugin_details(snapshot: Snapshot, row: PluginRow) -> Plugin:
    """Read everything about a plugin."""
    key = (row.repository_id, row.file, row.name)
    return Plugin(
        row=row,
        components=[ComponentRow(*one) for one in _query(snapshot, _COMPONENTS, key)],
        skills=[SkillSummary(*one) for one in _query(snapshot, _SKILLS, key)],
        diagnostics=plugin_diagnostics(snapshot, row.repository_id, row.file),
    )


def plugin_diagnostics(snapshot: Snapshot, repository_id: int, file: str | None = None) -> list[DiagnosticRow]:
    """List what is wrong with the plugin files of a repository, or with one of them."""
    query = "SELECT rule, level, file, NULL, message, remedy FROM plugin_diagnostic WHERE repository_id = ?"
    parameters: tuple[object, ...] = (repository_id,) if file is None else (repository_id, file)
    query += " ORDER BY ordinal" if file is None else " AND file = ? ORDER BY ordinal"
    return [DiagnosticRow(*row) for row in _query(snapshot, query, parameters)]


def plugins_of_skill(snapshot: Snapshot, repository_id: int, path: str) -> list[PluginRow]:
    """List the plugins that bring a skill: those of its own repository first, `MAX_BRINGING` at most.

    Any repository may declare a plugin that brings the skills of another.
    """
    where = """
        gone_at IS NULL AND (repository_id, file, name) IN (
            SELECT (repository_id, file, plugin) FROM plugin_skill WHERE skill_repository_id = ? AND path = ?)
    """
    return _nearest(plugin_rows(snapshot, where, (repository_id, path)), repository_id)


def plugins_by_skill(snapshot: Snapshot) -> dict[tuple[int, str], list[PluginRow]]:
    """Map repository id and folder of each skill that a plugin brings to those plugins, as `plugins_of_skill`."""
    rows = {(row.repository_id, row.file, row.name): row for row in plugin_rows(snapshot)}
    found: dict[tuple[int, str], list[PluginRow]] = {}
    query = "SELECT repository_id, file, plugin, skill_repository_id, path FROM plugin_skill"
    for repository_id, file, name, skill_repository_id, path in _query(snapshot, query):
        found.setdefault((skill_repository_id, path), []).append(rows[repository_id, file, name])
    return {key: _nearest(bringing, key[0]) for key, bringing in found.items()}


def _nearest(rows: Iterable[PluginRow], repository_id: int) -> list[PluginRow]:
    """Those of a repository first, then by address; `MAX_BRINGING` at most."""
    return nsmallest(MAX_BRINGING, rows, key=lambda row: (row.repository_id != repository_id, row.address, row.file))


def _query(snapshot: Snapshot, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
    try:
        yield from snapshot.query(sql, parameters)
    except duckdb.CatalogException:
        return  # a snapshot that was made before there were plugins in any


_PLUGIN = tuple(field.name for field in fields(PluginRow))
_COMPONENTS = """
    SELECT kind, name, path FROM plugin_component WHERE repository_id = ? AND file = ? AND plugin = ? ORDER BY ordinal
"""
_SKILLS = """
    SELECT skill.* FROM plugin_skill p
    JOIN skill ON skill.repository_id = p.skill_repository_id AND skill.path = p.path
    WHERE p.repository_id = ? AND p.file = ? AND p.plugin = ? AND state = 'listed' ORDER BY slug, skill.path
"""
