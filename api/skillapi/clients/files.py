"""The files that clients install from, byte for byte as they are published, and those that are not published."""

from __future__ import annotations

import io
import zipfile

from starlette.responses import Response
from starlette.routing import Route

from skillapi.clients.routing import answer_with, client_route, kept
from skillapi.content import Content
from skillapi.endpoint import Call, Services
from skillapi.problems import Problem
from skillapi.routes.skills import PackageParameters, download_package
from skilldata.clientformats.addresses import ClientAddresses
from skilldata.clientformats.catalogue import Catalogue, RawFile
from skilldata.clientformats.clawhub import CLAWHUB
from skilldata.clientformats.marketplace import MARKETPLACE
from skilldata.clientformats.wellknown import AGENT_SKILLS, RAW, SKILLS
from skilldata.contents import require_json_index
from skilldata.errors import NotFound

BYTES = "application/octet-stream"  # whatever an author calls it: never a page of this host
MARKDOWN = "text/markdown; charset=utf-8"


def file_routes(services: Services) -> list[Route]:
    """Make the routes of clients' files."""
    fixed = [client_route(f"/{path}", services, _document) for path in (AGENT_SKILLS, SKILLS, CLAWHUB, MARKETPLACE)]
    # Below `/r/` are the site's pages of repositories too.
    scoped = (f"{RAW}{{path:path}}", AGENT_SKILLS, MARKETPLACE)
    return [
        *fixed,
        client_route(f"/{RAW}{{path:path}}", services, _raw),
        *(client_route(f"/r/{{scope:path}}/{path}", services, _scoped) for path in scoped),
        client_route("/packages/{first}/{digest}.zip", services, _package),
    ]


def catalogue(call: Call) -> Catalogue:
    """Open the clients' files of the live snapshot."""
    opened, settings = call.opened, call.services.settings
    index = require_json_index(opened.folder)
    return Catalogue(index, opened.snapshot, ClientAddresses.of(settings), settings.publish)


def _scoped(call: Call) -> Response:
    path = call.request.scope["path"]
    if f"/{RAW}" in path and not path.endswith(f"/{SKILLS}"):
        return _raw(call)
    return _document(call)


def _document(call: Call) -> Response:
    path = call.request.scope["path"].removeprefix("/")
    try:
        return answer_with(call, kept(call, ("client file", path), lambda: catalogue(call).document(path)))
    except NotFound as error:
        raise Problem("not-found", f"{error.message[:1].upper()}{ascii(error.message[1:])[1:-1]}.") from None


def _raw(call: Call) -> Response:
    path = call.request.scope["path"].removeprefix("/")
    try:
        found = catalogue(call).raw_file(path)
        return answer_with(call, read_member(call, found))
    except NotFound:
        raise Problem("not-found", "There is no such file.", remedy="The index.json beside it lists them.") from None


def read_member(call: Call, file: RawFile) -> Content:
    """Read one file of a package.

    Raises:
        NotFound: The package has no such file.
    """
    # Also where the file is kept: the package may have been taken down since.
    package = call.services.shelf.read(file.package_digest).body

    def read() -> bytes:
        with zipfile.ZipFile(io.BytesIO(package)) as opened:
            if file.path not in opened.namelist():
                raise NotFound(f"no file {file.path} in {file.package_digest}")
            return opened.read(file.path)

    media_type = MARKDOWN if file.path == "SKILL.md" else BYTES
    return kept(call, ("member", file.package_digest, file.path), read, media_type)


def _package(call: Call) -> Response:
    first, digest = (call.request.path_params[name] for name in ("first", "digest"))
    try:
        asked = PackageParameters(digest=f"sha256:{digest}")
    except ValueError:
        asked = None
    if asked is None or not digest.startswith(first) or len(first) != 2:
        raise Problem("not-found", "There is no such package.")
    return download_package(call, asked)
