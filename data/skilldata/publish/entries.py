"""Making the entry document of a snapshot, from which readers find everything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from skilldata.jsonindex.documents import Entry, PublishedSnapshot, SourceHealth, Tree, encode
from skilldata.jsonindex.tree import IndexTree
from skilldata.publish.uploads import Uploads

PACKAGES = "../../packages/{first}/{digest}.zip"
MAX_SOURCES = 200  # in the entry; the status has all


class EntryMaker:
    """Makes the entries of one target.

    Args:
        uploads: Uploads the deltas and large files that an entry names.
        clock: Gives the time of publishing.
    """

    def __init__(self, uploads: Uploads, clock: Callable[[], datetime]) -> None:
        self._uploads = uploads
        self._clock = clock

    def make(self, folder: Path, new: IndexTree, before: Entry | None, sources: Sequence[SourceHealth]) -> bytes:
        """Make an entry, once all that it names is uploaded.

        Args:
            folder: The snapshot's folder, for the large files.
            new: Its JSON index.
            before: The live entry; None before the first.
            sources: How each source is; an entry has the first `MAX_SOURCES`.
        """
        now = PublishedSnapshot(snapshot=new.tree.snapshot, published_at=self._clock(), counts=new.tree.counts)
        deltas, chained = self._uploads.deltas(new, before, now)
        entry = Entry(
            **dict(new.tree),
            published_at=now.published_at,
            packages=PACKAGES,
            deltas=tuple(deltas),
            chains=chained,
            sources=tuple(sources[:MAX_SOURCES]),
            downloads=self._uploads.downloads(folder, before, now),
        )
        return encode(entry)


def tree_bytes(tree: Tree) -> bytes:
    """Give the document that lists a snapshot's directories, as it is published."""
    return encode(Tree(**{name: getattr(tree, name) for name in Tree.model_fields}))
