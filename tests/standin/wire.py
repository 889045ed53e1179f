"""The wire log: one line per request that a client sent, without secrets."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Exchange:
    """One request and its answer.

    `kind` is rest, graphql, git, codeload, search or other; `token` is the credential's id in the
    stand-in, empty for an anonymous request. Sizes are bytes of bodies, without headers. Times are seconds
    since the epoch: when it began and ended, and when its sender may come back (0 where the answer sets no limit),
    for requests of the same kind only where `limits_kind_only`.
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
    began_at: float = field(default_factory=time.time)
    ended_at: float = 0.0
    back_at: float = 0.0
    limits_kind_only: bool = False

    def tell(self, headers: Mapping[str, str]) -> None:
        """Note the limit that an answer tells, by the rules of GitHub's documentation.

        `retry-after`, else the reset of an empty bucket, else a minute. A 403 that tells a bucket with something
        left is no limit; GraphQL says of its limit with status 200.
        """
        left = headers.get("x-ratelimit-remaining")
        exhausted = left == "0"
        forbidden = self.status == 403 and (exhausted or left is None or "retry-after" in headers)
        if not (forbidden or self.status == 429 or "RATE_LIMITED" in self.fault):
            return
        self.limits_kind_only = self.kind == "git" or (exhausted and "retry-after" not in headers)
        if "retry-after" in headers:
            self.back_at = time.time() + float(headers["retry-after"])
        elif exhausted:
            self.back_at = float(headers["x-ratelimit-reset"])
        else:
            self.back_at = time.time() + 60

    def as_json(self) -> dict[str, Any]:
        """Give it as a JSON object."""
        return asdict(self)


def early(log: Sequence[Exchange], *, under_way: float = 0.0) -> list[Exchange]:
    """List the requests that began after their sender was told to wait, and before that time was over.

    Requests of git that began within `under_way` seconds of the answer are left out: their process was started
    before it, and had no way to learn of it.
    """
    limits = [one for one in log if one.back_at]
    return [
        one
        for one in log
        if any(
            limit.token == one.token
            and limit.ended_at + (under_way if one.kind == "git" else 0.0) <= one.began_at < limit.back_at
            and limit.ended_at
            and (one.kind == limit.kind or not (limit.limits_kind_only or one.kind in {"git", "codeload"}))
            for limit in limits
        )
    ]


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
