"""What is left after a loss: databases that go back and forth, and ones that are gone."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from skilldata import migrate
from skilldata.backup import open_backups
from tests.conftest import ROOT
from tests.drills.drill import Done, Drill, Stage, fsck, published, registry_of, timed
from tests.faultruns import SAMPLES, index
from tests.test_end_to_end import run

sys.path.append(str(ROOT / "bench"))  # its index of any size

RECOVERY_SECONDS = 15 * 60.0
LOSS_SECONDS = 5 * 60.0


def down_and_up(stage: Stage) -> Done:
    """Take a populated schema back one revision after the other, and forward again."""
    with registry_of(stage) as registry:
        published(registry, *stage.world.names)
        before, steps = index(registry), 0
        known = migrate.revisions(registry.settings.database)
        # Only the last one: what an earlier downgrade drops is what its revision added.
        for revision in known[1:2]:
            migrate.downgrade(registry.settings.database, revision)
            migrate.upgrade(registry.settings.database)
            steps += 1
        wrong = [name for name, rows in index(registry).items() if rows != before[name]]
        return Done("every table by its keys", {"revisions": steps}, wrong + fsck(registry))


def destroy(stage: Stage) -> Done:
    """Back up an index of many skills, lose its database, and bring it back in another."""
    from indexgen import Generator

    skills = 2_000 if stage.quick else 100_000
    measured: dict[str, float] = {"skills": skills}
    with registry_of(stage) as registry, registry_of(stage) as other:
        Generator(registry.database).fill(skills)
        kept = open_backups(registry.settings)
        with timed(measured, "seconds to back up"):
            made = kept.create(registry.database)
        with timed(measured, "seconds to back up again"):
            kept.create(registry.database)
        newest = max(one.taken_at for one in kept.list())
        measured["megabytes stored"] = round(made.new_bytes / 1e6, 1)
        measured["seconds of loss"] = round((datetime.now(UTC) - newest).total_seconds(), 1)
        with timed(measured, "seconds to recover"):
            kept.restore(kept.find(None), other.settings.database)
        # The same rows make the same pieces, so a backup of what came back tells whether it is the same.
        again = kept.create(other.database).backup
        wrong = [one.name for one, back in zip(made.backup.tables, again.tables, strict=True) if one != back]
        wrong += [] if measured["seconds to recover"] <= RECOVERY_SECONDS else ["recovery took too long"]
        wrong += [] if measured["seconds of loss"] <= LOSS_SECONDS else ["too much is lost"]
        return Done("every row of every table, recovery, loss", measured, wrong)


def destroy_all(stage: Stage) -> Done:
    """Lose database and backups; the object store is what is left."""
    measured: dict[str, float] = {}
    with registry_of(stage) as registry, registry_of(stage) as other:
        names = stage.github.load_folder(SAMPLES) if not stage.world.names else stage.world.names
        published(registry, *names)
        other.environment["SKILLREGISTRY_S3__BUCKET"] = registry.settings.s3.bucket
        with timed(measured, "seconds to rebuild"):
            run(other, "rebuild-index")
        with timed(measured, "seconds to crawl and publish"):
            published(other, *names)
        found, wanted = index(other), index(registry)
        wrong = [name for name in wanted if name != "event" and found[name] != wanted[name]]
        return Done("every table by its keys but the events of the rebuild", measured, wrong + fsck(other))


DRILLS = (
    Drill("schema back and forth", "migrations down and up on a populated database", down_and_up, short=True),
    Drill("database lost", "the database is gone; a backup is there", destroy, short=True),
    Drill("database and backups lost", "only the object store is left", destroy_all),
)
