"""Publishers that are killed at seeded points while readers look, for a test of a few points and a benchmark of many.

A publisher is a process of its own that ends itself with SIGKILL at its n-th write, before it, in the middle of its
bytes, or after it. Readers are processes too: one follows what anybody follows from the entry, the other holds the
first root, and takes nothing that the signed metadata does not vouch for.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

from skilldata.config import PublishSettings
from skilldata.errors import RegistryError
from skilldata.jsonindex.build import build_json_index, object_path
from skilldata.jsonindex.client import read_entry
from skilldata.jsonindex.documents import Entry, Revocations
from skilldata.jsonindex.tree import IndexTree, fetch, parse
from skilldata.observed import Observed, write_observed
from skilldata.publish.live import index_targets
from skilldata.publish.order import ROOT, Kind
from skilldata.publish.published import signed_path
from skilldata.publish.publisher import Publisher
from skilldata.publish.target import FolderTarget
from skilldata.snapshot import JSON_INDEX, Snapshot, read_info
from skilldata.trust import TrustRepository
from skilldata.trust.ceremony import make_root
from skilldata.trust.client import TrustClient
from skilldata.trust.keys import read_key
from skilldata.trust.metadata import FolderMetadata
from tests.snapshots import make_snapshot, synthetic_skills

BINS = 4
CHANGED = 100  # one of so many skills differs between the two snapshots
WAIT = 120  # seconds


class Outcome(NamedTuple):
    """What came of it. `back` is how long going back took, in seconds; `differing` names files that it left other."""

    writes: int
    killed: int
    reads: list[int]
    torn: list[str]
    back: float
    differing: list[str]


def run(folder: Path, *, skills: int, kills: int, seed: int = 40) -> Outcome:
    """Publish, be killed, look; then end the work and go back."""
    place = Place(folder)
    place.make(skills)
    first, second = place.snapshots
    publish(place, first)
    writes = _Life(None)
    publish(place, second, writes)
    context = multiprocessing.get_context("spawn")
    stop, results = context.Event(), context.Queue()
    readers = [context.Process(target=_look, args=(folder, stop, results, number)) for number in range(2)]
    for reader in readers:
        reader.start()
    for _ in readers:
        results.get(timeout=WAIT)
    chosen = random.Random(seed)
    killed = attempts = 0
    while killed < kills and attempts < 3 * kills:  # a publisher that has little left to do outlives its point
        attempts += 1
        life = _Life(chosen.randrange(writes.count), chosen.choice(("before", "within", "after")))
        child = context.Process(target=publish, args=(place, place.other(), life))
        child.start()
        child.join(WAIT)
        killed += child.exitcode == -signal.SIGKILL
    stop.set()
    seen = [results.get(timeout=WAIT) for _ in readers]
    for reader in readers:
        reader.join(WAIT)
    publish(place, first)
    before = place.content()
    publish(place, second)
    started = time.monotonic()
    place.publisher().go_back(read_info(first).id, revocations=place.revocations(first), vouch=place.vouch(first))
    back = time.monotonic() - started
    after = place.content()
    differing = sorted(path for path in before if after.get(path) != before[path])
    torn = [problem for problems, _ in seen for problem in problems]
    return Outcome(writes.count, killed, [count for _, count in seen], torn, back, differing)


class Place:
    """A registry in a folder: two snapshots, keys, and what is published."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.public = folder / "public"
        self.metadata = self.public / "tuf"

    @property
    def snapshots(self) -> list[Path]:
        """The two snapshots."""
        return [self.folder / "one", self.folder / "two"]

    @property
    def first_root(self) -> bytes:
        """What clients begin with."""
        return (self.metadata / "1.root.json").read_bytes()

    def other(self) -> Path:
        """The snapshot that is not live."""
        live = parse(Entry, (self.public / ROOT / "entry.json").read_bytes(), "entry.json").snapshot
        return next(folder for folder in self.snapshots if read_info(folder).id != live)

    def make(self, skills: int) -> None:
        """Make snapshots and keys."""
        made = synthetic_skills(skills, body_bytes=300)
        other = [replace(one, description="Does more.") if n % CHANGED == 0 else one for n, one in enumerate(made)]
        for folder, content in zip(self.snapshots, (made, other), strict=True):
            make_snapshot(folder, content)
            with Snapshot(folder) as snapshot:
                build_json_index(snapshot, folder / JSON_INDEX)
            write_observed(folder, Observed())
        make_root(self.metadata, self.folder / "keys", datetime.now(UTC), bits=BINS)

    def publisher(self, life: _Life | None = None) -> Publisher:
        """A publisher of a life of its own."""
        target = _MortalTarget(self.public, life) if life else FolderTarget(self.public)
        return Publisher(target, PublishSettings(), lock=self.folder / "lock")

    def vouch(self, folder: Path, life: _Life | None = None) -> Any:
        """What signs for a snapshot."""
        store = _MortalMetadata(self.metadata, life) if life else FolderMetadata(self.metadata)
        signer = read_key(self.folder / "keys" / "online.pem")

        def sign(documents: Any) -> None:
            TrustRepository(store, signer).update([*index_targets(folder), *documents], datetime.now(UTC))

        return sign

    def revocations(self, folder: Path) -> Revocations:
        """What a snapshot says was taken back: nothing."""
        with Snapshot(folder) as snapshot:
            return Revocations(snapshot=snapshot.info.id, as_of=snapshot.info.as_of)

    def content(self) -> dict[str, bytes]:
        """What readers of the live entry can reach, by path."""
        moving = ("status.json", "history.json", "state.json", "changes/", "signed/", "entries/")
        return {
            str(path.relative_to(self.public)): path.read_bytes()
            for path in (self.public / ROOT).rglob("*")
            if path.is_file() and not str(path.relative_to(self.public / ROOT)).startswith(moving)
        }


