"""Around every request: who asks, the wire log, and faults on purpose."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.standin.faults import Fault, Faults, damaged
from tests.standin.limits import SecondaryLimits
from tests.standin.wire import Exchange, WireLog, kind_of
from tests.standin.world import Token, World

CONTROL_PREFIX = "/_standin"
_DRIP_INTERVAL = 0.05


@dataclass(frozen=True)
class Caller:
    """Who asks: `token` is None for anonymous requests and for credentials that are not valid."""

    token: Token | None
    has_bad_credentials: bool = False


def read_caller(world: World, headers: Headers) -> Caller:
    """Read the Authorization header: `token X`, `Bearer X`, or Basic with X as the password.

    A JSON Web Token of an App is neither known nor wrong here; `apps` checks it.
    """
    scheme, _, value = headers.get("authorization", "").partition(" ")
    value = value.strip()
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return Caller(None, has_bad_credentials=True)
        value = password if password not in {"", "x-oauth-basic"} else user
    if not value or value.count(".") == 2:
        return Caller(None)
    token = world.token(value)
    return Caller(token, has_bad_credentials=token is None)


class Wire:
    """ASGI middleware that logs each exchange and carries out faults.

    The scope gains `caller` and, where the endpoint has to know, `fault`.
    """

    def __init__(self, app: ASGIApp, world: World, log: WireLog, faults: Faults, secondary: SecondaryLimits) -> None:
        self._app, self._world, self._log, self._faults, self._secondary = app, world, log, faults, secondary

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        caller = read_caller(self._world, headers)
        kind, method, path = kind_of(scope["path"]), scope["method"], scope["path"]
        fault = self._faults.take(method, path, kind)
        exchange = Exchange(
            kind=kind,
            method=method,
            path=path,
            query=scope["query_string"].decode("latin-1"),
            token=caller.token.id if caller.token else "",
            fault=fault.name if fault else "",
            headers={name: headers[name] for name in ("user-agent", "accept", "if-none-match") if name in headers},
        )
        self._log.add(exchange)
        scope["caller"], scope["fault"] = caller, fault
        sender = _Sender(send, exchange, fault)
        self._secondary.begin(caller.token)
        try:
            await self._answer(scope, _counted(receive, exchange), sender, fault)
        except _CutError:
            self._faults.note_cut(path)
        finally:
            exchange.ended_at = time.time()
            self._secondary.end(caller.token)

    async def _answer(self, scope: Scope, receive: Receive, send: _Sender, fault: Fault | None) -> None:
        if fault and fault.stall:
            await asyncio.sleep(fault.stall)
        if fault and fault.status:
            await _send_status(send, fault, int(self._world.clock().timestamp()))
        else:
            await self._app(scope, receive, send)


class _CutError(Exception):
    """The answer was cut on purpose; returning without its end makes the server close the connection."""


class _Sender:
    """Counts what is sent; drips, cuts and damages it where a fault says so."""

    def __init__(self, send: Send, exchange: Exchange, fault: Fault | None) -> None:
        self._send, self._exchange, self._fault = send, exchange, fault
        self._damages = fault is not None and fault.corrupt and exchange.kind in {"git", "codeload"}

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._exchange.status = message["status"]
            self._exchange.tell(Headers(raw=message["headers"]))
            await self._send(message)
            return
        body = message.get("body", b"")
        if self._damages and len(body) > 64:
            body = damaged(body)
        more = message.get("more_body", False)
        fault = self._fault
        if fault and fault.cut is not None and self._exchange.bytes_out + len(body) > fault.cut:
            await self._emit(body[: fault.cut - self._exchange.bytes_out], more=True)
            raise _CutError
        if fault and fault.drip:
            piece = max(1, int(fault.drip * _DRIP_INTERVAL))
            for start in range(0, len(body), piece):
                await self._emit(body[start : start + piece], more=True)
                await asyncio.sleep(_DRIP_INTERVAL)
            body = b""
        await self._emit(body, more=more)

    async def _emit(self, body: bytes, *, more: bool) -> None:
        self._exchange.bytes_out += len(body)
        await self._send({"type": "http.response.body", "body": body, "more_body": more})


def _counted(receive: Receive, exchange: Exchange) -> Receive:
    async def counted() -> Message:
        message = await receive()
        exchange.bytes_in += len(message.get("body", b""))
        return message

    return counted


async def _send_status(send: _Sender, fault: Fault, now: int) -> None:
    body = json.dumps(fault.body()).encode()
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    if fault.retry_after is not None:
        headers.append((b"retry-after", str(fault.retry_after).encode()))
    if fault.remaining is not None:
        headers.append((b"x-ratelimit-limit", b"5000"))
        headers.append((b"x-ratelimit-remaining", str(fault.remaining).encode()))
        headers.append((b"x-ratelimit-reset", str(now + (fault.retry_after or fault.reset_after)).encode()))
    await send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
