"""REST answers about files: contents, the licence, and where archives are."""

from __future__ import annotations

import base64
import configparser
import posixpath
from typing import Any
from urllib.parse import quote

import pygit2

from tests.standin import shapes
from tests.standin.calls import ApiError, Call, Reply, not_found
from tests.standin.rest_git import commit_of
from tests.standin.store import Entry, folder_of

_BASE64_LIMIT = 1024 * 1024
_FILE_LIMIT = 100 * 1024 * 1024
_FOLDER_LIMIT = 1_000


def contents(call: Call) -> Reply:
    """GET …/contents/{path}: a folder's list, or a file with base64, raw bytes, link or submodule."""
    path = call.request.path_params.get("path", "").strip("/")
    commit = commit_of(call, call.query("ref") or call.repo.default_branch)
    found = call.repo.store.at(commit, path)
    if isinstance(found, pygit2.Tree):
        return Reply(_folder(call, commit, found, path))
    entry = _entry(call, commit, path)
    if entry.mode == "120000":
        target = posixpath.normpath(posixpath.join(folder_of(path), _text(call, entry)))
        pointed = call.repo.store.at(commit, target) if not target.startswith("..") else None
        if not isinstance(pointed, pygit2.Blob):
            return Reply(_item(call, commit, entry, path) | {"target": _text(call, entry)})
        entry = Entry(path, entry.mode, "blob", str(pointed.id), pointed.size)
        return _file(call, commit, entry, path)
    if entry.type == "commit":
        address = _submodules(call, commit).get(path)
        return Reply(_item(call, commit, entry, path) | {"submodule_git_url": address})
    return _file(call, commit, entry, path)


def licence(call: Call) -> Reply:
    """GET …/license."""
    found, name = call.repo.licence, call.repo.licence_file
    if found is None or name is None:
        raise not_found()
    commit = commit_of(call, call.repo.default_branch)
    file = _file(call, commit, _entry(call, commit, name), name)
    if file.raw is None:
        file.body["license"] = shapes.simple_licence(found, call.sites)
    return file


def readme(call: Call) -> Reply:
    """GET …/readme."""
    commit = commit_of(call, call.repo.default_branch)
    entries = call.repo.store.entries(commit.tree, recursive=False)
    entry = next((e for e in entries if e.type == "blob" and e.path.lower().startswith("readme")), None)
    if entry is None:
        raise not_found()
    return _file(call, commit, entry, entry.path)


def archive(call: Call, form: str) -> Reply:
    """GET …/tarball/{ref} and …/zipball/{ref}: 302 to codeload."""
    name = call.request.path_params.get("ref") or call.repo.default_branch
    commit_of(call, name)
    where = f"{call.sites.codeload}/{call.repo.full_name}/{form}/{quote(name)}"
    return Reply(status=302, headers={"Location": where}, raw=b"", media_type="text/html;charset=utf-8")


def _folder(call: Call, commit: pygit2.Commit, tree: pygit2.Tree, path: str) -> list[dict[str, Any]]:
    listed = []
    for entry in call.repo.store.entries(tree, recursive=False)[:_FOLDER_LIMIT]:
        item = _item(call, commit, entry, f"{path}/{entry.path}".strip("/"))
        # GitHub lists submodules of a folder as files, for old clients.
        listed.append(item | {"type": "file"} if entry.type == "commit" else item)
    return listed


def _file(call: Call, commit: pygit2.Commit, entry: Entry, path: str) -> Reply:
    content = call.content(entry.oid) or b""
    if len(content) > _FILE_LIMIT:
        raise ApiError(403, "This API returns blobs up to 100 MB in size.")
    if call.accepts("raw"):
        return Reply(raw=content, media_type="application/vnd.github.raw; charset=utf-8")
    small = len(content) <= _BASE64_LIMIT
    body = _item(call, commit, entry, path) | {"type": "file"}
    body["content"] = base64.encodebytes(content).decode() if small else ""
    body["encoding"] = "base64" if small else "none"
    return Reply(body)


def _item(call: Call, commit: pygit2.Commit, entry: Entry, path: str) -> dict[str, Any]:
    repo, sites = call.repo, call.sites
    ref = call.query("ref") or repo.default_branch
    url = f"{sites.api}/repos/{repo.full_name}/contents/{quote(path)}?ref={quote(ref)}"
    kinds = {"tree": ("dir", "tree"), "commit": ("submodule", "tree")}
    kind, page = kinds.get(entry.type, ("symlink" if entry.mode == "120000" else "file", "blob"))
    git = f"{sites.api}/repos/{repo.full_name}/git/{page}s/{entry.oid}"
    html = f"{sites.html}/{repo.full_name}/{page}/{quote(ref)}/{quote(path)}"
    is_file = entry.type == "blob"
    raw = f"{sites.html}/{repo.full_name}/raw/{commit.id}/{quote(path)}"
    return {
        "name": posixpath.basename(path),
        "path": path,
        "sha": entry.oid,
        "size": entry.size or 0,
        "url": url,
        "html_url": html,
        "git_url": git,
        "download_url": raw if is_file else None,
        "type": kind,
        "_links": {"self": url, "git": git, "html": html},
    }


def _submodules(call: Call, commit: pygit2.Commit) -> dict[str, str]:
    """Read the addresses of submodules by their paths."""
    found = call.repo.store.at(commit, ".gitmodules")
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(found.data.decode() if isinstance(found, pygit2.Blob) else "")
    except (configparser.Error, UnicodeDecodeError):
        return {}
    return {parser[name]["path"]: parser[name].get("url", "") for name in parser.sections() if "path" in parser[name]}


def _entry(call: Call, commit: pygit2.Commit, path: str) -> Entry:
    folder = call.repo.store.at(commit, folder_of(path))
    if isinstance(folder, pygit2.Tree):
        name = posixpath.basename(path)
        for entry in call.repo.store.entries(folder, recursive=False):
            if entry.path == name:
                return entry
    raise not_found()


def _text(call: Call, entry: Entry) -> str:
    return (call.repo.store.blob(entry.oid) or b"").decode(errors="replace")
