"""A limit on what one caller may read, told in every answer it counts for."""

from __future__ import annotations

import math

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skillapi.problems import REQUEST_ID, Problem, problem_response
from skillapi.ratelimit import RateLimit, client_key

WINDOW = 60.0  # seconds
PREFIX = "/api/v1/"
FREE = "/api/v1/packages/"  # downloads: redirected, or bounded by the store


class ReadLimit:
    """Middleware that answers 429 to a caller who reads too much.

    `RateLimit` and `RateLimit-Policy` are those of draft-ietf-httpapi-ratelimit-headers-10, `Retry-After` that of
    RFC 9110 section 10.2.3.

    Args:
        app: What answers.
        per_minute: Requests of one address, or of one IPv6 network of 64 bits.
        client_header: Header in which the proxy in front names the caller; '' where there is none. The last
            address in it counts: those before it are what the caller says.
    """

    def __init__(self, app: ASGIApp, per_minute: int, client_header: str = "") -> None:
        self._app = app
        self._limit = RateLimit(per_minute, seconds=WINDOW)
        self._header = client_header
        self._policy = f'"reads";q={per_minute};w={WINDOW:.0f}'.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass on what is not counted."""
        if not _is_counted(scope):
            await self._app(scope, receive, send)
            return
        key = client_key(self._client(scope))
        wait = self._limit.wait(key)
        if not wait:
            self._limit.count(key)
        left = self._limit.left(key)

        async def send_wrapped(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = f'"reads";r={left};t={math.ceil(wait or WINDOW)}'
                own = [(b"ratelimit-policy", self._policy), (b"ratelimit", told.encode())]
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        if wait:
            seconds = str(math.ceil(wait))
            problem = Problem(
                "too-many-requests",
                "This address asks for more than one caller may read.",
                remedy=f"Ask again in {seconds} s; whoever wants everything takes the snapshot's files.",
                headers={"Retry-After": seconds},
            )
            await problem_response(problem, scope.get(REQUEST_ID, ""))(scope, receive, send_wrapped)
        else:
            await self._app(scope, receive, send_wrapped)

    def _client(self, scope: Scope) -> str:
        named = Headers(scope=scope).get(self._header, "") if self._header else ""
        client = scope.get("client")
        return named.rpartition(",")[2] or (client[0] if client else "")


def _is_counted(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
        return False
    path: str = scope["path"]
    return path.startswith(PREFIX) and not path.startswith(FREE)
