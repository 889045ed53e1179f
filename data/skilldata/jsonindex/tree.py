"""Reading a JSON index: from a folder, a bucket or the network, always with digests checked."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from skilldata.errors import IntegrityError, NotFound
from skilldata.jsonindex.build import object_path
from skilldata.jsonindex.documents import Directory, Document, Part, ShardPart, Tree
from skilldata.jsonindex.records import Line
from skilldata.jsonindex.trie import address_key, key_bits

MAX_UNPACKED = 512 * 1024 * 1024  # of any document; a shard has 64 KiB, a delta a quarter of an index at most

Read = Callable[[str, int], bytes]  # path below `index/v1/` and bytes at most -> content
AnyDocument = TypeVar("AnyDocument", bound=Document)


class Change(NamedTuple):
    """A record that two snapshots do not have alike; `old` or `new` is None where it is not there."""

    key: bytes
    address: str
    old: bytes | None
    new: bytes | None


def parse(model: type[AnyDocument], data: bytes, name: str) -> AnyDocument:
    """Read a document.

    Raises:
        IntegrityError: It is not what the format says.
    """
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise IntegrityError(
            f"{name} is not a document of this index: {where}: {first['msg']}", remedy="Publish it again."
        ) from None


def fetch(read: Read, part: Part) -> bytes:
    """Read a content-addressed document, and unpack it.

    Raises:
        IntegrityError: Its bytes are not those that its digest and sizes promise.
    """
    path = object_path(part.digest)
    if part.unpacked_size > MAX_UNPACKED:
        raise IntegrityError(f"{path} says it has {part.unpacked_size} bytes", remedy="Do not trust this index.")
    packed = read(path, part.size)
    if len(packed) != part.size or f"sha256:{hashlib.sha256(packed).hexdigest()}" != part.digest:
        raise IntegrityError(f"{path} has other bytes than its digest says", remedy="Fetch it again, or another copy.")
    unpacker = zlib.decompressobj(wbits=31)
    data = unpacker.decompress(packed, part.unpacked_size + 1)
    if len(data) != part.unpacked_size or not unpacker.eof:
        raise IntegrityError(f"{path} unpacks to another size than is said", remedy="Do not trust this index.")
    return data


def lines_of(data: bytes) -> Iterator[Line]:
    """Yield the records of a shard."""
    for line in data.splitlines(keepends=True):
        content = json.loads(line)
        address = str(content.get("skill") or content["repository"]).lower()
        yield Line(address_key(address), address, line)


class IndexTree:
    """The shards of one snapshot.

    Args:
        tree: What is in it: `tree.json` or the entry document.
        read: Gives files of the index by their path.
    """

    def __init__(self, tree: Tree, read: Read) -> None:
        self.tree = tree
        self.read = read

    def shards(self, besides: frozenset[str] = frozenset()) -> Iterator[ShardPart]:
        """Yield all shards in the order of keys, but for those in directories of these digests."""
        for directory in self.tree.directories:
            if directory.digest not in besides:
                yield from parse(Directory, fetch(self.read, directory), "a directory").shards

    def lines(self) -> Iterator[Line]:
        """Yield all records in the order of keys."""
        for shard in self.shards():
            yield from lines_of(fetch(self.read, shard))

    def near(self, address: str, bits: int) -> Iterator[Line]:
        """Yield the records whose keys share so many bits with an address: 32 for its owner, 64 for its repository."""
        wanted = key_bits(address_key(address))[:bits]
        for directory in self._matching(self.tree.directories, wanted):
            listed = parse(Directory, fetch(self.read, directory), "a directory").shards
            for shard in self._matching(listed, wanted):
                lines = lines_of(fetch(self.read, shard))
                yield from (line for line in lines if key_bits(line.key).startswith(wanted))

    def line(self, address: str) -> bytes:
        """Give one record; two fetches.

        Raises:
            NotFound: The index has none of that address.
        """
        plain = address.lower()
        for line in self.near(plain, 96):
            if line.address == plain:
                return line.data
        raise NotFound(f"the index has no {address}", remedy="Search for it by a word of its name.")

    @staticmethod
    def _matching(parts: tuple[ShardPart, ...], wanted: str) -> Iterator[ShardPart]:
        return (part for part in parts if part.prefix.startswith(wanted) or wanted.startswith(part.prefix))


def changes(old: IndexTree | None, new: IndexTree) -> Iterator[Change]:
    """Yield what differs between two snapshots, in the order of keys. Equal shards are not read."""
    if old is None:
        yield from (Change(line.key, line.address, None, line.data) for line in new.lines())
        return
    shared = frozenset(one.digest for one in old.tree.directories) & {one.digest for one in new.tree.directories}
    old_shards, new_shards = list(old.shards(shared)), list(new.shards(shared))
    equal = {one.digest for one in old_shards} & {one.digest for one in new_shards}
    yield from _merge(_lines(old, old_shards, equal), _lines(new, new_shards, equal))


def _lines(index: IndexTree, shards: list[ShardPart], besides: set[str]) -> Iterator[Line]:
    for shard in shards:
        if shard.digest not in besides:
            yield from lines_of(fetch(index.read, shard))


def _merge(old: Iterator[Line], new: Iterator[Line]) -> Iterator[Change]:
    before, after = next(old, None), next(new, None)
    while before is not None or after is not None:
        if after is None or (before is not None and before[:2] < after[:2]):
            assert before is not None  # noqa: S101 - one of the two is there
            yield Change(before.key, before.address, before.data, None)
            before = next(old, None)
        elif before is None or after[:2] < before[:2]:
            yield Change(after.key, after.address, None, after.data)
            after = next(new, None)
        else:
            if before.data != after.data:
                yield Change(after.key, after.address, before.data, after.data)
            before, after = next(old, None), next(new, None)
