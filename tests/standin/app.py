"""The ASGI application: every route of the local GitHub, and what all JSON answers have in common."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from graphql import GraphQLSchema
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tests.standin import apps, graphql, rest, rest_contents, rest_git, search
from tests.standin.calls import ApiError, Call, Reply, blocked, not_found
from tests.standin.faults import Faults
from tests.standin.limits import Limits, Quota, SecondaryLimits
from tests.standin.middleware import Caller, Wire
from tests.standin.smart_http import Codeload, Git
from tests.standin.wire import WireLog
from tests.standin.world import Repository, World

Handler = Callable[[Call], Reply]

# Below /repos/{owner}/{repo} and below /repositories/{id}.
_OF_REPOSITORY: dict[str, Handler] = {
    "": rest.repository,
    "/git/trees/{ref:path}": rest_git.tree,
    "/git/blobs/{sha}": rest_git.blob,
    "/git/ref/{ref:path}": rest_git.reference,
    "/commits": rest_git.commits,
    "/commits/{ref:path}": rest_git.commit,
    "/branches": rest_git.branches,
    "/branches/{branch:path}": rest_git.branch,
    "/contents": rest_contents.contents,
    "/contents/{path:path}": rest_contents.contents,
    "/tarball": functools.partial(rest_contents.archive, form="legacy.tar.gz"),
    "/tarball/{ref:path}": functools.partial(rest_contents.archive, form="legacy.tar.gz"),
    "/zipball/{ref:path}": functools.partial(rest_contents.archive, form="legacy.zip"),
    "/license": rest_contents.licence,
    "/readme": rest_contents.readme,
    "/topics": rest.topics,
    "/releases": rest.releases,
    "/releases/latest": rest.releases_latest,
    "/compare/{basehead:path}": rest_git.compare,
}
_OF_OWNER: dict[str, Handler] = {
    "/users/{owner}": rest.user,
    "/orgs/{owner}": rest.user,
    "/users/{owner}/repos": rest.repositories_of_user,
    "/orgs/{owner}/repos": rest.repositories_of_user,
    "/user": rest.authenticated_user,
}


@dataclass
class Parts:
    """What the application is made of."""

    world: World
    limits: Limits
    secondary: SecondaryLimits
    faults: Faults
    log: WireLog
    schema: GraphQLSchema


def build(parts: Parts, control: list[BaseRoute]) -> Starlette:
    """Make the application, with the control routes beside GitHub's own."""
    endpoint = functools.partial(_endpoint, parts)
    routes: list[BaseRoute] = list(control)
    for prefix in ("/repos/{owner}/{repo}", "/repositories/{id:int}"):
        routes += [endpoint(prefix + suffix, handler, of_repository=True) for suffix, handler in _OF_REPOSITORY.items()]
    routes += [endpoint(path, handler) for path, handler in _OF_OWNER.items()]
    routes += [
        endpoint("/search/repositories", search.repositories, bucket="search"),
        endpoint("/search/code", search.code, bucket="code_search"),
        endpoint("/rate_limit", functools.partial(rest.rate_limit, limits=parts.limits), bucket=None),
        endpoint("/app/installations/{installation}/access_tokens", apps.access_token, method="POST", bucket=None),
        Route("/graphql", functools.partial(_graphql, parts), methods=["POST"]),
        Route("/api/graphql", functools.partial(_graphql, parts), methods=["POST"]),
    ]
    git, codeload = Git(parts.world), Codeload(parts.world)
    for prefix in ("", "/codeload"):
        for form in ("tar.gz", "zip", "legacy.tar.gz", "legacy.zip"):
            path = f"{prefix}/{{owner}}/{{repo}}/{form}/{{ref:path}}"
            routes.append(Route(path, _with_form(codeload, form)))
    routes += [
        Route("/{owner}/{repo}/info/refs", git.info_refs),
        Route("/{owner}/{repo}/git-upload-pack", git.upload_pack, methods=["POST"]),
    ]
    wire = Middleware(Wire, world=parts.world, log=parts.log, faults=parts.faults, secondary=parts.secondary)
    return Starlette(routes=routes, middleware=[wire], exception_handlers={404: _missing, 405: _missing})


def _endpoint(
    parts: Parts,
    path: str,
    handler: Handler,
    *,
    bucket: str | None = "core",
    method: str = "GET",
    of_repository: bool = False,
) -> Route:
    async def answer(request: Request) -> Response:
        body = await request.body()
        with parts.world.lock:
            return _answer(parts, request, body, handler, bucket, of_repository=of_repository)

    return Route(path, answer, methods=[method])


