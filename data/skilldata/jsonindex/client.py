"""A client of the JSON index, for mirrors, tools and tests: start cold, refresh, look one skill up.

Nothing that it gives was not checked: parts against the digests of the document that names them, and all
records together against `records_digest` of the entry. What the entry itself is checked against is not this
module's affair.
"""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from skilldata.errors import IntegrityError, NotFound, ServiceUnavailable
from skilldata.jsonindex.build import records_digest
from skilldata.jsonindex.deltas import read_delta
from skilldata.jsonindex.documents import Chains, DeltaPart, Entry, SkillRecord, VersionEntry
from skilldata.jsonindex.records import Line
from skilldata.jsonindex.tree import IndexTree, Read, changes, fetch, parse

ENTRY = "entry.json"
MAX_ENTRY = 1024 * 1024
TIMEOUT_SECONDS = 30


class Refresh(NamedTuple):
    """What a refresh did: `deltas` documents were applied; `whole` where shards were compared instead."""

    snapshot: str
    changed: int
    deltas: int
    whole: bool


class IndexClient:
    """A copy of the index that can be brought up to date.

    Args:
        read: Gives files of the index by their path; `http_reader` for those of an address.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._lines: dict[str, Line] = {}
        self.entry: Entry | None = None

    def refresh(self) -> Refresh:
        """Make the copy the newest snapshot.

        Raises:
            IntegrityError: Something that was fetched is not what it should be; the copy is as it was.
        """
        entry = read_entry(self._read)
        if self.entry is not None and self.entry.snapshot == entry.snapshot:
            return Refresh(entry.snapshot, 0, 0, whole=False)
        path = self._path(entry)
        lines = dict(self._lines)
        changed = self._apply(lines, path) if path else self._compare(lines, entry)
        ordered = sorted(lines.values(), key=lambda line: line[:2])
        if records_digest(line.data for line in ordered) != entry.records_digest:
            raise IntegrityError(
                f"the records of {entry.snapshot} do not add up to its digest", remedy="Start anew from the shards."
            )
        self._lines, self.entry = lines, entry
        return Refresh(entry.snapshot, changed, len(path), whole=not path)

    def __len__(self) -> int:
        return len(self._lines)

    def get(self, address: str) -> bytes | None:
        """Give the record of `owner/repository` or `owner/repository/slug` in the copy."""
        found = self._lines.get(address.lower())
        return found.data if found else None

    def _path(self, entry: Entry) -> list[DeltaPart]:
        """Find one or two deltas that lead from the copy to the newest snapshot; none where the shards are needed."""
        if self.entry is None:
            return []
        base = self.entry.snapshot
        last = {delta.base: delta for delta in entry.deltas if delta.snapshot == entry.snapshot}
        if base in last:
            return [last[base]]
        if entry.chains is None:
            return []
        chains = parse(Chains, fetch(self._read, entry.chains), "the chains")
        steps = [delta for delta in chains.deltas if delta.base == base and delta.snapshot in last]
        two = min(steps, key=lambda delta: delta.size + last[delta.snapshot].size, default=None)
        return [two, last[two.snapshot]] if two else []

    def _apply(self, lines: dict[str, Line], path: Sequence[DeltaPart]) -> int:
        count = 0
        for part in path:
            changed, removed = read_delta(fetch(self._read, part), part)
            lines.update((line.address, line) for line in changed)
            for address in removed:
                lines.pop(address, None)
            count += len(changed) + len(removed)
        return count

    def _compare(self, lines: dict[str, Line], entry: Entry) -> int:
        old = IndexTree(self.entry, self._read) if self.entry else None
        try:
            found = list(changes(old, IndexTree(entry, self._read)))
        except NotFound:  # the old snapshot's shards are no longer kept
            lines.clear()
            found = list(changes(None, IndexTree(entry, self._read)))
        for change in found:
            if change.new is None:
                lines.pop(change.address, None)
            else:
                lines[change.address] = Line(change.key, change.address, change.new)
        return len(found)


def read_entry(read: Read) -> Entry:
    """Read the entry document."""
    return parse(Entry, read(ENTRY, MAX_ENTRY), ENTRY)


def look_up(read: Read, address: str) -> SkillRecord:
    """Read the record of one skill, in three fetches: entry, directory, shard.

    Raises:
        NotFound: The index has no such skill.
    """
    return parse(SkillRecord, IndexTree(read_entry(read), read).line(address), address)


def fetch_package(read: Read, entry: Entry, version: VersionEntry) -> bytes:
    """Read the package of a version.

    Raises:
        IntegrityError: Its bytes are not those that the record promises.
    """
    plain = version.package_digest.removeprefix("sha256:")
    data = read(entry.packages.format(first=plain[:2], digest=plain), version.size)
    if hashlib.sha256(data).hexdigest() != plain:
        raise IntegrityError(f"package {version.package_digest} has other bytes", remedy="Fetch it again.")
    return data


def http_reader(address: str) -> Callable[[str, int], bytes]:
    """Read files below an address, `https://…/index/v1/`; the server may compress what is not compressed already.

    Raises:
        IntegrityError: The address is neither http nor https, or (when reading) a file is larger than it may be.
        NotFound: (When reading) it is not there.
        ServiceUnavailable: (When reading) the server does not answer.
    """
    base = address if address.endswith("/") else address + "/"
    if urllib.parse.urlsplit(base).scheme not in {"http", "https"}:
        raise IntegrityError(f"{address} is no web address", remedy="Give one that begins with https://.")

    def read(path: str, limit: int) -> bytes:
        url = urllib.parse.urljoin(base, path)
        asked = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})  # noqa: S310 - checked above
        try:
            with urllib.request.urlopen(asked, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                data: bytes = answer.read(limit + 1)
                is_packed = answer.headers.get("Content-Encoding") == "gzip"
        except urllib.error.HTTPError as error:
            if error.code in {404, 410}:
                raise NotFound(f"there is no {url}") from None
            raise ServiceUnavailable(f"{url} answers {error.code}", remedy="Try again later.") from None
        except OSError as error:
            raise ServiceUnavailable(f"{url} does not answer: {error}", remedy="Try again later.") from None
        if is_packed:
            data = _unpack(data, limit, url)
        if len(data) > limit:
            raise IntegrityError(f"{url} has more than {limit} bytes", remedy="Do not trust this index.")
        return data

    return read


def _unpack(packed: bytes, limit: int, url: str) -> bytes:
    """Unpack what a server compressed on its way, up to one byte more than it may have."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        data = unpacker.decompress(packed, limit + 1)
    except zlib.error as error:
        raise IntegrityError(f"{url} does not unpack: {error}", remedy="Fetch it again.") from None
    if len(data) <= limit and not unpacker.eof:
        raise IntegrityError(f"{url} is cut off", remedy="Fetch it again.")
    return data
