"""Reading the body of a request within bounds of bytes, time and, over all requests, memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

from skillapi.problems import Problem

SECONDS = 10.0


class Bodies:
    """Holds bodies in memory.

    Args:
        most_bytes: Bytes that all of them may take up at the same time.
    """

    def __init__(self, most_bytes: int = 64 * 1024 * 1024) -> None:
        self._free = most_bytes

    @asynccontextmanager
    async def hold(self, request: Request, limit: int) -> AsyncIterator[bytearray]:
        """Read a body whole, and hold it for the block.

        Raises:
            Problem: It is longer than `limit` bytes, takes too long, breaks off, or there is no room now.
        """
        body = bytearray()
        try:
            await self._fill(body, request, limit)
            yield body
        finally:
            self._free += len(body)

    async def _fill(self, body: bytearray, request: Request, limit: int) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                async for chunk in request.stream():
                    if len(body) + len(chunk) > limit:
                        raise Problem("body-too-large", remedy=f"Send {limit:,} bytes at most.")
                    if len(chunk) > self._free:
                        raise Problem("busy", remedy="Send it again in a few seconds.")
                    self._free -= len(chunk)
                    body += chunk
        except TimeoutError:
            raise Problem("body-too-slow", remedy=f"Send it within {SECONDS:g} seconds.") from None
        except ClientDisconnect:
            raise Problem("bad-request", "The request broke off.") from None