async def _graphql(parts: Parts, request: Request) -> Response:
    body = await request.body()
    with parts.world.lock:
        caller: Caller = request.scope["caller"]
        call = Call(parts.world, request, caller.token, body, fault=request.scope["fault"])
        try:
            _admit(parts, caller, graphql=True)
            return _response(graphql.answer(call, parts.limits, parts.schema))
        except ApiError as error:
            return _response(Reply(error.body, error.status, error.headers))


def _answer(
    parts: Parts, request: Request, body: bytes, handler: Handler, bucket: str | None, *, of_repository: bool
) -> Response:
    caller: Caller = request.scope["caller"]
    call = Call(parts.world, request, caller.token, body, fault=request.scope["fault"])
    quota: Quota | None = None
    try:
        _admit(parts, caller, graphql=False)
        if bucket:
            quota = parts.limits.spend(caller.token, bucket)
            if not quota.allowed:
                raise _rate_limited(caller, request)
        if of_repository:
            call.repository = _repository(parts.world, call)
        reply = handler(call)
        if not reply.status or reply.status == 200:
            reply.headers["etag"] = _etag(reply, caller)
            if request.headers.get("if-none-match") == reply.headers["etag"]:
                reply = Reply(status=304, raw=b"", headers=reply.headers)
                quota = parts.limits.give_back(caller.token, bucket) if bucket else None
    except ApiError as error:
        reply = Reply(error.body, error.status, error.headers)
    if quota:
        reply.headers |= quota.headers()
    return _response(reply)


def _admit(parts: Parts, caller: Caller, *, graphql: bool) -> None:
    if caller.has_bad_credentials:
        raise ApiError(401, "Bad credentials")
    if parts.secondary.exceeded(caller.token, graphql=graphql):
        raise ApiError(403, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")


def _repository(world: World, call: Call) -> Repository:
    """Find what the path names; a former name is answered with 301, query and all."""
    parameters = call.request.path_params
    if "id" in parameters:
        found = world.repositories.get(parameters["id"])
    else:
        found = world.find(parameters["owner"], parameters["repo"])
        moved = world.find_moved(parameters["owner"], parameters["repo"])
        if found is None and moved:
            rest_of_path = "/".join(call.request.url.path.split("/")[4:])
            query = f"?{call.request.url.query}" if call.request.url.query else ""
            where = f"{call.sites.api}/repositories/{moved.id}{'/' if rest_of_path else ''}{rest_of_path}{query}"
            raise ApiError(301, "Moved Permanently", url=where, headers={"Location": where})
    if found is None:
        raise not_found()
    if found.block:
        raise blocked(found.block)
    if found.disabled:
        raise ApiError(403, "Repository access blocked")
    return found


def _rate_limited(caller: Caller, request: Request) -> ApiError:
    if caller.token:
        return ApiError(403, f"API rate limit exceeded for user ID {caller.token.user_id}.")
    host = request.client.host if request.client else "127.0.0.1"
    return ApiError(
        403,
        f"API rate limit exceeded for {host}. (But here's the good news: Authenticated requests get a higher rate"
        " limit. Check out the documentation for more details.)",
    )


def _etag(reply: Reply, caller: Caller) -> str:
    body = reply.raw if reply.raw is not None else _encoded(reply)
    return f'W/"{hashlib.sha256(body + (caller.token.id.encode() if caller.token else b"")).hexdigest()}"'


def _response(reply: Reply) -> Response:
    headers = {"x-github-media-type": "github.v3; format=json", "cache-control": "public, max-age=60, s-maxage=60"}
    headers |= {"vary": "Accept, Authorization, Accept-Encoding"}
    body = reply.raw if reply.raw is not None else _encoded(reply)
    return Response(body, reply.status, headers | reply.headers, media_type=reply.media_type)


def _encoded(reply: Reply) -> bytes:
    return json.dumps(reply.body, ensure_ascii=False, separators=(",", ":")).encode()


def _with_form(codeload: Codeload, form: str) -> Callable[[Request], object]:
    async def archive(request: Request) -> Response:
        request.path_params["form"] = form
        return await codeload.archive(request)

    return archive


async def _missing(request: Request, exception: Exception) -> Response:
    error = not_found()
    return _response(Reply(error.body, error.status))
