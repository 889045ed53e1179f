"""All plugins of one repository: marketplaces and plugin.json files, at the root and in subfolders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from skillcrawler.diagnostics import Findings
from skillcrawler.discovery.hostile import read_json
from skillcrawler.plugins import rules
from skillcrawler.plugins.components import COMPONENT_KEYS, CONFIGURATION_KEYS, ComponentReader, Manifest
from skillcrawler.plugins.fields import MAX_FILE_BYTES, read_object
from skillcrawler.plugins.marketplace import (
    MARKETPLACE_FILE,
    Entry,
    MarketplaceFile,
    base_folder,
    read_details,
    read_marketplace_file,
    read_name,
)
from skillcrawler.tree import RepositoryTree
from skilldata.names import assign_slugs
from skilldata.plugins import KnownPlugin, PluginSource, ReadPlugin, ReadPlugins, SourceType

PLUGIN_FILE = ".claude-plugin/plugin.json"
MAX_FILES = 2000  # of each kind in one repository
MAX_PLUGINS = 5000  # of one repository
MAX_BYTES = 16 * 1024 * 1024  # of all files of one repository together


class PluginFiles(NamedTuple):
    """The files of a repository that speak of plugins: path → object id of the blob."""

    marketplaces: Mapping[str, str]
    plugins: Mapping[str, str]
    configurations: Mapping[str, str]  # hooks, MCP and LSP servers in the usual places of a plugin

    @property
    def oids(self) -> list[str]:
        """Every blob that is to be read."""
        return [*self.marketplaces.values(), *self.plugins.values(), *self.configurations.values()]


def plugin_files(tree: RepositoryTree) -> PluginFiles:
    """Find the files that speak of plugins, the shallowest first, at most `MAX_FILES` of a kind."""
    found: dict[str, str] = {entry.path: entry.oid for entry in tree.leaves if entry.is_file}
    marketplaces = _ending(found, MARKETPLACE_FILE)
    plugins = _ending(found, PLUGIN_FILE)
    folders = [base_folder(file) for file in (*marketplaces, *plugins)]
    usual = [f"{folder}/{file}".lstrip("/") for folder in folders for _, file in CONFIGURATION_KEYS.values()]
    return PluginFiles(marketplaces, plugins, {path: found[path] for path in usual[:MAX_FILES] if path in found})


def read_plugins(
    tree: RepositoryTree,
    files: PluginFiles,
    contents: Callable[[str], bytes | None],
    *,
    known: Sequence[KnownPlugin] = (),
) -> ReadPlugins:
    """Read all plugins of a repository.

    Args:
        tree: The repository.
        files: As `plugin_files` found them.
        contents: Gives the bytes of an object id; None for what is too large to be read. Asked until all files
            together have `MAX_BYTES`: JSON takes many times its size in memory, and a blob may be at many paths.
        known: Plugins of an earlier crawl, which keep their slugs.
    """
    findings = {path: Findings(path) for path in (*files.marketplaces, *files.plugins)}
    bounded = _Bounded(contents)
    marketplaces = {
        path: read
        for path, oid in files.marketplaces.items()
        if (read := read_marketplace_file(bounded.read(oid), findings[path])) is not None
    }
    manifests = {
        base_folder(path): Manifest(path, data, findings[path])
        for path, oid in files.plugins.items()
        if (data := read_object(bounded.read(oid), findings[path])) is not None
    }
    configurations = {path: _json(bounded.read(oid)) for path, oid in files.configurations.items()}
    reader = _Reader(tree, manifests, configurations)
    plugins = [*reader.of_marketplaces(marketplaces.values(), findings), *reader.alone()][:MAX_PLUGINS]
    return ReadPlugins(
        marketplaces=tuple(one.marketplace for one in marketplaces.values()),
        plugins=_with_slugs(plugins, known),
        diagnostics=tuple(found for one in findings.values() for found in one.diagnostics()),
    )


def references_of(read: ReadPlugins) -> dict[str, Sequence[tuple[str, str]]]:
    """List the repositories on GitHub that the plugins of each file come from, as pairs of owner and name."""
    named: dict[str, dict[tuple[str, str], None]] = {}
    for plugin in read.plugins:
        if plugin.source.owner:
            named.setdefault(plugin.file, {}).setdefault((plugin.source.owner, plugin.source.name))
    return {file: tuple(pairs) for file, pairs in named.items()}


class _Bounded:
    """Gives contents until there were too many; from then on, files pass for too large."""

    def __init__(self, contents: Callable[[str], bytes | None]) -> None:
        self._contents = contents
        self._left = MAX_BYTES

    def read(self, oid: str) -> bytes | None:
        content = self._contents(oid) if self._left > 0 else None
        self._left -= len(content or b"")
        return content


class _Reader:
    """Puts together what entries and plugin.json files say of one plugin."""

    def __init__(
        self, tree: RepositoryTree, manifests: Mapping[str, Manifest], configurations: Mapping[str, Any]
    ) -> None:
        self._tree = tree
        self._manifests = manifests
        self._here = ComponentReader(tree, configurations)
        self._elsewhere = ComponentReader(None, {})
        self._listed: set[str] = set()  # folders of plugins that a marketplace lists

    def of_marketplaces(self, files: Iterable[MarketplaceFile], findings: Mapping[str, Findings]) -> list[ReadPlugin]:
        return [
            self._entry(entry, findings[entry.plugin.file])
            for file in files
            for entry in file.entries
            if entry.plugin.name
        ]

    def alone(self) -> list[ReadPlugin]:
        """Plugins that no marketplace of the repository lists."""
        return [
            plugin
            for folder, manifest in self._manifests.items()
            if folder not in self._listed and (plugin := self._plugin(folder, manifest)) is not None
        ]

    def _plugin(self, folder: str, manifest: Manifest) -> ReadPlugin | None:
        name = read_name(manifest.written, "the plugin", manifest.findings)
        if not name:
            return None
        return ReadPlugin(
            file=manifest.file,
            name=name,
            source=PluginSource(type=SourceType.OWN, folder=folder),
            components=self._here.read(folder, [manifest], usual=True),
            **read_details(manifest.written, manifest.findings),
        )

    def _entry(self, entry: Entry, findings: Findings) -> ReadPlugin:
        plugin = entry.plugin
        own = Manifest(plugin.file, entry.written, findings)
        folder = plugin.source.folder
        if plugin.source.type is not SourceType.OWN:
            return plugin.model_copy(update={"components": self._elsewhere.read(folder, [own], usual=False)})
        at = self._tree.get(folder)
        if at is None or not at.is_folder:
            findings.add(rules.SOURCE_PATH, f"{plugin.name} comes from {folder!a}, where there is no folder")
            return plugin
        self._listed.add(folder)
        manifest = self._manifests.get(folder)
        names_own = any(key in entry.written for key in COMPONENT_KEYS)
        if manifest is None and not names_own and plugin.strict:
            findings.add(rules.NO_MANIFEST, f"{plugin.name} has no plugin.json")
        if manifest is not None and names_own and not plugin.strict and _names_components(manifest):
            findings.add(rules.CONFLICT, f"{plugin.name} names components in two files")
        read = [own] if manifest is None else [own, manifest]
        # An entry that is all there is says by itself what belongs to its plugin.
        usual = plugin.strict or not names_own
        details = read_details(manifest.written, manifest.findings) if manifest else {}
        missing = {key: value for key, value in details.items() if value and not getattr(plugin, key)}
        return plugin.model_copy(update={**missing, "components": self._here.read(folder, read, usual=usual)})


def _names_components(manifest: Manifest) -> bool:
    return any(key in manifest.written for key in COMPONENT_KEYS)


def _ending(found: Mapping[str, str], name: str) -> dict[str, str]:
    paths = [path for path in found if path == name or path.endswith(f"/{name}")]
    return {path: found[path] for path in sorted(paths, key=lambda path: (path.count("/"), path))[:MAX_FILES]}


def _json(content: bytes | None) -> Any:
    return read_json(content) if content is not None and len(content) <= MAX_FILE_BYTES else None


def _with_slugs(plugins: Sequence[ReadPlugin], known: Sequence[KnownPlugin]) -> tuple[ReadPlugin, ...]:
    wanted = {_key(one.file, one.name): one for one in plugins}
    previous = {key: one.slug for one in known if (key := _key(one.file, one.name)) in wanted}
    slugs = assign_slugs(((key, one.name) for key, one in wanted.items()), previous=previous)
    return tuple(one.model_copy(update={"slug": slugs[key]}) for key, one in wanted.items())


def _key(file: str, name: str) -> str:
    """A path that a plugin's slug may take its telling part from: the folder of its file, then its name."""
    return f"{file.removesuffix('.json')}/{quote(name, safe='')}"
