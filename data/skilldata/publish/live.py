"""Making a snapshot live everywhere: site, signed metadata, JSON index, and the pointer that the API follows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypeVar

from skilldata.clientformats.addresses import ClientAddresses
from skilldata.config import Settings
from skilldata.contents import require_json_index
from skilldata.errors import NotFound
from skilldata.jsonindex.build import object_path
from skilldata.objects import ObjectStore
from skilldata.publish.order import ROOT
from skilldata.publish.published import tree_path
from skilldata.publish.publisher import Publisher, tree_bytes
from skilldata.publish.target import BucketTarget, FolderTarget, Target
from skilldata.snapshot import Snapshot
from skilldata.store import SnapshotStore
from skilldata.trust.repository import VouchedFile
from skilldata.trust.signing import MetadataSigner

Built = TypeVar("Built")
SiteBuilder = Callable[[Settings, Snapshot], Built]


def open_publishers(settings: Settings, objects: ObjectStore) -> list[Publisher]:
    """Give a publisher for each place that the JSON index goes to: a bucket, and a folder where one is set."""
    publish, s3 = settings.publish, settings.s3
    other = publish.bucket is not None and publish.bucket != s3.bucket
    bucket = ObjectStore(s3.model_copy(update={"bucket": publish.bucket})) if other else objects
    targets: list[Target] = [BucketTarget(bucket, has_packages=not other)]
    if publish.folder is not None:
        targets.append(FolderTarget(publish.folder))
    lock = settings.state_directory / "publish.lock"
    clients = ClientAddresses.of(settings) if publish.client_files else None
    return [Publisher(target, publish, lock=lock, packages=objects, clients=clients) for target in targets]


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
        self.publishers = open_publishers(settings, objects)

    def make_live(self, snapshot_id: str, *, even_if_smaller: bool = False) -> Built:
        """Make a snapshot the live one.

        Args:
            snapshot_id: Which one.
            even_if_smaller: A maintainer looked at what it lost.

        Raises:
            SnapshotHeld: It lost too much, and nobody looked; nothing was changed.
        """
        folder = self.snapshots.open(snapshot_id)
        for publisher in () if even_if_smaller else self.publishers:
            publisher.check(folder)
        built = self._prepare(folder)
        for publisher in self.publishers:
            publisher.publish(folder, even_if_smaller=even_if_smaller)
        self.snapshots.publish(snapshot_id)
        return built

    def go_back(self, snapshot_id: str) -> Built:
        """Make an earlier snapshot live again, its JSON index byte for byte as it was where a target still has it."""
        folder = self.snapshots.open(snapshot_id)
        built = self._prepare(folder)
        for publisher in self.publishers:
            try:
                publisher.go_back(snapshot_id, folder)
            except NotFound:
                publisher.publish(folder, even_if_smaller=True)
        self.snapshots.publish(snapshot_id)
        return built

    def refresh(self, snapshot_id: str) -> None:
        """Say anew how fresh the live snapshot is, and end what an earlier publisher did not."""
        folder = self.snapshots.open(snapshot_id)
        for publisher in self.publishers:
            publisher.publish(folder)

    def _prepare(self, folder: Path) -> Built:
        """Build the site, and vouch for packages and JSON index before anything that readers see refers to them."""
        with Snapshot(folder) as snapshot:
            built = self._build_site(self._settings, snapshot)
            if self.signer.signs:
                self.signer.sign(snapshot, datetime.now(UTC), index=index_targets(folder))
        return built


def index_targets(folder: Path) -> Iterator[VouchedFile]:
    """List what clients check of a snapshot's JSON index: directories, shards, and the document that leads to them.

    The entry has a time and goes out later; its list of directories is that document's.
    """
    index = require_json_index(folder)
    for part in (*index.tree.directories, *index.shards()):
        yield VouchedFile(ROOT + object_path(part.digest), part.size, part.digest.removeprefix("sha256:"))
    data = tree_bytes(index.tree)
    yield VouchedFile(ROOT + tree_path(index.tree.snapshot), len(data), hashlib.sha256(data).hexdigest())
