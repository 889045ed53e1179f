"""Git's smart HTTP protocol, by `git http-backend`, and archives, by `git archive`."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tests.standin.middleware import Caller
from tests.standin.world import Repository, World

_CHUNK = 64 * 1024
_SERVICES = {"git-upload-pack", "git-receive-pack"}


class Git:
    """Endpoints of the git host.

    Args:
        world: The repositories.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    async def info_refs(self, request: Request) -> Response:
        """GET /{owner}/{repo}.git/info/refs?service=git-upload-pack."""
        if request.query_params.get("service") not in _SERVICES:
            return PlainTextResponse("Please upgrade your git client.\n", 403)
        return await self._serve(request, "info/refs", b"")

    async def upload_pack(self, request: Request) -> Response:
        """POST /{owner}/{repo}.git/git-upload-pack."""
        return await self._serve(request, "git-upload-pack", await request.body())

    async def _serve(self, request: Request, suffix: str, body: bytes) -> Response:
        found = self._find(request, suffix)
        if isinstance(found, Response):
            return found
        return await _backend(request, found.store.path, suffix, body)

    def _find(self, request: Request, suffix: str) -> Repository | Response:
        """Find the repository, or what GitHub says where there is none to be had."""
        caller: Caller = request.scope["caller"]
        owner, name = request.path_params["owner"], request.path_params["repo"].removesuffix(".git")
        with self._world.lock:
            found, moved = self._world.find(owner, name), self._world.find_moved(owner, name)
        if caller.has_bad_credentials:
            return _unauthorized("Invalid username or token.\n")
        if found is None and moved:
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(f"/{moved.full_name}.git/{suffix}{query}", 301)
        if found is None:
            # GitHub does not say whether it is missing or private before it knows who asks.
            return _unauthorized("") if caller.token is None else PlainTextResponse("Repository not found.\n", 404)
        if found.block:
            return PlainTextResponse("Repository unavailable due to DMCA takedown.\n", 451)
        if found.disabled:
            return PlainTextResponse(f"Repository '{found.full_name}' is disabled.\n", 403)
        return found


class Codeload:
    """Endpoints of the archive host.

    Args:
        world: The repositories.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    async def archive(self, request: Request) -> Response:
        """GET /{owner}/{repo}/{tar.gz|zip|legacy.tar.gz|legacy.zip}/{ref}."""
        parameters = request.path_params
        form = parameters["form"]
        with self._world.lock:
            repo = self._world.find(parameters["owner"], parameters["repo"])
            moved = self._world.find_moved(parameters["owner"], parameters["repo"])
            if repo is None and moved:
                prefix = "/codeload" if request.url.path.startswith("/codeload/") else ""
                return RedirectResponse(f"{prefix}/{moved.full_name}/{form}/{parameters['ref']}", 301)
            if repo is None:
                return PlainTextResponse("404: Not Found", 404)
            if repo.block:
                return PlainTextResponse("451: Unavailable For Legal Reasons", 451)
            name = parameters["ref"]
            commit = repo.store.commit(repo.default_branch if name == "HEAD" else name)
            if commit is None:
                return PlainTextResponse("404: Not Found", 404)
            oid, path = str(commit.id), repo.store.path
        extension = form.removeprefix("legacy.")
        short = name.removeprefix("refs/heads/").replace("/", "-")
        folder = f"{repo.name}-{short}" if form == extension else f"{repo.owner.login}-{repo.name}-{oid[:7]}"
        process = await asyncio.create_subprocess_exec(
            "git",
            f"--git-dir={path}",
            "archive",
            f"--format={extension}",
            f"--prefix={folder}/",
            oid,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # it complains of a stranger's .gitattributes
            env=_environment(),
        )
        headers = {"content-disposition": f"attachment; filename={folder}.{extension}", "etag": f'W/"{oid}"'}
        headers["content-type"] = "application/zip" if extension == "zip" else "application/x-gzip"
        return _ProcessOutput(process, 200, headers)


async def _backend(request: Request, path: Path, suffix: str, body: bytes) -> Response:
    """Run `git http-backend` as a CGI program (RFC 3875) and stream what it says."""
    protocol = request.headers.get("git-protocol", "")
    process = await asyncio.create_subprocess_exec(
        "git",
        "http-backend",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment()
        | {
            "REQUEST_METHOD": request.method,
            "QUERY_STRING": request.url.query,
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": protocol,
            "GIT_PROJECT_ROOT": str(path),
            "PATH_INFO": f"/{suffix}",
            "GIT_HTTP_EXPORT_ALL": "1",
        },
    )
    feeding = asyncio.ensure_future(_feed(process, body))
    if process.stdout is None:
        raise RuntimeError("the process has no output")
    status, headers = 200, {}
    while line := (await process.stdout.readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers[name.lower()] = value.strip()
    return _ProcessOutput(process, status, headers, feeding)


class _ProcessOutput(StreamingResponse):
    """What a process writes, as a body; when the client leaves early, the process is ended."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        status: int,
        headers: dict[str, str],
        feeding: asyncio.Future[None] | None = None,
    ) -> None:
        super().__init__(_chunks(process), status, headers)
        self._process, self._feeding = process, feeding

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # One that has said everything ends by itself; a signal to it would race with its being reaped.
            if self._process.stdout and not self._process.stdout.at_eof():
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
            async for _ in _chunks(self._process):
                pass  # its pipe is closed only once it was read to the end
            if self._feeding:
                await self._feeding
            await self._process.wait()


async def _feed(process: asyncio.subprocess.Process, body: bytes) -> None:
    if process.stdin is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has read all it wanted
        process.stdin.write(body)
        await process.stdin.drain()
    process.stdin.close()


async def _chunks(process: asyncio.subprocess.Process) -> AsyncIterator[bytes]:
    while process.stdout and (chunk := await process.stdout.read(_CHUNK)):
        yield chunk


def _environment() -> dict[str, str]:
    """The process's own environment, less everything that could make git behave in another way."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return kept | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


def _unauthorized(text: str) -> Response:
    return PlainTextResponse(text, 401, {"www-authenticate": 'Basic realm="GitHub"'})
