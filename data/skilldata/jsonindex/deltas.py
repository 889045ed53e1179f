"""What changed from one snapshot to another, as one document: JSON Lines, compressed.

The first line says between which snapshots. Every other is a record as the newer snapshot has it, or the
address of one that it does not have.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from skilldata.errors import IntegrityError
from skilldata.jsonindex.build import pack
from skilldata.jsonindex.documents import DeltaHead, DeltaPart, Removed, encode
from skilldata.jsonindex.records import Line
from skilldata.jsonindex.tree import Change, lines_of, parse


def make_delta(base: str, snapshot: str, found: Iterable[Change], *, limit: int) -> tuple[bytes, DeltaPart] | None:
    """Write a delta.

    Args:
        base: Id of the older snapshot.
        snapshot: Id of the newer one.
        found: What differs between them.
        limit: Unpacked bytes from which on a delta is of no use.

    Returns:
        The compressed document and its description; None where it is larger.
    """
    data = bytearray(encode(DeltaHead(base=base, snapshot=snapshot)))
    changed = removed = 0
    for change in found:
        if change.new is None:
            data += encode(Removed(address=change.address))
            removed += 1
        else:
            data += change.new
            changed += 1
        if len(data) > limit:
            return None
    packed, part = pack(bytes(data))
    return packed, DeltaPart(**part.model_dump(), base=base, snapshot=snapshot, changed=changed, removed=removed)


def read_delta(data: bytes, part: DeltaPart) -> tuple[list[Line], list[str]]:
    """Read a delta: the records that changed, and the addresses of those that are gone.

    Raises:
        IntegrityError: It is between other snapshots than was said.
    """
    head, _, rest = data.partition(b"\n")
    said = parse(DeltaHead, head, "a delta")
    if (said.base, said.snapshot) != (part.base, part.snapshot):
        raise IntegrityError(
            f"a delta is from {said.base} to {said.snapshot}, not from {part.base} to {part.snapshot}",
            remedy="Start anew from the shards.",
        )
    changed: list[Line] = []
    removed: list[str] = []
    for line in rest.splitlines(keepends=True):
        content = json.loads(line)
        if content["kind"] == "removed":
            removed.append(str(content["address"]))
        else:
            changed.extend(lines_of(line))
    return changed, removed
