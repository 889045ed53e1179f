"""What a snapshot costs: to make, to publish, to follow and to read one skill from.

1. Export of an index of real names, descriptions and bodies: seconds and where they go, memory, sizes, beside
   `COPY … TO` with a DuckDB and a Parquet write of the same rows. `SKILLREGISTRY_TEST_BENCH_SKILLS=1000000`
   measures another size, with bodies of at most 1 kB above 200,000, and stops there.
2. A client that follows after 1 % of the skills changed, and one that installs a skill cold: bytes and requests
   until it knows the package and that it is signed and not taken back.
3. What publishing that change uploads, beside a full publish.
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
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from figures import Figure, main  # noqa: E402
from indexgen import Generator, addresses  # noqa: E402
from memory import MIB, in_child  # noqa: E402

from skillcli.services import EmbeddedServices  # noqa: E402
from skilldata import migrate  # noqa: E402
from skilldata.config import PublishSettings, Settings, load_settings  # noqa: E402
from skilldata.copies import sketch_new  # noqa: E402
from skilldata.database import Database  # noqa: E402
from skilldata.export import QUERIES, create_snapshot  # noqa: E402
from skilldata.jsonindex.client import IndexClient  # noqa: E402
from skilldata.jsonindex.documents import Revocations, SkillRecord  # noqa: E402
from skilldata.jsonindex.tree import parse  # noqa: E402
from skilldata.loading import KEY  # noqa: E402
from skilldata.objects import package_key  # noqa: E402
from skilldata.publish.live import index_targets  # noqa: E402
from skilldata.publish.order import ROOT as INDEX  # noqa: E402
from skilldata.publish.published import REVOCATIONS, signed_path  # noqa: E402
from skilldata.publish.publisher import Publisher  # noqa: E402
from skilldata.publish.target import FolderTarget  # noqa: E402
from skilldata.snapshot import LISTING, TABLES, Snapshot  # noqa: E402
from skilldata.trust import TrustRepository  # noqa: E402
from skilldata.trust.ceremony import make_root  # noqa: E402
from skilldata.trust.client import TrustClient  # noqa: E402
from skilldata.trust.keys import read_key  # noqa: E402
from skilldata.trust.metadata import FolderMetadata  # noqa: E402
from skilldata.trust.repository import VouchedFile  # noqa: E402
from skilldata.trust.revocations import read_revocations, refuse_revoked  # noqa: E402
from skilldata.trust.signing import package_targets  # noqa: E402

SIZE_VARIABLE = "SKILLREGISTRY_TEST_BENCH_SKILLS"
LONG_BODIES = 200_000  # skills up to which bodies are as long as real ones


def measure(quick: bool) -> list[Figure]:
    """Run all parts on one index."""
    named = os.environ.get(SIZE_VARIABLE)
    count = int(named) if named else 2_000 if quick else 100_000
    with registry() as settings, Database(settings.database) as database:
        generator = Generator(database, body_bytes=None if count <= LONG_BODIES else 1000)
        generator.fill(count)
        state = settings.state_directory
        figures = export(settings, state, count)
        if named:
            return figures
        first = newest(state)
        public = Public(state)
        full, full_seconds = public.publish(first)
        reader = Reader(public.target)
        client = IndexClient(reader.read)
        client.refresh()
        repositories = generator.change(count // 100)
        create_snapshot(database, state / "snapshots")
        second = newest(state)
        part, part_seconds = public.publish(second)
        return [
            *figures,
            Figure(f"publish: a full one, {full.puts:,} objects, {full.put_bytes / MIB:,.0f} MiB", full_seconds, "s"),
            Figure(f"publish: 1 % changed in {repositories:,} repositories", part_seconds, "s"),
            Figure("publish: objects uploaded, beside a full one", part.puts / full.puts, "ratio", 0.03),
            Figure("publish: bytes uploaded, beside a full one", part.put_bytes / full.put_bytes, "ratio", 0.03),
            *follow(client, reader, first),
            *install(public, reader, addresses(database, 20)),
        ]


# -- 1. export


def export(settings: Settings, state: Path, count: int) -> list[Figure]:
    """Export in a process of its own, and its floor in another."""
    sketched = in_child(_sketch, settings)
    made = in_child(_export, settings, state / "snapshots")
    floor = in_child(_floor, settings, state / "floor")
    shutil.rmtree(state / "floor")
    folder = newest(state)
    sizes = Counter(
        {path.name: sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) or path.stat().st_size
         for path in folder.iterdir()}
    )  # fmt: skip
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


class Sent(NamedTuple):
    """What a publisher uploaded, signed metadata included."""

    puts: int
    put_bytes: int


class CountedMetadata(FolderMetadata):
    """Signed metadata in a folder, that counts what is written."""

    puts = put_bytes = 0

    def replace(self, name: str, data: bytes) -> None:
        """Write a file."""
        super().replace(name, data)
        self.puts += 1
        self.put_bytes += len(data)


class Public:
    """A folder that a registry with keys publishes to."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "public"
        self.target = FolderTarget(self.folder)
        self.root = self.folder / "tuf" / "1.root.json"
        self._state = state
        make_root(self.folder / "tuf", state / "keys", datetime.now(UTC))
        self._signer = read_key(state / "keys" / "online.pem")

    def publish(self, folder: Path) -> tuple[Sent, float]:
        """Publish and sign a snapshot; gives what was uploaded, and the seconds."""
        started = time.monotonic()
        metadata = CountedMetadata(self.folder / "tuf")
        with Snapshot(folder) as snapshot:

            def vouch(documents: Sequence[VouchedFile]) -> None:
                files = chain(package_targets(snapshot), index_targets(folder), documents)
                TrustRepository(metadata, self._signer).update(files, datetime.now(UTC))

            publisher = Publisher(self.target, PublishSettings(), lock=self._state / "lock")
            done = publisher.publish(folder, revocations=read_revocations(snapshot), vouch=vouch)
        sent = Sent(done.puts + metadata.puts, done.put_bytes + metadata.put_bytes)
        return sent, time.monotonic() - started


