"""Signing what a registry publishes: where its metadata is, with which key, and for which files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

from skilldata.config import TrustSettings
from skilldata.errors import IntegrityError
from skilldata.objects import ObjectStore, package_key
from skilldata.snapshot import Snapshot
from skilldata.trust.client import TrustClient
from skilldata.trust.keys import parse_key
from skilldata.trust.metadata import BothMetadata, FolderMetadata, MetadataStore, ObjectMetadata
from skilldata.trust.repository import Signed, TrustRepository, VouchedFile, bring

FOLDER = "tuf"  # below the state directory
BASE_URL = "registry:"  # what the metadata is asked for under when it comes from the store itself


class MetadataSigner:
    """Signs for a registry, where it has a key.

    Args:
        settings: The online key.
        state: State directory; root and targets metadata made by hand are taken from its folder `tuf`.
        objects: Where the metadata is published.
    """

    def __init__(self, settings: TrustSettings, state: Path, objects: ObjectStore) -> None:
        self._settings = settings
        self._objects = objects
        self._folder = FolderMetadata(state / FOLDER)
        self._store: MetadataStore = BothMetadata(ObjectMetadata(objects), self._folder)

    @property
    def signs(self) -> bool:
        """Whether there is a key."""
        return self._settings.online_key is not None

    def sign(self, snapshot: Snapshot, now: datetime, *, index: Iterable[VouchedFile] = ()) -> Signed:
        """Vouch for the packages of a snapshot, and for the files of its JSON index.

        Raises:
            TrustError: Root or targets metadata is missing or not to be used, or the key is not the one it names.
        """
        return self._repository().update(chain(package_targets(snapshot), index), now)

    def refresh(self, now: datetime) -> Signed:
        """Vouch for what is published a while longer. Raises as `sign` does."""
        return self._repository().refresh(now)

    def check(self, snapshot: Snapshot) -> int:
        """Check the published metadata as a client does that holds the first root, and what it vouches for.

        Args:
            snapshot: The live one.

        Returns:
            How many packages it vouches for.

        Raises:
            TrustError: A client would refuse the metadata.
            NotFound: A package of the snapshot is not vouched for.
            IntegrityError: A package is missing, or has another size than was signed; its bytes are not read.
        """
        sizes = dict(self._objects.keys("packages/"))
        packages = list(package_targets(snapshot))
        with tempfile.TemporaryDirectory() as folder:
            client = TrustClient(
                Path(folder), BASE_URL, root=self._store.get("1.root.json"), fetcher=_StoreFetcher(self._store)
            )
            for wanted in packages:
                found = client.look_up(wanted.path)
                if found != wanted or sizes.get(wanted.path) != wanted.length:
                    raise IntegrityError(
                        f"{wanted.path} is stored with {sizes.get(wanted.path, 0):,} bytes, signed with "
                        f"{found.length:,}, and has {wanted.length:,} in the snapshot",
                        remedy="Run `skillregistry publish`; restore the object from a backup if that does not help.",
                    )
        return len(packages)

    def _repository(self) -> TrustRepository:
        key, passphrase = self._settings.online_key, self._settings.passphrase
        content = key.get_secret_value().encode() if key else b""
        signer = parse_key(content, "trust.online_key", passphrase.get_secret_value() if passphrase else None)
        bring(self._folder, self._store)
        return TrustRepository(self._store, signer)


def package_targets(snapshot: Snapshot) -> Iterator[VouchedFile]:
    """List the packages that a snapshot lets people download, by the path they have in the bucket."""
    for package_digest, size in snapshot.served_packages():
        yield VouchedFile(package_key(package_digest), size, package_digest.removeprefix("sha256:"))


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
