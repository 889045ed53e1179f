"""Connections that are slow on purpose end by themselves, and the others notice nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from skillapi import connections
from skillapi.connections import BoundedConnection
from tests.waiting import wait_until

LARGE = 32 * 1024 * 1024  # more than the buffers of any socket


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.4)
    monkeypatch.setattr(connections, "READING_SECONDS", 0.3)
    with _serving() as number:
        yield number


@contextmanager
def _serving() -> Iterator[int]:
    async def small(_: Request) -> Response:
        return PlainTextResponse("small")

    async def large(_: Request) -> Response:
        return Response(bytes(LARGE))

    app = Starlette(routes=[Route("/", small, methods=["GET", "POST"]), Route("/large", large)])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, loop="uvloop", http=BoundedConnection, log_config=None, ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)


def ends(stream: socket.socket) -> bytes:
    """Read until the server ends the connection; what was read."""
    stream.settimeout(10)
    received = b""
    try:
        while part := stream.recv(1 << 20):
            received += part
    except ConnectionError:
        pass
    return received


@pytest.mark.parametrize(
    "begin",
    [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab"],
    ids=["nothing", "half of the headers", "half of the body"],
)
def test_a_request_that_does_not_end_is_given_up(port: int, begin: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(begin)
        assert httpx.get(f"http://127.0.0.1:{port}/").text == "small"
        answer = ends(slow)
    assert answer == b"" or answer.endswith(b"small")


def test_a_drip_of_bytes_does_not_buy_time(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\n")
        ended = threading.Event()

        def read() -> None:
            ends(slow)
            ended.set()

        reader = threading.Thread(target=read)
        reader.start()
        dripped = 0
        while not ended.wait(0.05):
            try:
                slow.sendall(b"X-Drip: 1\r\n")
            except OSError:
                break
            dripped += 1
        reader.join(10)
    assert dripped < 100  # five seconds of it


def test_headers_without_an_end_are_refused(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as greedy:
        greedy.settimeout(10)
        with pytest.raises(ConnectionError):  # noqa: PT012 - whichever of the two notices first
            greedy.sendall(b"GET / HTTP/1.1\r\nX-Long: ")
            for _ in range(1000):
                greedy.sendall(b"x" * 65536)
            greedy.recv(1)
    assert httpx.get(f"http://127.0.0.1:{port}/").text == "small"


def test_whoever_reads_nothing_is_dropped(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as idle:
        idle.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(10)
        stop = threading.Event()
        stop.wait(1.5)  # reads nothing meanwhile
        assert len(ends(idle)) < LARGE


def test_a_slow_but_steady_reader_gets_everything(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as steady:
        steady.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        pause, received = threading.Event(), 0
        while part := steady.recv(512 * 1024):
            received += len(part)
            pause.wait(0.01)
        assert received > LARGE


def test_a_kept_connection_may_ask_again_later(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert client.get("/").text == "small"
        threading.Event().wait(0.8)  # longer than a request may take
        assert client.get("/").text == "small"
