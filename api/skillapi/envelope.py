"""What happens to every request, in one pass: id, limit, answers that are ready, headers, metrics, access log.

One middleware, because each further one costs every request a coroutine, a closure and a copy of the headers. The
order is: count the caller, then look for an answer that is ready, then have one made.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Mapping
from itertools import count

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skillapi.endpoint import ROUTE, Services
from skillapi.headers import PREFLIGHT, RAW_HEADERS
from skillapi.memory import RawHeaders, Ready
from skillapi.methods import Methods
from skillapi.problems import REQUEST_ID, Problem, problem_response
from skillapi.reads import READS, ReadLimit, too_many

METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"})

_GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
logger = logging.getLogger(__name__)
access = logging.getLogger("skillapi.access")


class Envelope:
    """Outermost middleware, with the last word on failures.

    Args:
        app: What answers where nothing is ready.
        services: What is live, and where requests are counted.
        methods: What each address takes, for OPTIONS.
        limit: What one caller may read; None: as much as they like.
    """

    def __init__(self, app: ASGIApp, services: Services, methods: Methods, limit: ReadLimit | None) -> None:
        self._app = app
        self._services = services
        self._methods = methods
        self._limit = limit
        # Ids only have to differ: a beginning that no other process has, and a number.
        self._begin = secrets.token_hex(10)
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass a lifespan event on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        asked = dict(scope["headers"])  # the last of each name, and no copy of a byte
        given = asked.get(b"x-request-id")
        number = given if given and _GIVEN_ID.fullmatch(given) else f"{self._begin}{next(self._numbers):012x}".encode()
        scope[REQUEST_ID] = number.decode()
        own, wait = [(b"x-request-id", number)], 0.0
        if self._limit is not None and (told := self._limit.take(scope, asked)):
            own, wait = [*own, *told.headers], told.wait
        ready = None if wait else self._ready(scope, asked)
        if ready is None:
            await self._make(scope, receive, send, own, begun, wait)
            return
        reply = ready.reply(asked)
        ready.note(scope, reply.status)
        try:
            await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers + own})
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else reply.body})
        finally:
            self._note(scope, ready.route, reply.status, time.perf_counter() - begun)

    def _ready(self, scope: Scope, asked: Mapping[bytes, bytes]) -> Ready | None:
        # Whoever asks for a part wants more than a ready answer; If-Range says nothing without one.
        if scope["method"] not in READS or b"range" in asked:
            return None
        memory = self._services.live.memory
        return memory.at(scope) if memory is not None else None

    async def _make(
        self, scope: Scope, receive: Receive, send: Send, own: RawHeaders, begun: float, wait: float
    ) -> None:
        """Have an answer made, and put the usual headers to it."""
        status = 0

        async def send_wrapped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name for name, _ in message["headers"]}
                usual = [pair for pair in RAW_HEADERS if pair[0] not in present]
                message = {**message, "headers": [*message["headers"], *own, *usual]}
            await send(message)

        try:
            if wait:
                await problem_response(too_many(wait), scope[REQUEST_ID])(scope, receive, send_wrapped)
            elif scope["method"] == "OPTIONS":
                allow = self._methods.allow(scope["path"])
                await Response(status_code=204, headers={**PREFLIGHT, "Allow": allow})(scope, receive, send_wrapped)
            else:
                scope["app"] = self  # which has Starlette's router raise what `problems` answers
                await self._app(scope, receive, send_wrapped)
        except Exception:
            logger.exception("request %s failed", scope[REQUEST_ID], extra={"request": scope[REQUEST_ID]})
            if status:  # half of an answer is out: only closing the connection tells
                raise
            failed = problem_response(Problem("internal", remedy="Report it with the request id."), scope[REQUEST_ID])
            await failed(scope, receive, send_wrapped)
        finally:
            self._note(scope, scope.get(ROUTE, "other"), status, time.perf_counter() - begun)

    def _note(self, scope: Scope, route: str, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._services.metrics.request(route, method, status, seconds)
        if access.isEnabledFor(logging.INFO):
            # Neither query nor address of the caller: what people search for is their own affair.
            request = {"request": scope[REQUEST_ID], "status": status, "seconds": round(seconds, 6)}
            access.info("%s %s", scope["method"], ascii(scope["path"][:200]), extra=request)
