"""Answers as they go out: their heads as raw bytes, so that the next caller costs a few microseconds.

Everything here belongs to one snapshot, and ends with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, Self

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from skillapi.content import Content, ContentCache
from skillapi.headers import RAW_HEADERS
from skillapi.responses import Whole, accepts_gzip, is_unchanged, respond

Note = Callable[[Scope, int], None]  # told of a request and the status of its answer
RawHeaders = list[tuple[bytes, bytes]]

READY_BYTES = 64 * 1024 * 1024
LARGEST = 1024 * 1024  # bytes; what is larger costs more to send than to make ready
MOST_ADDRESSES = 20_000
LONGEST_ADDRESS = 512  # bytes of path and query that are remembered
FOLLOWED = 500
FOLLOW_SECONDS = 10.0  # a new snapshot waits for this long at most
_EACH = 2000  # bytes that heads take, about


def nothing(_scope: Scope, _status: int) -> None:
    """Do nothing: what there is to note of most answers."""


class Reply(NamedTuple):
    """Status, head and body of one answer."""

    status: int
    headers: RawHeaders
    body: bytes


class Coded(NamedTuple):
    """An answer in one coding, and what goes to whoever has it already."""

    etag: str
    whole: Reply
    unchanged: Reply


class Ready(NamedTuple):
    """An answer that is made: content, headers, and from them what goes out.

    `route` is the pattern for the metrics, `note` called whenever it goes out, `until` the time by the monotonic clock
    at which it has to be made again; None: with the next snapshot. `again` makes it from another snapshot.
    """

    content: Content
    headers: Mapping[str, str]
    route: str
    note: Note
    plain: Coded
    packed: Coded
    until: float | None = None
    again: Callable[[Any], Ready] | None = None

    @classmethod
    def of(
        cls,
        content: Content,
        headers: Mapping[str, str],
        route: str,
        note: Note = nothing,
        *,
        seconds: float | None = None,
    ) -> Self:
        """Make an answer ready, for so many seconds."""
        plain = _coded(Whole.of(content, headers, packed=False))
        packed = plain if content.packed is None else _coded(Whole.of(content, headers, packed=True))
        until = time.monotonic() + seconds if seconds is not None else None
        return cls(content, headers, route, note, plain, packed, until)

    @classmethod
    def elsewhere(cls, redirect: Response, route: str, note: Note) -> Self:
        """Make an answer ready that sends the caller on."""
        reply = _reply(redirect)
        coded = Coded("", reply, reply)
        return cls(Content(b"", "", ""), dict(redirect.headers), route, note, coded, coded)

    def answer(self, request: Request) -> Response:
        """Answer a request that came another way: in part, too."""
        status = self.plain.whole.status
        if status != 200:
            return Response(status_code=status, headers=dict(self.headers))
        return respond(request, self.content, self.headers)

    @property
    def weight(self) -> int:
        """Bytes it takes in memory."""
        return self.content.weight + _EACH

    def reply(self, asked: Mapping[bytes, bytes]) -> Reply:
        """Choose what answers a request, of whose headers `asked` has those that matter here."""
        offered = asked.get(b"accept-encoding")
        coded = self.packed if offered and self.packed is not self.plain and _takes_gzip(offered) else self.plain
        known = asked.get(b"if-none-match")
        return coded.unchanged if known and is_unchanged(known.decode("latin-1"), coded.etag) else coded.whole


class Memory:
    """The answers of one snapshot that are ready, and the addresses at which they were asked for."""

    def __init__(self, max_bytes: int = READY_BYTES) -> None:
        self._ready: ContentCache[Ready] = ContentCache(max_bytes)
        self._keys: dict[tuple[str, bytes], str] = {}

    def at(self, scope: Scope) -> Ready | None:
        """Give the answer to a request's path and query, where it is known what they stand for."""
        key = self._keys.get((scope["path"], scope["query_string"]))
        return self.find(key) if key is not None else None

    def find(self, key: str) -> Ready | None:
        """Give the answer that was kept under a key: an address's pattern and parameters."""
        ready = self._ready.get(key)
        if ready is not None and ready.until is not None and ready.until < time.monotonic():
            return None
        return ready

    def keep(self, scope: Scope, key: str, ready: Ready) -> None:
        """Keep an answer, and that the request's path and query stand for it."""
        if ready.content.weight <= LARGEST:
            self._ready.put(key, ready)
            self.know(scope, key)

    def follow(self, before: Memory, opened: object) -> None:
        """Make ready what was asked for last of the snapshot before, so that a swap is no rush; for a while at most.

        Args:
            before: Its memory.
            opened: The snapshot that this one belongs to.
        """
        end = time.monotonic() + FOLLOW_SECONDS
        for key, ready in before._ready.recent(FOLLOWED):
            begun = time.monotonic()
            if begun > end:
                break
            if ready.again is not None:
                with suppress(Exception):  # it may be there no more; whoever asks for it is told
                    self._ready.put(key, ready.again(opened))
                time.sleep(time.monotonic() - begun)  # half of the time is for those who ask meanwhile
        self._keys = dict(before._keys)

    def know(self, scope: Scope, key: str) -> None:
        """Remember what an address stands for; where there are too many, all are forgotten."""
        if len(scope["path"]) + len(scope["query_string"]) > LONGEST_ADDRESS:
            return
        if len(self._keys) >= MOST_ADDRESSES:
            self._keys.clear()
        self._keys[scope["path"], scope["query_string"]] = key


def _coded(whole: Whole) -> Coded:
    return Coded(whole.etag, _reply(whole.response()), _reply(whole.unchanged()))


def _reply(response: Response) -> Reply:
    present = {name for name, _ in response.raw_headers}
    head = [*response.raw_headers, *(pair for pair in RAW_HEADERS if pair[0] not in present)]
    return Reply(response.status_code, head, bytes(response.body))


def _takes_gzip(offered: bytes) -> bool:
    return offered in _USUAL or accepts_gzip(offered.decode("latin-1"))


_USUAL = frozenset({b"gzip", b"gzip, deflate", b"gzip, deflate, br", b"gzip, deflate, br, zstd", b"br, gzip, deflate"})
