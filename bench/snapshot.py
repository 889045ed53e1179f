"""What a snapshot costs: to make, to publish, to follow and to read one skill from.

1. Export of an index of real names, descriptions and bodies: seconds and where they go, memory, sizes, beside
   `COPY … TO` with a DuckDB and a Parquet write of the same rows. `SKILLREGISTRY_TEST_BENCH_SKILLS=1000000`
   measures another size, with bodies of at most 1 kB above 200,000, and stops there.
2. A client that follows after 1 % of the skills changed, and one that looks one skill up: bytes and requests.
3. What publishing that change uploads, beside a full publish.
4. A publisher that is killed at seeded points while readers loop, and a rollback.
"""

from __future__ import annotations

import gzip
import itertools
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from figures import Figure, main  # noqa: E402
from indexgen import Generator, addresses  # noqa: E402

from skillcli.services import EmbeddedServices  # noqa: E402
from skilldata import migrate  # noqa: E402
from skilldata.config import PublishSettings, Settings, load_settings  # noqa: E402
from skilldata.database import Database  # noqa: E402
from skilldata.errors import RegistryError  # noqa: E402
from skilldata.export import QUERIES, create_snapshot  # noqa: E402
from skilldata.jsonindex.client import IndexClient, look_up, read_entry  # noqa: E402
from skilldata.jsonindex.tree import IndexTree, fetch  # noqa: E402
from skilldata.loading import KEY  # noqa: E402
from skilldata.publish.order import ROOT as INDEX  # noqa: E402
from skilldata.publish.publisher import Publisher  # noqa: E402
from skilldata.publish.target import FolderTarget  # noqa: E402
from skilldata.snapshot import LISTING, TABLES  # noqa: E402

SIZE_VARIABLE = "SKILLREGISTRY_TEST_BENCH_SKILLS"
LONG_BODIES = 200_000  # skills up to which bodies are as long as real ones
MIB = 1024 * 1024


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
        public = FolderTarget(state / "public")
        full = Publisher(public, PublishSettings(), lock=state / "lock").publish(first)
        reader = Reader(public)
        client = IndexClient(reader.read)
        client.refresh()
        repositories = generator.change(count // 100)
        create_snapshot(database, state / "snapshots")
        second = newest(state)
        started = time.monotonic()
        part = Publisher(public, PublishSettings(), lock=state / "lock").publish(second)
        return [
            *figures,
            Figure(f"publish: objects of a full one, {full.put_bytes / MIB:,.0f} MiB", full.puts, "objects"),
            Figure(f"publish: 1 % changed in {repositories:,} repositories", time.monotonic() - started, "s"),
            Figure("publish: objects uploaded, beside a full one", part.puts / full.puts, "ratio", 0.03),
            Figure("publish: bytes uploaded, beside a full one", part.put_bytes / full.put_bytes, "ratio", 0.03),
            *follow(client, reader, first, list(addresses(database, 20))),
            *tear(state, 8 if quick else 40),
        ]


# -- 1. export


def export(settings: Settings, state: Path, count: int) -> list[Figure]:
    """Export in a process of its own, and its floor in another."""
    made = in_child(_export, settings, state / "snapshots")
    floor = in_child(_floor, settings, state / "floor")
    shutil.rmtree(state / "floor")
    folder = newest(state)
    steps = ", ".join(f"{name} {seconds:.3g}" for name, seconds in made["steps"].items() if seconds > made["cpu"] / 50)
    print(f"where the CPU seconds go: {steps}", file=sys.stderr)
    sizes = Counter(
        {path.name: sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) or path.stat().st_size
         for path in folder.iterdir()}
    )  # fmt: skip
    bar = 2048 if count >= 1_000_000 else None
    return [
        Figure(f"export: {count:,} skills", made["seconds"], "s"),
        Figure("export: seconds for each 100,000 skills", made["seconds"] * 100_000 / count, "s"),
        Figure("export: CPU seconds of the exporter", made["cpu"], "s"),
        Figure("export: floor (COPY, DuckDB, Parquet), CPU", floor["cpu"], "s"),
        Figure("export: CPU beside the floor's", made["cpu"] / floor["cpu"], "ratio"),
        Figure("export: peak memory", made["peak"], "MiB", bar),
        *(Figure(f"export: size of {name}", size / MIB, "MiB") for name, size in sizes.most_common() if size > 10_000),
    ]


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


# -- 2. followers


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