class CountingFetcher(FetcherInterface):
    """Gives TUF's client files of a folder, and counts requests and bytes as they are sent, not compressed."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self.requests = self.bytes = 0

    def _fetch(self, url: str) -> Iterator[bytes]:
        self.requests += 1
        path = self._folder / url.removeprefix("https://registry.invalid/")
        if not path.is_file():
            raise DownloadHTTPError("not there", 404)
        data = path.read_bytes()
        self.bytes += len(data)
        yield data


class Reader:
    """Reads a published folder, and counts."""

    def __init__(self, target: FolderTarget) -> None:
        self._target = target
        self.requests = self.bytes = 0

    def read(self, path: str, limit: int) -> bytes:
        """Read as over HTTP, where a small document would be sent compressed."""
        data = self._target.get(INDEX + path)
        self.requests += 1
        self.bytes += len(data) if path.endswith(".gz") else len(gzip.compress(data, 6))
        return data

    def reset(self) -> None:
        """Count anew."""
        self.requests = self.bytes = 0


def follow(client: IndexClient, reader: Reader, first: Path) -> list[Figure]:
    """Refresh a client that had the first snapshot."""
    whole = len(gzip.compress((first / LISTING).read_bytes(), 6))
    reader.reset()
    done = client.refresh()
    return [
        Figure("follow: the whole listing, gzip", whole / MIB, "MiB"),
        Figure(f"follow: {done.changed:,} records, {done.deltas} delta", reader.bytes / 1024, "KiB"),
        Figure("follow: bytes beside the whole listing", reader.bytes / whole, "ratio", 0.02),
        Figure("follow: requests", reader.requests, "requests"),
    ]


def install(public: Public, reader: Reader, names: Iterable[str]) -> list[Figure]:
    """Find out what to install, and whether it may be, with nothing but the first root on the client's side."""
    most_bytes = most_requests = 0
    for name in names:
        reader.reset()
        fetcher = CountingFetcher(public.folder)
        skill = parse(SkillRecord, reader.read(f"skills/{name.lower()}.json", 0), name)
        version = next((one for one in skill.versions if one.redistributable), None)
        if version is None:
            continue
        with tempfile.TemporaryDirectory() as cache:
            client = TrustClient(
                Path(cache), "https://registry.invalid", root=public.root.read_bytes(), fetcher=fetcher
            )
            revocations = parse(Revocations, client.document(INDEX + signed_path(REVOCATIONS)), REVOCATIONS)
            refuse_revoked(revocations, version.package_digest, name)
            client.look_up(package_key(version.package_digest))
        most_bytes = max(most_bytes, reader.bytes + fetcher.bytes)
        most_requests = max(most_requests, reader.requests + fetcher.requests)
    return [
        Figure("install, cold and verified: bytes beyond the package, most of 20", most_bytes / 1024, "KiB", 64),
        Figure("install, cold and verified: requests beyond the package", most_requests, "requests", 8),
    ]


# -- helpers


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
