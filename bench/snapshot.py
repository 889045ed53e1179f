"""What a snapshot costs: to make, to publish, to follow and to read one skill from.

1. Export of an index of real names, descriptions and bodies: seconds and where they go, memory, sizes, beside
   `COPY … TO` with a DuckDB and a Parquet write of the same rows. `SKILLREGISTRY_TEST_BENCH_SKILLS=1000000`
   measures another size, with bodies of at most 1 kB above 200,000, and stops there.
2. A client that follows after 1 % of the skills changed, and one that installs a skill cold: bytes and requests
   until it knows the package and that it is signed and not taken back.
3. What publishing that change uploads, beside a full publish, files of clients included; packages are not there.

The bars of shares are for 100,000 skills: of a few, what a client or a publisher fetches or writes once weighs more.
"""

from __future__ import annotations

import gzip
import itertools
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from figures import Figure, main  # noqa: E402
from indexgen import Generator, addresses  # noqa: E402
from memory import MIB, in_child  # noqa: E402
from tests.serving import QuietHandler, answering  # noqa: E402

from skillcli.services import EmbeddedServices  # noqa: E402
from skilldata import migrate  # noqa: E402
from skilldata.clientformats.addresses import ClientAddresses  # noqa: E402
from skilldata.config import PublishSettings, Settings, load_settings  # noqa: E402
from skilldata.copies import sketch_new  # noqa: E402
from skilldata.database import Database  # noqa: E402
from skilldata.export import QUERIES, create_snapshot  # noqa: E402
from skilldata.jsonindex.client import IndexClient, http_reader  # noqa: E402
from skilldata.jsonindex.documents import Revocations, SkillRecord  # noqa: E402
from skilldata.jsonindex.tree import parse  # noqa: E402
from skilldata.loading import KEY  # noqa: E402
from skilldata.objects import package_key  # noqa: E402
from skilldata.publish.live import index_targets  # noqa: E402
from skilldata.publish.order import ROOT as INDEX  # noqa: E402
from skilldata.publish.order import Kind  # noqa: E402
from skilldata.publish.published import REVOCATIONS, signed_path  # noqa: E402
from skilldata.publish.publisher import Publisher  # noqa: E402
from skilldata.publish.target import FolderTarget  # noqa: E402
from skilldata.snapshot import LISTING, TABLES, Snapshot  # noqa: E402
from skilldata.trust import TrustRepository  # noqa: E402
from skilldata.trust.ceremony import make_root  # noqa: E402
from skilldata.trust.client import METADATA_PATH, TrustClient  # noqa: E402
from skilldata.trust.keys import read_key  # noqa: E402
from skilldata.trust.metadata import FolderMetadata  # noqa: E402
from skilldata.trust.repository import VouchedFile  # noqa: E402
from skilldata.trust.revocations import read_revocations, refuse_revoked  # noqa: E402
from skilldata.trust.signing import package_targets  # noqa: E402

ADDRESSES = ClientAddresses("Benchmark", "https://files.example/", "https://registry.example/")
SIZE_VARIABLE = "SKILLREGISTRY_TEST_BENCH_SKILLS"
FULL = 100_000  # skills that bars of shares are for
LONG_BODIES = 200_000  # skills up to which bodies are as long as real ones


def measure(quick: bool) -> list[Figure]:
    """Run all parts on one index."""
    named = os.environ.get(SIZE_VARIABLE)
    count = int(named) if named else 2_000 if quick else FULL
    with registry() as settings, Database(settings.database) as database:
        generator = Generator(database, body_bytes=None if count <= LONG_BODIES else 1000)
        generator.fill(count)
        state = settings.state_directory
        figures = export(settings, state, count)
        if named:
            return figures
        return [*figures, *publish_twice(generator, database, state, count)]


