"""The roles of the metadata: their names, and how long what they sign is valid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

ROOT, TARGETS, SNAPSHOT, TIMESTAMP = "root", "targets", "snapshot", "timestamp"
BIN_PREFIX = "bin"

# 1,024 bins: at 100,000 packages a client that checks one reads some 45 KB, and a change of 1 % signs most bins
# anew but uploads no more than the sizes of what it changed.
BIN_BITS = 10
MAX_BIN_BITS = 14

# Short for what is signed by the online key, as that is the key which can be stolen unnoticed.
VALIDITY = {
    ROOT: timedelta(days=365),
    TARGETS: timedelta(days=365),
    BIN_PREFIX: timedelta(days=30),
    SNAPSHOT: timedelta(days=7),
    TIMESTAMP: timedelta(days=1),
}


def expires(role: str, now: datetime) -> datetime:
    """Say until when something signed now by a role is valid, in whole seconds as the format has them."""
    return (now.astimezone(UTC) + VALIDITY[role]).replace(microsecond=0)


def is_due(role: str, expiry: datetime, now: datetime) -> bool:
    """Say whether something is to be signed anew: two thirds of its validity are over."""
    return expiry - now.astimezone(UTC) < VALIDITY[role] / 3
