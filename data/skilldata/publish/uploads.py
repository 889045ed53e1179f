"""Uploading what a snapshot refers to: packages, shards, deltas and the large files."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

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
    encode,
)
from skilldata.jsonindex.tree import IndexTree, changes, fetch, parse
from skilldata.objects import PACKAGES, ObjectStore, package_key
from skilldata.publish import plan
from skilldata.publish.order import LARGE, PACKAGE, PART, ROOT
from skilldata.publish.published import Published
from skilldata.snapshot import read_info

DELTA_SHARE = 0.25  # of an index: a larger delta saves nobody anything


class Uploads:
    """Uploads to one target what is not there yet.

    Args:
        published: The target, and what it has.
        packages: Where packages are; None where the target has them.
        downloads_hours: Time between two uploads of the large files.
    """

    def __init__(self, published: Published, packages: ObjectStore | None, downloads_hours: float) -> None:
        self._published = published
        self._target = published.target
        self._packages = packages
        self._downloads_age = timedelta(hours=downloads_hours)

    def packages(self, old: IndexTree | None, new: IndexTree) -> None:
        """Upload the packages that may be handed out, of skills that changed."""
        if self._packages is None or self._target.has_packages:
            return
        for change in changes(old, new):
            if change.new is None or change.address.count("/") != 2:
                continue
            for version in parse(SkillRecord, change.new, change.address).versions:
                key = package_key(version.package_digest)
                if version.redistributable and self._target.size(key) is None:
                    self._target.put(key, self._packages.package(version.package_digest), PACKAGE)

    def withdraw(self) -> list[str]:
        """Delete packages that the registry's own store hands out no more; give their paths."""
        if self._packages is None or self._target.has_packages:
            return []
        offered = {key for key, _ in self._packages.keys(PACKAGES)}
        gone = [path for path, _ in self._target.paths(PACKAGES) if path not in offered]
        for path in gone:
            self._target.delete(path)
        return gone

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
        """Upload the large files, if their time has come."""
        last = before.downloads if before else None
        if last is not None and now.published_at - last.published_at < self._downloads_age:
            return last
        files = []
        for path, digest in sorted(read_info(folder).files.items()):
            file = folder / path
            if file.suffix in {".duckdb", ".parquet"}:
                place = f"downloads/{now.snapshot}/{path}"
                self._target.put_file(ROOT + place, file, LARGE)
                files.append(Download(path=place, digest=digest, size=file.stat().st_size))
        return Downloads(snapshot=now.snapshot, published_at=now.published_at, files=tuple(files))

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
