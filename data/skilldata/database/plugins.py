"""Writing what a crawl read of a repository's plugins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, LiteralString

from psycopg import Connection

from skilldata.database.events import add_event, clean
from skilldata.plugins import Component, KnownPlugin, ReadMarketplace, ReadPlugin, ReadPlugins


def known_plugins(connection: Connection[tuple[Any, ...]], repository_id: int) -> list[KnownPlugin]:
    """List the plugins of a repository that have a slug."""
    query = "SELECT file, name, slug FROM plugin WHERE repository_id = %s AND slug IS NOT NULL ORDER BY file, name"
    rows = connection.execute(query, (repository_id,))
    return [KnownPlugin(file=file, name=name, slug=slug) for file, name, slug in rows]


class PluginWriter:
    """Makes the index reflect the plugins of one repository, in the caller's transaction.

    What is no longer there is marked gone and keeps all but its slug, which others may then have. A second call
    with the same arguments changes nothing.
    """

    def __init__(self, connection: Connection[tuple[Any, ...]], repository_id: int) -> None:
        self._connection = connection
        self._repository_id = repository_id

    def write(self, read: ReadPlugins) -> None:
        """Write all that was read; whatever was not read is gone."""
        self._mark_gone(read)
        for marketplace in read.marketplaces:
            self._save_marketplace(marketplace)
        slugs = {"repository": self._repository_id, "slugs": [one.slug for one in read.plugins]}
        slugs |= {"keys": [_key(one.file, one.name) for one in read.plugins]}
        self._connection.execute(_RELEASE_SLUGS, slugs)
        for plugin in read.plugins:
            self._save_plugin(plugin)
        self._save_diagnostics(read)

    def _mark_gone(self, read: ReadPlugins) -> None:
        files = clean([one.file for one in read.marketplaces])
        for (file,) in self._connection.execute(_GONE_MARKETPLACES, (self._repository_id, files)).fetchall():
            self._event("marketplace.gone", {"file": file})
        keys = [_key(one.file, one.name) for one in read.plugins]
        for file, name in self._connection.execute(_GONE_PLUGINS, (self._repository_id, keys)).fetchall():
            self._event("plugin.gone", {"file": file, "name": name})

    def _save_marketplace(self, read: ReadMarketplace) -> None:
        values = clean(read.model_dump()) | {"repository": self._repository_id}
        row = self._connection.execute(_SAVE_MARKETPLACE, values).fetchone()
        if row is not None:
            self._event("marketplace.listed" if row[0] else "marketplace.changed", {"file": read.file})

    def _save_plugin(self, read: ReadPlugin) -> None:
        row = self._connection.execute(_SAVE_PLUGIN, self._values(read)).fetchone()
        where = {"repository": self._repository_id, "file": clean(read.file), "name": clean(read.name)}
        found = self._connection.execute(_PLUGIN_ID, where).fetchone()
        assert found is not None  # noqa: S101 - it was saved above
        changed = self._save_components(found[0], read.components)
        if row is not None or changed:
            kind = "plugin.listed" if row is not None and row[0] else "plugin.changed"
            self._event(kind, {"file": read.file, "name": read.name, "slug": read.slug})

    def _values(self, read: ReadPlugin) -> dict[str, Any]:
        values = read.model_dump(mode="json", exclude={"source", "components"})
        source = read.source.model_dump(mode="json")
        values |= {f"source_{key}": value for key, value in source.items()} | {"keywords": list(read.keywords)}
        return {"repository": self._repository_id, **{key: clean(value) for key, value in values.items()}}

    def _save_components(self, plugin_id: int, components: Sequence[Component]) -> bool:
        new = [(one.kind.value, clean(one.name), clean(one.path)) for one in components]
        query = "SELECT kind, name, path FROM plugin_component WHERE plugin_id = %s ORDER BY ordinal"
        if self._connection.execute(query, (plugin_id,)).fetchall() == new:
            return False
        self._connection.execute("DELETE FROM plugin_component WHERE plugin_id = %s", (plugin_id,))
        rows = [(plugin_id, ordinal, *row) for ordinal, row in enumerate(new)]
        self._insert("INSERT INTO plugin_component VALUES (%s, %s, %s, %s, %s)", rows)
        return True

    def _save_diagnostics(self, read: ReadPlugins) -> None:
        self._connection.execute("DELETE FROM plugin_diagnostic WHERE repository_id = %s", (self._repository_id,))
        rows = [
            (self._repository_id, ordinal, one.rule, one.level.value, *clean([one.file, one.message, one.remedy]))
            for ordinal, one in enumerate(read.diagnostics)
        ]
        self._insert("INSERT INTO plugin_diagnostic VALUES (%s, %s, %s, %s, %s, %s, %s)", rows)

    def _insert(self, query: LiteralString, rows: Iterable[tuple[Any, ...]]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(query, rows)

    def _event(self, kind: str, evidence: dict[str, Any]) -> None:
        add_event(self._connection, kind, self._repository_id, evidence)


def _key(file: str, name: str) -> str:
    """One text for a plugin's identity in its repository; a line break is in neither part."""
    return str(clean(f"{file}\n{name}"))


