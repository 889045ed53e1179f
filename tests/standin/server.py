"""Serves an ASGI application on a loopback port, and on a Unix socket, from a thread."""

from __future__ import annotations

import asyncio
import contextlib
import socket as sockets
import threading
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from tests.standin.world import StandInError

_START_SECONDS = 20
_STOP_SECONDS = 10


class Server:
    """One running server.

    Args:
        app: What it serves.
        port: TCP port on 127.0.0.1; 0 takes a free one.
        socket: Path of a Unix socket, if any.
    """

    def __init__(self, app: ASGIApp, *, port: int = 0, socket: Path | None = None) -> None:
        self._listeners = [_tcp(port)] + ([_unix(socket)] if socket else [])
        self._socket = socket
        self.port: int = self._listeners[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            app,
            loop="asyncio",  # uvloop cannot run processes off the main thread
            http="httptools",
            log_level="critical",
            lifespan="off",
            timeout_graceful_shutdown=1,
            timeout_keep_alive=75,
            server_header=False,
        )
        self._server = _Quiet(config)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="standin", daemon=True)

    def start(self) -> None:
        """Begin to serve and return once it answers.

        Raises:
            StandInError: It does not come up.
        """
        self._thread.start()
        if not self._server.is_up.wait(_START_SECONDS):
            raise StandInError(f"the stand-in did not start on port {self.port}: {self._failure}")

    def stop(self) -> None:
        """Stop serving; requests under way get a second."""
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
        for listener in self._listeners:
            listener.close()
        if self._socket:
            self._socket.unlink(missing_ok=True)

    def _run(self) -> None:
        try:
            asyncio.run(self._server.serve(sockets=self._listeners))
        except BaseException as error:  # shown by start()
            self._failure = error
            raise


class _Quiet(uvicorn.Server):
    """Tells when it is up, and leaves signals to the process that it runs in."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: list[sockets.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def] # differs between uvicorn's versions
        yield


def _tcp(port: int) -> sockets.socket:
    # Named as TCP, or asyncio leaves Nagle's algorithm on and every answer waits 40 ms.
    listener = sockets.socket(sockets.AF_INET, sockets.SOCK_STREAM, sockets.IPPROTO_TCP)
    listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise StandInError(f"port {port} is taken: {error.strerror}", remedy="Choose another, or 0.") from None
    return listener


def _unix(path: Path) -> sockets.socket:
    path.unlink(missing_ok=True)
    listener = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    listener.bind(str(path))
    return listener
