"""Counters and the text in which Prometheus reads them.

The format is Prometheus' text exposition format 0.0.4. All counting happens on the event loop, so it takes no lock,
which the client library's counters take for every request; what is not counted comes from that library.
"""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from skillapi.counting import DownloadCounts
from skillapi.live import LiveState
from skilldata.vitals import vitals_registry, vitals_text

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds


class Metrics:
    """What one process has served since it began.

    Args:
        state: A folder on the disk that is watched.
    """

    def __init__(self, state: Path = Path()) -> None:
        self._vitals = vitals_registry(state)
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._buckets: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        self._downloads: Counter[str] = Counter()

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request. `route` is a pattern, never an address: there are few of them."""
        self._requests[route, method, status] += 1
        self._seconds[route] += seconds
        self._buckets[route][bisect.bisect_left(BUCKETS, seconds)] += 1

    def download(self, answer: str) -> None:
        """Count one download: `redirect`, `stream` or `refused`."""
        self._downloads[answer] += 1

    def text(self, live: LiveState, *, store_ready: bool | None, counts: DownloadCounts | None = None) -> str:
        """Write everything, sorted."""
        lines = [*self._request_lines(), *self._duration_lines(), *self._download_lines(), *_live_lines(live)]
        if store_ready is not None:
            lines += _metric("store_ready", "gauge", "Whether the package store answers.", [("", int(store_ready))])
        for metric in counts.metrics() if counts else ():
            lines += _metric(*metric)
        return "\n".join(lines) + "\n" + vitals_text(self._vitals)

    def _request_lines(self) -> Iterable[str]:
        samples = [
            (f'{{route="{route}",method="{method}",status="{status}"}}', count)
            for (route, method, status), count in sorted(self._requests.items())
        ]
        return _metric("requests_total", "counter", "Answered requests.", samples)

    def _duration_lines(self) -> Iterator[str]:
        name = "skillapi_request_seconds"
        yield f"# HELP {name} Time until the end of the answer."
        yield f"# TYPE {name} histogram"
        for route, counts in sorted(self._buckets.items()):
            total = 0
            for limit, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
                total += count
                yield f'{name}_bucket{{route="{route}",le="{limit}"}} {total}'
            yield f'{name}_sum{{route="{route}"}} {self._seconds[route]:.6f}'
            yield f'{name}_count{{route="{route}"}} {total}'

    def _download_lines(self) -> Iterable[str]:
        samples = [(f'{{answer="{answer}"}}', count) for answer, count in sorted(self._downloads.items())]
        return _metric("downloads_total", "counter", "Package downloads.", samples)


def _live_lines(live: LiveState) -> Iterator[str]:
    yield from _metric("snapshot_swaps_total", "counter", "Snapshots taken after the first.", [("", live.swaps)])
    failures = [("", live.failures)]
    yield from _metric("snapshot_failures_total", "counter", "Tries to open a snapshot that failed.", failures)
    if live.as_of is not None:
        age = (datetime.now(UTC) - live.as_of).total_seconds()
        yield from _metric("snapshot_age_seconds", "gauge", "Time since the last change in the snapshot.", [("", age)])
        yield from _metric("snapshot_info", "gauge", "The open snapshot.", [(f'{{id="{live.snapshot_id}"}}', 1)])


def _metric(name: str, kind: str, meaning: str, samples: Iterable[tuple[str, float]]) -> Iterator[str]:
    yield f"# HELP skillapi_{name} {meaning}"
    yield f"# TYPE skillapi_{name} {kind}"
    for labels, value in samples:
        yield f"skillapi_{name}{labels} {value:g}" if isinstance(value, float) else f"skillapi_{name}{labels} {value}"
