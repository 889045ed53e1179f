"""Faults on purpose: wrong statuses, slow, short, late and damaged answers.

A fault is chosen by path, method and kind of request, for a number of requests or with a probability from
a seeded generator, so that a run can be repeated.
"""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from dataclasses import dataclass, fields, replace
from typing import Any

from tests.standin.world import StandInError

_MESSAGES = {
    403: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    429: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    500: "Internal Server Error",
    502: "Server Error",
    503: "Service Unavailable",
    504: "We couldn't respond to your request in time. Sorry about that.",
}


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        path: Regular expression that is searched for in the path.
        method: HTTP method, any where empty.
        kind: Kind of request as in the wire log, any where empty.
        skip: Matching requests to let through first.
        count: Requests to hit after that; all where None.
        probability: Chance of each of them to be hit, drawn from `seed`.
        status: Answer with this status instead; with `retry_after` (seconds) and `remaining` as headers;
            `reset_after` is when the bucket is full again, in seconds.
        message: Message of that answer; GitHub's usual one where empty.
        stall: Seconds to wait before the answer begins.
        drip: Bytes per second that the body is sent at.
        cut: Bytes of the body after which the connection is closed.
        creep: Cut after so many bytes, the next answer from the same path after twice as many, and so on
            until one comes through whole.
        corrupt: Flip bits of file contents, archives and packs.
        graphql: Type of a GraphQL error at status 200, such as RATE_LIMITED.
    """

    path: str = ""
    method: str = ""
    kind: str = ""
    skip: int = 0
    count: int | None = None
    probability: float = 1.0
    seed: int = 0
    status: int = 0
    retry_after: int | None = None
    remaining: int | None = None
    reset_after: int = 60
    message: str = ""
    stall: float = 0.0
    drip: int = 0
    cut: int | None = None
    creep: int = 0
    corrupt: bool = False
    graphql: str = ""

    @classmethod
    def read(cls, values: dict[str, Any]) -> Fault:
        """Make a fault from a JSON object.

        Raises:
            StandInError: A key is not one of the attributes.
        """
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise StandInError(f"a fault has no {', '.join(sorted(unknown))}", remedy="See Fault for what it has.")
        return cls(**values)

    @property
    def name(self) -> str:
        """What the wire log calls it."""
        parts = [str(self.status) if self.status else "", self.graphql]
        parts += [name for name in ("stall", "drip", "corrupt") if getattr(self, name)]
        return "+".join([part for part in parts if part] + (["cut"] if self.cut is not None or self.creep else []))

    def body(self) -> dict[str, str]:
        """Give the JSON body of its status."""
        message = self.message or _MESSAGES.get(self.status, "Fault on purpose")
        return {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(self.status)}


def damaged(content: bytes) -> bytes:
    """Flip one bit in the middle of some bytes."""
    middle = len(content) // 2
    return content[:middle] + bytes(byte ^ 1 for byte in content[middle : middle + 1]) + content[middle + 1 :]


class Faults:
    """The faults that are in force, tried in the order they were added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: list[_Active] = []
        self._cuts: Counter[str] = Counter()

    def add(self, fault: Fault) -> None:
        """Put a fault in force."""
        with self._lock:
            self._active.append(_Active(fault))

    def clear(self) -> None:
        """Take all of them away."""
        with self._lock:
            self._active.clear()
            self._cuts.clear()

    def take(self, method: str, path: str, kind: str) -> Fault | None:
        """Find the fault that hits a request, if any, and count it."""
        with self._lock:
            found = next((active.fault for active in self._active if active.hits(method, path, kind)), None)
            return replace(found, cut=found.creep * (self._cuts[path] + 1)) if found and found.creep else found

    def note_cut(self, path: str) -> None:
        """Note that an answer was cut, so that a fault that creeps goes on."""
        with self._lock:
            self._cuts[path] += 1


class _Active:
    """A fault with what is left of its count."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._pattern = re.compile(fault.path)
        self._random = random.Random(fault.seed)
        self._skip, self._left = fault.skip, fault.count

    def hits(self, method: str, path: str, kind: str) -> bool:
        fault = self.fault
        if self._left == 0 or fault.method not in {"", method} or fault.kind not in {"", kind}:
            return False
        if not self._pattern.search(path):
            return False
        if self._skip:
            self._skip -= 1
            return False
        if self._random.random() >= fault.probability:
            return False
        if self._left is not None:
            self._left -= 1
        return True
