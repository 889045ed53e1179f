"""Where a plugin's files come from: the `source` of a marketplace's entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from skillcrawler.diagnostics import Findings
from skillcrawler.discovery.addresses import read_address
from skillcrawler.plugins import rules
from skillcrawler.plugins.fields import NAME_LENGTH, PATH_LENGTH, folder_path
from skilldata.names import safe_text
from skilldata.plugins import PluginSource, SourceType

_UNREAD = PluginSource(type=SourceType.OTHER)


def read_source(written: Any, plugin: str, base: str, plugin_root: Any, findings: Findings) -> PluginSource:
    """Read the source of a plugin.

    Args:
        written: The value: a path, an address, or an object whose own `source` names its kind.
        plugin: Name of the plugin, for the diagnostics.
        base: Folder that holds the marketplace's `.claude-plugin`.
        plugin_root: `metadata.pluginRoot` of the marketplace, before paths that do not start with `./`.
        findings: Takes a diagnostic where the source cannot be read.
    """
    if isinstance(written, str) and "://" not in written:
        return _own(written, base, plugin_root, plugin, findings)
    if isinstance(written, str):
        return _git({"url": written}, plugin, findings)
    if not isinstance(written, Mapping):
        return _refused(plugin, "has no source", findings)
    kind = written.get("source")
    read = _KINDS.get(kind) if isinstance(kind, str) else None
    if read is None:
        return _refused(plugin, f"has a source of kind {_shown(kind, 40)!r}", findings)
    return read(written, plugin, findings)


def _own(written: str, base: str, plugin_root: Any, plugin: str, findings: Findings) -> PluginSource:
    if isinstance(plugin_root, str) and not written.startswith("./"):
        root = folder_path(base, plugin_root)
        base = base if root is None else root
    folder = folder_path(base, written)
    if folder is None:
        findings.add(rules.SOURCE_PATH, f"{plugin} comes from {_shown(written)}, which is no path in the repository")
        return _UNREAD
    return PluginSource(type=SourceType.OWN, folder=folder)


def _github(written: Mapping[str, Any], plugin: str, findings: Findings) -> PluginSource:
    repository = written.get("repo")
    found = read_address(repository) if isinstance(repository, str) else None
    if found is None:
        return _refused(plugin, f"has the source {_shown(repository)!r}, which is no repository on GitHub", findings)
    source = PluginSource(type=SourceType.GITHUB, address=str(found), owner=found.owner, name=found.name)
    return _with_commit(source, written)


def _git(written: Mapping[str, Any], plugin: str, findings: Findings) -> PluginSource:
    address = written.get("url")
    if not isinstance(address, str) or not address.strip():
        return _refused(plugin, "has a git source without an address", findings)
    owner, name = read_address(address) or ("", "")
    source = PluginSource(type=SourceType.GIT, address=_shown(address.strip(), PATH_LENGTH), owner=owner, name=name)
    return _with_commit(source, written)


def _git_folder(written: Mapping[str, Any], plugin: str, findings: Findings) -> PluginSource:
    source = _git(written, plugin, findings)
    folder = folder_path("", written.get("path"))
    if source.type is SourceType.OTHER or folder is not None:
        return source.model_copy(update={"folder": folder or ""})
    return _refused(plugin, f"comes from the folder {_shown(written.get('path'))!r}", findings)


def _npm(written: Mapping[str, Any], plugin: str, findings: Findings) -> PluginSource:
    package = written.get("package")
    if not isinstance(package, str) or not package.strip():
        return _refused(plugin, "has an npm source without a package", findings)
    return PluginSource(type=SourceType.NPM, address=_shown(package.strip()), ref=_shown(written.get("version") or ""))


def _archive(written: Mapping[str, Any], plugin: str, findings: Findings) -> PluginSource:
    address = written.get("url")
    if not isinstance(address, str) or not address.strip():
        return _refused(plugin, "has an archive without an address", findings)
    return PluginSource(
        type=SourceType.ARCHIVE,
        address=_shown(address.strip(), PATH_LENGTH),
        revision=_shown(written.get("sha256") or "", 64),
    )


def _with_commit(source: PluginSource, written: Mapping[str, Any]) -> PluginSource:
    found = {"ref": _shown(written.get("ref") or ""), "revision": _shown(written.get("sha") or "", 64)}
    return source.model_copy(update=found)


def _refused(plugin: str, what: str, findings: Findings) -> PluginSource:
    findings.add(rules.SOURCE, f"{plugin} {what}")
    return _UNREAD


def _shown(value: Any, limit: int = NAME_LENGTH) -> str:
    return safe_text(value if isinstance(value, str) else str(value)[:limit], limit=limit)


_KINDS: Mapping[str, Callable[[Mapping[str, Any], str, Findings], PluginSource]] = {
    "github": _github,
    "url": _git,
    "git": _git,
    "git-subdir": _git_folder,
    "npm": _npm,
    "archive": _archive,
}
