"""Counting downloads: which ones count, and bringing the counts to the index when it can be reached."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import Scope

from skillapi.journal import Journal, Line, Part
from skillapi.problems import Problem
from skilldata.downloads import DownloadBatch

SYNC_SECONDS = 1.0
# Machines that fetch everything: they say so in their name, as RFC 9110 section 10.1.5 asks them to.
_MACHINE = re.compile(r"bot\b|crawl|spider|slurp|agentskillregistry|monitor|preview", re.IGNORECASE)
_LONGEST_NAME = 500  # characters of a name that are looked at
_FROM_START = re.compile(r"bytes=0-")

logger = logging.getLogger(__name__)


class Counted(NamedTuple):
    """The version that a package is of."""

    repository_id: int
    path: str
    content_digest: str


class BatchTaker(Protocol):
    """Whoever brings a batch to the index."""

    async def take_downloads(self, batch: DownloadBatch) -> None:
        """Take a batch for good; one that was taken before is no error.

        Raises:
            Problem: It cannot be taken now.
        """


class DownloadCounts:
    """Counts downloads in a journal, and sends it off.

    Args:
        journal: Where counts wait.
        taker: Who is given them.
        flush_seconds: Time between two tries to send them.
    """

    def __init__(self, journal: Journal, taker: BatchTaker, *, flush_seconds: float = 60.0) -> None:
        self._journal = journal
        self._taker = taker
        self._flush_seconds = flush_seconds
        self._outcomes: Counter[str] = Counter()
        self._sent: Counter[str] = Counter()

    def count(self, scope: Scope, status: int, counted: Counted) -> None:
        """Count an answer with a package, if it is a download. Never fails: a lost count is less than a lost answer.

        It neither waits for a disk nor for the network, and may be called on the event loop.
        """
        headers = Headers(scope=scope)
        if not is_download(scope["method"], status, headers.get("range", "")):
            return
        if _MACHINE.search(headers.get("user-agent", "")[:_LONGEST_NAME]):
            self._outcomes["machine"] += 1
            return
        line = Line(datetime.now(UTC).date(), *counted)
        try:
            taken = self._journal.add(line)
        except OSError as error:
            logger.warning("a download cannot be counted: %s", error.strerror)
            taken = False
        self._outcomes["counted" if taken else "dropped"] += 1

    async def run(self) -> None:
        """Bring lines to the disk every second, and batches to the index every `flush_seconds`, until cancelled."""
        due = 0.0  # what an earlier process left goes first
        while True:
            await run_in_threadpool(self._journal.sync)
            if due <= 0:
                await self.flush()
                due = self._flush_seconds
            await asyncio.sleep(SYNC_SECONDS)
            due -= SYNC_SECONDS

    async def flush(self) -> None:
        """Send what waits. Where it is not taken it stays, and is sent again with the next flush."""
        try:
            with closing(self._journal.parts()) as parts:
                while (part := await run_in_threadpool(next, parts, None)) is not None:
                    await self._send(part)
        except Problem as problem:
            self._sent["failed"] += 1
            logger.info("counted downloads wait: %s", problem.detail)
        except OSError as error:
            self._sent["failed"] += 1
            logger.warning("counted downloads cannot be read: %s", error)

    async def _send(self, part: Part) -> None:
        if part.unreadable:
            logger.warning("%d lines of counted downloads cannot be read", part.unreadable)
        if part.batch.counts:
            await self._taker.take_downloads(part.batch)
        await run_in_threadpool(self._journal.drop, part)
        self._sent["taken"] += 1

    def close(self) -> None:
        """End the journal; what waits is sent by the next process."""
        self._journal.close()

    def metrics(self) -> Iterator[tuple[str, str, str, list[tuple[str, float]]]]:
        """Give name, kind, meaning and samples of each metric."""
        counted = [(f'{{outcome="{name}"}}', self._outcomes[name]) for name in ("counted", "dropped", "machine")]
        yield "download_counts_total", "counter", "Downloads by what became of their count.", [*counted]
        sent = [(f'{{outcome="{name}"}}', self._sent[name]) for name in ("taken", "failed")]
        yield "download_batches_total", "counter", "Batches of counts that were sent off.", [*sent]
        yield "download_buffer_bytes", "gauge", "Bytes of counts that wait on the disk.", [("", self._journal.size)]


def is_download(method: str, status: int, asked_range: str) -> bool:
    """Whether an answer gives the beginning of a package, or sends the caller to it.

    Not HEAD, not 304, and of several ranges of one package only the one that begins it.

    Args:
        method: Of the request.
        status: Of the answer.
        asked_range: The request's Range header; '' where there is none.
    """
    if method != "GET" or status not in {200, 206, 302}:
        return False
    # A 200 is the whole, whatever was asked for.
    return status == 200 or (not asked_range and status == 302) or bool(_FROM_START.match(asked_range.strip()))
