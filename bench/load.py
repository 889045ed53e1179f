"""What the API holds: the highest rate at which 99 of 100 answers take at most 100 ms, kept up for ten minutes.

The API runs in a process of its own on a snapshot of 10,000 skills made of real ones, as `skillregistry serve` runs
it, without a limit for one caller; a bare uvicorn that says hello is measured by the same client. First, eight
connections ask as fast as they are answered: that is the capacity. Then requests are sent by the clock, whether or not
earlier ones were answered, and the time of each counts from when it was due, so that a server that stalls is not spared
the requests that would have come meanwhile. Six of ten are searches, few of them twice; three are skills; one is a
repository.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import re
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, cast

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

import psutil  # noqa: E402
import uvloop  # noqa: E402
from apiload import for_seconds, load  # noqa: E402
from figures import Figure, main  # noqa: E402
from indexgen import Pool, read_pool  # noqa: E402
from starlette.types import Receive, Scope, Send  # noqa: E402
from tests.snapshots import SampleRepository, SampleSkill, make_snapshot, sample_skill  # noqa: E402

from skillapi.app import create_app  # noqa: E402
from skillapi.live import FolderSource  # noqa: E402
from skillapi.server import serve  # noqa: E402
from skilldata.config import ApiSettings, Settings  # noqa: E402
from skilldata.search import build_search_index  # noqa: E402
from skilldata.snapshot import SEARCH, Snapshot  # noqa: E402

CONNECTIONS = 8
SKILLS = 10_000
MOST = 0.1  # seconds that 99 of 100 answers may take
SHARES = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)  # of the capacity, tried from above
TRIAL, HOLD = 10.0, 600.0  # seconds
QUICK_SKILLS, QUICK_TRIAL, QUICK_HOLD = 1_000, 2.0, 10.0
BODY = 4_000  # bytes


class Times(NamedTuple):
    """Seconds of answers, sorted, and how many failed."""

    seconds: list[float]
    failed: int

    @property
    def p99(self) -> float:
        """The time that 99 of 100 are within."""
        return self.seconds[int(len(self.seconds) * 0.99)] if self.seconds else float("inf")


class Caller(asyncio.Protocol):
    """One connection that asks for one thing after the other; what is due meanwhile waits in a row."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._waiting: deque[tuple[bytes, Callable[[bool], None]]] = deque()
        self._answered: Callable[[bool], None] | None = None
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the connection."""
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is none by its class

    def ask(self, path: str, answered: Callable[[bool], None]) -> None:
        """Ask as soon as what was asked before is answered; `answered` is told whether it went well."""
        request = f"GET {path} HTTP/1.1\r\nHost: registry\r\n\r\n".encode()
        self._waiting.append((request, answered))
        if self._answered is None:
            self._send()

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer; its head says how long it is."""
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return
        fields = bytes(self._received[:head]).lower()
        length = int(fields.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0])
        if len(self._received) >= head + 4 + length:
            del self._received[: head + 4 + length]
            self._end(well=fields.startswith(b"http/1.1 200"))

    def connection_lost(self, _: Exception | None) -> None:
        """Everything that was asked has failed."""
        while self._answered is not None or self._waiting:
            if self._answered is None:
                self._answered = self._waiting.popleft()[1]
            answered, self._answered = self._answered, None
            answered(False)

    def _send(self) -> None:
        assert self._transport is not None
        request, self._answered = self._waiting.popleft()
        self._transport.write(request)

    def _end(self, *, well: bool) -> None:
        answered, self._answered = self._answered, None
        if self._waiting:
            self._send()
        if answered is not None:
            answered(well)


def made_up(pool: Pool, count: int) -> list[SampleSkill]:
    """Give each skill the description of one real skill and the body of another, in repositories of 25."""
    draw, made = random.Random(2), []
    for number in range(count):
        repository = SampleRepository(f"owner-{number // 100:04}", f"repo-{number // 25:05}", stars=number % 900)
        description, body = draw.choice(pool.descriptions), draw.choice(pool.bodies)[:BODY]
        made.append(sample_skill(repository, f"skill-{number:06}", description, body))
    return made


def paths(pool: Pool, skills: int) -> Iterator[str]:
    """Give what is asked for, without an end."""
    draw = random.Random(1)
    words = sorted({word for text in pool.descriptions for word in re.findall(r"[a-z]{3,}", text.lower())})
    while True:
        number = draw.randrange(skills)
        kind = draw.random()
        if kind < 0.6:
            yield f"/api/v1/search?q={'+'.join(draw.sample(words, draw.choice((1, 2, 2, 3))))}"
        elif kind < 0.9:
            yield f"/api/v1/skills/owner-{number // 100:04}/repo-{number // 25:05}/skill-{number:06}"
        else:
            yield f"/api/v1/repositories/owner-{number // 100:04}/repo-{number // 25:05}"


