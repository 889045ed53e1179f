"""What every process tells of itself: memory, processor time, open files, and the disk that it writes to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

CGROUP = Path("/sys/fs/cgroup")


class Vitals(Collector):
    """Gauges of the machine as this process meets it.

    Args:
        folder: A folder on the disk to watch.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Look now."""
        disk = GaugeMetricFamily("skillregistry_disk_bytes", "Bytes of the disk with the state.", labels=["state"])
        usage = shutil.disk_usage(next(path for path in (self._folder, *self._folder.parents) if path.exists()))
        disk.add_metric(["size"], usage.total)
        disk.add_metric(["free"], usage.free)
        yield disk
        yield GaugeMetricFamily(
            "skillregistry_memory_limit_bytes", "Memory that this process may have.", value=memory_limit()
        )


def vitals_registry(folder: Path) -> CollectorRegistry:
    """Give a registry of these gauges and of the process's own, to which more may be added."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(Vitals(folder))
    return registry


def vitals_text(registry: CollectorRegistry) -> str:
    """Write a registry in Prometheus' text format."""
    return generate_latest(registry).decode()


def memory_limit(cgroup: Path = CGROUP) -> int:
    """Give the bytes that the container may have, or those of the machine where it has no limit."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # cgroup v2, v1
        try:
            text = (cgroup / name).read_text().strip()
        except OSError:
            continue
        if text.isdecimal():
            return min(int(text), _physical())
    return _physical()


def _physical() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
