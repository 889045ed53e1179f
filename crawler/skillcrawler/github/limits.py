"""GitHub's limits: what its headers say, and which credential may ask next. Pure.

Rules: "Rate limits for the REST API" and "… for the GraphQL API" in GitHub's documentation. Times are seconds from
now, counted on GitHub's clock, so that ours may be wrong.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from skillcrawler.errors import RateLimited
from skilldata.budgets import SECONDARY, Budget

CORE, GRAPHQL, SEARCH, CODE_SEARCH = "core", "graphql", "search", "code_search"
UNKNOWN_WAIT = 60.0  # seconds at least, where GitHub does not say how long
LONGEST_WAIT = 86_400.0  # seconds; GitHub's longest window is an hour, so that more is no answer of GitHub's
LARGEST_LIMIT = 2**31 - 1


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
        limit, left = int(headers["x-ratelimit-limit"]), int(headers["x-ratelimit-remaining"])
        resets_in = float(headers["x-ratelimit-reset"]) - _clock(headers) + 1
    except (KeyError, ValueError):
        return None
    if not (0 <= left <= limit <= LARGEST_LIMIT and resets_in <= LONGEST_WAIT):  # false for "not a number" too
        return None
    told = str(headers.get("x-ratelimit-resource", ""))
    return Reading(told if re.fullmatch(r"[a-z_]{1,40}", told) else bucket, limit, left, max(0.0, resets_in))


def is_limit(status: int, headers: Mapping[str, Any], body: str, bucket: str) -> bool:
    """Say whether an answer says "not now": with 403 or 429, and GraphQL's own limits with 200 as well."""
    if status == 200:
        return bucket == GRAPHQL and any(_is_graphql_limit(error, headers) for error in _errors(body))
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
            return _retry_after(headers), not exhausted
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


def _errors(body: str) -> list[Any]:
    """Read the errors of a GraphQL answer. Nothing else in it counts: texts of repositories are in there."""
    if '"errors"' not in body:
        return []
    try:
        errors = json.loads(body)["errors"]
    except (ValueError, KeyError, TypeError):
        return []
    return errors if isinstance(errors, list) else []


def _is_graphql_limit(error: Any, headers: Mapping[str, Any]) -> bool:
    if not isinstance(error, Mapping):
        return False
    kind, message = error.get("type"), str(error.get("message", "")).lower()
    # The message of an error about one node has the name of a repository in it.
    about_all = kind not in {"NOT_FOUND", "FORBIDDEN"}
    return kind in {"RATE_LIMITED", "RATE_LIMIT"} or (
        about_all and ("rate limit" in message or "retry-after" in headers)
    )


def _retry_after(headers: Mapping[str, Any]) -> float:
    """Read seconds or a time of day (RFC 9110, section 10.2.3).

    Raises:
        ValueError: It is neither, or no time that makes sense.
    """
    text = str(headers["retry-after"])
    try:
        seconds = float(text)
    except ValueError:
        seconds = parsedate_to_datetime(text).timestamp() - _clock(headers)
    if not math.isfinite(seconds) or not 0 <= seconds <= LONGEST_WAIT:
        raise ValueError("no time that makes sense")
    return max(1.0, seconds)


def _clock(headers: Mapping[str, Any]) -> float:
    try:
        return parsedate_to_datetime(str(headers["date"])).timestamp()
    except (KeyError, ValueError):
        return time.time()
