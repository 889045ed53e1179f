"""What every answer carries: security headers, CORS, a request id; and what every request leaves behind."""

from __future__ import annotations

import logging
import re
import time
import uuid

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skillapi.endpoint import ROUTE
from skillapi.metrics import Metrics
from skillapi.problems import REQUEST_ID, Problem, problem_response

# The API is public and knows no cookies, so any site may read it; answers go out with the same headers
# whether or not an Origin was sent, which keeps shared caches right.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "ETag, Content-Range, Content-Length, Content-Disposition, Accept-Ranges, Repr-Digest, X-Request-ID, "
        "X-Snapshot, RateLimit, RateLimit-Policy, Retry-After"
    ),
}
PREFLIGHT = {
    "Allow": "GET, HEAD, OPTIONS, POST",
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Range, If-Range, If-None-Match, X-Request-ID",
    "Access-Control-Max-Age": "86400",
}

_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
logger = logging.getLogger(__name__)
access = logging.getLogger("skillapi.access")


class Envelope:
    """Outermost middleware: headers, request id, access log, metrics, and the last word on failures.

    Args:
        app: What answers.
        metrics: Where requests are counted.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass a lifespan event on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        given = Headers(scope=scope).get("x-request-id", "")
        scope[REQUEST_ID] = given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        status = 0

        async def send_wrapped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name for name, _ in message["headers"]}
                usual = [pair for pair in _RAW_HEADERS if pair[0] not in present]
                own = (b"x-request-id", scope[REQUEST_ID].encode())
                message = {**message, "headers": [*message["headers"], own, *usual]}
            await send(message)

        try:
            await self._answer(scope, receive, send_wrapped)
        except Exception:
            logger.exception("request %s failed", scope[REQUEST_ID], extra={"request": scope[REQUEST_ID]})
            if status:  # half of an answer is out: only closing the connection tells
                raise
            failed = problem_response(Problem("internal", remedy="Report it with the request id."), scope[REQUEST_ID])
            await failed(scope, receive, send_wrapped)
        finally:
            self._note(scope, status, time.perf_counter() - begun)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers=PREFLIGHT)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        # Neither query nor address of the caller: what people search for is their own affair.
        self._metrics.request(scope.get(ROUTE, "other"), _method(scope["method"]), status, seconds)
        path = ascii(scope["path"][:200])
        request = {"request": scope[REQUEST_ID], "status": status, "seconds": round(seconds, 6)}
        access.info("%s %s", scope["method"], path, extra=request)


def _method(method: str) -> str:
    return method if method in {"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"} else "other"
