"""Making a snapshot live everywhere: site, signed metadata, JSON index, and the pointer that the API follows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Generic, TypeVar

from securesystemslib.signer import Signer

from skilldata.clientformats.addresses import ClientAddresses
from skilldata.config import Settings
from skilldata.contents import require_json_index
from skilldata.errors import NotFound
from skilldata.jsonindex.build import object_path
from skilldata.jsonindex.documents import Revocations
from skilldata.objects import ObjectStore
from skilldata.publish.entries import tree_bytes
from skilldata.publish.guard import SnapshotHeld
from skilldata.publish.order import ROOT
from skilldata.publish.published import tree_path
from skilldata.publish.publisher import Publisher
from skilldata.publish.signed import Vouch
from skilldata.publish.target import BucketTarget, FolderTarget, Target
from skilldata.snapshot import Snapshot
from skilldata.store import SnapshotStore
from skilldata.trust.repository import VouchedFile
from skilldata.trust.revocations import read_revocations
from skilldata.trust.signing import MetadataSigner

Built = TypeVar("Built")
SiteBuilder = Callable[[Settings, Snapshot], Built]


def open_publishers(settings: Settings, objects: ObjectStore, signer: Signer | None = None) -> list[Publisher]:
    """Give a publisher for each place that the JSON index goes to: a bucket, and a folder where one is set.

    Args:
        settings: Which places.
        objects: Where packages are.
        signer: The key that signs where packages come from.
    """
    publish, s3 = settings.publish, settings.s3
    other = publish.bucket is not None and publish.bucket != s3.bucket
    bucket = ObjectStore(s3.model_copy(update={"bucket": publish.bucket})) if other else objects
    targets: list[Target] = [BucketTarget(bucket, has_packages=not other)]
    if publish.folder is not None:
        targets.append(FolderTarget(publish.folder))
    lock = settings.state_directory / "publish.lock"
    clients = ClientAddresses.of(settings) if publish.client_files else None
    return [
        Publisher(target, publish, lock=lock, packages=objects, clients=clients, signer=signer) for target in targets
    ]


class Publication(Generic[Built]):
    """All that is live of one registry, moved together.

    Args:
        settings: Where everything is.
        objects: The object store.
        build_site: Builds the site of a snapshot, and makes it the live one of this machine.
    """

    def __init__(self, settings: Settings, objects: ObjectStore, build_site: SiteBuilder[Built]) -> None:
        self._settings = settings
        self._build_site = build_site
        self.signer = MetadataSigner(settings.trust, settings.state_directory, objects)
        self.snapshots = SnapshotStore(settings.state_directory / "snapshots", objects)
        self.publishers = open_publishers(settings, objects, self.signer.key if self.signer.signs else None)

    def make_live(self, snapshot_id: str, *, even_if_smaller: bool = False) -> Built:
        """Make a snapshot the live one.

        Args:
            snapshot_id: Which one.
            even_if_smaller: A maintainer looked at what it lost.

        Raises:
            SnapshotHeld: It lost too much, and nobody looked. What it says was taken back is taken back all the same.
        """
        folder = self.snapshots.open(snapshot_id)
        if not even_if_smaller:
            self._check(folder)
        with self._opened(folder) as (snapshot, revocations):
            built = self._build_site(self._settings, snapshot)
            for publisher, vouch in self._with_vouch(snapshot, folder, revocations):
                publisher.publish(folder, even_if_smaller=even_if_smaller, revocations=revocations, vouch=vouch)
        self.snapshots.publish(snapshot_id)
        return built

    def go_back(self, snapshot_id: str) -> Built:
        """Make an earlier snapshot live again, its JSON index byte for byte as it was where a target still has it.

        What was taken back since stays taken back.
        """
        folder = self.snapshots.open(snapshot_id)
        with self._opened(folder) as (snapshot, revocations):
            built = self._build_site(self._settings, snapshot)
            for publisher, vouch in self._with_vouch(snapshot, folder, revocations):
                try:
                    publisher.go_back(snapshot_id, folder, revocations=revocations, vouch=vouch)
                except NotFound:
                    publisher.publish(folder, even_if_smaller=True, revocations=revocations, vouch=vouch)
        self.snapshots.publish(snapshot_id)
        return built

    def refresh(self, snapshot_id: str) -> None:
        """Say anew how fresh the live snapshot is, and end what an earlier publisher did not."""
        folder = self.snapshots.open(snapshot_id)
        for publisher in self.publishers:
            publisher.publish(folder)

    def _check(self, folder: Path) -> None:
        try:
            for publisher in self.publishers:
                publisher.check(folder)
        except SnapshotHeld:
            self._take_back(folder)
            for publisher in self.publishers:  # says anew in the status that it is held
                publisher.check(folder)

    def _take_back(self, held: Path) -> None:
        """Publish the live snapshot again, without what a held one says was taken back."""
        live = self.publishers[0].published.entry()
        if live is None:
            return
        folder = self.snapshots.open(live.snapshot)
        with self._opened(held) as (_, revocations), Snapshot(folder) as snapshot:
            for publisher, vouch in self._with_vouch(snapshot, folder, revocations):
                publisher.publish(folder, revocations=revocations, vouch=vouch)

    @contextmanager
    def _opened(self, folder: Path) -> Iterator[tuple[Snapshot, Revocations]]:
        with Snapshot(folder) as snapshot:
            yield snapshot, self.publishers[0].signed.revocations(read_revocations(snapshot))

    def _with_vouch(
        self, snapshot: Snapshot, folder: Path, revocations: Revocations
    ) -> Iterator[tuple[Publisher, Vouch | None]]:
        """Yield the publishers; the first, whose bucket has packages and metadata, has all signed on its way."""

        def vouch(documents: Sequence[VouchedFile]) -> None:
            index = chain(index_targets(folder), documents)
            self.signer.sign(snapshot, datetime.now(UTC), index=index, revocations=revocations)

        first, *others = self.publishers
        yield first, vouch if self.signer.signs else None
        yield from ((publisher, None) for publisher in others)


def index_targets(folder: Path) -> Iterator[VouchedFile]:
    """List what clients check of a snapshot's JSON index besides its entry: directories, shards, and their list."""
    index = require_json_index(folder)
    for part in (*index.tree.directories, *index.shards()):
        yield VouchedFile(ROOT + object_path(part.digest), part.size, part.digest.removeprefix("sha256:"))
    data = tree_bytes(index.tree)
    yield VouchedFile(ROOT + tree_path(index.tree.snapshot), len(data), hashlib.sha256(data).hexdigest())
