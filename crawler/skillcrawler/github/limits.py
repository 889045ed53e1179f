"""GitHub's limits: what its headers say, and which credential may ask next. Pure.

Rules: "Rate limits for the REST API" and "… for the GraphQL API" in GitHub's documentation. Times are seconds from
now, counted on GitHub's clock, so that ours may be wrong.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from skillcrawler.errors import RateLimited
from skilldata.budgets import Budget

CORE, GRAPHQL, SEARCH, CODE_SEARCH = "core", "graphql", "search", "code_search"
SECONDARY = "secondary"  # limits what all buckets of a credential do at once
UNKNOWN_WAIT = 60.0  # seconds at least, where GitHub does not say how long


class Reading(NamedTuple):
    """What the headers of an answer say: requests or points in all and left, and seconds until they are renewed."""

    bucket: str
    limit: int
    left: int
    resets_in: float


def bucket_of(path: str) -> str:
    """Say which limit a request counts against, as far as it can be known before the answer."""
    if path.endswith("/graphql"):
        return GRAPHQL
    if path.startswith("/search/"):
        return CODE_SEARCH if path == "/search/code" else SEARCH
    return CORE


def read_headers(headers: Mapping[str, Any], bucket: str) -> Reading | None:
    """Read the headers of an answer; None where they say nothing."""
    try:
        return Reading(
            str(headers.get("x-ratelimit-resource") or bucket),
            int(headers["x-ratelimit-limit"]),
            int(headers["x-ratelimit-remaining"]),
            max(0.0, float(headers["x-ratelimit-reset"]) - _clock(headers) + 1),
        )
    except (KeyError, ValueError):
        return None


def is_limit(status: int, headers: Mapping[str, Any], body: str) -> bool:
    """Say whether an answer says "not now": with 403 or 429, and GraphQL's own limit with 200."""
    if status == 200:
        return '"RATE_LIMITED"' in body
    if status not in {403, 429}:
        return False
    exhausted = str(headers.get("x-ratelimit-remaining", "")) == "0"
    return status == 429 or exhausted or "retry-after" in headers or "rate limit" in body.lower()


def wait(headers: Mapping[str, Any]) -> tuple[float | None, bool]:
    """Say how long to wait after such an answer.

    Returns:
        Seconds, None where GitHub does not say; and whether it is the secondary limit.
    """
    exhausted = str(headers.get("x-ratelimit-remaining", "")) == "0"
    try:
        if "retry-after" in headers:
            return max(1.0, float(headers["retry-after"])), not exhausted
    except ValueError:
        return None, not exhausted
    reading = read_headers(headers, "")
    if exhausted and reading is not None:
        return max(1.0, reading.resets_in), False
    return None, True


def choose(credentials: Sequence[str], budgets: Sequence[Budget], bucket: str, reserve: float) -> str:
    """Choose the credential that has most left; one that was never asked comes first.

    Args:
        credentials: Their names.
        budgets: What is known of them in this bucket, and of their secondary limits.
        bucket: What the request counts against.
        reserve: Share of each limit that is left alone, 0 to 1.

    Raises:
        RateLimited: None may ask now; with the time until the first may.
    """
    known = {(one.credential, one.bucket): one for one in budgets}
    waits, found = {}, {}
    for name in credentials:
        own, secondary = known.get((name, bucket)), known.get((name, SECONDARY))
        waits[name] = max(secondary.blocked_for if secondary else 0.0, own.wait(reserve) if own else 0.0)
        found[name] = own.usable(reserve) if own else float("inf")
    free = [name for name in credentials if waits[name] <= 0]
    if not free:
        raise RateLimited(max(1.0, min(waits.values())), bucket)
    return max(free, key=lambda name: found[name])


def _clock(headers: Mapping[str, Any]) -> float:
    try:
        return parsedate_to_datetime(str(headers["date"])).timestamp()
    except (KeyError, ValueError):
        return time.time()
