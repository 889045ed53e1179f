"""One address of the API that has something done: what `Endpoint` is for reading.

Nothing it answers may be kept. It neither needs a snapshot nor PostgreSQL; what is asked for is Temporal's to keep.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from skillapi.asking import Crawler
from skillapi.bodies import Bodies
from skillapi.endpoint import ROUTE, Services
from skillapi.parameters import MAX_QUERY_BYTES, ParametersType, read_parameters
from skillapi.problems import Problem
from skillapi.ratelimit import RateLimit
from skillapi.responses import NO_STORE
from skilldata.config import OnDemandSettings


@dataclass(frozen=True)
class Desk:
    """What requests for work share: whom to pass them to, and how many may come."""

    services: Services
    crawler: Crawler
    per_client: RateLimit
    per_repository: RateLimit
    overall: RateLimit
    bodies: Bodies = field(default_factory=Bodies)

    @classmethod
    def of(cls, services: Services, crawler: Crawler) -> Desk:
        """Make the desk that the settings describe."""
        settings = services.settings.on_demand
        return cls(
            services,
            crawler,
            per_client=RateLimit(settings.per_client_hour),
            per_repository=RateLimit(settings.per_repository_hour),
            overall=RateLimit(settings.per_hour),
        )

    @property
    def settings(self) -> OnDemandSettings:
        """The settings of crawls on demand."""
        return self.services.settings.on_demand


class Done(NamedTuple):
    """An answer with its status and, where there is one, the address at which to look."""

    answer: BaseModel
    status: int = 200
    location: str = ""


@dataclass(frozen=True)
class Action(Generic[ParametersType]):
    """One row of the table of addresses that have something done, or tell how far it is.

    Args:
        method: GET or POST.
        path: Starlette's pattern; names in braces are fields of `parameters`.
        name: The operation's id.
        summary: One line for the description.
        parameters: What it takes in path and query.
        answer: The model it answers with.
        handler: Does it. Runs on the event loop, and waits only for Temporal and the body.
        statuses: Statuses of its answers.
        problems: Codes of the problems it may answer with.
        headers: Request headers that it needs, with their meaning.
        takes_body: Whether it reads a JSON body.
    """

    method: str
    path: str
    name: str
    summary: str
    parameters: type[ParametersType]
    answer: type[BaseModel]
    handler: Callable[[Desk, Request, ParametersType], Awaitable[Done]]
    statuses: tuple[int, ...]
    problems: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    takes_body: bool = False

    def route(self, desk: Desk) -> Route:
        """Make the route."""

        async def serve(request: Request) -> Response:
            request.scope[ROUTE] = self.path
            if len(request.scope["query_string"]) > MAX_QUERY_BYTES:
                raise Problem("uri-too-long", remedy=f"Keep the query string within {MAX_QUERY_BYTES} bytes.")
            query = request.query_params.multi_items()
            done = await self.handler(desk, request, read_parameters(self.parameters, request.path_params, query))
            headers = {"Cache-Control": NO_STORE, **({"Location": done.location} if done.location else {})}
            body = done.answer.model_dump_json().encode()
            return Response(body, done.status, headers, media_type="application/json")

        return Route(self.path, serve, methods=[self.method], name=self.name)
