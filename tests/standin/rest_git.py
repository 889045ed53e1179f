"""REST answers about git data: trees, blobs, references, commits, branches, comparisons."""

from __future__ import annotations

import base64
from itertools import islice
from typing import Any

import pygit2

from tests.standin import shapes
from tests.standin.calls import ApiError, Call, Reply, empty_repository, not_found, page_of, timestamp
from tests.standin.ids import node_id
from tests.standin.store import committed_at

_BLOB_LIMIT = 100 * 1024 * 1024
_COMPARED_COMMITS = 250
_COMPARED_FILES = 300
_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}


def tree(call: Call) -> Reply:
    """GET …/git/trees/{ref}, recursive on demand, cut at the world's `tree_limit`."""
    found = call.repo.store.get(call.path("ref"))
    if not isinstance(found, pygit2.Tree):
        found = commit_of(call, call.path("ref")).tree
    entries = call.repo.store.entries(found, recursive=bool(call.query("recursive")))
    base = _repository_url(call)
    kinds = {"blob": "blobs", "tree": "trees"}
    listed = []
    for entry in entries[: call.world.tree_limit]:
        item: dict[str, Any] = {"path": entry.path, "mode": entry.mode, "type": entry.type, "sha": entry.oid}
        if entry.size is not None:
            item["size"] = entry.size
        if entry.type in kinds:
            item["url"] = f"{base}/git/{kinds[entry.type]}/{entry.oid}"
        listed.append(item)
    truncated = len(entries) > call.world.tree_limit
    body = {"sha": str(found.id), "url": f"{base}/git/trees/{found.id}", "tree": listed, "truncated": truncated}
    return Reply(body)


def blob(call: Call) -> Reply:
    """GET …/git/blobs/{sha}, as JSON with base64 or raw."""
    if call.repo.is_empty:
        raise empty_repository()
    content = call.content(call.path("sha"))
    if content is None:
        raise not_found()
    if len(content) > _BLOB_LIMIT:
        raise ApiError(403, "This API returns blobs up to 100 MB in size.")
    if call.accepts("raw"):
        return Reply(raw=content, media_type="application/vnd.github.raw; charset=utf-8")
    return Reply(
        {
            "sha": call.path("sha"),
            "node_id": node_id("B", call.repo.id, call.path("sha")),
            "size": len(content),
            "url": f"{_repository_url(call)}/git/blobs/{call.path('sha')}",
            "content": base64.encodebytes(content).decode(),
            "encoding": "base64",
        }
    )


def reference(call: Call) -> Reply:
    """GET …/git/ref/{heads/branch}."""
    if call.repo.is_empty:
        raise empty_repository()
    name = call.path("ref")
    oid = call.repo.store.branches().get(name.removeprefix("heads/")) if name.startswith("heads/") else None
    if oid is None:
        raise not_found()
    base = _repository_url(call)
    return Reply(
        {
            "ref": f"refs/{name}",
            "node_id": node_id("REF", call.repo.id, f"refs/{name}"),
            "url": f"{base}/git/refs/{name}",
            "object": {"sha": oid, "type": "commit", "url": f"{base}/git/commits/{oid}"},
        }
    )


def commit(call: Call) -> Reply:
    """GET …/commits/{ref}; only the id with the media type `sha`."""
    found = commit_of(call, call.path("ref"), missing=422)
    if call.accepts("sha"):
        return Reply(raw=str(found.id).encode(), media_type="application/vnd.github.sha; charset=utf-8")
    return Reply(commit_body(call, found))


def commits(call: Call) -> Reply:
    """GET …/commits, from `sha` or the default branch, newest first; with `path`, those that changed it."""
    tip = commit_of(call, call.query("sha") or call.repo.default_branch)
    path = call.query("path")
    history = [c for c in call.repo.store.history(tip) if not path or _changed(call, c, path)]
    page, links = page_of(call, history)
    return Reply([commit_body(call, found) for found in page], headers=links)


def branch(call: Call) -> Reply:
    """GET …/branches/{branch}."""
    name = call.path("branch")
    oid = call.repo.store.branches().get(name)
    if oid is None:
        raise ApiError(404, "Branch not found")
    url = f"{_repository_url(call)}/branches/{name}"
    return Reply(
        {
            "name": name,
            "commit": commit_body(call, commit_of(call, oid)),
            "_links": {"self": url, "html": f"{call.sites.html}/{call.repo.full_name}/tree/{name}"},
            "protected": False,
            "protection": {
                "enabled": False,
                "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []},
            },
            "protection_url": f"{url}/protection",
        }
    )


