"""Uploading what a snapshot refers to: packages, shards, deltas and the large files."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import islice
from pathlib import Path

from securesystemslib.signer import Signer

from skilldata.errors import NotFound
from skilldata.jsonindex.build import object_path, pack
from skilldata.jsonindex.deltas import make_delta
from skilldata.jsonindex.documents import (
    Chains,
    DeltaPart,
    Download,
    Downloads,
    Entry,
    Part,
    PublishedSnapshot,
    SkillRecord,
    VersionEntry,
    encode,
)
from skilldata.jsonindex.tree import IndexTree, changes, fetch, parse
from skilldata.objects import PACKAGES, ObjectStore, package_key
from skilldata.publish import plan
from skilldata.publish.order import DOCUMENT, LARGE, PACKAGE, PART, ROOT, SNAPSHOT
from skilldata.publish.published import Published
from skilldata.snapshot import DATABASE, read_info
from skilldata.tablechanges import write_changes
from skilldata.trust.statements import envelope_key, sign_statement

AT_ONCE = 16  # statements that are asked for
BATCH = 1000
DELTA_SHARE = 0.25  # of an index: a larger delta saves nobody anything


class Uploads:
    """Uploads to one target what is not there yet.

    Args:
        published: The target, and what it has.
        packages: Where packages and their statements are.
        downloads_hours: Time between two uploads of the large files.
        signer: The key that signs statements; None to leave them as they are.
    """

    def __init__(
        self,
        published: Published,
        packages: ObjectStore | None,
        downloads_hours: float,
        signer: Signer | None = None,
    ) -> None:
        self._published = published
        self._target = published.target
        self._packages = packages
        self._signer = signer
        self._downloads_age = timedelta(hours=downloads_hours)

    def packages(self, old: IndexTree | None, new: IndexTree) -> None:
        """Upload the packages that may be handed out, of skills that changed."""
        if self._packages is None or self._target.has_packages:
            return
        for version in versions(old, new):
            key = package_key(version.package_digest)
            if self._target.size(key) is None:
                self._target.put(key, self._packages.package(version.package_digest), PACKAGE)

    def statements(self, old: IndexTree | None, new: IndexTree) -> None:
        """Upload, and sign, where the packages of skills that changed come from.

        With another key than last time, all are signed anew.
        """
        if self._packages is None:
            return
        keyid = self._signer.public_key.keyid if self._signer else ""
        anew = keyid != self._published.notes().statement_key and bool(keyid)
        wanted = versions(None if anew else old, new)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while batch := list(islice(wanted, BATCH)):
                for _ in pool.map(lambda one: self._put_statement(one, anew=anew), batch):
                    pass
        if anew:
            self._published.note(statement_key=keyid)

    def _put_statement(self, version: VersionEntry, *, anew: bool) -> None:
        assert self._packages is not None  # noqa: S101 - asked before
        key = version.provenance
        copied = self._target.has_packages or self._target.size(key) is not None
        signed = self._signer is None or (not anew and self._target.size(envelope_key(key)) is not None)
        if copied and signed:
            return
        try:
            statement = self._packages.get(key)
        except NotFound:  # fsck says so; what is published does not depend on it
            return
        if not copied:
            self._target.put(key, statement, SNAPSHOT)
        if self._signer is not None:
            self._target.put(envelope_key(key), sign_statement(statement, self._signer), DOCUMENT)

    def withdraw(self) -> None:
        """Delete packages that the registry's own store hands out no more."""
        if self._packages is None or self._target.has_packages:
            return
        offered = {key for key, _ in self._packages.keys(PACKAGES)}
        gone = [path for path, _ in self._target.paths(PACKAGES) if path not in offered]
        for path in gone:
            self._target.delete(path)

    def parts(self, old: IndexTree | None, new: IndexTree) -> None:
        """Upload shards, and then the directories that list them."""
        known = {one.digest for one in old.tree.directories} if old else set()
        fresh = [one for one in new.tree.directories if one.digest not in known]
        shared = frozenset(known & {one.digest for one in new.tree.directories})
        known |= {one.digest for one in old.shards(shared)} if old else set()
        for part in new.shards(shared):
            if part.digest not in known:
                self._put_part(new, part)
        for part in fresh:
            self._put_part(new, part)

    def deltas(
        self, new: IndexTree, before: Entry | None, now: PublishedSnapshot
    ) -> tuple[list[DeltaPart], Part | None]:
        """Make and upload the deltas of `plan`: those to the newest snapshot, and the document of the others."""
        history = self._published.history()
        pairs = [plan.Pair(base, now.snapshot) for base in plan.origins(history) if base != now.snapshot]
        deltas = [made for pair in pairs if (made := self._put_delta(pair, new))]
        kept = list(before.deltas) if before else []
        if before and before.chains:
            kept += parse(Chains, fetch(self._published.read, before.chains), "the chains").deltas
        chains, missing = plan.chains(history, now, kept)
        chains += [made for pair in missing if (made := self._put_delta(pair, self._published.tree(pair.snapshot)))]
        if not chains:
            return deltas, None
        packed, part = pack(encode(Chains(deltas=tuple(chains))))
        self._published.put(object_path(part.digest), packed, PART)
        return deltas, part

    def downloads(self, folder: Path, before: Entry | None, now: PublishedSnapshot) -> Downloads | None:
        """Upload the large files if their time has come, else the rows that differ from those that are there."""
        last = before.downloads if before else None
        if last is not None and now.published_at - last.published_at < self._downloads_age:
            changed = self._changed_downloads(folder, last, now)
            if changed is not None:
                return changed
        paths = [path for path in sorted(read_info(folder).files) if path.endswith((".duckdb", ".parquet"))]
        files = tuple(self._put_download(folder / path, f"downloads/{now.snapshot}/{path}") for path in paths)
        return Downloads(snapshot=now.snapshot, published_at=now.published_at, files=files)

    def _changed_downloads(self, folder: Path, last: Downloads, now: PublishedSnapshot) -> Downloads | None:
        """Upload what changed since the large files; gives None where that is so much that they had better go out."""
        whole = last.model_copy(update={"changed_to": None, "changes": ()})
        if last.snapshot == now.snapshot:
            return whole
        base = folder.parent / last.snapshot
        if not (base / DATABASE).exists():  # pruned: until they go out anew, what was said last holds
            return last
        with tempfile.TemporaryDirectory() as work:
            found = write_changes(base, folder, Path(work))
            if sum(file.stat().st_size for file in found) > DELTA_SHARE * sum(file.size for file in last.files):
                return None
            place = f"downloads/{now.snapshot}/since-{last.snapshot}"
            changes = tuple(self._put_download(file, f"{place}/{file.name}") for file in found)
        return whole.model_copy(update={"changed_to": now.snapshot, "changes": changes})

    def _put_download(self, file: Path, path: str) -> Download:
        with file.open("rb") as stream:
            digest = f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
        self._target.put_file(ROOT + path, file, LARGE)
        return Download(path=path, digest=digest, size=file.stat().st_size)

    def _put_part(self, new: IndexTree, part: Part) -> None:
        path = object_path(part.digest)
        if self._target.size(ROOT + path) != part.size:
            self._published.put(path, new.read(path, part.size), PART)

    def _put_delta(self, pair: plan.Pair, new: IndexTree | None) -> DeltaPart | None:
        old = self._published.tree(pair.base)
        if old is None or new is None:
            return None
        limit = int(_unpacked(new) * DELTA_SHARE) + 64 * 1024
        try:
            made = make_delta(pair.base, pair.snapshot, changes(old, new), limit=limit)
        except NotFound:  # its shards are collected
            return None
        if made is None:
            return None
        packed, part = made
        if self._target.size(ROOT + object_path(part.digest)) is None:
            self._published.put(object_path(part.digest), packed, PART)
        return part


def _unpacked(index: IndexTree) -> int:
    return sum(shard.unpacked_size for shard in index.shards())


def versions(old: IndexTree | None, new: IndexTree) -> Iterator[VersionEntry]:
    """Yield the versions of skills that changed whose packages may be handed out."""
    for change in changes(old, new):
        if change.new is not None and change.address.count("/") == 2:
            for version in parse(SkillRecord, change.new, change.address).versions:
                if version.redistributable:
                    yield version
