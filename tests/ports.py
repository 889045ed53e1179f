"""Ports of this machine."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Give a port that nobody listens on now; a listener that is handed on by its number may lose the race for it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
