"""The activities of housekeeping: backups, upkeep of the database, and deleting what is old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from temporalio import activity

from skillcrawler.messages import BackedUp, Collected, Maintained
from skillcrawler.shielding import alive, translated
from skilldata.backup import open_backups
from skilldata.config import Settings
from skilldata.database import Database
from skilldata.database.downloads import add_downloads
from skilldata.downloads import DownloadBatch
from skilldata.errors import Busy, SnapshotError
from skilldata.objects import ObjectStore
from skilldata.publish.collect import Collected as Collection
from skilldata.publish.live import open_publishers
from skilldata.publish.publisher import Publisher
from skilldata.store import SnapshotStore
from skilldata.upkeep import maintain


class Chores:
    """The activities. Each may be run twice with the same effect as once.

    Args:
        settings: The configuration.
        database: The index.
        objects: The object store.
    """

    def __init__(self, settings: Settings, database: Database, objects: ObjectStore) -> None:
        self._settings = settings
        self._database = database
        self._objects = objects

    @activity.defn
    def back_up(self) -> BackedUp:
        """Back up the index."""
        with translated(), alive():
            made = open_backups(self._settings).create(self._database)
            return BackedUp(id=made.backup.id, rows=made.backup.rows, new_bytes=made.new_bytes)

    @activity.defn
    def maintain_index(self) -> Maintained:
        """Delete old bookkeeping, then clean and analyse every table."""
        with translated(), alive():
            done = maintain(self._database, timedelta(days=self._settings.upkeep.keep_runs_days))
            return Maintained(runs=done.runs, tables=done.tables)

    @activity.defn
    def take_downloads(self, batch: DownloadBatch) -> bool:
        """Add counts of downloads to the index, once; tells whether it was done now."""
        with translated(), self._database.transaction() as connection:
            return add_downloads(connection, batch)

    @activity.defn
    def collect_garbage(self) -> Collected:
        """Delete old snapshots, published files that nothing refers to, and old backups. Packages always stay."""
        with translated(), alive():
            now, publish = datetime.now(UTC), self._settings.publish
            keep = timedelta(days=publish.keep_days)
            store = SnapshotStore(self._settings.state_directory / "snapshots", self._objects)
            snapshots = store.prune(keep, dry_run=False)
            files = [_collect(one, now, keep) for one in open_publishers(self._settings, self._objects)]
            backups = open_backups(self._settings).prune(
                now, timedelta(days=self._settings.backup.keep_days), dry_run=False
            )
            return Collected(
                snapshots=len(snapshots),
                files=sum(len(one.deleted) for one in files),
                backups=len(backups.backups),
                bytes=sum(one.deleted_bytes for one in files) + backups.bytes,
            )


def _collect(publisher: Publisher, now: datetime, keep: timedelta) -> Collection:
    """Collect what one target has too much of; while something is published there, it is tried again later."""
    try:
        return publisher.collect(now, keep, dry_run=False)
    except SnapshotError as error:
        raise Busy(error.message, remedy=error.remedy) from None
