"""What one plugin brings along: what its manifest names, and what lies in its usual folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from skillcrawler.diagnostics import Findings
from skillcrawler.gitobjects import TreeEntry
from skillcrawler.plugins import rules
from skillcrawler.plugins.fields import NAME_LENGTH, folder_path, mistyped
from skillcrawler.tree import RepositoryTree
from skilldata.names import safe_text
from skilldata.plugins import Component, ComponentKind

MAX_COMPONENTS = 2000  # of one plugin
MAX_FOUND = 100_000  # of all plugins of one repository, those that come twice included
MAX_LOOKED_AT = 1_000_000  # entries of folders, for all plugins of one repository

# Key of the manifest, and where clients look without it.
PATH_KEYS = {"skills": ComponentKind.SKILL, "commands": ComponentKind.COMMAND, "agents": ComponentKind.AGENT}
CONFIGURATION_KEYS = {
    "hooks": (ComponentKind.HOOK, "hooks/hooks.json"),
    "mcpServers": (ComponentKind.MCP, ".mcp.json"),
    "lspServers": (ComponentKind.LSP, ".lsp.json"),
}
COMPONENT_KEYS = (*PATH_KEYS, *CONFIGURATION_KEYS)


class Manifest(NamedTuple):
    """A file that may name components: the path for those that it defines itself, and its content."""

    file: str
    written: Mapping[str, Any]
    findings: Findings


class ComponentReader:
    """Finds the components of plugins in one repository.

    Args:
        tree: The repository; None where a plugin's files are elsewhere, and what is named is believed.
        configurations: Contents of the hooks, MCP and LSP files that are at hand, by path.
    """

    def __init__(self, tree: RepositoryTree | None, configurations: Mapping[str, Any]) -> None:
        self._tree = tree
        self._configurations = configurations
        self._known: dict[tuple[str, ComponentKind], tuple[Component, ...]] = {}
        self._left = MAX_FOUND
        self._looks_left = MAX_LOOKED_AT

    def read(self, folder: str, manifests: list[Manifest], *, usual: bool) -> tuple[Component, ...]:
        """List the components of one plugin in a fixed order, each once.

        Args:
            folder: The plugin's, from the root of the repository.
            manifests: What names components; at least one.
            usual: Whether those in the usual folders belong to it.
        """
        found: dict[Component, None] = {}
        for component in self._all(folder, manifests, usual=usual):
            if len(found) >= MAX_COMPONENTS or self._left <= 0:
                manifests[0].findings.add(rules.TOO_MANY, "a plugin has more components than are read")
                break
            self._left -= 1
            found.setdefault(component)
        if self._looks_left < 0:
            manifests[0].findings.add(rules.TOO_MANY, "the folders of the plugins hold more than is looked through")
        return tuple(sorted(found, key=lambda one: (list(ComponentKind).index(one.kind), one.path, one.name)))

    def _all(self, folder: str, manifests: list[Manifest], *, usual: bool) -> Iterator[Component]:
        for manifest in manifests:
            for key, kind in PATH_KEYS.items():
                yield from self._named(folder, manifest, key, kind)
            for key, (kind, _) in CONFIGURATION_KEYS.items():
                yield from self._configured(folder, manifest, key, kind)
        if usual and self._tree is not None:
            named = {key for manifest in manifests for key in manifest.written}
            yield from self._usual(self._tree, folder, named)

    # -- what a manifest names

    def _named(self, folder: str, manifest: Manifest, key: str, kind: ComponentKind) -> Iterator[Component]:
        value = manifest.written.get(key)
        if value is None:
            return
        if isinstance(value, Mapping) and kind is ComponentKind.COMMAND:
            # Commands may also be an object: name → where its text is, or the text itself.
            for name in list(value)[:MAX_COMPONENTS]:
                yield Component(kind=kind, name=_shown(name), path=manifest.file)
            return
        paths = [value] if isinstance(value, str) else value
        if not isinstance(paths, list):
            mistyped(key, "a path or a list of paths", manifest.findings)
            return
        for written in paths[:MAX_COMPONENTS]:
            path = folder_path(folder, written)
            entries = () if path is None else self._once(path, kind)
            if entries:
                yield from entries
            else:
                manifest.findings.add(rules.COMPONENT_PATH, f"`{key}` names {_shown(written)!r}")

    def _once(self, path: str, kind: ComponentKind) -> tuple[Component, ...]:
        """Look at a path once, however often it is named: a hostile file names one folder thousands of times."""
        key = path, kind
        if key not in self._known:
            self._known[key] = tuple(islice(self._at(path, kind), MAX_COMPONENTS))
        return self._known[key]

    def _at(self, path: str, kind: ComponentKind) -> Iterator[Component]:
        if self._tree is None:
            yield Component(kind=kind, name=_stem(path), path=path)
            return
        entry = self._tree.get(path)
        if entry is None:
            return
        if kind is ComponentKind.SKILL:
            yield from self._skills(self._tree, path)
        elif entry.is_folder:
            yield from self._texts(self._tree, path, kind)
        else:
            yield Component(kind=kind, name=_stem(path), path=path)

    def _configured(self, folder: str, manifest: Manifest, key: str, kind: ComponentKind) -> Iterator[Component]:
        value = manifest.written.get(key)
        for one in value if isinstance(value, list) else [value]:
            if one is None:
                continue
            if isinstance(one, Mapping):
                yield from _entries(one, kind, manifest.file)
            elif (path := folder_path(folder, one)) is not None and (self._tree is None or self._tree.get(path)):
                yield from self._file(path, kind)
            elif isinstance(one, str):
                manifest.findings.add(rules.COMPONENT_PATH, f"`{key}` names {_shown(one)!r}")
            else:
                mistyped(key, "a path or an object", manifest.findings)

    def _file(self, path: str, kind: ComponentKind) -> Iterator[Component]:
        content = self._configurations.get(path)
        entries = list(_entries(content, kind, path)) if isinstance(content, Mapping) else []
        yield from entries or [Component(kind=kind, name=_stem(path), path=path)]

    # -- what lies where clients look

    def _usual(self, tree: RepositoryTree, folder: str, named: set[str]) -> Iterator[Component]:
        yield from self._skills(tree, _inside(folder, "skills"), itself=False)
        # Paths of a manifest take the place of these two folders, and add to that of the skills.
        for key, kind in (("commands", ComponentKind.COMMAND), ("agents", ComponentKind.AGENT)):
            if key not in named:
                yield from self._texts(tree, _inside(folder, key), kind)
        for kind, file in CONFIGURATION_KEYS.values():
            path = _inside(folder, file)
            entry = tree.get(path)
            if entry is not None and entry.is_file:
                yield from self._file(path, kind)

    # -- looking through folders

    def _skills(self, tree: RepositoryTree, path: str, *, itself: bool = True) -> Iterator[Component]:
        """A folder with a SKILL.md is a skill; of another, the folders right inside it may be."""
        if itself and self._has_manifest(tree, path):
            yield Component(kind=ComponentKind.SKILL, name=_stem(path), path=path)
            return
        for entry in self._children(tree, path):
            if entry.is_folder and self._has_manifest(tree, entry.path):
                yield Component(kind=ComponentKind.SKILL, name=_stem(entry.path), path=entry.path)

    def _texts(self, tree: RepositoryTree, folder: str, kind: ComponentKind) -> Iterator[Component]:
        waiting = [folder]
        while waiting:
            for entry in self._children(tree, waiting.pop()):
                if entry.is_folder:
                    waiting.append(entry.path)
                elif entry.is_file and entry.path.endswith(".md"):
                    yield Component(kind=kind, name=_stem(entry.path), path=entry.path)

    def _has_manifest(self, tree: RepositoryTree, folder: str) -> bool:
        return any(entry.path.rpartition("/")[2].lower() == "skill.md" for entry in self._children(tree, folder))

    def _children(self, tree: RepositoryTree, folder: str) -> Iterator[TreeEntry]:
        """Look through a folder, unless too much was looked through: folders may be named again and again."""
        for entry in tree.children(folder):
            self._looks_left -= 1
            if self._looks_left < 0:
                return
            yield entry


def _entries(content: Mapping[str, Any], kind: ComponentKind, file: str) -> Iterator[Component]:
    """Servers by name, hooks by event; the file may wrap them in a key of their own."""
    for key, (of_kind, _) in CONFIGURATION_KEYS.items():
        inner = content.get(key)
        if of_kind is kind and isinstance(inner, Mapping):
            content = inner
    for name, value in list(content.items())[:MAX_COMPONENTS]:
        if isinstance(value, (Mapping, list)):
            yield Component(kind=kind, name=_shown(name), path=file)


def _inside(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _stem(path: str) -> str:
    return _shown(path.rpartition("/")[2].removesuffix(".md").removesuffix(".json"))


def _shown(value: Any) -> str:
    return safe_text(str(value)[: NAME_LENGTH + 1], limit=NAME_LENGTH)
