"""One address of the API: what it takes, what it answers, and the function that does it.

The same row makes the route and its part of the OpenAPI description, so the two cannot disagree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from skillapi.content import Content
from skillapi.counting import DownloadCounts
from skillapi.downloads import Shelf
from skillapi.live import Live, Opened
from skillapi.memory import Ready
from skillapi.metrics import Metrics
from skillapi.parameters import MAX_QUERY_BYTES, Parameters, ParametersType, read_parameters
from skillapi.problems import Problem
from skillapi.responses import SHORT, respond
from skilldata.config import Settings

ROUTE = "skillapi.route"  # key in the ASGI scope: the pattern that was taken, for the metrics


@dataclass(frozen=True)
class Services:
    """What requests share."""

    settings: Settings
    live: Live
    shelf: Shelf
    description: Content  # the OpenAPI document
    metrics: Metrics = field(default_factory=Metrics)
    counts: DownloadCounts | None = None  # None: downloads are not counted


@dataclass(frozen=True)
class Call:
    """One request with what it may use. The snapshot stays open until the answer is made."""

    request: Request
    services: Services
    held: Opened | None
    key: str = ""  # of what is asked, in the snapshot's memory

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

    def answer(request: Request, parameters: Parameters, key: str) -> Response:
        with services.live.lease() as opened:
            made = endpoint.handler(Call(request, services, opened, key), parameters)
            if isinstance(made, Response):
                return made
            content, headers = _content(made, opened), _headers(endpoint, opened)
            if opened and endpoint.is_kept:
                again = partial(_again, endpoint, services, parameters)
                ready = Ready.of(content, headers, endpoint.path)._replace(again=again)
                opened.memory.keep(request.scope, key, ready)
            return respond(request, content, headers)

    async def serve(request: Request) -> Response:
        request.scope[ROUTE] = endpoint.path
        if len(request.scope["query_string"]) > MAX_QUERY_BYTES:
            raise Problem("uri-too-long", remedy=f"Keep the query string within {MAX_QUERY_BYTES} bytes.")
        query = request.query_params.multi_items()
        parameters = read_parameters(endpoint.parameters, request.path_params, query)
        if endpoint.inline:
            return answer(request, parameters, "")
        # The same question may come at several addresses: its parameters in another order, a default spelled out.
        key = f"{endpoint.path} {parameters.model_dump_json()}"
        memory = services.live.memory
        known = memory.find(key) if memory is not None else None
        if memory is None or known is None:
            return await run_in_threadpool(answer, request, parameters, key)
        memory.know(request.scope, key)
        response = known.answer(request)
        known.note(request.scope, response.status_code)
        return response

    return Route(endpoint.path, serve, methods=["GET"], name=endpoint.name)


def _again(endpoint: Endpoint[Any], services: Services, parameters: Parameters, opened: Opened) -> Ready:
    """Make an answer that is kept from another snapshot; what it depends on is there without a request."""
    request = Request({"type": "http", "method": "GET", "headers": [], "path_params": {}, ROUTE: endpoint.path})
    made = endpoint.handler(Call(request, services, opened), parameters)
    if not isinstance(made, BaseModel):
        raise TypeError(f"{endpoint.path} gave a response where it gives a model")
    again = partial(_again, endpoint, services, parameters)
    return Ready.of(_content(made, opened), _headers(endpoint, opened), endpoint.path)._replace(again=again)


def _content(model: BaseModel, opened: Opened | None) -> Content:
    body = model.model_dump_json().encode()
    seed = opened.id if opened else ""
    return Content.of(body, "application/json", hashlib.sha256(seed.encode() + b"\n" + body).hexdigest()[:32])


def _headers(endpoint: Endpoint[Any], opened: Opened | None) -> dict[str, str]:
    return {"Cache-Control": endpoint.cache_control, **({"X-Snapshot": opened.id} if opened else {})}
