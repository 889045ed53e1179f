"""Connections of slow clients, which uvicorn would keep for as long as they like.

A request has to be complete some time after its first byte, and whoever is sent an answer has to read it with some
speed. Both hold for each connection by itself, so that thousands of slow ones cost a little memory for a short time.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_SECONDS = 30.0  # from the first byte of a request, or from connecting, to its last
READING_SECONDS = 10.0  # between two looks at whoever does not keep up with reading
MOST_HEAD = 64 * 1024  # bytes of a request before its body
SLOWEST = 1024  # bytes a second that are read at least


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with an end to patience."""

    _unfinished = False
    _head: int | None = None  # bytes of a request whose headers are not all there
    _late: asyncio.TimerHandle | None = None
    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._late = self.loop.call_later(REQUEST_SECONDS, self._end)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        for timer in (self._late, self._watch):
            if timer is not None:
                timer.cancel()
        self._late = self._watch = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read a part of a request; wait for its end only where it is not there yet, which is seldom."""
        super().data_received(data)
        if self._head is not None:
            self._head += len(data)
            if self._head > MOST_HEAD:
                self._end()
        if not self._unfinished:
            if self._late is not None:
                self._late.cancel()
                self._late = None
        elif self._late is None:
            self._late = self.loop.call_later(REQUEST_SECONDS, self._end)

    def on_message_begin(self) -> None:
        """Note the first byte of a request."""
        self._unfinished, self._head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that the headers are all there."""
        self._head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note its last."""
        self._unfinished = False
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Begin to look at how fast the answer is read: more of it waits than one connection should hold."""
        super().pause_writing()
        self._look_again()

    def resume_writing(self) -> None:
        """Stop looking: it was read."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        super().resume_writing()

    def _look_again(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        self._watch = self.loop.call_later(READING_SECONDS, self._look, waiting)

    def _look(self, before: int) -> None:
        if before - self.transport.get_write_buffer_size() < SLOWEST * READING_SECONDS:
            self._end()
        else:
            self._look_again()

    def _end(self) -> None:
        self.transport.abort()  # closing would wait until everything is read