def publish_twice(generator: Generator, database: Database, state: Path, count: int) -> list[Figure]:
    """Publish a snapshot, change 1 % of its skills, and publish again; then read."""
    first = newest(state)
    public = Public(state)

    def share(most: float) -> float | None:
        return most if count >= FULL else None

    full, full_seconds = public.publish(first)
    with serve(public.folder) as served:
        client = IndexClient(http_reader(f"{served.address}/{INDEX}"))
        client.refresh()
        repositories = generator.change(count // 100)
        create_snapshot(database, state / "snapshots")
        part, part_seconds = public.publish(newest(state))
        return [
            Figure(f"publish: a full one, {full.puts:,} objects, {full.put_bytes / MIB:,.0f} MiB", full_seconds, "s"),
            *(Figure(f"publish: … of these, {name}", size / MIB, "MiB") for name, size in full.places.most_common()),
            Figure(f"publish: 1 % changed in {repositories:,} repositories", part_seconds, "s"),
            *(Figure(f"publish: … uploads, {name}", size / MIB, "MiB") for name, size in part.places.most_common()),
            Figure("publish: objects uploaded, beside a full one", part.puts / full.puts, "ratio", share(0.03)),
            Figure("publish: bytes uploaded, beside a full one", part.put_bytes / full.put_bytes, "ratio", share(0.03)),
            Figure("publish: … downloads for analysts left out of both", part.core / full.core, "ratio"),
            Figure("publish: the registry's own copy of the snapshot", folder_bytes(newest(state)) / MIB, "MiB"),
            *follow(client, served, first, share(0.02)),
            *install(public, served, addresses(database, 20)),
        ]


# -- 1. export


def export(settings: Settings, state: Path, count: int) -> list[Figure]:
    """Export in a process of its own, and its floor in another."""
    sketched = in_child(_sketch, settings)
    made = in_child(_export, settings, state / "snapshots")
    floor = in_child(_floor, settings, state / "floor")
    shutil.rmtree(state / "floor")
    folder = newest(state)
    sizes = Counter({path.name: folder_bytes(path) or path.stat().st_size for path in folder.iterdir()})
    return [
        Figure(f"export: {count:,} skills", made["seconds"], "s"),
        Figure("export: seconds for each 100,000 skills", made["seconds"] * 100_000 / count, "s"),
        *(
            Figure(f"export: CPU seconds for each 100,000 skills, {name}", seconds * 100_000 / count, "s")
            for name, seconds in made["steps"].items()
            if seconds > made["cpu"] / 50
        ),
        Figure("export: sketches of new contents, once, CPU for each 100,000", sketched["cpu"] * 100_000 / count, "s"),
        Figure("export: CPU seconds of the exporter", made["cpu"], "s"),
        Figure("export: floor (COPY, DuckDB, Parquet), CPU", floor["cpu"], "s"),
        Figure("export: CPU beside the floor's", made["cpu"] / floor["cpu"], "ratio"),
        Figure("export: most memory, of the process and its children", made["peak"], "MiB", 2048),
        *(Figure(f"export: size of {name}", size / MIB, "MiB") for name, size in sizes.most_common() if size > 10_000),
    ]


def _sketch(settings: Settings) -> dict[str, Any]:
    with Database(settings.database) as database:
        sketch_new(database)
    return {}


def _export(settings: Settings, folder: Path) -> dict[str, Any]:
    begun: list[tuple[str, float]] = [("start", 0.0)]

    def notify(step: str) -> None:
        begun.append((step, sum(os.times()[:4])))

    with Database(settings.database) as database:
        create_snapshot(database, folder, notify=notify)
    notify("end")
    return {"steps": {name: until - at for (name, at), (_, until) in itertools.pairwise(begun)}}


def _floor(settings: Settings, folder: Path) -> dict[str, Any]:
    """The same rows with nothing but what the two databases bring: no keys, no index, no JSON."""
    folder.mkdir()
    with Database(settings.database) as database, database.transaction() as connection:
        for table, query in QUERIES.items():
            command = f"COPY ({query}) TO STDOUT (FORMAT csv)".encode()
            with (
                (folder / f"{table}.csv").open("wb") as file,
                connection.cursor() as cursor,
                cursor.copy(command) as copy,
            ):
                for chunk in copy:
                    file.write(chunk)
    with duckdb.connect(str(folder / "floor.duckdb")) as made:
        made.execute("SET threads = 1")
        for table in QUERIES:
            made.execute(f"CREATE TABLE {table} ({KEY.sub('', TABLES[table])})")
            made.execute(
                f"COPY {table} FROM '{folder / table}.csv' (FORMAT csv, HEADER false, NULLSTR '', "
                "ALLOW_QUOTED_NULLS false, AUTO_DETECT false, PARALLEL false, MAX_LINE_SIZE 16777216, "
                "BUFFER_SIZE 33554432, NEW_LINE '\\n')"
            )
            made.execute(f"COPY {table} TO '{folder / table}.parquet' (FORMAT parquet, COMPRESSION zstd)")
    return {}


# -- 2. and 3. what is published, and its readers


@dataclass
class Sent:
    """What a publisher uploaded: objects, and bytes by what they are."""

    puts: int = 0
    places: Counter[str] = field(default_factory=Counter)

    @property
    def put_bytes(self) -> int:
        """All bytes."""
        return self.places.total()

    @property
    def core(self) -> int:
        """Bytes without the files for analysts."""
        return self.put_bytes - self.places["downloads"]

    def add(self, path: str, size: int) -> None:
        """Count an upload."""
        first, *rest = path.removeprefix(INDEX).split("/")
        if not path.startswith(INDEX):
            first = "signed metadata" if path.startswith(METADATA_PATH) else "files of clients"
        self.puts += 1
        self.places[first if rest else "documents of the whole"] += size


class CountedMetadata(FolderMetadata):
    """Signed metadata in a folder."""

    def __init__(self, folder: Path, sent: Sent) -> None:
        super().__init__(folder)
        self._sent = sent

    def replace(self, name: str, data: bytes) -> None:
        """Write a file."""
        super().replace(name, data)
        self._sent.add(METADATA_PATH + name, len(data))


class CountedTarget(FolderTarget):
    """A folder that counts what is written to it."""

    sent = Sent()

    def put(self, path: str, data: bytes, kind: Kind) -> None:
        """Write a file."""
        super().put(path, data, kind)
        self.sent.add(path, len(data))

    def put_file(self, path: str, file: Path, kind: Kind) -> None:
        """Link a file."""
        super().put_file(path, file, kind)
        self.sent.add(path, file.stat().st_size)


class Public:
    """A folder that a registry with keys publishes to."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "public"
        self.root = self.folder / "tuf" / "1.root.json"
        self._target = CountedTarget(self.folder)
        self._state = state
        make_root(self.folder / "tuf", state / "keys", datetime.now(UTC))
        self._signer = read_key(state / "keys" / "online.pem")

    def publish(self, folder: Path) -> tuple[Sent, float]:
        """Publish and sign a snapshot; gives what was uploaded, and the seconds."""
        started = time.monotonic()
        self._target.sent = sent = Sent()
        metadata = CountedMetadata(self.folder / "tuf", sent)
        with Snapshot(folder) as snapshot:

            def vouch(documents: Sequence[VouchedFile]) -> None:
                files = chain(package_targets(snapshot), index_targets(folder), documents)
                TrustRepository(metadata, self._signer).update(files, datetime.now(UTC))

            publisher = Publisher(self._target, PublishSettings(), lock=self._state / "lock", clients=ADDRESSES)
            publisher.publish(folder, revocations=read_revocations(snapshot), vouch=vouch)
        return sent, time.monotonic() - started


class _Counting(QuietHandler):
    """Serves files, compresses documents for who asks for that, and counts bodies as they are sent."""

    protocol_version = "HTTP/1.1"
    totals: Counter[str]

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        """Answer with a file."""
        file = Path(self.translate_path(self.path))
        is_there = file.is_file()
        is_packed = is_there and file.suffix == ".json" and "gzip" in self.headers.get("Accept-Encoding", "")
        data = file.read_bytes() if is_there else b""
        data = gzip.compress(data, 6) if is_packed else data
        self.totals.update(requests=1, bytes=len(data))
        self.send_response(200 if is_there else 404)
        self.send_header("Content-Length", str(len(data)))
        if is_packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(data)


class Served(NamedTuple):
    """A published folder as a web server hands it out: its address, and the requests and bytes so far."""

    address: str
    totals: Counter[str]


@contextmanager
def serve(folder: Path) -> Iterator[Served]:
    """Serve a folder over HTTP."""
    totals: Counter[str] = Counter()
    handler = type("Handler", (_Counting,), {"totals": totals})
    with answering(partial(handler, directory=str(folder))) as address:
        yield Served(address, totals)


def follow(client: IndexClient, served: Served, first: Path, most: float | None) -> list[Figure]:
    """Refresh a client that had the first snapshot; `most` is the bar of its share."""
    whole = len(gzip.compress((first / LISTING).read_bytes(), 6))
    served.totals.clear()
    done = client.refresh()
    sent = served.totals["bytes"]
    return [
        Figure("follow: the whole listing, gzip", whole / MIB, "MiB"),
        Figure(f"follow: {done.changed:,} records, {done.deltas} delta", sent / 1024, "KiB"),
        Figure("follow: bytes beside the whole listing", sent / whole, "ratio", most),
        Figure("follow: requests", served.totals["requests"], "requests"),
    ]


def install(public: Public, served: Served, names: Iterable[str]) -> list[Figure]:
    """Find out what to install, and whether it may be, with nothing but the first root on the client's side.

    Signed metadata comes through python-tuf's own fetcher, which takes no compressed answers.
    """
    most: Counter[str] = Counter()
    read = http_reader(f"{served.address}/{INDEX}")
    for name in names:
        served.totals.clear()
        skill = parse(SkillRecord, read(f"skills/{name.lower()}.json", MIB), name)
        version = next((one for one in skill.versions if one.redistributable), None)
        if version is None:
            continue
        with tempfile.TemporaryDirectory() as cache:
            client = TrustClient(Path(cache), served.address, root=public.root.read_bytes())
            revocations = parse(Revocations, client.document(INDEX + signed_path(REVOCATIONS)), REVOCATIONS)
            refuse_revoked(revocations, version.package_digest, name)
            client.look_up(package_key(version.package_digest))
        most |= served.totals
    return [
        Figure("install, cold and verified: bytes beyond the package, most of 20", most["bytes"] / 1024, "KiB", 64),
        Figure("install, cold and verified: requests beyond the package", most["requests"], "requests", 8),
    ]


# -- helpers


def folder_bytes(folder: Path) -> int:
    """Add up the files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def newest(state: Path) -> Path:
    """Give the snapshot that was made last."""
    made = [path for path in (state / "snapshots").iterdir() if (path / "snapshot.json").exists()]
    return max(made, key=lambda path: (path / "snapshot.json").stat().st_mtime_ns)


@contextmanager
def registry() -> Iterator[Settings]:
    """Give an empty index on a PostgreSQL of the benchmark's own."""
    with tempfile.TemporaryDirectory() as folder:
        services = EmbeddedServices(Path(folder), external=("s3", "temporal"))
        services.up()
        try:
            settings = load_settings(environment={"SKILLREGISTRY_STATE_DIRECTORY": folder})
            migrate.upgrade(settings.database)
            yield settings
        finally:
            services.down()


if __name__ == "__main__":
    main(__doc__ or "", measure)
