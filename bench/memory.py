"""Work in a process of its own, with what it and its children take: seconds, CPU seconds, memory."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

EVERY = 0.05  # seconds between two looks at memory
MIB = 1024 * 1024


def in_child(work: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Run something in a fresh process.

    Args:
        work: Gives figures. Called with `arguments`.
        arguments: What it is called with; they are pickled.

    Returns:
        Its figures, with `seconds`, `cpu` (of itself and its children) and `peak`: the most MiB that the process and
        its children had resident at one time, what they share counted for each.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_work, args=(sender, work, arguments))
    child.start()
    sender.close()
    assert child.pid
    done = threading.Event()
    peak = [0.0]
    watcher = threading.Thread(target=_watch, args=(child.pid, done, peak))
    watcher.start()
    try:
        result: dict[str, Any] = receiver.recv()
    finally:
        done.set()
        watcher.join()
        child.join()
    return {**result, "peak": peak[0]}


def _work(sender: Connection, work: Callable[..., dict[str, Any]], arguments: tuple[Any, ...]) -> None:
    started, before = time.monotonic(), sum(os.times()[:4])
    result = work(*arguments)
    sender.send({**result, "seconds": time.monotonic() - started, "cpu": sum(os.times()[:4]) - before})


def _watch(pid: int, done: threading.Event, peak: list[float]) -> None:
    while not done.wait(EVERY):
        peak[0] = max(peak[0], sum(map(_resident, _family(pid))) / MIB)


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in children.read_text().split():
                yield from _family(int(child))
        except OSError:  # it ended
            pass


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
