"""What must not go out without a maintainer's word: a snapshot that lost skills, or a whole source.

A crawl that could not reach a source, or a fault of our own, looks just like authors who deleted their work.
So such a snapshot is built, but the one before stays live.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from skilldata.errors import SnapshotError
from skilldata.jsonindex.documents import Entry, SourceHealth, Tree
from skilldata.models import SourceKind


class SnapshotHeld(SnapshotError):
    """A snapshot waits for a maintainer.

    Args:
        snapshot: Its id.
        reasons: What it lost.
    """

    code = "snapshot-held"

    def __init__(self, snapshot: str, reasons: Sequence[str]) -> None:
        self.snapshot = snapshot
        self.reasons = "; ".join(reasons)
        super().__init__(
            f"snapshot {snapshot} is not published: {self.reasons}",
            remedy=f"Look at `skillregistry snapshot diff`; if that is right, "
            f"`skillregistry snapshot publish {snapshot} --even-if-smaller`.",
        )


def with_floors(sources: Sequence[SourceHealth], before: Entry | None, share: float) -> tuple[SourceHealth, ...]:
    """Say of each source how many skills are expected of it, from those that it had when last published.

    Args:
        sources: As they are now.
        before: The live entry; None before the first.
        share: How much of them a source may lose, 0 to 1.
    """
    had = {(one.kind, one.target): one.skills for one in before.sources} if before else {}
    return tuple(
        one.model_copy(update={"floor": math.ceil(had.get((one.kind, one.target), 0) * (1 - share))}) for one in sources
    )


def check(tree: Tree, sources: Sequence[SourceHealth], before: Entry, share: float) -> None:
    """Compare a snapshot with the live one.

    Raises:
        SnapshotHeld: It has too few skills, or a source of more than one repository that had some has none.
    """
    if reasons := list(_reasons(tree, sources, before, share)):
        raise SnapshotHeld(tree.snapshot, reasons)


def _reasons(tree: Tree, sources: Sequence[SourceHealth], before: Entry, share: float) -> Iterator[str]:
    had, has = before.counts.get("skills", 0), tree.counts.get("skills", 0)
    if has < had * (1 - share):
        yield f"it has {has} skills, the live one has {had}, and at most {share:.0%} may go at once"
    if not sources:  # another machine made it, and nothing is known
        return
    now = {(one.kind, one.target): one.skills for one in sources}
    for one in before.sources:
        # A repository that is named by itself and goes is an ordinary event; many that go show in the share above.
        if one.kind == SourceKind.REPOSITORY:
            continue
        if one.skills and not now.get((one.kind, one.target), 0):
            yield f"{one.kind} {one.target} gave {one.skills} skills and gives none"
