"""Streamable HTTP at `/mcp`: every request stands alone, so that any process can answer it.

After the Model Context Protocol's "Transports": POST alone, JSON answers, 405 for GET, and 403 for a page of another
site (the Origin header), which a browser could otherwise be made to send here.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from skillapi.downloads import Shelf
from skillapi.endpoint import ROUTE
from skillapi.problems import REQUEST_ID, Problem, from_error, problem_response
from skillapi.ratelimit import RateLimit
from skillapi.reads import WINDOW, caller, too_many
from skilldata.config import Settings
from skilldata.errors import RegistryError

PATH = "/mcp"
MOST_BYTES = 64 * 1024  # of a request


class McpEndpoint:
    """The ASGI application at `/mcp`.

    Args:
        settings: `site.base_url`, whose pages may call it, `api` and `on_demand.client_header`.
        shelf: Where packages are.
    """

    def __init__(self, settings: Settings, shelf: Shelf) -> None:
        self._app: ASGIApp | None = None
        self._shelf = shelf
        self._site = str(settings.site.base_url)
        site = urlsplit(self._site)
        self._origin = f"{site.scheme}://{site.netloc}"
        self._header = settings.on_demand.client_header
        allowed = settings.api.reads_per_minute
        self._limit = RateLimit(allowed, seconds=WINDOW) if allowed else None

    def serves(self, app: ASGIApp) -> None:
        """Take the API, which the tools ask in their caller's name, so that the caller's limits count."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one message."""
        scope[ROUTE] = PATH
        try:
            self._admit(scope)
        except Problem as problem:
            await problem_response(problem, scope.get(REQUEST_ID, ""))(scope, receive, send)
            return
        await self._answer(scope, receive, send)

    def _admit(self, scope: Scope) -> None:
        if scope["method"] != "POST":
            raise Problem("method-not-allowed", remedy="Use POST.", headers={"Allow": "POST"})
        origin = Request(scope).headers.get("origin")
        if origin is not None and origin != self._origin:
            raise Problem("foreign-origin", remedy=f"Only pages of {self._origin} may call this from a browser.")
        if self._limit is not None:
            wait, _ = self._limit.take(caller(scope, dict(scope["headers"]), self._header.lower().encode()))
            if wait:
                raise too_many(wait)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        # With the first request: who serves no agents does without these modules.
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager  # noqa: PLC0415

        from skillapi.mcpserver.reading import app_api  # noqa: PLC0415
        from skillapi.mcpserver.server import make_server  # noqa: PLC0415

        named = Request(scope).headers.get(self._header) if self._header else None
        host, port = scope.get("client") or ("", 0)
        api = app_api(
            self._app,
            self._site,
            packages=self._package,
            client=(str(host), int(port)),
            headers={self._header: named} if named else None,
        )
        manager = StreamableHTTPSessionManager(
            make_server(lambda: api), stateless=True, json_response=True, max_request_body_size=MOST_BYTES
        )
        async with manager.run():
            await manager.handle_request(scope, receive, send)

    async def _package(self, digest: str) -> bytes:
        from skillapi.mcpserver.reading import ToolError  # noqa: PLC0415

        try:
            return bytes((await run_in_threadpool(self._shelf.read_listed, digest)).body)
        except (Problem, RegistryError) as error:
            problem = from_error(error) or Problem("store-unavailable", remedy="Ask again in a few seconds.")
            raise ToolError(problem.code, problem.detail, remedy=problem.remedy) from None
