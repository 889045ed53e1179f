"""Objects on their way to the store: several at a time, since each is mostly waiting."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from importlib.metadata import version
from typing import Self

from skillcrawler.archive import BuiltPackage
from skillcrawler.provenance import Origin, canonical_json, provenance_statement
from skilldata.objects import IMMUTABLE, ObjectStore, kept_key, package_key, provenance_key

VERSION = version("agentskillregistry")
THREADS = 8
MOST = 256  # objects that wait
MOST_BYTES = 32 * 1024 * 1024  # of them; one object may be larger by itself


class Uploads:
    """Puts objects into the store in the background; leaving it means that all are there.

    Not safe to share between threads.

    Args:
        objects: The store.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="upload")
        self._waiting: dict[Future[bool], int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        try:
            if kind is None:
                self._make_room(0, 0)
        finally:
            self._threads.shutdown(cancel_futures=True)

    def put(self, key: str, data: bytes, *, content_type: str, replace: bool = False) -> None:
        """Store an object, now or soon: if it is not there, or over what is there.

        Raises:
            ServiceUnavailable: This or an earlier object could not be stored.
        """
        self._make_room(MOST - 1, MOST_BYTES - len(data))
        put = self._put_over if replace else self._objects.put_if_absent
        done = self._threads.submit(put, key, data, content_type=content_type)
        self._waiting[done] = len(data)

    def _put_over(self, key: str, data: bytes, *, content_type: str) -> bool:
        self._objects.put(key, data, content_type=content_type, cache_control=IMMUTABLE)
        return True

    def _make_room(self, most: int, most_bytes: int) -> None:
        """Wait until no more than so many objects and bytes are on their way."""
        while self._waiting and (len(self._waiting) > most or sum(self._waiting.values()) > most_bytes):
            for done in wait(self._waiting, return_when=FIRST_COMPLETED).done:
                del self._waiting[done]
                done.result()


def store_package(
    uploads: Uploads, origin: Origin, built: BuiltPackage, *, served: bool, replace: bool = False
) -> None:
    """Send a package to the store, with a word on where it came from.

    Args:
        uploads: The way to the store.
        origin: What it was made from.
        built: The package.
        served: Whether it may be handed out; else it goes where nothing is public.
        replace: Put it over what is there, which is damaged.
    """
    package = built.package
    place = package_key(package.package_digest) if served else kept_key(package.package_digest)
    uploads.put(place, built.data, content_type="application/zip", replace=replace)
    statement = provenance_statement(package_key(package.package_digest), package, origin, version=VERSION)
    key = provenance_key(package.package_digest, origin.repository_id, origin.path)
    uploads.put(key, canonical_json(statement), content_type="application/json")
