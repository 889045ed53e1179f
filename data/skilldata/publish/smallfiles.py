"""Writing the small documents to a target, and saying which of them are to go."""

from __future__ import annotations

from skilldata.jsonindex.tree import IndexTree, changes
from skilldata.publish.order import DOCUMENT, ROOT
from skilldata.publish.published import Published
from skilldata.publish.small import small_documents


class SmallFiles:
    """Writes the small documents of one target."""

    def __init__(self, published: Published) -> None:
        self._published = published

    def are_of(self, snapshot_id: str) -> bool:
        """Whether the target's documents are those of a snapshot, and nothing is left to do."""
        return self._published.notes().documents == (snapshot_id,)

    def write(self, new: IndexTree) -> list[str]:
        """Write what may differ from the documents that are there.

        Args:
            new: The JSON index that the documents are to show.

        Returns:
            Paths to delete when nothing refers to them any more; then call `done`.
        """
        shown = [base for base in self._published.notes().documents if base != new.tree.snapshot]
        self._published.note(documents=(*shown, new.tree.snapshot))
        gone = []
        # Usually one base. Two where a publisher was killed here: documents may then show either.
        for old in [self._published.tree(base) for base in shown] or [None]:
            for path, data in small_documents(new, changes(old, new)):
                if data is None:
                    gone.append(ROOT + path)
                else:
                    self._published.put(path, data, DOCUMENT)
        return gone

    def done(self, snapshot_id: str) -> None:
        """Note that all documents are those of a snapshot."""
        self._published.note(documents=(snapshot_id,))
