"""Bytes that are answered again and again, made once: with their ETag and their compressed form."""

from __future__ import annotations

import gzip
import threading
from collections import OrderedDict
from collections.abc import Hashable
from contextlib import suppress
from itertools import islice
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

_SMALLEST_COMPRESSED = 1000  # bytes; below, a packet is a packet
_COMPRESSED_TYPES = ("text/", "application/json", "application/xml", "application/manifest+json", "image/svg+xml")


class Content(NamedTuple):
    """A body, what it is, and a name for exactly these bytes (without quotes)."""

    body: bytes
    media_type: str
    etag: str
    packed: bytes | None = None  # gzip, for text that is worth it

    @classmethod
    def of(cls, body: bytes, media_type: str, etag: str) -> Self:
        """Make content, compressed as well where its type is text."""
        worth_it = len(body) >= _SMALLEST_COMPRESSED and media_type.startswith(_COMPRESSED_TYPES)
        return cls(body, media_type, etag, gzip.compress(body, 6, mtime=0) if worth_it else None)

    @property
    def is_text(self) -> bool:
        """Whether its type is one that is compressed."""
        return self.media_type.startswith(_COMPRESSED_TYPES)

    @property
    def weight(self) -> int:
        """Bytes it takes in memory."""
        return len(self.body) + len(self.packed or b"")


class Weighed(Protocol):
    """What a cache can keep."""

    @property
    def weight(self) -> int:
        """Bytes it takes in memory."""
        ...


Kept = TypeVar("Kept", bound=Weighed)


class ContentCache(Generic[Kept]):
    """Keeps what was used last, up to a number of bytes. Safe to share between threads."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Kept | None:
        """Give what was kept under a key."""
        found = self._kept.get(key)
        if found is not None:
            with suppress(KeyError):  # another thread has just put it out
                self._kept.move_to_end(key)
        return found

    def put(self, key: Hashable, content: Kept) -> None:
        """Keep content, in the place of what was under the key, at the cost of what was not used for longest."""
        with self._lock:
            self._forget(key)
            if content.weight > self._max_bytes:
                return
            self._kept[key] = content
            self._weight += content.weight
            while self._weight > self._max_bytes:
                self._weight -= self._kept.popitem(last=False)[1].weight

    def recent(self, most: int) -> list[tuple[Hashable, Kept]]:
        """List what was used last, the latest first."""
        with self._lock:
            return [(key, self._kept[key]) for key in islice(reversed(self._kept), most)]

    def drop(self, key: Hashable) -> None:
        """Keep nothing under a key."""
        with self._lock:
            self._forget(key)

    def _forget(self, key: Hashable) -> None:
        before = self._kept.pop(key, None)
        if before is not None:
            self._weight -= before.weight
