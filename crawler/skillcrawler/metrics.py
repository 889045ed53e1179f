"""What the worker tells Prometheus of the registry: the crawl, GitHub's limits, sources, schedules, what is live.

Names are `skillregistry_…`; the Temporal SDK's own, which `exporter` adds, are `temporal_…`. Labels have few values:
never a repository or a skill.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from skilldata import health
from skilldata.budgets import Budgets
from skilldata.config import Settings
from skilldata.database import Database
from skilldata.errors import RegistryError
from skilldata.objects import ObjectStore
from skilldata.schedulestate import ScheduleStates
from skilldata.vitals import vitals_registry

KEEP_SECONDS = 5.0  # for how long an answer is given again: who asks often costs no more


def registry_metrics(settings: Settings, database: Database, objects: ObjectStore) -> CollectorRegistry:
    """Give everything that is told of this registry and this process."""
    registry = vitals_registry(settings.state_directory)
    registry.register(RegistryCollector(settings, database, objects))
    return registry


class RegistryCollector(Collector):
    """Asks PostgreSQL and the object store when Prometheus asks; what does not answer leaves its metrics out.

    Args:
        settings: The configuration.
        database: The index.
        objects: The object store.
    """

    def __init__(self, settings: Settings, database: Database, objects: ObjectStore) -> None:
        self._settings = settings
        self._database = database
        self._objects = objects
        self._lock = threading.Lock()
        self._told: list[Metric] = []
        self._told_at = float("-inf")

    def describe(self) -> Iterable[Metric]:
        """Nothing: whoever registers this must not make it ask."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Ask, at most every five seconds."""
        with self._lock:
            if time.monotonic() - self._told_at > KEEP_SECONDS:
                self._told = list(self._ask())
                self._told_at = time.monotonic()
            yield from self._told

    def _ask(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("skillregistry_service_up", "Whether a service answers.", labels=["service"])
        for name, parts in (
            ("database", (self._crawl, self._database_itself, self._budgets, self._sources, self._schedules)),
            ("s3", (self._published, self._metadata)),
        ):
            up.add_metric([name], 1.0 if (yield from _answered(parts)) else 0.0)
        yield up
        expires = health.security_txt_expiry(self._settings.state_directory / "site" / "live")
        if expires is not None:
            meaning = "Until when the site's security.txt is valid."
            yield _gauge("security_txt_expires_timestamp_seconds", meaning, expires.timestamp())

    def _crawl(self) -> Iterator[Metric]:
        found = health.crawl_health(self._database)
        yield _gauge("repositories", "Repositories in the index.", found.repositories)
        yield _gauge("crawl_due", "Repositories that are due and were not looked at yet.", found.due)
        yield _gauge("crawl_lag_seconds", "Time that the first of them has waited.", found.lag_seconds)
        yield _gauge("crawl_failing", "Repositories whose last crawl failed.", found.failing)

    def _database_itself(self) -> Iterator[Metric]:
        found = health.database_health(self._database)
        yield _gauge("database_connections", "Connections to PostgreSQL, of all its clients.", found.connections)
        yield _gauge("database_connections_max", "Connections that it takes at most.", found.connections_max)
        yield _gauge("database_bytes", "Size of the index.", found.bytes)

    def _budgets(self) -> Iterator[Metric]:
        labels = ["credential", "bucket"]
        limit = GaugeMetricFamily("skillregistry_github_limit", "Requests of a whole window.", labels=labels)
        left = GaugeMetricFamily("skillregistry_github_left", "Requests that are left of it.", labels=labels)
        blocked = GaugeMetricFamily("skillregistry_github_blocked_seconds", "Time to wait.", labels=labels)
        for one in Budgets(self._database).list():
            names = [one.credential, one.bucket]
            blocked.add_metric(names, one.blocked_for)
            if one.limit is not None and one.left is not None:
                limit.add_metric(names, one.limit)
                left.add_metric(names, one.left if one.resets_in > 0 else one.limit)
        yield from (limit, left, blocked)

    def _sources(self) -> Iterator[Metric]:
        found = GaugeMetricFamily("skillregistry_sources", "Sources, by their health.", labels=["health"])
        for name, count in health.source_counts(self._database).items():
            found.add_metric([name], count)
        yield found

    def _schedules(self) -> Iterator[Metric]:
        states = ScheduleStates(self._database).list()
        told: tuple[tuple[str, str, Callable[[int], float | None]], ...] = (
            ("interval_seconds", "Time between two runs.", lambda n: states[n].interval_seconds),
            ("paused", "Whether a maintainer paused it.", lambda n: states[n].paused),
            ("last_success_timestamp_seconds", "When it last succeeded.", lambda n: _when(states[n].succeeded_at)),
            ("last_failure_timestamp_seconds", "When it last failed.", lambda n: _when(states[n].failed_at)),
        )
        for name, meaning, read in told:
            family = GaugeMetricFamily(f"skillregistry_schedule_{name}", meaning, labels=["schedule"])
            for number, state in enumerate(states):
                if (value := read(number)) is not None:
                    family.add_metric([state.schedule], value)
            yield family

    def _published(self) -> Iterator[Metric]:
        found = health.publish_health(self._settings, self._objects)
        if found is None:
            return
        yield _gauge("snapshot_age_seconds", "Time since the last change in the live snapshot.", found.age_seconds)
        yield _gauge("snapshot_published_seconds", "Time since it went live.", found.published_seconds)
        yield _gauge("snapshot_skills", "Skills that it lists.", found.skills)
        yield _gauge("publish_held", "Whether a snapshot waits for a maintainer.", bool(found.held))

    def _metadata(self) -> Iterator[Metric]:
        expires = health.metadata_expiry(self._objects)
        if expires is not None:
            meaning = "Until when the signed metadata is valid."
            yield _gauge("metadata_expires_timestamp_seconds", meaning, expires.timestamp())


def _answered(parts: Iterable[Callable[[], Iterator[Metric]]]) -> Generator[Metric, None, bool]:
    """Yield what parts tell, and return whether all of them could."""
    well = True
    for part in parts:
        try:
            yield from list(part())
        except RegistryError:
            well = False
    return well


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"skillregistry_{name}", meaning, value=float(value))


def _when(time_of: datetime | None) -> float | None:
    return None if time_of is None else time_of.timestamp()