def branches(call: Call) -> Reply:
    """GET …/branches."""
    base = _repository_url(call)
    listed = [
        {"name": name, "commit": {"sha": oid, "url": f"{base}/commits/{oid}"}, "protected": False}
        for name, oid in call.repo.store.branches().items()
    ]
    page, links = page_of(call, listed)
    return Reply(page, headers=links)


def compare(call: Call) -> Reply:
    """GET …/compare/{base}...{head}."""
    base_name, dots, head_name = call.path("basehead").partition("...")
    if not dots:
        raise not_found()
    base, head = commit_of(call, base_name), commit_of(call, head_name)
    git = call.repo.store.git
    common = git.merge_base(base.id, head.id)
    if common is None:
        raise ApiError(404, f"No common ancestor between {base_name} and {head_name}.")
    ahead, behind = git.ahead_behind(head.id, base.id)
    merge_base = commit_of(call, str(common))
    status = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind"}
    html = f"{call.sites.html}/{call.repo.full_name}/compare/{base_name}...{head_name}"
    newest = list(islice(call.repo.store.history(head), ahead))[::-1]
    return Reply(
        {
            "url": f"{_repository_url(call)}/compare/{base_name}...{head_name}",
            "html_url": html,
            "permalink_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "base_commit": commit_body(call, base),
            "merge_base_commit": commit_body(call, merge_base),
            "status": status.get((ahead > 0, behind > 0), "identical"),
            "ahead_by": ahead,
            "behind_by": behind,
            "total_commits": ahead,
            "commits": [commit_body(call, found) for found in newest[:_COMPARED_COMMITS]],
            "files": [
                _file(call, head, patch) for patch in islice(git.diff(merge_base, head), _COMPARED_FILES) if patch
            ],
        }
    )


def commit_of(call: Call, name: str, missing: int = 404) -> pygit2.Commit:
    """Find a commit of the call's repository.

    Raises:
        ApiError: 409 where the repository is empty, `missing` where nothing goes by that name.
    """
    found = call.repo.store.commit(call.repo.default_branch if name == "HEAD" else name)
    if found is None and call.repo.is_empty:
        raise empty_repository()
    if found is None:
        raise not_found() if missing == 404 else ApiError(missing, f"No commit found for SHA: {name}")
    return found


def commit_body(call: Call, found: pygit2.Commit) -> dict[str, Any]:
    """Describe a commit."""
    base, oid = _repository_url(call), str(found.id)
    html = f"{call.sites.html}/{call.repo.full_name}/commit"
    moment = timestamp(committed_at(found))
    person = {"name": found.author.name, "email": found.author.email, "date": moment}
    author = shapes.simple_user(call.repo.owner, call.sites)
    return {
        "sha": oid,
        "node_id": node_id("C", call.repo.id, oid),
        "commit": {
            "author": person,
            "committer": person,
            "message": found.message,
            "tree": {"sha": str(found.tree.id), "url": f"{base}/git/trees/{found.tree.id}"},
            "url": f"{base}/git/commits/{oid}",
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        },
        "url": f"{base}/commits/{oid}",
        "html_url": f"{html}/{oid}",
        "comments_url": f"{base}/commits/{oid}/comments",
        "author": author,
        "committer": author,
        "parents": [
            {"sha": str(parent), "url": f"{base}/commits/{parent}", "html_url": f"{html}/{parent}"}
            for parent in found.parent_ids
        ],
    }


def _file(call: Call, head: pygit2.Commit, patch: pygit2.Patch) -> dict[str, Any]:
    delta = patch.delta
    path = delta.new_file.path
    html = f"{call.sites.html}/{call.repo.full_name}"
    _, additions, deletions = patch.line_stats
    return {
        "sha": str(delta.old_file.id if delta.status_char() == "D" else delta.new_file.id),
        "filename": path,
        "status": _STATUS[delta.status_char()],
        "additions": additions,
        "deletions": deletions,
        "changes": additions + deletions,
        "blob_url": f"{html}/blob/{head.id}/{path}",
        "raw_url": f"{html}/raw/{head.id}/{path}",
        "contents_url": f"{_repository_url(call)}/contents/{path}?ref={head.id}",
    }


def _changed(call: Call, found: pygit2.Commit, path: str) -> bool:
    store = call.repo.store
    here = store.at(found, path)
    before = store.at(found.parents[0], path) if found.parents else None
    return (here.id if here else None) != (before.id if before else None)


def _repository_url(call: Call) -> str:
    return f"{call.sites.api}/repos/{call.repo.full_name}"
