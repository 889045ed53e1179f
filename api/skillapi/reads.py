"""A limit on what one caller may read, told in every answer it counts for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from starlette.types import Scope

from skillapi.problems import Problem
from skillapi.ratelimit import RateLimit, client_key

WINDOW = 60  # seconds
READS = frozenset({"GET", "HEAD"})
PREFIX = "/api/v1/"
PACKAGES, SKILLS, DOWNLOAD = "/api/v1/packages/", "/api/v1/skills/", "/download"


class Told(NamedTuple):
    """What a caller is told: headers, and the seconds until the next read where this one is refused."""

    headers: list[tuple[bytes, bytes]]
    wait: float


class ReadLimit:
    """Counts reads by caller.

    `RateLimit` and `RateLimit-Policy` are those of draft-ietf-httpapi-ratelimit-headers-10, `Retry-After` that of
    RFC 9110 section 10.2.3.

    Args:
        per_minute: Requests of one address, or of one IPv6 network of 64 bits.
        client_header: Header in which the proxy in front names the caller; '' where there is none.
        redirects: Whether downloads are sent elsewhere; those of skills by name are free then, too.
    """

    def __init__(self, per_minute: int, client_header: str = "", *, redirects: bool = False) -> None:
        self._redirects = redirects
        self._limit = RateLimit(per_minute, seconds=WINDOW)
        self._header = client_header.lower().encode()
        self._policy = b"ratelimit-policy", f'"reads";q={per_minute};w={WINDOW}'.encode()

    def take(self, scope: Scope, asked: Mapping[bytes, bytes]) -> Told | None:
        """Count a request, of whose headers `asked` has the last of each name; None where it is not counted."""
        path: str = scope["path"]
        if not path.startswith(PREFIX) or path.startswith(PACKAGES) or scope["method"] not in READS:
            return None
        if self._redirects and path.endswith(DOWNLOAD) and path.startswith(SKILLS):
            return None
        wait, left = self._limit.take(caller(scope, asked, self._header))
        told = b'"reads";r=%d;t=%d' % (left, math.ceil(wait) if wait else WINDOW)
        return Told([self._policy, (b"ratelimit", told)], wait)


def caller(scope: Scope, asked: Mapping[bytes, bytes], header: bytes) -> str:
    """Give what stands for the caller of a request.

    Args:
        scope: The request.
        asked: The last of its headers of each name.
        header: Name of the one in which the proxy in front names the caller, in lower case; empty: there is none.
            The last address of the last such header counts: those before are what the caller says.
    """
    named = asked.get(header, b"").decode("latin-1").rpartition(",")[2] if header else ""
    client = scope.get("client")
    return client_key(named or (client[0] if client else ""))


def too_many(wait: float) -> Problem:
    """Say when the caller may ask again."""
    seconds = str(math.ceil(wait))
    return Problem(
        "too-many-requests",
        "This address asks for more than one caller may read.",
        remedy=f"Ask again in {seconds} s; whoever wants everything takes the snapshot's files.",
        headers={"Retry-After": seconds},
    )
