"""The registry itself: what is live, whether it is fresh, and whether it would survive a loss."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from skillcli.doctor.finding import Finding, State, judged
from skilldata.backup import open_backups
from skilldata.config import Settings
from skilldata.database import Database
from skilldata.health import crawl_health, metadata_expiry, publish_health, security_txt_expiry
from skilldata.objects import ObjectStore
from skilldata.schedulestate import ScheduleState, ScheduleStates

DISK = 0.15  # of it should be free
SOON = timedelta(days=30)
METADATA_SOON = timedelta(hours=6)
SPARE = timedelta(minutes=10)


def check_published(settings: Settings) -> Iterator[Finding]:
    """Something is live, nothing is held, and what is signed or dated does not expire."""
    objects = ObjectStore(settings.s3)
    found = publish_health(settings, objects)
    if found is None:
        yield Finding("snapshot", State.WARN, "none is live", "Run `skillregistry crawl` and `skillregistry publish`.")
        return
    yield Finding("snapshot", State.OK, f"{found.snapshot} with {found.skills} skills is live")
    if found.held:
        remedy = f"Look at `skillregistry snapshot diff`, then `snapshot publish {found.held} --even-if-smaller`."
        yield Finding("publishing", State.FAIL, f"{found.held} is held back: {found.held_reason}", remedy)
    now = datetime.now(UTC)
    expires = metadata_expiry(objects)
    if expires is not None:
        yield judged(
            "signed metadata",
            expires - now > METADATA_SOON,
            f"valid until {expires:%Y-%m-%d %H:%M} UTC",
            "Run `skillregistry trust refresh`, and see why the schedule refresh-metadata did not.",
        )
    dated = security_txt_expiry(settings.state_directory / "site" / "live")
    if dated is not None:
        yield judged(
            "security.txt",
            dated - now > SOON,
            f"valid until {dated:%Y-%m-%d}",
            "Publish: it is dated half a year after the last change of the index.",
            otherwise=State.WARN if dated > now else State.FAIL,
        )


def check_schedules(settings: Settings) -> Iterator[Finding]:
    """Every schedule succeeds about as often as it should."""
    with Database(settings.database) as database:
        states = ScheduleStates(database).list()
        waiting = crawl_health(database)
    if not states:
        yield Finding(
            "schedules", State.WARN, "nothing runs by itself", "Run `skillregistry crawl schedule` beside a worker."
        )
    for state in states:
        yield _schedule(state)
    yield judged(
        "crawl",
        waiting.failing == 0,
        f"{waiting.due} of {waiting.repositories} repositories wait, {waiting.failing} failed",
        "`skillregistry crawl failures` has the reasons.",
        otherwise=State.WARN,
    )


def check_backup(settings: Settings) -> Iterator[Finding]:
    """There is a backup, and it is no older than it should be."""
    newest = next(iter(open_backups(settings).list()), None)
    if newest is None:
        yield Finding("backup", State.WARN, "there is none", "Run `skillregistry backup create`, then schedule it.")
        return
    age = datetime.now(UTC) - newest.taken_at
    yield judged(
        "backup",
        age < 3 * timedelta(seconds=settings.backup.interval_seconds) + SPARE,
        f"{newest.id} is the newest, {_ago(newest.taken_at)}",
        "See why the schedule back-up-index does not succeed.",
        otherwise=State.WARN,
    )


def check_disk(settings: Settings) -> Iterator[Finding]:
    """The disk with the state has room."""
    folder = settings.state_directory
    usage = shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists()))
    yield judged(
        "disk",
        usage.free > DISK * usage.total,
        f"{usage.free} of {usage.total} bytes are free",
        "Run `skillregistry snapshot prune`, or give it more room.",
        otherwise=State.WARN,
    )


def _schedule(state: ScheduleState) -> Finding:
    what = f"schedule {state.schedule}"
    if state.paused:
        return Finding(what, State.WARN, "is paused", "`skillregistry crawl resume` lets crawls go on.")
    if state.succeeded_at is None:
        failed = f"; {state.error}" if state.error else ""
        return Finding(what, State.WARN, f"has not succeeded yet{failed}", "Is a worker running?")
    late = datetime.now(UTC) - state.succeeded_at > 2 * timedelta(seconds=state.interval_seconds) + SPARE
    remedy = f"It failed as {state.error}; the worker's log has the reason." if state.error else "Is a worker running?"
    return judged(what, not late, f"succeeded {_ago(state.succeeded_at)}", remedy)


def _ago(time: datetime) -> str:
    seconds = int((datetime.now(UTC) - time).total_seconds())
    return f"{seconds} s ago" if seconds < 7200 else f"{seconds // 3600} h ago"
