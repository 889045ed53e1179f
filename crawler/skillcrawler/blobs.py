"""The blobs of one commit, from wherever they are cheapest to get.

Those in a stored package are read from there. Folders of skills of which nothing is stored are asked for
by their trees, so that git leaves out files that are too large before it sends them (`--filter=blob:limit`,
gitprotocol-v2(5)); single blobs that were asked for by their own ids always come whole.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping

from skillcrawler.discover import SkillFolder
from skillcrawler.errors import FetchFailed, ObjectMismatch
from skillcrawler.fetched import Blob, FetchedRepository
from skillcrawler.links import MAX_TARGET_BYTES
from skillcrawler.stored import StoredBlobs
from skillcrawler.tree import RepositoryTree
from skillcrawler.ways import Wanted, Way, order


class Blobs:
    """Brings blobs and reads them.

    Args:
        fetched: The commit with its trees.
        tree: All that the commit holds.
        stored: Blobs that the registry has.
        largest: Bytes of a file above which it need not come.
    """

    def __init__(self, fetched: FetchedRepository, tree: RepositoryTree, stored: StoredBlobs, *, largest: int) -> None:
        self._fetched = fetched
        self._tree = tree
        self._stored = stored
        self._largest = largest
        self._here: set[str] = set()
        self._left_out: set[str] = set()

    def bring(self, oids: Iterable[str], folders: Collection[SkillFolder] = ()) -> None:
        """Make blobs readable, with one request at most.

        Args:
            oids: Object ids of blobs.
            folders: Skills of which all files are wanted, without others inside.
        """
        single = list(oids)
        wanted = {*single, *(entry.oid for folder in folders for entry in folder.entries)} - self._here - self._left_out
        if not wanted:
            return
        stored = self._stored.find(list(wanted))
        known = {oid for oid in wanted if oid in stored} | self._here | self._left_out
        asked = order(single, [Wanted(one.tree_oid, [entry.oid for entry in one.entries]) for one in folders], known)
        if asked.way is not Way.NOTHING:
            self._fetched.fetch_blobs(asked.blobs, trees=asked.trees, largest=self._largest)
            absent = self._fetched.absent(wanted - known)
            self._judge(absent, asked_for=set(asked.blobs))
            self._left_out |= absent
        self._here |= wanted - self._left_out

    def is_here(self, oid: str) -> bool:
        """Whether it can be read."""
        return oid in self._here

    def is_left_out(self, oid: str) -> bool:
        """Whether it did not come because it is too large."""
        return oid in self._left_out

    def read(self, oid: str, max_bytes: int) -> Blob:
        """Read a blob that was brought; past `max_bytes` only its size. Raises as `FetchedRepository.read` does."""
        return self._stored.read(oid) or self._fetched.read(oid, max_bytes=max_bytes)

    def texts(self, oids: Collection[str]) -> Mapping[str, bytes]:
        """Bring what links say, and give it; a text that is too long for a path is left out."""
        self.bring(oids)
        found = {oid: self.read(oid, MAX_TARGET_BYTES).data for oid in oids if oid in self._here}
        return {oid: data for oid, data in found.items() if data is not None}

    def _judge(self, absent: Collection[str], *, asked_for: Container[str]) -> None:
        """Refuse a transfer that brought something else than it was asked for."""
        if not absent:
            return
        listed = {entry.oid for entry in self._tree.leaves}
        if strangers := self._fetched.blobs() - listed:
            raise ObjectMismatch(self._fetched.repository, min(absent), min(strangers))
        if lost := [oid for oid in absent if oid in asked_for]:
            raise FetchFailed(self._fetched.repository, f"blob {min(lost)} did not come")
