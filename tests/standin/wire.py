"""The wire log: one line per request that a client sent, without secrets."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Exchange:
    """One request and its answer.

    `kind` is rest, graphql, git, codeload, search or other; `token` is the credential's id in the
    stand-in, empty for an anonymous request. Sizes are bytes of bodies, without headers.
    """

    kind: str
    method: str
    path: str
    query: str = ""
    status: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    token: str = ""
    fault: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Give it as a JSON object."""
        return asdict(self)


class WireLog:
    """Every exchange since the start or the last reset, in the order of their beginnings."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []

    def add(self, exchange: Exchange) -> None:
        """Take in an exchange that has begun; its fields are filled as it goes on."""
        with self._lock:
            self._exchanges.append(exchange)

    def exchanges(self) -> list[Exchange]:
        """List the exchanges so far."""
        with self._lock:
            return list(self._exchanges)

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._exchanges.clear()


def kind_of(path: str) -> str:
    """Say which part of GitHub a path belongs to."""
    parts = path.strip("/").split("/")
    if parts[-1] == "graphql":
        return "graphql"
    if "search" in parts[:1]:
        return "search"
    if parts[-1] in {"git-upload-pack", "git-receive-pack"} or path.endswith("/info/refs"):
        return "git"
    if parts[0] == "codeload" or (len(parts) > 3 and parts[2] in {"tar.gz", "zip", "legacy.tar.gz", "legacy.zip"}):
        return "codeload"
    known = {"repos", "repositories", "users", "orgs", "user", "rate_limit", "app", "meta", "versions"}
    return "rest" if parts[0] in known else "other"
