"""The worker's own small web server: `/metrics` for Prometheus, and `/healthz` for whoever restarts it."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from skilldata.errors import ConfigurationError

TEXT = "text/plain; version=0.0.4; charset=utf-8"
SDK_SECONDS = 2.0
SDK_BYTES = 8 * 1024 * 1024


@contextmanager
def exporting(
    host: str, port: int, metrics: Callable[[], str], *, sdk: str = "", alive: Callable[[], bool] = lambda: True
) -> Iterator[int]:
    """Serve for as long as the block lasts; gives the port.

    Args:
        host: Address to listen on.
        port: Port; 0 takes a free one.
        metrics: Gives the registry's own metrics as text.
        sdk: Address of those that the Temporal SDK serves on the loopback interface, which are added; empty: none.
        alive: Whether the worker takes work.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, metrics() + _sdk_text(sdk), TEXT)
            elif self.path == "/healthz":
                well = alive()
                self._answer(200 if well else 503, "ok\n" if well else "not taking work\n", "text/plain")
            else:
                self._answer(404, "/metrics and /healthz are here\n", "text/plain")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing: it is asked every few seconds."""

        def _answer(self, status: int, text: str, kind: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {error.strerror}", remedy="Set worker.metrics_port to a free port."
        ) from None
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def _sdk_text(address: str) -> str:
    if not address:
        return ""
    try:
        with urllib.request.urlopen(address, timeout=SDK_SECONDS) as answer:  # noqa: S310 - our own, on loopback
            text: str = answer.read(SDK_BYTES).decode("utf-8", "replace")
            return text
    except OSError:
        return ""
