"""One publisher at a time on a machine."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skilldata.errors import SnapshotError


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Keep other publishers out; the lock is gone with the process that holds it, however that ends.

    Args:
        lock: The file that publishers of the same targets share; made where it is missing.

    Raises:
        SnapshotError: Another one is at work.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SnapshotError("another publisher is at work", remedy="Wait until it is done.") from None
        yield
