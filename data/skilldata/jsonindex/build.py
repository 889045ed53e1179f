"""Writing the JSON index of a snapshot: shards, directories, and the tree that lists these.

Every file but the tree is named by the SHA-256 of its bytes. libdeflate compresses, at one level and pinned
by requirement, so that equal records give equal bytes everywhere (docs/adr/0007-pinned-compressor.md).
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

import deflate

from skilldata.jsonindex.documents import Directory, Part, ShardPart, Tree, encode
from skilldata.jsonindex.records import Line, records
from skilldata.jsonindex.trie import directory_bits, split
from skilldata.snapshot import Snapshot

TREE = "tree.json"
COMPRESSION_LEVEL = 9

Save = Callable[[str, bytes], None]


def build_json_index(snapshot: Snapshot, folder: Path) -> Tree:
    """Write the JSON index of a snapshot.

    Args:
        snapshot: Where the records come from.
        folder: Where the files go; made where it is missing.

    Returns:
        What is in it; the same is written to `tree.json`.
    """

    def save(path: str, data: bytes) -> None:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    info = snapshot.info
    with tempfile.TemporaryFile(dir=folder.parent) as spool:
        keys, sizes, digest = _spool(records(snapshot), spool)
        spool.seek(0)
        shards = _write_shards(spool, keys, sizes, save)
    tree = Tree(
        snapshot=info.id,
        as_of=info.as_of,
        counts=info.counts,
        records=len(keys),
        records_digest=digest,
        directories=tuple(_write_directories(shards, save)),
    )
    save(TREE, encode(tree))
    return tree


def object_path(digest: str) -> str:
    """Give the path of a content-addressed file: `objects/ab/abcd….gz` for `sha256:abcd…`."""
    plain = digest.removeprefix("sha256:")
    return f"objects/{plain[:2]}/{plain}.gz"


def pack(data: bytes) -> tuple[bytes, Part]:
    """Compress a document, and describe it."""
    packed = bytes(deflate.gzip_compress(data, COMPRESSION_LEVEL))
    digest = f"sha256:{hashlib.sha256(packed).hexdigest()}"
    return packed, Part(digest=digest, size=len(packed), unpacked_size=len(data))


def records_digest(lines: Iterable[bytes]) -> str:
    """Give the digest over all records: SHA-256 over the SHA-256 of each line, in the order of keys."""
    whole = hashlib.sha256()
    for line in lines:
        whole.update(hashlib.sha256(line).digest())
    return f"sha256:{whole.hexdigest()}"


def _spool(lines: Iterable[Line], spool: BinaryIO) -> tuple[list[bytes], list[int], str]:
    """Write the lines one after another: what comes where is known only when all are counted."""
    keys: list[bytes] = []
    sizes: list[int] = []
    whole = hashlib.sha256()
    for line in lines:
        spool.write(line.data)
        whole.update(hashlib.sha256(line.data).digest())
        keys.append(line.key)
        sizes.append(len(line.data))
    return keys, sizes, f"sha256:{whole.hexdigest()}"


def _write_shards(spool: BinaryIO, keys: Sequence[bytes], sizes: Sequence[int], save: Save) -> list[ShardPart]:
    shards = []
    for leaf in split(keys, sizes):
        data = spool.read(sum(sizes[leaf.start : leaf.stop]))
        shards.append(_write(data, leaf.prefix, leaf.stop - leaf.start, save))
    return shards


def _write_directories(shards: Sequence[ShardPart], save: Save) -> list[ShardPart]:
    bits = directory_bits([shard.prefix for shard in shards]) if shards else 0
    directories = []
    for prefix, group in groupby(shards, key=lambda shard: shard.prefix[:bits]):
        listed = tuple(group)
        data = encode(Directory(prefix=prefix, shards=listed))
        directories.append(_write(data, prefix, sum(shard.records for shard in listed), save))
    return directories


def _write(data: bytes, prefix: str, count: int, save: Save) -> ShardPart:
    packed, part = pack(data)
    save(object_path(part.digest), packed)
    return ShardPart(**part.model_dump(), prefix=prefix, records=count)
