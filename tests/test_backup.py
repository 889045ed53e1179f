"""Backups: what was lost comes back, what is damaged is noticed, and what did not change is not stored twice."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from skilldata.backup import BackupError, Backups, open_backups
from skilldata.backup.backups import Kept, _split
from skilldata.backup.parts import MEAN, MOST, _pieces, path_of
from skilldata.config import BackupSettings, DatabaseSettings
from skilldata.database import Database
from skilldata.errors import ConfigurationError, NotFound
from skilldata.publish.order import PART
from skilldata.publish.target import FolderTarget
from tests.conftest import Registry, new_registry
from tests.faultruns import SAMPLES, index
from tests.standin import StandIn
from tests.test_end_to_end import run


@pytest.fixture(scope="module")
def crawled(embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A published registry, which the tests of this file only add to."""
    with StandIn() as github, new_registry(embedded, github, tmp_path_factory.mktemp("backup") / "state") as made:
        names = github.load_folder(SAMPLES)
        run(made, "crawl", "--wait", *names)
        yield made


@pytest.fixture
def empty(embedded: Path, github: StandIn, tmp_path: Path, crawled: Registry) -> Iterator[Registry]:
    """Another database, for a registry on the very same objects."""
    with new_registry(embedded, github, tmp_path / "empty") as made:
        made.environment["SKILLREGISTRY_S3__BUCKET"] = crawled.settings.s3.bucket
        yield made


def test_a_lost_index_comes_back_and_goes_on(crawled: Registry, empty: Registry) -> None:
    made = run(crawled, "backup", "create")
    assert made["rows"] > 100
    assert run(crawled, "backup", "list")[0]["id"] == made["id"]
    assert run(crawled, "backup", "verify") == {"id": made["id"], "rows": made["rows"], "problems": []}
    assert run(empty, "restore")["rows"] == made["rows"]
    assert index(empty) == index(crawled)
    live = run(crawled, "publish")["snapshot"]
    assert run(empty, "publish", "--force")["snapshot"] == live
    assert all(not one["problems"] for one in run(empty, "fsck"))
    # Counters go on after the rows that came back.
    empty.database.record_event("test.happened", 1, {})
    newest, before = empty.rows("SELECT event_id FROM event ORDER BY 1 DESC LIMIT 2")
    assert newest[0] == before[0] + 1


def test_a_database_with_rows_is_not_overwritten(crawled: Registry) -> None:
    kept = open_backups(crawled.settings)
    kept.create(crawled.database)
    with pytest.raises(BackupError, match="not empty"):
        kept.restore(kept.find(None), crawled.settings.database)


def test_what_did_not_change_is_stored_once(crawled: Registry, tmp_path: Path) -> None:
    kept = Backups(FolderTarget(tmp_path / "kept"), crawled.objects)
    assert kept.create(crawled.database).new_parts > 3
    assert kept.create(crawled.database).new_parts == 0
    crawled.database.record_event("test.changed", 1, {"at": datetime.now(UTC).isoformat()})
    again = kept.create(crawled.database)
    assert again.new_parts == 1
    assert kept.verify(again.backup) == []


def test_damage_is_noticed_and_nothing_of_it_is_restored(crawled: Registry, empty: Registry, tmp_path: Path) -> None:
    target = FolderTarget(tmp_path / "kept")
    kept = Backups(target, crawled.objects)
    backup = kept.create(crawled.database).backup
    last = next(table for table in reversed(backup.tables) if table.parts)
    part = last.parts[0]
    target.put(path_of(part.digest), gzip.compress(b"x" * part.size), PART)
    assert kept.verify(backup) == [f"{last.name}: piece {part.digest} is damaged"]
    with pytest.raises(BackupError, match="damaged"):
        kept.restore(backup, empty.settings.database)
    assert empty.database.counts()["skills"] == 0
    path = f"backups/{backup.id}.json"
    target.put(path, target.get(path).replace(b'"lines":', b'"lines":1'), PART)
    with pytest.raises(BackupError, match="was changed"):
        kept.find(backup.id)


def test_a_lost_package_is_named(crawled: Registry, tmp_path: Path) -> None:
    kept = Backups(FolderTarget(tmp_path / "kept"), crawled.objects)
    backup = kept.create(crawled.database).backup
    key, _ = next(iter(crawled.objects.keys("packages/")))
    data = crawled.objects.get(key)
    crawled.objects.delete(key)
    try:
        [problem] = kept.verify(backup)
        assert key in problem
    finally:
        crawled.objects.put(key, data, content_type="application/zip")


def test_pieces_go_a_day_after_the_last_backup_that_needs_them(crawled: Registry, tmp_path: Path) -> None:
    kept = Backups(FolderTarget(tmp_path / "kept"), crawled.objects)
    first = kept.create(crawled.database).backup
    crawled.database.record_event("test.pruned", 1, {"at": datetime.now(UTC).isoformat()})
    second = kept.create(crawled.database).backup
    later = datetime.now(UTC) + timedelta(days=2)
    done = kept.prune(later, timedelta(days=1), dry_run=False)
    assert (done.backups, done.parts) == ([first.id] if first.id != second.id else [], 0)
    assert kept.prune(later + timedelta(days=1), timedelta(days=1), dry_run=False).parts == 1
    assert kept.verify(kept.find(None)) == []


def test_old_backups_are_thinned_to_one_a_day() -> None:
    now = datetime(2026, 1, 10, 12, tzinfo=UTC)
    backups = [Kept(f"{n}", now - timedelta(hours=6 * n)) for n in range(40)]
    kept, old = _split(backups, now, timedelta(days=5))
    assert [one.id for one in kept] == ["0", "1", "2", "3", "7", "11", "15", "19"]
    assert len(kept) + len(old) == 40
    assert _split(backups[-1:], now, timedelta(days=5))[0] == backups[-1:]


def test_pieces_have_their_mean_and_their_bound() -> None:
    lines = [b"%d %s\n" % (n, b"x" * (n % 2000)) for n in range(20_000)]
    pieces = [piece for piece, _ in _pieces(lines)]
    assert b"".join(pieces) == b"".join(lines)
    assert MEAN / 3 < sum(map(len, pieces)) / len(pieces) < 3 * MEAN
    assert max(map(len, pieces)) < MOST + 2100
    changed = [piece for piece, _ in _pieces([*lines[:9000], b"new\n", *lines[9000:]])]
    assert len(set(changed) - set(pieces)) <= 2


def test_backups_never_lie_in_a_public_bucket(crawled: Registry) -> None:
    s3 = crawled.settings.s3.model_copy(update={"public_url": "https://packages.example"})
    settings = crawled.settings.model_copy(update={"s3": s3})
    with pytest.raises(ConfigurationError, match="public"):
        open_backups(settings)
    private = settings.model_copy(update={"backup": BackupSettings(bucket="private")})
    with pytest.raises(NotFound, match="bucket private"):
        open_backups(private).find("20260101T000000.000000Z-0123456789ab")


def test_a_database_without_schema_has_nothing_to_back_up(crawled: Registry, tmp_path: Path) -> None:
    url = crawled.settings.database.url
    assert url is not None
    bare = DatabaseSettings(url=SecretStr(url.get_secret_value().rpartition("/")[0] + "/template1"))
    with Database(bare) as database, pytest.raises(BackupError, match="no schema"):
        Backups(FolderTarget(tmp_path), crawled.objects).create(database)