_GONE_MARKETPLACES = """
    UPDATE marketplace SET gone_at = now(), updated_at = now()
    WHERE repository_id = %s AND gone_at IS NULL AND file NOT IN (SELECT unnest(%s::text[])) RETURNING file
"""
_GONE_PLUGINS = """
    UPDATE plugin SET gone_at = now(), updated_at = now(), slug = NULL
    WHERE repository_id = %s AND gone_at IS NULL AND file || E'\\n' || name NOT IN (SELECT unnest(%s::text[]))
    RETURNING file, name
"""
_RELEASE_SLUGS = """
    UPDATE plugin SET slug = NULL FROM unnest(%(slugs)s::text[], %(keys)s::text[]) AS taken (slug, key)
    WHERE repository_id = %(repository)s AND plugin.slug = taken.slug AND file || E'\\n' || name <> key
"""
_PLUGIN_ID = "SELECT plugin_id FROM plugin WHERE repository_id = %(repository)s AND file = %(file)s AND name = %(name)s"
# xmax is 0 in a row that was inserted; a row that is the same already is not returned at all.
_SAVE_MARKETPLACE = """
    INSERT INTO marketplace AS old (repository_id, file, name, owner, description, version)
    VALUES (%(repository)s, %(file)s, %(name)s, %(owner)s, %(description)s, %(version)s)
    ON CONFLICT (repository_id, file) DO UPDATE
    SET name = excluded.name, owner = excluded.owner, description = excluded.description, version = excluded.version,
        updated_at = now(), gone_at = NULL
    WHERE old.gone_at IS NOT NULL OR (old.name, old.owner, old.description, old.version)
          IS DISTINCT FROM (excluded.name, excluded.owner, excluded.description, excluded.version)
    RETURNING xmax = 0
"""
_FIELDS = (
    "slug", "description", "version", "author", "homepage", "licence", "category", "keywords", "strict", "source_type",
    "source_address", "source_owner", "source_name", "source_folder", "source_ref", "source_revision",
)  # fmt: skip
_SAVE_PLUGIN = f"""
    INSERT INTO plugin AS old (repository_id, file, name, {", ".join(_FIELDS)})
    VALUES (%(repository)s, %(file)s, %(name)s, {", ".join(f"%({field})s" for field in _FIELDS)})
    ON CONFLICT (repository_id, file, name) DO UPDATE
    SET {", ".join(f"{field} = excluded.{field}" for field in _FIELDS)}, updated_at = now(), gone_at = NULL
    WHERE old.gone_at IS NOT NULL OR ({", ".join(f"old.{field}" for field in _FIELDS)})
          IS DISTINCT FROM ({", ".join(f"excluded.{field}" for field in _FIELDS)})
    RETURNING xmax = 0
"""
