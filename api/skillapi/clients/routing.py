"""Routes in other people's formats: no part of the registry's own description, the same rules for answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from skillapi.content import Content
from skillapi.endpoint import ROUTE, Call, Services
from skillapi.parameters import MAX_QUERY_BYTES
from skillapi.problems import Problem
from skillapi.responses import SHORT, respond

JSON = "application/json"


def client_route(path: str, services: Services, handler: Callable[[Call], Response]) -> Route:
    """Make a route that takes GET and HEAD. The handler runs in a thread, with the live snapshot held open."""

    def answer(request: Request) -> Response:
        with services.live.lease() as opened:
            return handler(Call(request, services, opened))

    async def serve(request: Request) -> Response:
        request.scope[ROUTE] = path
        if len(request.scope["query_string"]) > MAX_QUERY_BYTES:
            raise Problem("uri-too-long", remedy=f"Keep the query string within {MAX_QUERY_BYTES} bytes.")
        return await run_in_threadpool(answer, request)

    return Route(path, serve, methods=["GET"])


def kept(call: Call, key: tuple[str, ...], make: Callable[[], bytes], media_type: str = JSON) -> Content:
    """Give content that is the same until the next snapshot: made once, and kept in memory."""
    content = call.opened.answers.get(key)
    if content is None:
        body = make()
        content = Content.of(body, media_type, hashlib.sha256(body).hexdigest()[:32])
        call.opened.answers.put(key, content)
    return content


def answer_json(call: Call, document: dict[str, Any]) -> Response:
    """Answer with a document that is made for this request."""
    body = json.dumps(document, ensure_ascii=False).encode()
    return answer_with(call, Content.of(body, JSON, hashlib.sha256(body).hexdigest()[:32]))


def answer_with(call: Call, content: Content) -> Response:
    """Answer with content, as fresh as the snapshot is."""
    return respond(call.request, content, {"Cache-Control": SHORT, "X-Snapshot": call.opened.id})
