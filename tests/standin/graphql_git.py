"""GraphQL objects of git data: references, commits, trees and blobs."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import pygit2

from tests.standin.calls import timestamp
from tests.standin.faults import damaged
from tests.standin.graphql_base import Object
from tests.standin.ids import node_id
from tests.standin.store import Entry, committed_at

if TYPE_CHECKING:
    from tests.standin.graphql_objects import RepositoryObject

_TEXT_LIMIT = 512 * 1000  # bytes of text that a Blob gives before it is truncated


def git_object(repository: RepositoryObject, found: pygit2.Object | pygit2.Commit | None) -> Object | None:
    """Wrap a git object in its type."""
    if isinstance(found, pygit2.Commit):
        return CommitObject(repository, found)
    if isinstance(found, pygit2.Tree):
        return TreeObject(repository, found)
    if isinstance(found, pygit2.Blob):
        return BlobObject(repository, found)
    return None


class RefObject(Object):
    """A Ref of refs/heads."""

    typename = "Ref"
    prefix = "refs/heads/"

    def __init__(self, repository: RepositoryObject, name: str, oid: str) -> None:
        super().__init__(repository.context)
        self.repository, self.name, self._oid = repository, name, oid
        self.id = node_id("REF", repository.repo.id, f"refs/heads/{name}")

    def target(self) -> Object | None:
        return git_object(self.repository, self.repository.repo.store.get(self._oid))


class GitObject(Object):
    """What commits, trees and blobs have in common."""

    def __init__(self, repository: RepositoryObject, found: pygit2.Object | pygit2.Commit) -> None:
        super().__init__(repository.context)
        self.repository = repository
        self.oid = str(found.id)
        self.abbreviated_oid = self.oid[:7]
        self.id = node_id(self.typename[0], repository.repo.id, self.oid)
        self.commit_resource_path = f"{repository.resource_path}/commit/{self.oid}"
        self.commit_url = f"{repository.url}/commit/{self.oid}"


class CommitObject(GitObject):
    """A Commit."""

    typename = "Commit"

    def __init__(self, repository: RepositoryObject, found: pygit2.Commit) -> None:
        super().__init__(repository, found)
        self._commit = found
        self.committed_date = self.authored_date = timestamp(committed_at(found))
        self.message = found.message
        self.message_headline = found.message.partition("\n")[0]
        self.resource_path, self.url = self.commit_resource_path, self.commit_url

    def tree(self) -> TreeObject:
        return TreeObject(self.repository, self._commit.tree)


class TreeObject(GitObject):
    """A Tree."""

    typename = "Tree"

    def __init__(self, repository: RepositoryObject, found: pygit2.Tree) -> None:
        super().__init__(repository, found)
        self._tree = found

    def entries(self) -> list[TreeEntryObject]:
        listed = self.repository.repo.store.entries(self._tree, recursive=False)
        return [TreeEntryObject(self.repository, entry) for entry in listed]


class TreeEntryObject(Object):
    """A TreeEntry; `mode` is the octal mode read as a number, as GitHub gives it."""

    typename = "TreeEntry"

    def __init__(self, repository: RepositoryObject, entry: Entry) -> None:
        super().__init__(repository.context)
        self.repository = repository
        self.name, self.oid, self.type = entry.path, entry.oid, entry.type
        self.mode, self.size = int(entry.mode, 8), entry.size or 0
        self.extension = posixpath.splitext(entry.path)[1]

    def object(self) -> Object | None:
        return git_object(self.repository, self.repository.repo.store.get(self.oid))


class BlobObject(GitObject):
    """A Blob; `text` is null for binary content and cut where it is long."""

    typename = "Blob"

    def __init__(self, repository: RepositoryObject, found: pygit2.Blob) -> None:
        super().__init__(repository, found)
        content = bytes(found.data)
        self._content = damaged(content) if repository.context.corrupt else content
        self.byte_size = len(self._content)
        self.is_binary = b"\0" in self._content[:8000]
        self.is_truncated = not self.is_binary and self.byte_size > _TEXT_LIMIT

    def text(self) -> str | None:
        return None if self.is_binary else self._content[:_TEXT_LIMIT].decode(errors="replace")
