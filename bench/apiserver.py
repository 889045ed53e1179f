"""The servers that `bench/api.py` compares, each a process of its own: the API over a snapshot, and bare routes.

`python bench/apiserver.py api LINK PACKAGES` or `python bench/apiserver.py bare BODIES`; both write their address to
standard output, and both are what `skillregistry serve` runs: the same uvicorn, with the same options.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from skillapi import FolderSource, create_app, serve
from skilldata import logs
from skilldata.config import ApiSettings, Settings
from skilldata.errors import NotFound

MANY = 10**7  # reads a minute: the limit is counted and told, and never reached
TYPES = {".json": "application/json", ".zip": "application/zip"}


class FolderStore:
    """Packages in files that are named by their digests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def package(self, package_digest: str) -> bytes:
        """Read a package."""
        path = self._folder / package_digest.removeprefix("sha256:")
        if not path.exists():
            raise NotFound(f"no object {package_digest}")
        return path.read_bytes()

    def ready(self) -> None:
        """Say nothing: a folder always answers."""


def api(link: Path, folder: Path) -> ASGIApp:
    """Make the API over the snapshot that a link leads to."""
    settings = Settings().model_copy(update={"api": ApiSettings(reads_per_minute=MANY)})
    logs.set_up(settings, debug=False)
    return create_app(FolderSource(link), FolderStore(folder), settings, refresh_seconds=0.1)


def bare(folder: Path) -> Starlette:
    """Make a route for each file of a folder that answers with its bytes, and does nothing else."""
    return Starlette(routes=[Route(f"/{path.stem}", _answer(path)) for path in sorted(folder.iterdir())])


def _answer(path: Path) -> Callable[[Request], Awaitable[Response]]:
    body, media_type = path.read_bytes(), TYPES[path.suffix]

    async def answer(_: Request) -> Response:
        return Response(body, media_type=media_type)

    return answer


def main(which: str, *folders: str) -> None:
    """Serve until told to stop."""
    app: ASGIApp = api(*map(Path, folders)) if which == "api" else bare(*map(Path, folders))
    serve(app, "127.0.0.1", 0, announce=lambda url: print(url, flush=True))


if __name__ == "__main__" and sys.argv[1:2] in (["api"], ["bare"]):
    main(*sys.argv[1:])
