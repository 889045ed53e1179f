"""Rate limits: primary ones by bucket and token, and GitHub's secondary ones.

Figures: "Rate limits for the REST API" and "Rate limits and query limits for the GraphQL API" of GitHub's
documentation. Secondary limits are counted here in fixed minutes; GitHub's own windows are not published.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.standin.world import Clock, Token


@dataclass(frozen=True)
class Bucket:
    """One primary limit: requests (points for graphql) per window of seconds."""

    authenticated: int
    anonymous: int
    seconds: int


BUCKETS = {
    "core": Bucket(5_000, 60, 3600),
    "graphql": Bucket(5_000, 0, 3600),
    "search": Bucket(30, 10, 60),
    "code_search": Bucket(10, 60, 60),
}


@dataclass(frozen=True)
class Quota:
    """A bucket as its headers tell it; `allowed` says whether the last request was within it."""

    resource: str
    limit: int
    used: int
    reset: int
    allowed: bool = True

    @property
    def remaining(self) -> int:
        """Requests left in this window."""
        return max(0, self.limit - self.used)

    def headers(self) -> dict[str, str]:
        """Give the `x-ratelimit-…` headers."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-used": str(self.used),
            "x-ratelimit-reset": str(self.reset),
            "x-ratelimit-resource": self.resource,
        }


@dataclass
class _Window:
    reset: int
    used: int = 0


class Limits:
    """Primary counters.

    Args:
        clock: Says what time it is.
        buckets: The limits, by bucket name.
    """

    def __init__(self, clock: Clock, buckets: dict[str, Bucket] | None = None) -> None:
        self.buckets = dict(BUCKETS if buckets is None else buckets)
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}

    def spend(self, token: Token | None, resource: str, cost: int = 1) -> Quota:
        """Take from a bucket; past its limit nothing is taken and the quota says so."""
        window, limit = self._window(token, resource), self._limit(token, resource)
        allowed = window.used + cost <= limit
        window.used = window.used + cost if allowed else max(window.used, limit)
        return Quota(resource, limit, window.used, window.reset, allowed)

    def give_back(self, token: Token | None, resource: str) -> Quota:
        """Undo one request, as for an answer of 304."""
        window = self._window(token, resource)
        window.used = max(0, window.used - 1)
        return self.look(token, resource)

    def look(self, token: Token | None, resource: str) -> Quota:
        """Read a bucket without taking from it."""
        window, limit = self._window(token, resource), self._limit(token, resource)
        return Quota(resource, limit, window.used, window.reset)

    def clear(self) -> None:
        """Fill every bucket up."""
        self._windows.clear()

    def _limit(self, token: Token | None, resource: str) -> int:
        bucket = self.buckets[resource]
        return bucket.anonymous if token is None else token.limits.get(resource, bucket.authenticated)

    def _window(self, token: Token | None, resource: str) -> _Window:
        key = (token.id if token else "", resource)
        now = int(self._clock().timestamp())
        window = self._windows.get(key)
        if window is None or window.reset <= now:
            window = self._windows[key] = _Window(reset=now + self.buckets[resource].seconds)
        return window


class SecondaryLimits:
    """Requests at once and points per minute, by token; None switches one off."""

    concurrent: int | None = 100
    rest_points: int | None = 900
    graphql_points: int | None = 2_000

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minute = 0
        self._points: Counter[tuple[str, bool]] = Counter()
        self._running: Counter[str] = Counter()

    def begin(self, token: Token | None) -> None:
        """Count a request that is being answered."""
        self._running[token.id if token else ""] += 1

    def end(self, token: Token | None) -> None:
        """Count it off again."""
        self._running[token.id if token else ""] -= 1

    def exceeded(self, token: Token | None, *, graphql: bool, points: int = 1) -> bool:
        """Take points for a request and say whether it is over a secondary limit."""
        minute = int(self._clock().timestamp()) // 60
        if minute != self._minute:
            self._minute = minute
            self._points.clear()
        key = (token.id if token else "", graphql)
        self._points[key] += points
        allowed = self.graphql_points if graphql else self.rest_points
        too_many = self.concurrent is not None and self._running[key[0]] > self.concurrent
        return too_many or (allowed is not None and self._points[key] > allowed)

    def clear(self) -> None:
        """Forget the points of this minute."""
        self._points.clear()
