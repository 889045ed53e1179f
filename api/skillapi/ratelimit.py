"""How often somebody may ask: a bounded table of token buckets, in this process's memory.

A bucket holds an hour's worth, or that of another time, and fills evenly. Only the time at which it will be
full again is kept (the generic cell rate algorithm, ITU-T I.371).
"""

from __future__ import annotations

import functools
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

HOUR = 3600.0
_ROUNDING = 1e-6


class RateLimit:
    """Lets each key through so many times an hour.

    Args:
        count: How often; all of it at once, too.
        seconds: Within what time, where it is not an hour.
        most_keys: Keys that are remembered; of more, the one that asked longest ago is forgotten.
        clock: Gives seconds.
    """

    def __init__(
        self,
        count: int,
        *,
        seconds: float = HOUR,
        most_keys: int = 50_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._step = seconds / count
        self._most_keys = most_keys
        self._clock = clock
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def wait(self, key: Hashable) -> float:
        """Give the seconds until the key may ask; 0 for now. Does not count."""
        return max(0.0, self._full(key) + self._step - self._clock() - self._seconds)

    def left(self, key: Hashable) -> int:
        """Give how often the key may ask at once."""
        return max(0, int((self._clock() + self._seconds - self._full(key)) / self._step + _ROUNDING))

    def take(self, key: Hashable) -> tuple[float, int]:
        """Count one request of a key where it may ask.

        Returns:
            The seconds until it may ask, 0 where it was counted; and how often it may ask at once after that.
        """
        now, full = self._clock(), self._full_at.get(key, 0.0)
        full = (max(now, full)) + self._step
        spare = now + self._seconds - full
        if spare < -_ROUNDING:
            return -spare, 0
        self._full_at[key] = full
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._most_keys:
            self._full_at.popitem(last=False)
        return 0.0, max(0, int(spare / self._step + _ROUNDING))

    def count(self, key: Hashable) -> None:
        """Count one request of a key."""
        self._full_at[key] = self._full(key) + self._step
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._most_keys:
            self._full_at.popitem(last=False)

    def give_back(self, key: Hashable) -> None:
        """Take the count of one request back."""
        if key in self._full_at:
            self._full_at[key] -= self._step

    def _full(self, key: Hashable) -> float:
        now = self._clock()
        return max(self._full_at.get(key, now), now)


@functools.lru_cache(maxsize=4096)
def client_key(address: str) -> str:
    """Give what stands for a caller: an address, or an IPv6 network of 64 bits, which is what one caller gets.

    What is no address stands for itself, cut short.
    """
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(parsed)