async def by_the_clock(
    port: int, wanted: Iterator[str], rate: float, seconds: float, fifth: Callable[[], None] = lambda: None
) -> Times:
    """Ask so many times a second; `fifth` is called when a fifth of the time is over."""
    callers, times, failed = await _callers(port), list[float](), 0
    loop = asyncio.get_running_loop()
    start, number, whole, done = loop.time(), 0, int(rate * seconds), asyncio.Event()

    def answered(due: float, well: bool) -> None:
        nonlocal failed
        times.append(loop.time() - due)
        failed += not well
        if len(times) == whole:
            done.set()

    while number < whole:
        while number < whole and start + number / rate <= loop.time():
            due = start + number / rate
            callers[number % CONNECTIONS].ask(next(wanted), lambda well, due=due: answered(due, well))  # type: ignore[misc]
            number += 1
            if number == whole // 5:
                fifth()
        await asyncio.sleep(0.001)
    with suppress(TimeoutError):
        async with asyncio.timeout(10):
            await done.wait()
    return Times(sorted(times), failed + whole - len(times))


async def _callers(port: int) -> list[Caller]:
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Caller, "127.0.0.1", port) for _ in range(CONNECTIONS)]
    return [caller for _, caller in made]


def measure(quick: bool) -> list[Figure]:
    """Find the rate, hold it, and say what it cost."""
    skills, trial, hold = (QUICK_SKILLS, QUICK_TRIAL, QUICK_HOLD) if quick else (SKILLS, TRIAL, HOLD)
    pool = read_pool()
    wanted = paths(pool, skills)
    with tempfile.TemporaryDirectory() as folder:
        made = make_snapshot(Path(folder) / "snapshot", made_up(pool, skills))
        with Snapshot(made) as snapshot:
            build_search_index(snapshot, made / SEARCH)
        with _running(None) as (_, port):
            hello = _capacity(port, wanted, trial)
        with _running(made) as (process, port):
            full = _capacity(port, wanted, trial)
            rates = [full * share for share in SHARES]
            held_at = (one for one in rates if _holds(_run(by_the_clock(port, wanted, one, trial))))
            rate = next(held_at, rates[-1])  # where none holds, the last shows by how much
            memory: list[int] = []
            cpu = process.cpu_times()
            held = _run(by_the_clock(port, wanted, rate, hold, lambda: memory.append(process.memory_info().rss)))
            used = process.cpu_times()
            memory.append(process.memory_info().rss)
    spent = used.user + used.system - cpu.user - cpu.system
    return [
        Figure("requests answered as fast as eight connections ask", full, "a second"),
        Figure("... a bare uvicorn that says hello", hello, "a second"),
        Figure("... of that", 100 * full / hello, "%"),
        Figure("rate that was held", rate, "a second"),
        Figure("... for", hold, "s"),
        Figure("... answers that failed", held.failed, "", 0),
        Figure("... half of the answers within", 1000 * held.seconds[len(held.seconds) // 2], "ms"),
        Figure("... 99 of 100 within", 1000 * held.p99, "ms", 1000 * MOST),
        Figure("... the API's processor time for each", 1000 * spent / len(held.seconds), "ms"),
        Figure("... its memory at the end", memory[-1] / 2**20, "MiB"),
        Figure("... beside that after a fifth of the time", memory[-1] / memory[0], "", 1.1),
    ]


def _capacity(port: int, wanted: Iterator[str], seconds: float) -> float:
    """Ask on every connection as soon as it is answered; gives the answers of a second."""
    answers = load(port, list(islice(wanted, 20_000)), for_seconds(seconds), connections=CONNECTIONS)
    if answers.errors:
        raise SystemExit(f"{answers.errors} answers failed: {answers.statuses}")
    return len(answers.seconds) / answers.took


def _holds(times: Times) -> bool:
    return times.failed == 0 and times.p99 <= MOST


def _run(work: Coroutine[Any, Any, Times]) -> Times:
    time.sleep(0.2)  # what an earlier run left behind is over
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


@contextmanager
def _running(snapshot: Path | None) -> Iterator[tuple[psutil.Process, int]]:
    """Run the API on a snapshot, or the one that says hello; gives its process and port."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_serve, args=(snapshot, there), daemon=True)
    child.start()
    try:
        assert here.poll(60), "the server did not start"
        yield psutil.Process(child.pid), here.recv()
    finally:
        child.terminate()
        child.join(30)


def _serve(snapshot: Path | None, told: Connection) -> None:
    """Be the server: both run by the same function, with the same options of uvicorn."""

    def announce(url: str) -> None:
        told.send(int(url.rpartition(":")[2]))

    if snapshot is None:
        serve(_hello, "127.0.0.1", 0, announce=announce)
        return
    settings = Settings(state_directory=snapshot.parent, api=ApiSettings(reads_per_minute=0))
    serve(create_app(FolderSource(snapshot), None, settings), "127.0.0.1", 0, announce=announce)


async def _hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Say hello, and do nothing else: what a server of this kind can do at most."""
    if scope["type"] == "lifespan":
        for _ in range(2):
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
        return
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


if __name__ == "__main__":
    main(__doc__ or "", measure)
