"""Bare git repositories: reading through pygit2, and writing of small commits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path, PurePosixPath

import pygit2
from pygit2.enums import FileMode, SortMode

# Served over smart HTTP: partial clones and wants by object id, as GitHub allows them. Objects are never
# collected, so that a commit stays readable after a push moved the branch away from it.
_CONFIG = """[core]
\trepositoryformatversion = 0
\tbare = true
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
[http]
\treceivepack = false
[gc]
\tauto = 0
"""
_OBJECT_ID_LENGTH = 40


@dataclass(frozen=True)
class Entry:
    """One entry of a tree: `path` from the listing's root, octal `mode`, size in bytes for blobs."""

    path: str
    mode: str
    type: str
    oid: str
    size: int | None


@dataclass(frozen=True)
class File:
    """What a commit is to hold at a path: bytes and an octal mode (a symlink's bytes are its target)."""

    content: bytes
    mode: str = "100644"


class Store:
    """One bare repository.

    Args:
        path: Its folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._trees: dict[tuple[str, bool], tuple[Entry, ...]] = {}

    @classmethod
    def create(cls, path: Path, objects_of: Path | None = None) -> Store:
        """Make an empty repository; with `objects_of`, one that borrows another's objects."""
        for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
            (path / folder).mkdir(parents=True)
        (path / "HEAD").write_text("ref: refs/heads/main\n")
        (path / "config").write_text(_CONFIG)
        if objects_of:
            (path / "objects/info/alternates").write_text(f"{(objects_of / 'objects').resolve()}\n")
        return cls(path)

    @cached_property
    def git(self) -> pygit2.Repository:
        """The open repository."""
        return pygit2.Repository(str(self.path))

    # -- reading

    def commit(self, name: str) -> pygit2.Commit | None:
        """Find a commit by branch, tag, full reference or (abbreviated) object id."""
        for candidate in (f"refs/heads/{name}", f"refs/tags/{name}", f"refs/{name}", name):
            try:
                found = self.git.revparse_single(candidate)
                return found.peel(pygit2.Commit)
            except (KeyError, ValueError, pygit2.InvalidSpecError, pygit2.GitError):
                continue
        return None

    def get(self, oid: str) -> pygit2.Object | None:
        """Find any object by its full id."""
        if len(oid) != _OBJECT_ID_LENGTH:
            return None
        try:
            return self.git.get(oid)
        except ValueError:
            return None

    def branches(self) -> dict[str, str]:
        """Branch names with the ids of their commits, in order."""
        found = {}
        for name in sorted(self.git.raw_listall_branches()):
            text = name.decode(errors="replace")
            found[text] = str(self.git.lookup_reference(f"refs/heads/{text}").peel().id)
        return found

    def entries(self, tree: pygit2.Tree, *, recursive: bool) -> tuple[Entry, ...]:
        """List a tree in git's order; recursively, folders come before what is in them."""
        key = str(tree.id), recursive
        if key not in self._trees:
            self._trees[key] = tuple(self._walk(tree, "", recursive))
        return self._trees[key]

    def at(self, commit: pygit2.Commit, path: str) -> pygit2.Object | None:
        """Find what a commit has at a path; None where nothing is, or only a submodule."""
        if not path.strip("/"):
            return commit.tree
        try:
            return commit.tree[path.strip("/")]
        except (KeyError, ValueError):
            return None

    def blob(self, oid: str) -> bytes | None:
        """Read a blob's bytes."""
        found = self.get(oid)
        return bytes(found.data) if isinstance(found, pygit2.Blob) else None

    def history(self, tip: pygit2.Commit) -> Iterator[pygit2.Commit]:
        """Walk a commit's ancestors, newest first, itself included."""
        return iter(self.git.walk(tip.id, SortMode.TOPOLOGICAL))

    # -- writing

    def write(self, branch: str, files: Mapping[str, File | None], *, when: datetime, author: str, message: str) -> str:
        """Commit files on top of a branch (None deletes one) and return the commit's id."""
        reference = f"refs/heads/{branch}"
        parent = self.commit(branch)
        index = pygit2.Index()
        if parent:
            index.read_tree(parent.tree)
        for path, file in files.items():
            if file is None:
                index.remove(path)
            elif file.mode == "160000":
                index.add(pygit2.IndexEntry(path, pygit2.Oid(hex=file.content.decode()), FileMode.COMMIT))
            else:
                index.add(pygit2.IndexEntry(path, self.git.create_blob(file.content), FileMode(int(file.mode, 8))))
        signature = _signature(author, when)
        parents = [parent.id] if parent else []
        return str(
            self.git.create_commit(reference, signature, signature, message, index.write_tree(self.git), parents)
        )

    def point(self, branch: str, oid: str | None) -> None:
        """Move a branch to a commit, making it where it is new; None deletes it."""
        reference = f"refs/heads/{branch}"
        if oid is not None:
            self.git.references.create(reference, oid, force=True)
        elif reference in self.git.references:
            self.git.references.delete(reference)

    def point_head(self, branch: str) -> None:
        """Say which branch HEAD stands for."""
        self.git.set_head(f"refs/heads/{branch}")

    def _walk(self, tree: pygit2.Tree, prefix: str, recursive: bool) -> Iterator[Entry]:
        for item in tree:
            path = prefix + _text(item.raw_name)
            kind = item.type_str
            size = self.git.odb.read_header(item.id)[1] if kind == "blob" else None
            yield Entry(path, f"{int(item.filemode):06o}", kind, str(item.id), size)
            if recursive and isinstance(item, pygit2.Tree):
                yield from self._walk(item, path + "/", recursive)


def committed_at(commit: pygit2.Commit) -> datetime:
    """Say when a commit was made, in UTC."""
    zone = timezone(timedelta(minutes=commit.commit_time_offset))
    return datetime.fromtimestamp(commit.commit_time, zone).astimezone(UTC)


def folder_of(path: str) -> str:
    """Say which folder a path lies in; empty for the root."""
    parent = str(PurePosixPath(path).parent)
    return "" if parent == "." else parent


def blob_id(content: bytes) -> str:
    """Say which object id git gives a blob of these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _signature(author: str, when: datetime) -> pygit2.Signature:
    offset = when.utcoffset() or timedelta()
    email = f"{author}@users.noreply.example"
    return pygit2.Signature(author, email, int(when.timestamp()), int(offset.total_seconds() // 60))


def _text(name: bytes | None) -> str:
    return (name or b"").decode(errors="replace")
