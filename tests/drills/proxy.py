"""A proxy for any TCP service that waits, counts what clients send, and breaks connections where it is told to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, NamedTuple

PIECE = 256 * 1024


class Break(NamedTuple):
    """Which call is broken: its number, from 1, and whether the service has heard it by then."""

    call: int
    heard: bool


class Proxy:
    """Stands in front of `host:port`, on a port of its own.

    A call is one piece of bytes that a client sends, which for PostgreSQL, S3 and GitHub's API is one request or part
    of one. All attributes may be set while it runs.

    Args:
        port: Where the service is, on this machine.

    Attributes:
        delay: Seconds that are added to each way and back.
        calls: How many calls there were.
        broken: The call that both connections are reset at; None for none.
        resets: Every so many-th connection is reset when it has sent its first call; 0 for none.
    """

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.StreamWriter] = set()
        self.delay = 0.0
        self.calls = 0
        self.broken: Break | None = None
        self.resets = 0
        self.port = 0

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for end in self._open:
            _reset(end)
        await asyncio.sleep(0.1)  # transports close themselves in the loop's next rounds

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        doomed = bool(self.resets) and self._connections % self.resets == 0
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            _reset(writer)
            return
        ends = (writer, back)
        self._open.update(ends)
        for work in (self._forth(reader, back, ends, doomed=doomed), self._pump(there, writer, ends)):
            task = self._loop.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forth(
        self,
        reader: asyncio.StreamReader,
        back: asyncio.StreamWriter,
        ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        *,
        doomed: bool,
    ) -> None:
        """Hand calls on; at the one that is broken, break both connections."""
        with suppress(OSError):
            while data := await reader.read(PIECE):
                self.calls += 1
                broken = self.broken if self.broken and self.broken.call == self.calls else None
                if broken or doomed:
                    if broken and broken.heard:
                        back.write(data)
                        await back.drain()
                        await asyncio.sleep(0.05)  # it is at work by then, and its answer is lost
                    break
                await asyncio.sleep(self.delay / 2)
                back.write(data)
                await back.drain()
            else:
                back.write_eof()
                return
        for end in ends:
            _reset(end)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
    ) -> None:
        """Hand answers on, in their order, each after its delay; that of one does not hold up the next."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def write() -> None:
            while True:
                when, data = await waiting.get()
                await asyncio.sleep(max(0.0, when - self._loop.time()))
                if not data:
                    return
                writer.write(data)
                await writer.drain()

        writing = self._loop.create_task(write())
        with suppress(OSError):
            while data := await reader.read(PIECE):
                await waiting.put((self._loop.time() + self.delay / 2, data))
        await waiting.put((0.0, b""))
        with suppress(OSError):
            await writing
        for end in ends:
            end.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection at once, whatever is still under way."""
    writer.transport.abort()
