"""Holding the signed metadata against what a registry has: nothing missing, nothing else, and clients accept it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import Metadata, Snapshot, Targets, Timestamp
from tuf.ngclient import FetcherInterface

from skilldata.errors import NotFound
from skilldata.trust import roles
from skilldata.trust.client import TrustClient
from skilldata.trust.metadata import MetadataStore
from skilldata.trust.repository import VouchedFile, read_newest, succinct_roles

BASE_URL = "registry:"  # what the metadata is asked for under when it comes from the store itself


def is_set_up(store: MetadataStore) -> bool:
    """Whether a registry signs at all."""
    return store.get("timestamp.json") is not None


def open_client(store: MetadataStore, folder: Path) -> TrustClient:
    """Open what is published as a client does that holds the first root."""
    return TrustClient(folder, BASE_URL, root=store.get("1.root.json"), fetcher=_StoreFetcher(store))


def audit(store: MetadataStore, expected: Iterable[VouchedFile]) -> Iterator[str | None]:
    """Compare what is vouched for with what should be; None for every file that is right.

    Args:
        store: The published metadata.
        expected: Every file that clients must be able to check, and no other.

    Raises:
        TrustError: A client would refuse the metadata.
    """
    left = {one.path: one for one in _vouched(store)}
    with tempfile.TemporaryDirectory() as folder:
        client = open_client(store, Path(folder))
        for wanted in expected:
            left.pop(wanted.path, None)
            try:
                found = client.look_up(wanted.path)
            except NotFound:
                yield f"{wanted.path} is not vouched for"
                continue
            yield None if found == wanted else f"{wanted.path} is vouched for with other bytes than it has"
    for path in left:
        yield f"{path} is vouched for, and nothing has it"


def _vouched(store: MetadataStore) -> Iterator[VouchedFile]:
    """Yield all targets that the newest metadata has. Whether it is properly signed is for a client to say."""
    top = read_newest(store, roles.TARGETS, Targets)
    stamp: Metadata[Timestamp] = Metadata.from_bytes(_read(store, "timestamp.json"))
    number = stamp.signed.snapshot_meta.version
    snapshot: Metadata[Snapshot] = Metadata.from_bytes(_read(store, f"{number}.snapshot.json"))
    for name in succinct_roles(top.signed).get_roles():
        if listed := snapshot.signed.meta.get(f"{name}.json"):
            found: Metadata[Targets] = Metadata.from_bytes(_read(store, f"{listed.version}.{name}.json"))
            for path, target in found.signed.targets.items():
                yield VouchedFile(path, target.length, target.hashes["sha256"])


def _read(store: MetadataStore, name: str) -> bytes:
    data = store.get(name)
    if data is None:
        raise NotFound(f"{name} of the signed metadata is missing", remedy="Run `skillregistry publish`.")
    return data


class _StoreFetcher(FetcherInterface):
    """Gives python-tuf's client what is in the store, as a web server would."""

    def __init__(self, store: MetadataStore) -> None:
        super().__init__()
        self._store = store

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = url.rpartition("/")[2]
        data = self._store.get(name)
        if data is None:
            raise DownloadHTTPError(f"{name} is not published", 404)
        yield data
