"""What is left of GitHub's limits, for each credential and bucket, shared by all workers.

A credential goes by a name that tells nothing of it; no token is ever stored. Times are kept on the database's
clock, the one clock that all workers have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from skilldata.database import Database

FIRST_WAIT = 60  # seconds, where GitHub does not say how long; doubled each time in a row
LONGEST_WAIT = 3600
SECONDARY = "secondary"  # the bucket that limits what all others of a credential do at once


class Budget(NamedTuple):
    """What is left to a credential in a bucket.

    Attributes:
        limit: Requests or points of a whole window; None where it was never told.
        left: Those that are left of this window.
        resets_in: Seconds until a new window; 0 where it has begun.
        blocked_for: Seconds for which GitHub wants no request at all; 0 where it takes them.
    """

    credential: str
    bucket: str
    limit: int | None
    left: int | None
    resets_in: float
    blocked_for: float

    def usable(self, reserve: float) -> float:
        """Requests that may be sent without touching a reserved share of the window; infinite where not known."""
        if self.limit is None or self.left is None:
            return float("inf")
        left = self.left if self.resets_in > 0 else self.limit
        return left - self.limit * reserve

    def wait(self, reserve: float) -> float:
        """Seconds until a request may be sent."""
        return max(self.blocked_for, self.resets_in if self.usable(reserve) < 1 else 0.0)


class Budgets:
    """The budgets in the index.

    Args:
        database: The index.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self) -> list[Budget]:
        """List all of them."""
        with self._database.transaction() as connection:
            return [Budget(*row) for row in connection.execute(_SELECT + "ORDER BY credential, bucket")]

    def take(self, buckets: Sequence[str], choose: Callable[[Sequence[Budget]], str]) -> str:
        """Choose a credential for one request, and count the request before it is sent.

        The rows are locked from the look at them until they are counted, so that two workers never share the last
        request of a window.

        Args:
            buckets: The bucket of the request, then those that limit it as well.
            choose: Gives the name of a credential, or raises where none may ask.
        """
        query = _SELECT + "WHERE bucket = ANY(%s) ORDER BY credential, bucket FOR UPDATE"
        with self._database.transaction() as connection:
            credential = choose([Budget(*row) for row in connection.execute(query, (list(buckets),))])
            connection.execute(_COUNT, (credential, buckets[0]))
            return credential

    def blocked(self, credential: str, buckets: Sequence[str]) -> float:
        """Say for how many seconds GitHub wants no request of a credential in any of these buckets."""
        query = _SELECT + "WHERE credential = %s AND bucket = ANY(%s)"
        with self._database.transaction() as connection:
            rows = connection.execute(query, (credential, list(buckets))).fetchall()
        return max((Budget(*row).blocked_for for row in rows), default=0.0)

    def note(self, credential: str, bucket: str, *, limit: int, left: int, resets_in: float) -> None:
        """Take what an answer said. Answers come in any order: within a window, what is left only falls."""
        with self._database.transaction() as connection:
            connection.execute(_NOTE, {"credential": credential, "bucket": bucket, "limit": limit, "left": left,
                                       "resets_in": resets_in})  # fmt: skip
            connection.execute(_FORGIVE, (credential, [bucket, SECONDARY]))

    def block(self, credential: str, bucket: str, seconds: float | None) -> float:
        """Let no request of a credential go out for a while.

        Args:
            credential: Whose.
            bucket: In which bucket.
            seconds: How long; None where GitHub did not say: a minute at first, and twice as long each time in a row.

        Returns:
            For how many seconds it is blocked now.
        """
        values = {"credential": credential, "bucket": bucket, "seconds": seconds,
                  "first": FIRST_WAIT, "longest": LONGEST_WAIT}  # fmt: skip
        with self._database.transaction() as connection:
            row = connection.execute(_BLOCK, values).fetchone()
            return float(row[0]) if row else 0.0


_SELECT = """
    SELECT credential, bucket, "limit", "left",
    coalesce(greatest(0, extract(epoch FROM resets_at - now())), 0)::float,
    coalesce(greatest(0, extract(epoch FROM blocked_until - now())), 0)::float
    FROM github_budget
"""
_COUNT = """
    UPDATE github_budget
    SET "left" = greatest(0, CASE WHEN resets_at > now() THEN "left" ELSE "limit" END - 1),
        resets_at = CASE WHEN resets_at > now() THEN resets_at ELSE now() + interval '1 minute' END
    WHERE credential = %s AND bucket = %s AND "limit" IS NOT NULL
"""
# GitHub tells the end of a window in whole seconds, so that the same one may seem to move by a second or two.
_NOTE = """
    INSERT INTO github_budget (credential, bucket, "limit", "left", resets_at)
    VALUES (%(credential)s, %(bucket)s, %(limit)s, %(left)s, now() + make_interval(secs => %(resets_in)s))
    ON CONFLICT (credential, bucket) DO UPDATE
    SET "limit" = EXCLUDED."limit", resets_at = EXCLUDED.resets_at, noted_at = now(),
        "left" = CASE
            WHEN abs(extract(epoch FROM EXCLUDED.resets_at - github_budget.resets_at)) < 3
            THEN least(github_budget."left", EXCLUDED."left") ELSE EXCLUDED."left" END
"""
# Rows are locked in the order of `take`, and none of another bucket, so that nobody waits in a circle.
_FORGIVE = """
    UPDATE github_budget SET strikes = 0
    WHERE (credential, bucket) IN (
        SELECT credential, bucket FROM github_budget
        WHERE credential = %s AND bucket = ANY(%s) AND strikes > 0 AND blocked_until <= now()
        ORDER BY credential, bucket FOR UPDATE
    )
"""
_BLOCK = """
    INSERT INTO github_budget AS budget (credential, bucket, blocked_until, strikes)
    VALUES (%(credential)s, %(bucket)s,
            now() + make_interval(secs => coalesce(%(seconds)s::float, %(first)s)), 1)
    ON CONFLICT (credential, bucket) DO UPDATE
    SET blocked_until = greatest(
            budget.blocked_until,
            now() + make_interval(secs => coalesce(
                %(seconds)s::float, least(%(longest)s, %(first)s * power(2, budget.strikes))))),
        -- Requests that were under way together are one strike.
        strikes = budget.strikes + (budget.blocked_until IS NULL OR budget.blocked_until <= now())::integer,
        noted_at = now()
    RETURNING extract(epoch FROM blocked_until - now())
"""
