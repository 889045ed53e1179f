"""Load on an HTTP server: a few connections that are kept, each asking for the next thing as soon as it has the last.

One thread, plain sockets and no library, so that the measured server has its core to itself.
"""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
PATIENCE = 30.0  # seconds without any answer


@dataclass
class Answers:
    """What came back: answers by status, and the seconds that each took."""

    statuses: dict[int, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    broken: int = 0  # connections that ended before their answer
    took: float = 0.0

    @property
    def errors(self) -> int:
        """Answers that are none, and connections that broke."""
        return self.broken + sum(count for status, count in self.statuses.items() if status >= 400)


@dataclass
class _Connection:
    stream: socket.socket
    received: bytearray = field(default_factory=bytearray)
    asked_at: float = 0.0
    size: int = 0  # of the whole answer; 0 until its head is there


def load(
    port: int,
    paths: Sequence[str],
    until: Callable[[], bool] | None = None,
    *,
    most: int | None = None,
    connections: int = 8,
) -> Answers:
    """Ask a server of loopback for paths in turn until told to stop; every answer is read whole.

    Args:
        port: Where it listens.
        paths: What is asked for.
        until: Says after each round of answers whether it is enough; None: as many as `most`.
        most: Answers at most, about.
        connections: How many ask at the same time.

    Raises:
        SystemExit: Nothing was answered for 30 s.
    """
    requests = cycle([f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode() for path in paths])
    answers, begun = Answers(), time.perf_counter()
    poll = select.epoll()
    open_: dict[int, _Connection] = {}
    try:
        for _ in range(connections):
            _connect(port, poll, open_, requests)
        while not (until and until()) and (most is None or len(answers.seconds) < most):
            ready = poll.poll(PATIENCE)
            if not ready:
                raise SystemExit(f"the server at port {port} answers nothing")
            for number, _ in ready:
                if not _take(open_[number], answers, requests):
                    poll.unregister(number)
                    open_.pop(number).stream.close()
                    _connect(port, poll, open_, requests)
    finally:
        for one in open_.values():
            one.stream.close()
        poll.close()
    answers.took = time.perf_counter() - begun
    return answers


def for_seconds(seconds: float) -> Callable[[], bool]:
    """Make what `load` asks, true after so many seconds from its first call."""
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() >= end


def fetch(port: int, path: str) -> tuple[int, dict[str, str], bytes]:
    """Ask once; give status, headers and body."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as stream:
        stream.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        received = b"".join(iter(lambda: stream.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), {name.lower(): value for name, value in headers.items()}, body


def _connect(port: int, poll: select.epoll, open_: dict[int, _Connection], requests: Iterator[bytes]) -> None:
    stream = socket.create_connection(("127.0.0.1", port))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection = _Connection(stream)
    open_[stream.fileno()] = connection
    poll.register(stream.fileno(), select.EPOLLIN)
    _ask(connection, requests)


def _ask(connection: _Connection, requests: Iterator[bytes]) -> None:
    connection.asked_at = time.perf_counter()
    connection.stream.sendall(next(requests))


def _take(connection: _Connection, answers: Answers, requests: Iterator[bytes]) -> bool:
    """Read what is there, and ask again after the end of an answer; False where the connection broke."""
    try:
        part = connection.stream.recv(262_144)
    except OSError:
        part = b""
    if not part:
        answers.broken += 1
        return False
    received = connection.received
    received += part
    if not connection.size:
        end = received.find(b"\r\n\r\n")
        found = _LENGTH.search(received, 0, end + 2) if end > 0 else None
        if found is None:
            return end < 0  # without a length its end cannot be told: not an answer of ours
        connection.size = end + 4 + int(found[1])
    if len(received) >= connection.size:
        status = int(received[9:12])
        answers.statuses[status] = answers.statuses.get(status, 0) + 1
        answers.seconds.append(time.perf_counter() - connection.asked_at)
        received.clear()
        connection.size = 0
        _ask(connection, requests)
    return True
