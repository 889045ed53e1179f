"""What changed in a snapshot's tables gives, with the tables before, the tables now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from skilldata.errors import SnapshotError
from skilldata.snapshot import DATABASE, TABLES
from skilldata.tablechanges import key_columns, write_changes
from tests.snapshots import make_snapshot, synthetic_skills


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A snapshot, and another in which of 200 skills two are gone, two are new and one has another description."""
    folder = tmp_path_factory.mktemp("snapshots")
    skills = synthetic_skills(202, body_bytes=2000)
    changed = [*skills[2:100], replace(skills[100], description="Does another thing."), *skills[101:]]
    return make_snapshot(folder / "old", skills[:200]), make_snapshot(folder / "new", changed)


def test_the_tables_before_and_the_changes_are_the_tables_now(snapshots: tuple[Path, Path], tmp_path: Path) -> None:
    old, new = snapshots
    files = {file.stem: file for file in write_changes(old, new, tmp_path)}
    assert {"skill", "version", "document", "repository"} >= set(files) - {"package", "file", "event", "copy"}
    assert {"skill", "document"} <= set(files)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{old / DATABASE}' AS old (READ_ONLY)")
        connection.execute(f"ATTACH '{new / DATABASE}' AS new (READ_ONLY)")
        for table, file in files.items():
            # As docs/formats.md tells readers to.
            keys = ", ".join(key_columns(table))
            made = (
                f"SELECT * FROM old.{table} ANTI JOIN '{file}' USING ({keys}) "
                f"UNION ALL SELECT * EXCLUDE (removed) FROM '{file}' WHERE NOT removed"
            )
            for one, other in ((f"FROM new.{table}", made), (made, f"FROM new.{table}")):
                assert connection.execute(f"({one}) EXCEPT ALL ({other})").fetchall() == [], table
        for table in TABLES.keys() - files.keys():
            assert connection.execute(f"FROM new.{table} EXCEPT ALL FROM old.{table}").fetchall() == [], table
        removed = f"SELECT path, name FROM '{files['skill']}' WHERE removed"
        assert len(gone := connection.execute(removed).fetchall()) == 2
        assert all(name is None for _, name in gone)


def test_between_equal_tables_nothing_is_written(snapshots: tuple[Path, Path], tmp_path: Path) -> None:
    assert write_changes(snapshots[0], snapshots[0], tmp_path / "changes") == []
    assert list((tmp_path / "changes").glob("*.parquet")) == []


def test_every_table_but_the_history_has_a_key() -> None:
    assert [table for table in TABLES if not key_columns(table)] == ["event"]


def test_a_snapshot_that_is_damaged_is_named(snapshots: tuple[Path, Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / DATABASE).write_bytes(b"no database")
    with pytest.raises(SnapshotError, match="broken"):
        write_changes(broken, snapshots[1], tmp_path / "changes")
