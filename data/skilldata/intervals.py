"""How long a repository can wait until it is looked at again.

The wait follows what the looks found, as web crawlers do (Cho and Garcia-Molina, "Effective page refresh
policies for Web crawlers", 2003: a page's rate of change is estimated from whether it had changed at each
visit): it is halved when there was a change and grows by half when there was none. A repository that
changes at a steady pace is so looked at about twice for each change, one that is still less and less often.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

SHRINK, GROW = 0.5, 1.5
FIRST = 10  # the first wait is this fraction of the time that a repository has been still


class Bounds(NamedTuple):
    """The least and the most that a wait may be."""

    shortest: timedelta
    longest: timedelta

    def clamp(self, wait: timedelta) -> timedelta:
        """Bring a wait within the bounds."""
        return min(max(wait, self.shortest), self.longest)


DEFAULT_BOUNDS = Bounds(timedelta(hours=1), timedelta(days=7))


def next_wait(before: timedelta | None, *, changed: bool, still: timedelta | None, bounds: Bounds) -> timedelta:
    """Say how long a repository waits after a look.

    Args:
        before: How long it waited for this look; None for the first.
        changed: Whether this look found another head than the one before.
        still: Time since its last push as far as is known, which is all there is to go by at first.
        bounds: What the wait stays within.
    """
    if before is None:
        return bounds.longest if still is None else bounds.clamp(still / FIRST)
    return bounds.clamp(bounds.clamp(before) * (SHRINK if changed else GROW))
