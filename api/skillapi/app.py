"""The application: routes, middleware and the watch over the live snapshot."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from skillapi.action import Action, Desk
from skillapi.asking import Crawler, TemporalCrawler
from skillapi.clients.clawhub import clawhub_routes
from skillapi.clients.files import file_routes
from skillapi.clients.finding import find_routes
from skillapi.content import Content
from skillapi.counting import DownloadCounts
from skillapi.downloads import PackageStore, Shelf
from skillapi.endpoint import Endpoint, Services, route
from skillapi.envelope import Envelope
from skillapi.live import Live, SnapshotSource
from skillapi.mcpserver.http import PATH as MCP
from skillapi.mcpserver.http import McpEndpoint
from skillapi.methods import Methods
from skillapi.metrics import Metrics
from skillapi.openapi import describe
from skillapi.problems import Moved, Problem, answer_moved, answer_problem
from skillapi.reads import ReadLimit
from skillapi.routes import directory, history, plugins, repositories, requests, search, skills, status
from skillapi.signed import SignedDocuments, SignedMetadata
from skillapi.static import Site
from skilldata.config import Settings
from skilldata.errors import RegistryError
from skilldata.objects import ObjectStore
from skilldata.trust.metadata import MetadataStore

STORE_CHECK_SECONDS = 5.0
ENDPOINTS: tuple[Endpoint[Any], ...] = (
    *search.ENDPOINTS,
    *skills.ENDPOINTS,
    *history.ENDPOINTS,
    *repositories.ENDPOINTS,
    *directory.ENDPOINTS,
    *plugins.ENDPOINTS,
    *status.ENDPOINTS,
)
ACTIONS: tuple[Action[Any], ...] = requests.ACTIONS


def create_app(
    snapshots: SnapshotSource,
    objects: PackageStore | None,
    settings: Settings,
    *,
    site_folder: Path | None = None,
    metadata: MetadataStore | None = None,
    crawler: Crawler | None = None,
    counts: DownloadCounts | None = None,
    refresh_seconds: float = 2.0,
) -> ASGIApp:
    """Make the application.

    Without a snapshot it starts all the same: /healthz answers, everything else says why it cannot, and
    the first snapshot that can be opened is taken.

    Args:
        snapshots: Says which snapshot is live.
        objects: Where packages are; None where downloads are only redirected.
        settings: `s3.public_url`, `github.git_url`, `api`, `site`, `publish`, `temporal` and `on_demand` are read.
        site_folder: Folder with `live`, the static site to serve below `/`; None for the API alone.
        metadata: Signed metadata to serve below `/tuf/`; None where there is none.
        crawler: Who is asked to read a repository now; default: the one behind Temporal.
        counts: Counts downloads; None where they are not counted.
        refresh_seconds: Time between two looks for a new snapshot.
    """
    body = json.dumps(describe(ENDPOINTS, ACTIONS, title=settings.site.title)).encode()
    description = Content.of(body, "application/json", hashlib.sha256(body).hexdigest()[:32])
    shelf = Shelf(objects, settings.s3.public_url)
    services = Services(settings, Live(snapshots), shelf, description, Metrics(settings.state_directory), counts=counts)
    routes = [route(endpoint, services) for endpoint in ENDPOINTS]
    desk = Desk.of(services, crawler or TemporalCrawler(settings.temporal))
    routes += [action.route(desk) for action in ACTIONS]
    routes += [*find_routes(services), *clawhub_routes(services), *file_routes(services)]
    if metadata is not None:
        routes.append(Route("/tuf/{name}", SignedMetadata(metadata).serve, methods=["GET"]))
        if isinstance(objects, ObjectStore):
            routes.append(Route("/index/v1/signed/{name}", SignedDocuments(objects).serve, methods=["GET"]))
    agents = McpEndpoint(settings, shelf)
    routes.append(Route(MCP, agents, methods=["GET", "POST", "DELETE"]))
    methods = Methods(routes)
    routes.append(Route("/api/{path:path}", _nothing(methods), methods=["GET"]))
    if site_folder is not None:
        routes.append(Route("/{path:path}", Site(site_folder / "live").serve, methods=["GET"]))
    router = Router(routes, redirect_slashes=False, lifespan=_lifespan(services, refresh_seconds))
    told = {**dict.fromkeys((Problem, HTTPException, RegistryError), answer_problem), Moved: answer_moved}
    # Not Starlette's own application: it would put a last word on failures around the envelope, which has that.
    app = Envelope(ExceptionMiddleware(router, handlers=told), services, methods, _limit(settings))
    agents.serves(app)
    return app


def _limit(settings: Settings) -> ReadLimit | None:
    allowed = settings.api.reads_per_minute
    redirects = settings.s3.public_url is not None
    return ReadLimit(allowed, settings.on_demand.client_header, redirects=redirects) if allowed else None


def _lifespan(services: Services, refresh_seconds: float) -> Callable[[object], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        await anyio.to_thread.run_sync(services.live.refresh)
        watches = [
            asyncio.create_task(_repeat(services.live.refresh, refresh_seconds)),
            asyncio.create_task(_repeat(services.shelf.check, STORE_CHECK_SECONDS, at_once=True)),
        ]
        if services.counts is not None:
            watches.append(asyncio.create_task(services.counts.run()))
        try:
            yield
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)
            services.live.close()
            if services.counts is not None:
                services.counts.close()

    return lifespan


async def _repeat(work: Callable[[], None], seconds: float, *, at_once: bool = False) -> None:
    """Run blocking work over and over, in a thread that no request waits for."""
    limiter = anyio.CapacityLimiter(1)
    if not at_once:
        await asyncio.sleep(seconds)
    while True:
        await anyio.to_thread.run_sync(work, limiter=limiter)
        await asyncio.sleep(seconds)


def _nothing(methods: Methods) -> Callable[[Request], Awaitable[Response]]:
    """Answer what no other route of the API takes with GET: there is nothing, or it takes other methods only."""

    async def answer(request: Request) -> Response:
        path = request.scope["path"]
        if methods.of(path):
            allow = methods.allow(path)
            raise Problem("method-not-allowed", remedy=f"Use {allow}.", headers={"Allow": allow})
        raise Problem("not-found", "There is no such address.", remedy="/api/v1/openapi.json lists every address.")

    return answer
