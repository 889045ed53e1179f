"""Which record lies in which shard: a binary trie over keys that begin with the owner.

A key is 96 bits: 32 of the SHA-256 of the owner, 32 of `owner/repository`, 32 of the whole address, all in
lower case. So the records of a repository, and of an owner, lie side by side. A range of keys whose records
are larger than `SHARD_BYTES` is split in two by its next bit. Where a range is split depends on what is in
it and on nothing else, so a change somewhere leaves the shards elsewhere as they are.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

SHARD_BYTES = 64 * 1024  # unpacked
DIRECTORY_SHARDS = 64  # about
KEY_BITS = 96


class Leaf(NamedTuple):
    """A shard: the bits that its keys begin with, and its records as a range of positions."""

    prefix: str
    start: int
    stop: int


def record_key(owner: str, repository: str, slug: str = "") -> bytes:
    """Give the key of a skill's record, or of a repository's, which sorts before those of its skills."""
    place = f"{owner}/{repository}".lower()
    last = _hash(f"{place}/{slug}") if slug else bytes(4)
    return _hash(owner.lower()) + _hash(place) + last


def address_key(address: str) -> bytes:
    """Give the key of `owner/repository` or `owner/repository/slug`."""
    return record_key(*address.split("/", 2))


def key_bits(key: bytes) -> str:
    """Write a key as 96 characters 0 or 1."""
    return f"{int.from_bytes(key):0{KEY_BITS}b}"


def split(keys: Sequence[bytes], sizes: Sequence[int], bound: int = SHARD_BYTES) -> list[Leaf]:
    """Part records into shards.

    Args:
        keys: Of all records, sorted.
        sizes: Bytes of each record.
        bound: Bytes that a shard with more than one key may have.

    Returns:
        Shards in the order of keys; none is empty.
    """
    ends = [0, *accumulate(sizes)]
    leaves: list[Leaf] = []
    open_ranges = [Leaf("", 0, len(keys))]
    while open_ranges:
        one = open_ranges.pop()
        if one.start == one.stop:
            continue
        if ends[one.stop] - ends[one.start] <= bound or keys[one.start] == keys[one.stop - 1]:
            leaves.append(one)
            continue
        pivot = int((one.prefix + "1").ljust(KEY_BITS, "0"), 2).to_bytes(KEY_BITS // 8)
        middle = bisect_left(keys, pivot, one.start, one.stop)
        open_ranges += [Leaf(one.prefix + "1", middle, one.stop), Leaf(one.prefix + "0", one.start, middle)]
    return leaves


def directory_bits(prefixes: Sequence[str]) -> int:
    """Give how many bits tell directories apart, so that each lists about `DIRECTORY_SHARDS` shards."""
    wanted = max(0, (len(prefixes) // DIRECTORY_SHARDS).bit_length() - 1)
    return min([wanted, *map(len, prefixes)])


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:4]