def publish(place: Place, folder: Path, life: _Life | None = None) -> None:
    """Publish a snapshot, as far as a life lasts."""
    place.publisher(life).publish(
        folder, even_if_smaller=True, revocations=place.revocations(folder), vouch=place.vouch(folder, life)
    )


class _Life:
    """Counts writes; ends the process at one of them."""

    def __init__(self, last: int | None, where: str = "before") -> None:
        self.count = 0
        self._last = last
        self._where = where

    def ends(self, where: str) -> bool:
        """Whether the present write is the last, and that is its place."""
        return self.count - 1 == self._last and self._where == where

    def end(self, where: str) -> None:
        """End here if it is so."""
        if where == "before":
            self.count += 1
        if self.ends(where):
            os.kill(os.getpid(), signal.SIGKILL)


class _MortalTarget(FolderTarget):
    def __init__(self, folder: Path, life: _Life) -> None:
        super().__init__(folder)
        self._life = life

    def put(self, path: str, data: bytes, kind: Kind) -> None:
        self._life.end("before")
        if self._life.ends("within"):
            place = self._folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            (place.parent / ".new-half").write_bytes(data[: len(data) // 2])
            self._life.end("within")
        super().put(path, data, kind)
        self._life.end("after")

    def delete(self, path: str) -> None:
        self._life.end("before")
        super().delete(path)
        self._life.end("after")


class _MortalMetadata(FolderMetadata):
    def __init__(self, folder: Path, life: _Life) -> None:
        super().__init__(folder)
        self._life = life

    def replace(self, name: str, data: bytes) -> None:
        self._life.end("before")
        if self._life.ends("within"):
            (self._folder / f".{name}.half").write_bytes(data[: len(data) // 2])
            self._life.end("within")
        super().replace(name, data)
        self._life.end("after")


class _FolderFetcher(FetcherInterface):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = self._folder / url.removeprefix("https://registry.invalid/")
        if not path.is_file():
            raise DownloadHTTPError(f"no {path}", 404)
        yield path.read_bytes()


def _look(folder: Path, stop: Any, results: Any, number: int) -> None:
    """Read until told to stop; give what was torn, and how often all was read."""
    public, chosen = FolderTarget(folder / "public"), random.Random(number)
    root = (folder / "public" / "tuf" / "1.root.json").read_bytes()
    torn: list[str] = []
    reads = 0
    while not stop.wait(0.01):
        try:
            if number % 2:
                _read_signed(folder / "public", root, public, chosen)
            else:
                _read_plain(public, chosen)
        except RegistryError as error:
            torn.append(f"{('plain', 'signed')[number % 2]}: {error.message}")
        reads += 1
        if reads == 1:
            results.put("looking")
    results.put((torn, reads))


def _read_plain(public: FolderTarget, chosen: random.Random) -> None:
    def read(path: str, _limit: int) -> bytes:
        return public.get(ROOT + path)

    entry = read_entry(read)
    shards = list(IndexTree(entry, read).shards())
    for shard in chosen.sample(shards, min(5, len(shards))):
        for line in map(json.loads, fetch(read, shard).splitlines()):
            if line["kind"] == "skill":
                json.loads(read(f"skills/{line['skill'].lower()}.json", 0))
    for delta in entry.deltas:
        fetch(read, delta)
    for one in (*entry.downloads.files, *entry.downloads.changes) if entry.downloads else ():
        if public.size(ROOT + one.path) != one.size:
            raise RegistryError(f"{one.path} has another size")


def _read_signed(folder: Path, root: bytes, public: FolderTarget, chosen: random.Random) -> None:
    with TemporaryDirectory() as cache:
        client = TrustClient(Path(cache), "https://registry.invalid", root=root, fetcher=_FolderFetcher(folder))
        entry = parse(Entry, client.document(ROOT + signed_path("entry.json")), "entry.json")

        def read(path: str, _limit: int) -> bytes:
            data = public.get(ROOT + path)
            client.verify(ROOT + path, data)
            return data

        shards = list(IndexTree(entry, read).shards())
        for shard in chosen.sample(shards, min(5, len(shards))):
            read(object_path(shard.digest), 0)
