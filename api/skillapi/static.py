"""The static site, for whoever has no web server of their own. In production a CDN does this."""

from __future__ import annotations

import hashlib
import mimetypes
import re
import stat
from pathlib import Path
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from skillapi.content import Content, ContentCache
from skillapi.endpoint import ROUTE
from skillapi.problems import Problem
from skillapi.responses import IMMUTABLE, SHORT, is_unchanged, respond

SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
MISSING = "404.html"

_IN_MEMORY = 1024 * 1024  # larger files are streamed
_KEPT_BYTES = 64 * 1024 * 1024
_HASHED_NAME = re.compile(r"[.-][0-9a-f]{8,64}\.[a-z0-9]+$")
_TYPES = {
    ".atom": "application/atom+xml",
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".duckdb": "application/octet-stream",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
    ".zip": "application/zip",
}


class _File(NamedTuple):
    path: Path
    size: int
    modified: int  # nanoseconds


class Site:
    """Serves the files of a folder.

    Args:
        folder: The site, or a link to it that is moved when a new one is published. Its own links may lead to
            the folder `trees` beside it, and nowhere else.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shared = folder.parent / "trees"
        self._kept: ContentCache[Content] = ContentCache(_KEPT_BYTES)
        self._digests: dict[_File, str] = {}

    async def serve(self, request: Request) -> Response:
        """Answer with the file of a path; a folder stands for its index.html."""
        request.scope[ROUTE] = "site"
        return await run_in_threadpool(self._answer, request)

    def _answer(self, request: Request) -> Response:
        root = self._folder.resolve()
        found = _find((root, self._shared.resolve()), request.path_params["path"])
        if found is None:
            return self._missing(root)
        headers = {
            "Cache-Control": IMMUTABLE if _HASHED_NAME.search(found.path.name) else SHORT,
            "Content-Security-Policy": SECURITY_POLICY,
        }
        if found.size <= _IN_MEMORY:
            return respond(request, self._content(found), headers)
        etag = self._digest(found)
        headers["ETag"] = f'"{etag}"'
        if is_unchanged(request.headers.get("if-none-match"), etag):
            return Response(status_code=304, headers=headers)
        return FileResponse(found.path, headers=headers, media_type=_media_type(found.path))

    def _missing(self, root: Path) -> Response:
        page = root / MISSING
        if not page.is_file():
            raise Problem("not-found", "There is no such page.")
        headers = {"Cache-Control": "no-store", "Content-Security-Policy": SECURITY_POLICY}
        return Response(page.read_bytes(), status_code=404, headers=headers, media_type=_TYPES[".html"])

    def _content(self, file: _File) -> Content:
        content = self._kept.get(file)
        if content is None:
            body = file.path.read_bytes()
            content = Content.of(body, _media_type(file.path), hashlib.sha256(body).hexdigest()[:32])
            self._kept.put(file, content)
        return content

    def _digest(self, file: _File) -> str:
        # Large files are few: this grows by some with every new site.
        if file not in self._digests:
            with file.path.open("rb") as stream:
                self._digests[file] = hashlib.file_digest(stream, "sha256").hexdigest()[:32]
        return self._digests[file]


def _find(roots: tuple[Path, ...], path: str) -> _File | None:
    """Find the file of a path below the first of `roots`; None where there is none, or it is hidden or outside all."""
    parts = [part for part in path.split("/") if part]
    if any(_is_hidden(part) for part in parts) or "\0" in path or "\\" in path:
        return None
    wanted = roots[0].joinpath(*parts)
    try:
        if wanted.is_dir():
            wanted /= "index.html"
        wanted = wanted.resolve(strict=True)
        status = wanted.stat()
    except (OSError, ValueError):  # missing, unreadable, a name too long or one that no file can have
        return None
    if not any(map(wanted.is_relative_to, roots)) or not stat.S_ISREG(status.st_mode):
        return None
    return _File(wanted, status.st_size, status.st_mtime_ns)


def _is_hidden(part: str) -> bool:
    return part.startswith(".") and part != ".well-known"


def _media_type(path: Path) -> str:
    return _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
