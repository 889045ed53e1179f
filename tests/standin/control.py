"""The control endpoint: the methods of `StandIn` over HTTP, for callers on this machine.

`POST /_standin/METHOD` with a JSON object of arguments answers `{"result": …}`, or 400 and `{"error": …}`.
`GET /_standin/wire_log` and `GET /_standin/repositories` work too.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from skilldata.errors import RegistryError
from tests.standin.middleware import CONTROL_PREFIX

if TYPE_CHECKING:
    from tests.standin.standin import StandIn

READING = ("wire_log", "points", "repositories")
CHANGING = (
    "add_app",
    "add_heads",
    "add_repository",
    "add_token",
    "archive",
    "block",
    "change",
    "clear_faults",
    "delete",
    "empty",
    "inject",
    "load_corpus",
    "load_corpus_file",
    "load_folder",
    "push",
    "push_all_snapshots",
    "push_snapshot",
    "rename",
    "reset_limits",
    "reset_wire_log",
    "revoke_token",
    "set_default_branch",
    "set_limit",
    "set_secondary_limits",
    "set_tree_limit",
    "transfer",
    "unblock",
)


def routes(standin: StandIn) -> list[BaseRoute]:
    """Make the routes for one stand-in."""

    async def answer(request: Request) -> Response:
        if not _is_local(request):
            return JSONResponse({"error": "the control endpoint answers on this machine only"}, 403)
        name = request.path_params["method"]
        if name not in READING and (name not in CHANGING or request.method != "POST"):
            return JSONResponse({"error": f"no method {name}", "methods": [*READING, *CHANGING]}, 404)
        body = await request.body()
        try:
            result = getattr(standin, name)(**(json.loads(body) if body else {}))
        except (RegistryError, TypeError, ValueError, KeyError, IndexError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"result": _plain(result)})

    return [Route(f"{CONTROL_PREFIX}/{{method}}", answer, methods=["GET", "POST"])]


def _is_local(request: Request) -> bool:
    host = request.client.host if request.client else ""
    try:
        return not host or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True  # a Unix socket has no address


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return [_plain(item) for item in value] if isinstance(value, list) else value
