"""Blobs that the registry has already, inside packages it made before: those are never fetched again."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Container

from skillcrawler.fetched import Blob
from skillcrawler.gitobjects import blob_oid
from skilldata.database import Database, StoredBlob
from skilldata.errors import IntegrityError, NotFound
from skilldata.objects import ObjectStore

OPEN_PACKAGES = 8  # kept in memory at a time, each at most a package's size


class StoredBlobs:
    """Finds git blobs in stored packages, and reads them from there. For one crawl, on one thread."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects
        self._places: dict[str, StoredBlob] = {}
        self._packages: dict[str, zipfile.ZipFile] = {}
        self.damaged: set[str] = set()
        """Digests of packages whose stored bytes are not theirs; nothing is read from them."""

    def find(self, oids: Collection[str]) -> Container[str]:
        """Look blobs up; give those whose bytes are stored and can be read with `read`."""
        unknown = [oid for oid in oids if oid not in self._places]
        for place in self._database.stored_blobs(unknown) if unknown else ():
            if self._open(place.package_digest) is not None:
                self._places[place.oid] = place
        return self._places.keys()

    def read(self, oid: str) -> Blob | None:
        """Read a blob that was found; None where it is not stored.

        Raises:
            IntegrityError: The stored bytes are not that blob.
        """
        place = self._places.get(oid)
        package = place and self._open(place.package_digest)
        if place is None or package is None:
            return None
        data = package.read(place.path)
        if blob_oid(data) != oid:
            raise IntegrityError(
                f"{place.path} of package {place.package_digest} is not blob {oid}", remedy="Run `skillregistry fsck`."
            )
        return Blob(oid, len(data), data)

    def _open(self, digest: str) -> zipfile.ZipFile | None:
        if digest in self.damaged:
            return None
        package = self._packages.pop(digest, None)
        if package is None:
            try:
                package = zipfile.ZipFile(io.BytesIO(self._objects.kept_package(digest)))
            except NotFound:
                return None
            except IntegrityError:
                self.damaged.add(digest)
                return None
        # The most recently used is last; the first is let go.
        self._packages[digest] = package
        while len(self._packages) > OPEN_PACKAGES:
            self._packages.pop(next(iter(self._packages)))
        return package