def follow(client: IndexClient, reader: Reader, first: Path, names: list[str]) -> list[Figure]:
    """Refresh a client that had the first snapshot, and look skills up."""
    whole = len(gzip.compress((first / LISTING).read_bytes(), 6))
    reader.reset()
    done = client.refresh()
    refreshed, requests = reader.bytes, reader.requests
    most_bytes = most_requests = 0
    for name in names:
        reader.reset()
        look_up(reader.read, name)
        most_bytes, most_requests = max(most_bytes, reader.bytes), max(most_requests, reader.requests)
    return [
        Figure("follow: the whole listing, gzip", whole / MIB, "MiB"),
        Figure(f"follow: {done.changed:,} records, {done.deltas} delta", refreshed / 1024, "KiB"),
        Figure("follow: bytes beside the whole listing", refreshed / whole, "ratio", 0.02),
        Figure("follow: requests", requests, "requests"),
        Figure("look up: bytes beyond the package, most of 20", most_bytes / 1024, "KiB", 64),
        Figure("look up: requests beyond the package", most_requests, "requests", 8),
    ]


# -- 3. killed publishers


def tear(state: Path, kills: int) -> list[Figure]:
    """Kill a publisher again and again while readers look, then go back."""
    folders = sorted(path for path in (state / "snapshots").iterdir() if (path / "snapshot.json").exists())
    public = FolderTarget(state / "public")
    seeds = random.Random(40)
    started = time.monotonic()
    Publisher(public, PublishSettings(), lock=state / "lock").publish(folders[0], even_if_smaller=True)
    whole = time.monotonic() - started
    fresh, forked = multiprocessing.get_context("spawn"), multiprocessing.get_context("fork")
    stop, results = fresh.Event(), fresh.Queue()
    readers = [fresh.Process(target=_look, args=(state, stop, results, number)) for number in range(2)]
    for reader in readers:
        reader.start()
    results.get(timeout=120), results.get(timeout=120)  # both are looking
    killed = 0
    for number in range(kills):
        child = forked.Process(target=_publish, args=(state, folders[(number + 1) % 2]))
        child.start()
        time.sleep(seeds.random() * whole)
        if child.is_alive() and child.pid:
            os.kill(child.pid, signal.SIGKILL)
            killed += 1
        child.join()
    stop.set()
    seen = [results.get(timeout=120) for _ in readers]
    torn, reads = [problem for problems, _ in seen for problem in problems], sum(count for _, count in seen)
    publisher = Publisher(public, PublishSettings(), lock=state / "lock")
    publisher.publish(folders[0], even_if_smaller=True)
    before = public.get(INDEX + "entry.json")
    publisher.publish(folders[1], even_if_smaller=True)
    started = time.monotonic()
    publisher.go_back(folders[0].name)
    back = time.monotonic() - started
    same = public.get(INDEX + "entry.json") == before
    for problem in torn[:5]:
        print(f"torn: {problem}", file=sys.stderr)
    return [
        Figure(f"killed: of {kills} publishers", killed, "killed"),
        Figure(f"killed: torn reads, of {reads:,}", len(torn), "reads", 0),
        Figure("go back: the JSON index", back, "s", 5),
        Figure("go back: bytes that differ from before", 0 if same else 1, "documents", 0),
    ]


def _publish(state: Path, folder: Path) -> None:
    publisher = Publisher(FolderTarget(state / "public"), PublishSettings(), lock=state / "lock")
    publisher.publish(folder, even_if_smaller=True)


def _look(state: Path, stop: Any, results: Any, number: int) -> None:
    """Follow every kind of reference there is, beginning with the entry, until told to stop."""
    public, chosen = FolderTarget(state / "public"), random.Random(number)
    torn: list[str] = []
    reads = 0
    results.put("ready")
    while not stop.is_set():
        try:
            torn += _follow_all(public, chosen)
        except RegistryError as error:
            torn.append(str(error))
        reads += 1
    results.put((torn, reads))


def _follow_all(public: FolderTarget, chosen: random.Random) -> list[str]:
    def read(path: str, _limit: int) -> bytes:
        return public.get(INDEX + path)

    entry = read_entry(read)
    shards = list(IndexTree(entry, read).shards())
    for shard in chosen.sample(shards, min(5, len(shards))):
        line = json.loads(fetch(read, shard).splitlines()[-1])
        public.get(f"{INDEX}skills/{line['skill'].lower()}.json" if line["kind"] == "skill" else f"{INDEX}entry.json")
    for delta in entry.deltas:
        fetch(read, delta)
    files = entry.downloads.files if entry.downloads else ()
    return [f"{one.path} has another size" for one in files if public.size(INDEX + one.path) != one.size]


# -- helpers


def in_child(work: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Run something in a fresh process; adds its seconds, CPU seconds and peak memory in MiB."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_in_child, args=(sender, work, arguments))
    child.start()
    sender.close()
    result: dict[str, Any] = receiver.recv()
    child.join()
    return result


def _in_child(sender: Any, work: Callable[..., dict[str, Any]], arguments: tuple[Any, ...]) -> None:
    started, cpu = time.monotonic(), time.process_time()
    result = work(*arguments)
    own, inner = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = time.process_time() - cpu + inner.ru_utime + inner.ru_stime
    peak = max(own.ru_maxrss, inner.ru_maxrss) / 1024  # they do not work at the same time
    sender.send({**result, "seconds": time.monotonic() - started, "cpu": cpu, "peak": peak})


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
