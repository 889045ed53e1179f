"""One address of the API: what it takes, what it answers, and the function that does it.

The same row makes the route and its part of the OpenAPI description, so the two cannot disagree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from skillapi.content import Content
from skillapi.downloads import Shelf
from skillapi.live import Live, Opened
from skillapi.metrics import Metrics
from skillapi.parameters import MAX_QUERY_BYTES, Parameters, ParametersType, read_parameters
from skillapi.problems import Problem
from skillapi.responses import SHORT, respond
from skilldata.config import Settings

ROUTE = "skillapi.route"  # key in the ASGI scope: the pattern that was taken, for the metrics


class Asked:
    """What addresses were understood as, so that the next request for one need not be routed and checked again."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._known: dict[tuple[str, bytes], tuple[Endpoint[Any], Parameters]] = {}

    def get(self, scope: Scope) -> tuple[Endpoint[Any], Parameters] | None:
        """Give endpoint and parameters of a request's path and query."""
        return self._known.get((scope["path"], scope["query_string"]))

    def put(self, scope: Scope, endpoint: Endpoint[Any], parameters: Parameters) -> None:
        """Keep them; where there are too many, all are forgotten."""
        if len(self._known) >= self._most:
            self._known.clear()
        self._known[scope["path"], scope["query_string"]] = endpoint, parameters


@dataclass(frozen=True)
class Services:
    """What requests share."""

    settings: Settings
    live: Live
    shelf: Shelf
    description: Content  # the OpenAPI document
    metrics: Metrics = field(default_factory=Metrics)
    asked: Asked = field(default_factory=Asked)


@dataclass(frozen=True)
class Call:
    """One request with what it may use. The snapshot stays open until the answer is made."""

    request: Request
    services: Services
    held: Opened | None

    @property
    def opened(self) -> Opened:
        """The live snapshot.

        Raises:
            Problem: There is none yet.
        """
        if self.held is None:
            raise Problem("no-snapshot", remedy="Ask again in a few seconds; /readyz has the reason.")
        return self.held


@dataclass(frozen=True)
class Endpoint(Generic[ParametersType]):
    """One row of the table of addresses.

    Args:
        path: Starlette's pattern; names in braces are fields of `parameters`.
        summary: One line for the description.
        parameters: What it takes.
        answer: The model it answers with, or the media type of what it answers instead.
        handler: Makes the answer. Runs in a thread, unless `inline`.
        problems: Codes of the problems it may answer with.
        cache_control: How long others may keep the answer.
        inline: Whether the handler never waits for anything and may run on the event loop.
        operation: The operation's id where the path does not give one of its own.
    """

    path: str
    summary: str
    parameters: type[ParametersType]
    answer: type[BaseModel] | str
    handler: Callable[[Call, ParametersType], BaseModel | Response]
    problems: tuple[str, ...] = ()
    cache_control: str = SHORT
    inline: bool = False
    operation: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether the answer is the same until the next snapshot, and kept in memory for that long."""
        return not self.inline and isinstance(self.answer, type)

    @property
    def name(self) -> str:
        """The operation's id: the fixed parts of the path, `skills-versions`."""
        fixed = [part for part in self.path.removeprefix("/api/v1").split("/") if part and "{" not in part]
        return self.operation or "-".join(fixed)


def route(endpoint: Endpoint[Any], services: Services) -> Route:
    """Make the route of an endpoint; it takes GET and HEAD."""

    def answer(request: Request, parameters: Parameters) -> Response:
        with services.live.lease() as opened:
            made = endpoint.handler(Call(request, services, opened), parameters)
            if isinstance(made, Response):
                return made
            content = _content(made, opened)
            if opened and endpoint.is_kept:
                opened.answers.put((endpoint.path, parameters), content)
            return _respond(request, content, opened, endpoint)

    async def serve(request: Request) -> Response:
        request.scope[ROUTE] = endpoint.path
        if len(request.scope["query_string"]) > MAX_QUERY_BYTES:
            raise Problem("uri-too-long", remedy=f"Keep the query string within {MAX_QUERY_BYTES} bytes.")
        query = request.query_params.multi_items()
        parameters = read_parameters(endpoint.parameters, request.path_params, query)
        if endpoint.inline:
            return answer(request, parameters)
        if endpoint.is_kept:
            services.asked.put(request.scope, endpoint, parameters)
        known = _from_memory(request, services, endpoint, parameters)
        return known if known is not None else await run_in_threadpool(answer, request, parameters)

    return Route(endpoint.path, serve, methods=["GET"], name=endpoint.name)


class Shortcut:
    """Middleware that answers at once what was asked before and is still in memory.

    Args:
        app: What answers everything else.
        services: Where answers and what was asked are kept.
    """

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        known = self._services.asked.get(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        response = _from_memory(Request(scope), self._services, *known) if known else None
        if known is None or response is None:
            await self._app(scope, receive, send)
            return
        scope[ROUTE] = known[0].path
        await response(scope, receive, send)


def _from_memory(
    request: Request, services: Services, endpoint: Endpoint[Any], parameters: Parameters
) -> Response | None:
    with services.live.lease() as opened:
        content = opened.answers.get((endpoint.path, parameters)) if opened else None
        return _respond(request, content, opened, endpoint) if content else None


def _content(model: BaseModel, opened: Opened | None) -> Content:
    body = model.model_dump_json().encode()
    seed = opened.id if opened else ""
    return Content.of(body, "application/json", hashlib.sha256(seed.encode() + b"\n" + body).hexdigest()[:32])


def _respond(request: Request, content: Content, opened: Opened | None, endpoint: Endpoint[Any]) -> Response:
    headers = {"Cache-Control": endpoint.cache_control}
    if opened:
        headers["X-Snapshot"] = opened.id
    return respond(request, content, headers)
