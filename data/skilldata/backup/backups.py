"""Making, listing, verifying, restoring and pruning backups."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from skilldata import migrate
from skilldata.backup import tables
from skilldata.backup.manifest import ID, Backup, BackupError, Listed, Table, decode
from skilldata.backup.parts import Parts
from skilldata.config import DatabaseSettings, Settings
from skilldata.database import Database
from skilldata.errors import ConfigurationError, NotFound
from skilldata.objects import PACKAGES, WITHHELD, ObjectStore
from skilldata.publish.order import STATE
from skilldata.publish.target import BucketTarget, FolderTarget, Target
from skilldata.store import SnapshotStore

FOLDER = "backups/"
PROVENANCE = "provenance/"
LISTED_OBJECTS = (PACKAGES, PROVENANCE, "snapshots/", "tuf/", WITHHELD)
DENSE = timedelta(days=1)  # for as long every backup is kept, afterwards one a day
RETIRED = "backups/retired.json"  # since when pieces are unused
WAIT = timedelta(days=1)
SHOWN = 20  # problems

Notify = Callable[[str], None]


class Kept(NamedTuple):
    """A backup of the list."""

    id: str
    taken_at: datetime


class Made(NamedTuple):
    """A new backup, and how much of it had to be stored: pieces, and their bytes compressed."""

    backup: Backup
    new_parts: int
    new_bytes: int


class Pruned(NamedTuple):
    """What was deleted, or would be."""

    backups: list[str]
    parts: int
    bytes: int


def open_backups(settings: Settings) -> Backups:
    """Give the backups of a registry.

    Raises:
        ConfigurationError: They would lie in a bucket that everybody may read.
    """
    objects = ObjectStore(settings.s3)
    return Backups(_place(settings, objects), objects)


class Backups:
    """The backups of one place.

    Args:
        target: Where they are kept: a bucket or a folder.
        objects: The store of packages and snapshots, which a backup lists.
    """

    def __init__(self, target: Target, objects: ObjectStore) -> None:
        self._target = target
        self._objects = objects

    def create(self, database: Database, *, notify: Notify = lambda _: None) -> Made:
        """Back up the index as it is at this moment; memory and disk stay flat.

        The manifest is written last: what has none is no backup.
        """
        parts = Parts(self._target)
        with tables.one_moment(database) as connection:
            taken_at = datetime.now(UTC)
            revision = tables.revision(connection)
            stored = []
            for table in tables.list_tables(connection):
                notify(table.name)
                rows = parts.store(tables.copy_out(connection, table))
                stored.append(Table(name=table.name, columns=table.columns, lines=rows.lines, parts=rows.parts))
        # Later than the tables: packages are stored before the index speaks of them.
        notify("objects")
        backup = Backup(
            taken_at=taken_at,
            revision=revision,
            program=version("agentskillregistry"),
            snapshot=_live(self._objects),
            tables=tuple(stored),
            objects=parts.store(self._object_lines()),
        )
        there = parts.stored()
        if any(part.digest not in there for part in backup.parts()):
            raise BackupError("pieces were deleted while the backup was made", remedy="Make it again.")
        self._target.put(f"{FOLDER}{backup.id}.json", backup.encode(), STATE)
        return Made(backup, parts.added, parts.added_bytes)

    def list(self) -> list[Kept]:
        """List the backups, newest first."""
        found = []
        for path, _ in self._target.paths(FOLDER):
            name = path.removeprefix(FOLDER).removesuffix(".json")
            if path.endswith(".json") and ID.fullmatch(name):
                found.append(
                    Kept(name, datetime.strptime(name.partition("-")[0], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC))
                )
        return sorted(found, reverse=True)

    def find(self, backup_id: str | None) -> Backup:
        """Read a backup; the newest where none is named.

        Raises:
            NotFound: There is none of that name, or none at all.
            BackupError: It is damaged.
        """
        if backup_id is None:
            newest = next(iter(self.list()), None)
            if newest is None:
                raise NotFound(f"no backup in {self._target.name}", remedy="`skillregistry backup create` makes one.")
            backup_id = newest.id
        if not ID.fullmatch(backup_id):
            raise NotFound(f"{backup_id!r} is no backup id", remedy="`skillregistry backup list` shows them.")
        try:
            return decode(backup_id, self._target.get(f"{FOLDER}{backup_id}.json"))
        except NotFound:
            raise NotFound(
                f"no backup {backup_id} in {self._target.name}", remedy="`skillregistry backup list` shows them."
            ) from None

    def verify(self, backup: Backup, *, notify: Notify = lambda _: None) -> Sequence[str]:
        """Read every piece of a backup, count its rows, and look whether the objects that it lists are there.

        Returns:
            What is wrong, at most 20 sentences; empty where it can be restored.
        """
        problems: list[str] = []
        parts = Parts(self._target)
        for table in backup.tables:
            notify(table.name)
            problems += _verify_lines(parts, table.name, table)
        notify("objects")
        problems += _verify_lines(parts, "objects", backup.objects) or self._missing_objects(parts, backup)
        return problems[:SHOWN]

    def restore(self, backup: Backup, settings: DatabaseSettings, *, notify: Notify = lambda _: None) -> None:
        """Write a backup into an empty database, and bring that to this program's schema.

        Everything is written in one transaction: a restore that is broken off leaves the database empty.

        Raises:
            BackupError: The database has rows, or the backup is damaged or of a newer program.
        """
        _make_schema(backup, settings)
        parts = Parts(self._target)
        with Database(settings) as database, database.transaction() as connection:
            connection.execute("SET LOCAL statement_timeout = 0")
            for table in backup.tables:
                notify(table.name)
                written = tables.copy_in(connection, table, map(parts.read, table.parts))
                if written != table.lines:
                    raise BackupError(
                        f"table {table.name} has {written} rows instead of {table.lines}", remedy="Restore another one."
                    )
            tables.set_counters(connection)
        notify("schema")
        migrate.upgrade(settings)

    def prune(self, now: datetime, keep: timedelta, *, dry_run: bool) -> Pruned:
        """Delete old backups, and pieces that none needs any more.

        Every backup is kept for a day, then the last one of each day for `keep`, and the newest always. Pieces wait
        for a day: a backup that is being made may be about to name them.
        """
        kept, old = _split(self.list(), now, keep)
        needed = {part.digest for one in kept for part in self.find(one.id).parts()}
        parts = Parts(self._target)
        unused = {digest: size for digest, size in parts.stored().items() if digest not in needed}
        since = {digest: self._retired().get(digest, now.isoformat()) for digest in unused}
        gone = {digest for digest, first in since.items() if now - datetime.fromisoformat(first) >= WAIT}
        if not dry_run:
            for one in old:
                self._target.delete(f"{FOLDER}{one.id}.json")
            for digest in gone:
                parts.delete(digest)
            still = {digest: first for digest, first in since.items() if digest not in gone}
            self._target.put(RETIRED, json.dumps(still, sort_keys=True).encode() + b"\n", STATE)
        return Pruned([one.id for one in old], len(gone), sum(unused[digest] for digest in gone))

    def _retired(self) -> dict[str, str]:
        """Read since when pieces are unused."""
        try:
            found: dict[str, str] = json.loads(self._target.get(RETIRED))
        except NotFound:
            return {}
        return found

    def _object_lines(self) -> Iterator[bytes]:
        for prefix in LISTED_OBJECTS:
            for key, size in self._objects.keys(prefix):
                yield f"{key}\t{size}\n".encode()

    def _missing_objects(self, parts: Parts, backup: Backup) -> Sequence[str]:
        """Look for packages and provenance that are not there any more; snapshots and metadata may go in time."""
        there = {
            key.removeprefix(WITHHELD): size
            for prefix in (PACKAGES, WITHHELD, PROVENANCE)
            for key, size in self._objects.keys(prefix)
        }
        problems = []
        for line in _lines(parts, backup.objects):
            listed, _, size = line.rpartition("\t")
            key = listed.removeprefix(WITHHELD)  # what is handed out, and what is not, changes with the rulings
            if key.startswith((PACKAGES, PROVENANCE)) and there.get(key) != int(size):
                problems.append(f"object {listed} is missing or has another size; was it taken down since?")
        return problems


def _place(settings: Settings, objects: ObjectStore) -> Target:
    wanted, s3 = settings.backup, settings.s3
    if wanted.folder is not None:
        return FolderTarget(wanted.folder)
    own = wanted.bucket is not None and wanted.bucket != s3.bucket
    if not own and s3.public_url is not None:
        raise ConfigurationError(
            f"backups would lie in bucket {s3.bucket}, which is public: s3.public_url names it",
            remedy="Set backup.bucket to a private bucket, or backup.folder.",
        )
    bucket = ObjectStore(s3.model_copy(update={"bucket": wanted.bucket})) if own else objects
    return BucketTarget(bucket, has_packages=not own)


def _live(objects: ObjectStore) -> str | None:
    pointer = SnapshotStore(Path(), objects).pointer()
    return pointer.snapshot if pointer else None


def _verify_lines(parts: Parts, name: str, listed: Listed) -> list[str]:
    lines = 0
    try:
        for part in listed.parts:
            lines += parts.read(part).count(b"\n")
    except BackupError as error:
        return [f"{name}: {error.message}"]
    return [] if lines == listed.lines else [f"{name}: {lines} lines instead of {listed.lines}"]


def _lines(parts: Parts, listed: Listed) -> Iterator[str]:
    for part in listed.parts:
        yield from parts.read(part).decode().splitlines()


def _make_schema(backup: Backup, settings: DatabaseSettings) -> None:
    """Give an empty database the schema that the backup was made of."""
    if backup.revision not in migrate.revisions(settings):
        raise BackupError(
            f"the backup's schema {backup.revision} is unknown to this program",
            remedy=f"Restore it with version {backup.program} or a newer one.",
        )
    with Database(settings) as database, database.transaction() as connection:
        if not tables.is_empty(connection):
            raise BackupError(
                "the database is not empty", remedy="Restore into a new database; nothing is overwritten."
            )
    current, _ = migrate.status(settings)
    if current is not None and current != backup.revision:
        migrate.downgrade(settings, "base")
    migrate.upgrade(settings, backup.revision)


def _split(backups: list[Kept], now: datetime, keep: timedelta) -> tuple[list[Kept], list[Kept]]:
    """Tell those to keep from those that go; both newest first."""
    kept: list[Kept] = []
    old: list[Kept] = []
    days: set[str] = set()
    for one in backups:
        day = f"{one.taken_at:%Y%m%d}"
        young = now - one.taken_at < DENSE or (now - one.taken_at < keep and day not in days)
        (kept if young or not kept else old).append(one)
        days.add(day)
    return kept, old
