"""Running the application: one process, drained before it ends."""

from __future__ import annotations

import gc
import signal
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from skillapi.connections import BoundedConnection
from skilldata.errors import ConfigurationError

DRAIN_SECONDS = 30
MOST_CONNECTIONS = 2000  # whoever comes after is told to come again


def serve(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    announce: Callable[[str], None] = lambda _: None,
    drain_seconds: int = DRAIN_SECONDS,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what was begun and return.

    Args:
        app: The application.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        announce: Told the address, `http://host:port`, when connections are accepted.
        drain_seconds: Longest wait for answers that were begun.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """
    listener = _listen(host, port)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=BoundedConnection,
        ws="none",
        lifespan="on",
        log_config=None,  # logging is the command line's affair
        access_log=False,  # the application writes its own, without queries and addresses
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=15,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=drain_seconds,
    )
    address = f"[{host}]" if ":" in host else host
    # uvicorn raises the signal again when it has drained; without this, that would end the process.
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    # What is there now stays: the collector need not walk through it while requests wait.
    gc.collect()
    gc.freeze()
    try:
        announce(f"http://{address}:{listener.getsockname()[1]}")
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        pass  # the same for SIGINT
    finally:
        signal.signal(signal.SIGTERM, before)
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {error.strerror}",
            remedy="Set api.host and api.port to an address of this machine that is free.",
        ) from None
