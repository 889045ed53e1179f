"""The documents that change under one name and are vouched for: the entry, and what was taken back.

Both are put under their digests first, where TUF's consistent snapshots have clients look for them, and the metadata
names them before anybody is led to what is new.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from skilldata.jsonindex.documents import Revocations, encode
from skilldata.publish.order import ROOT, SNAPSHOT, URGENT
from skilldata.publish.published import ENTRY, REVOCATIONS, Published, signed_path
from skilldata.trust.repository import VouchedFile
from skilldata.trust.revocations import newer

Vouch = Callable[[Sequence[VouchedFile]], None]  # signs for these documents, and for all that a snapshot has


class Outgoing(NamedTuple):
    """What goes out with a snapshot: what it says was taken back, and who signs; None for either leaves it out."""

    revocations: Revocations | None
    vouch: Vouch | None


class SignedDocuments:
    """Those of one target."""

    def __init__(self, published: Published) -> None:
        self._published = published

    def revocations(self, made: Revocations) -> Revocations:
        """Give what is to be published as taken back: the newer of what a snapshot says and what is published."""
        return newer(made, self._published.document(Revocations, REVOCATIONS))

    def files(self) -> list[VouchedFile]:
        """List them with the bytes that readers get."""
        found = {name: data for name in (ENTRY, REVOCATIONS) if (data := self._published.get(name))}
        return [_vouched(name, data) for name, data in found.items()]

    def put(self, entry: bytes, outgoing: Outgoing) -> None:
        """Put them under their digests, have them vouched for, and show what was taken back."""
        documents = {ENTRY: entry}
        if outgoing.revocations is not None:
            documents[REVOCATIONS] = encode(self.revocations(outgoing.revocations))
        files = []
        for name, data in documents.items():
            file = _vouched(name, data)
            if self._published.target.size(ROOT + signed_path(name, file.sha256)) is None:
                self._published.put(signed_path(name, file.sha256), data, SNAPSHOT)
            files.append(file)
        if outgoing.vouch is not None:
            outgoing.vouch(files)
        if (revoked := documents.get(REVOCATIONS)) and self._published.get(REVOCATIONS) != revoked:
            self._published.put(REVOCATIONS, revoked, URGENT)


def _vouched(name: str, data: bytes) -> VouchedFile:
    return VouchedFile(ROOT + signed_path(name), len(data), hashlib.sha256(data).hexdigest())
