"""Signing what a registry publishes: where its metadata is, with which key, and for which files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path

from securesystemslib.signer import CryptoSigner

from skilldata.config import TrustSettings
from skilldata.errors import IntegrityError
from skilldata.jsonindex.documents import Revocations
from skilldata.objects import ObjectStore, package_key
from skilldata.snapshot import Snapshot
from skilldata.trust.audit import open_client
from skilldata.trust.keys import parse_key
from skilldata.trust.metadata import BothMetadata, FolderMetadata, MetadataStore, ObjectMetadata
from skilldata.trust.repository import Signed, TrustRepository, VouchedFile, bring

FOLDER = "tuf"  # below the state directory


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

    @property
    def key(self) -> CryptoSigner:
        """The online key."""
        key, passphrase = self._settings.online_key, self._settings.passphrase
        content = key.get_secret_value().encode() if key else b""
        return parse_key(content, "trust.online_key", passphrase.get_secret_value() if passphrase else None)

    def sign(
        self,
        snapshot: Snapshot,
        now: datetime,
        *,
        index: Iterable[VouchedFile] = (),
        revocations: Revocations | None = None,
    ) -> Signed:
        """Vouch for the packages of a snapshot that were not taken back, and for the files of its JSON index.

        Raises:
            TrustError: Root or targets metadata is missing or not to be used, or the key is not the one it names.
        """
        return self._repository().update(chain(package_targets(snapshot, revocations), index), now)

    def refresh(self, now: datetime) -> Signed:
        """Vouch for what is published a while longer. Raises as `sign` does."""
        return self._repository().refresh(now)

    def check(self, snapshot: Snapshot, revocations: Revocations | None = None) -> int:
        """Check the published metadata as a client does that holds the first root, and what it vouches for.

        Args:
            snapshot: The live one.
            revocations: What was taken back.

        Returns:
            How many packages it vouches for.

        Raises:
            TrustError: A client would refuse the metadata.
            NotFound: A package of the snapshot is not vouched for, though it was not taken back.
            IntegrityError: A package is missing, or has another size than was signed; its bytes are not read.
        """
        sizes = dict(self._objects.keys("packages/"))
        packages = list(package_targets(snapshot, revocations))
        with tempfile.TemporaryDirectory() as folder:
            client = open_client(self._store, Path(folder))
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
        signer = self.key
        bring(self._folder, self._store)
        return TrustRepository(self._store, signer)


def package_targets(snapshot: Snapshot, revocations: Revocations | None = None) -> Iterator[VouchedFile]:
    """List the packages that a snapshot lets people download, by the path they have in the bucket.

    Args:
        snapshot: The snapshot.
        revocations: What was taken back, perhaps after the snapshot was made; these are left out.
    """
    gone = {one.digest for one in revocations.revoked} if revocations else set()
    for package_digest, size in snapshot.served_packages():
        if package_digest in gone:
            continue
        yield VouchedFile(package_key(package_digest), size, package_digest.removeprefix("sha256:"))
