"""Signing what a registry publishes: where its metadata is, with which key, and for which files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from skilldata.config import TrustSettings
from skilldata.objects import ObjectStore, package_key
from skilldata.snapshot import Snapshot
from skilldata.trust.keys import parse_key
from skilldata.trust.metadata import BothMetadata, FolderMetadata, MetadataStore, ObjectMetadata
from skilldata.trust.repository import Signed, Target, TrustRepository, bring

FOLDER = "tuf"  # below the state directory


class Publisher:
    """Signs for a registry, where it has a key.

    Args:
        settings: The online key.
        state: State directory; root and targets metadata made by hand are taken from its folder `tuf`.
        objects: Where the metadata is published.
    """

    def __init__(self, settings: TrustSettings, state: Path, objects: ObjectStore) -> None:
        self._settings = settings
        self._folder = FolderMetadata(state / FOLDER)
        self._store: MetadataStore = BothMetadata(ObjectMetadata(objects), self._folder)

    @property
    def signs(self) -> bool:
        """Whether there is a key."""
        return self._settings.online_key is not None

    def sign(self, snapshot: Snapshot, now: datetime) -> Signed:
        """Vouch for the packages of a snapshot.

        Raises:
            TrustError: Root or targets metadata is missing or not to be used, or the key is not the one it names.
        """
        return self._repository().update(package_targets(snapshot), now)

    def refresh(self, now: datetime) -> Signed:
        """Vouch for what is published a while longer. Raises as `sign` does."""
        return self._repository().refresh(now)

    def _repository(self) -> TrustRepository:
        key, passphrase = self._settings.online_key, self._settings.passphrase
        content = key.get_secret_value().encode() if key else b""
        signer = parse_key(content, "trust.online_key", passphrase.get_secret_value() if passphrase else None)
        bring(self._folder, self._store)
        return TrustRepository(self._store, signer)


def package_targets(snapshot: Snapshot) -> Iterator[Target]:
    """List the packages that a snapshot lets people download, by the path they have in the bucket."""
    for package_digest, size in snapshot.served_packages():
        yield Target(package_key(package_digest), size, package_digest.removeprefix("sha256:"))
