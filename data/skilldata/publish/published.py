"""What a target has: the live entry, its history, and the index of every snapshot that is kept."""

from __future__ import annotations

from typing import TypeVar

from skilldata.errors import NotFound
from skilldata.jsonindex.build import pack
from skilldata.jsonindex.documents import Document, Entry, History, PublishedSnapshot, PublisherState, Tree, encode
from skilldata.jsonindex.tree import IndexTree, parse
from skilldata.publish.order import DOCUMENT, PART, ROOT, STATE, URGENT, Kind
from skilldata.publish.target import Target

ENTRY, STATUS, HISTORY, NOTES, SCHEMA = "entry.json", "status.json", "history.json", "state.json", "schema.json"
REVOCATIONS = "revocations.json"
# What every reader fetches again and again, and what grows with the registry. Documents of one skill, repository or
# owner are mostly smaller than two packets, and twice as many objects would cost more than they save.
COMPRESSED = frozenset({ENTRY, STATUS, HISTORY, SCHEMA, REVOCATIONS})
SIGNED = "signed/"  # where TUF finds the documents that change

AnyDocument = TypeVar("AnyDocument", bound=Document)


class Published:
    """Reads and writes the documents of one target; paths are below `index/v1/`."""

    def __init__(self, target: Target) -> None:
        self.target = target

    def entry(self) -> Entry | None:
        """Read the live entry; None before the first."""
        return self.document(Entry, ENTRY)

    def history(self) -> tuple[PublishedSnapshot, ...]:
        """List what was published, oldest first."""
        return (self.document(History, HISTORY) or History()).snapshots

    def tree(self, snapshot_id: str) -> IndexTree | None:
        """Open the index of a published snapshot; None where the target has it no more."""
        found = self.document(Tree, tree_path(snapshot_id))
        return self.index(found) if found else None

    def index(self, tree: Tree) -> IndexTree:
        """Open the index that a document lists."""
        return IndexTree(tree, self.read)

    def notes(self) -> PublisherState:
        """Read the publisher's own notes."""
        return self.document(PublisherState, NOTES) or PublisherState()

    def note(self, **changed: object) -> None:
        """Change some of them."""
        self.put(NOTES, encode(self.notes().model_copy(update=changed)), STATE)

    def get(self, path: str) -> bytes | None:
        """Read a file; None where it is not there."""
        try:
            return self.target.get(ROOT + path)
        except NotFound:
            return None

    def document(self, model: type[AnyDocument], path: str) -> AnyDocument | None:
        """Read a document; None where it is not there."""
        data = self.get(path)
        return None if data is None else parse(model, data, path)

    def read(self, path: str, _limit: int) -> bytes:
        """Read a file."""
        return self.target.get(ROOT + path)

    def put(self, path: str, data: bytes, kind: Kind) -> None:
        """Write a file; its compressed form, where it has one, comes first, so that it is never behind."""
        if path in COMPRESSED:
            self.target.put(f"{ROOT}{path}.gz", pack(data)[0], kind._replace(content_type=PART.content_type))
        self.target.put(ROOT + path, data, kind)

    def mend_compressed(self) -> None:
        """Make compressed forms anew that a publisher which was killed left ahead of what they are of."""
        for path in sorted(COMPRESSED):
            data = self.get(path)
            if data is not None and self.get(f"{path}.gz") != pack(data)[0]:
                self.put(path, data, URGENT if path == REVOCATIONS else DOCUMENT)


def tree_path(snapshot_id: str) -> str:
    """Give the path of the document that lists a snapshot's directories."""
    return f"trees/{snapshot_id}.json"


def entry_path(snapshot_id: str) -> str:
    """Give the path of the entry as it was when a snapshot was last published."""
    return f"entries/{snapshot_id}.json"


def signed_path(name: str, digest: str = "") -> str:
    """Give the path that the metadata vouches for a document under; with a digest in hex, where its bytes are."""
    return f"{SIGNED}{digest}.{name}" if digest else f"{SIGNED}{name}"
