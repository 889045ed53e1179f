"""Free loopback ports."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence

from skilldata.errors import ServiceUnavailable

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # As servers do: a connection of an earlier server that is still closing does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def choose_ports(names: Sequence[str], candidates: range, companion: int = 0) -> dict[str, int]:
    """Choose a free port for every name, at random among the candidates.

    Args:
        names: What the ports are for.
        candidates: Ports to choose from. They should lie below those that the system gives to outgoing
            connections (from 32768 on Linux), or a chosen port may be taken while its server is down.
        companion: Where not 0, the port this much higher must be free as well.

    Raises:
        ServiceUnavailable: There are not so many free ports.
    """
    shuffled = secrets.SystemRandom().sample(candidates, len(candidates))
    usable = (port for port in shuffled if is_usable(port, companion))
    chosen = dict(zip(names, usable, strict=False))
    if len(chosen) < len(names):
        raise ServiceUnavailable(
            f"no free loopback port in {candidates.start}-{candidates.stop - 1}", remedy="End what listens there."
        )
    return chosen


def is_usable(port: int, companion: int) -> bool:
    """Tell whether a port is free, and the one `companion` higher where that is not 0."""
    return is_free(port) and (not companion or is_free(port + companion))


def accepts(port: int, seconds: float) -> bool:
    """Tell whether somebody accepts connections on this loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=seconds):
            return True
    except OSError:
        return False
