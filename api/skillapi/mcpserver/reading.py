"""Asking the API what the tools answer with: bounded, and with its errors as errors of ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from starlette.types import ASGIApp, Message

from skilldata.errors import RegistryError

SECONDS = 20.0
MOST_BYTES = 16 * 1024 * 1024  # of one answer
NAME = "agentskillregistry-mcp"  # which the API does not count as a download


Packages = Callable[[str], Awaitable[bytes]]


class ToolError(RegistryError):
    """A tool cannot answer; `code` is one of the API's problems, or `invalid-arguments`, `unreachable`, `too-large`."""

    def __init__(self, code: str, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.problem = code


class Api:
    """The API of a registry.

    Args:
        client: Speaks to it; its base address is the registry's.
        site: The registry's public address, for instructions.
        packages: Reads a package by its digest; None for the address that the API gives for it.
    """

    def __init__(self, client: httpx2.AsyncClient, site: str, packages: Packages | None = None) -> None:
        self._client = client
        self._packages = packages
        self.site = site.rstrip("/")

    async def json(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Read a document.

        Raises:
            ToolError: The API has a problem, or does not answer.
        """
        body = await self.bytes(path, query)
        try:
            found = json.loads(body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ToolError("unreachable", "The registry's answer is no JSON.", remedy="Check the registry's address.")
        return found

    async def package(self, digest: str) -> bytes:
        """Read a package that the API says may be handed out; raises as `json` does."""
        if self._packages is None:
            return await self.bytes(f"/api/v1/packages/{digest}")
        return await self._packages(digest)

    async def bytes(self, path: str, query: Mapping[str, Any] | None = None) -> bytes:
        """Read what is at an address, and where it sends us; raises as `json` does."""
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            async with self._client.stream("GET", path, params=asked) as response:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > MOST_BYTES:
                        raise ToolError(
                            "too-large", f"The answer has more than {MOST_BYTES:,} bytes.", remedy="Ask for less."
                        )
        except httpx2.HTTPError as error:
            raise ToolError(
                "unreachable",
                f"The registry does not answer: {type(error).__name__}.",
                remedy="Try again in a minute; check the registry's address.",
            ) from None
        if response.status_code != 200:
            raise _problem(response.status_code, bytes(body))
        return bytes(body)


def http_api(registry: str) -> Api:
    """Speak to a registry's API over HTTP, following redirects to its packages."""
    client = httpx2.AsyncClient(
        base_url=registry, timeout=SECONDS, follow_redirects=True, max_redirects=3, headers={"User-Agent": NAME}
    )
    return Api(client, registry)


def app_api(
    app: Any,
    site: str,
    *,
    packages: Packages | None = None,
    client: tuple[str, int] = ("127.0.0.1", 0),
    headers: Mapping[str, str] | None = None,
) -> Api:
    """Speak to the application in this process, in the name of a caller, whose limits then count."""
    return Api(
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app, client=client),
            base_url="http://registry.invalid",
            timeout=SECONDS,
            follow_redirects=False,
            headers={**(headers or {}), "User-Agent": NAME},
        ),
        site,
        packages,
    )


@asynccontextmanager
async def begun(app: ASGIApp) -> AsyncIterator[None]:
    """Have an application begin, and end after the block, as a server does (ASGI's lifespan protocol)."""
    told: asyncio.Queue[Message] = asyncio.Queue()
    said: asyncio.Queue[Message] = asyncio.Queue()
    running = asyncio.create_task(_live(app, told, said))
    await told.put({"type": "lifespan.startup"})
    try:
        if (await said.get())["type"] != "lifespan.startup.complete":
            raise ToolError("unreachable", "The snapshot cannot be served.", remedy="Run `skillregistry doctor`.")
        yield
    finally:
        await told.put({"type": "lifespan.shutdown"})
        await running


async def _live(app: ASGIApp, told: asyncio.Queue[Message], said: asyncio.Queue[Message]) -> None:
    await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, told.get, said.put)


def _problem(status: int, body: bytes) -> ToolError:
    try:
        told = json.loads(body)
        code, detail, remedy = (str(told[name])[:500] for name in ("code", "detail", "remedy"))
    except (ValueError, KeyError, TypeError):
        code, detail, remedy = "unreachable", f"The registry answered with status {status}.", "Try again in a minute."
    return ToolError(code, detail, remedy=remedy)
