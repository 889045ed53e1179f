"""`skillregistry publish`, `snapshot`.

What a command needs is imported when it runs, so that `--help` is answered at once.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from skillcli import context

if TYPE_CHECKING:
    from skilldata.config import Settings
    from skilldata.store import SnapshotStore

snapshots = typer.Typer(help="Look at snapshots, and choose the live one.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("publish")(publish)
    app.add_typer(snapshots, name="snapshot")


def publish(
    force: Annotated[bool, typer.Option("--force", help="Build the site even where nothing changed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Export the index, build the site, and make both live."""
    from skillcli import crawls
    from skillcrawler.messages import PublishInput

    done = asyncio.run(crawls.publish(context.settings(), PublishInput(force=force)))
    if done.changed:
        text = f"{done.snapshot} is live: {done.pages} pages, {done.files_written} files written"
    else:
        text = f"nothing changed; {done.snapshot} stays live"
    context.show(done.model_dump(), as_json=as_json, text=text)


@snapshots.command("list")
def snapshot_list(as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False) -> None:
    """List the snapshots of this machine, newest first."""
    store = _store(context.settings())
    pointer = store.pointer()
    live = pointer.snapshot if pointer else None
    rows = [(info.id, info.counts["skills"], "live" if info.id == live else "") for info in store.list()]
    data = [{"id": name, "skills": skills, "live": bool(mark)} for name, skills, mark in rows]
    context.show(data, as_json=as_json, text=context.table(list(rows), ("SNAPSHOT", "SKILLS", "")))


@snapshots.command("rollback")
def snapshot_rollback(
    snapshot: Annotated[str | None, typer.Argument(help="Id; default: the one before the live one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Make an earlier snapshot live again, with its site."""
    from skillcli.site import build
    from skilldata.objects import ObjectStore
    from skilldata.snapshot import Snapshot
    from skilldata.trust.publishing import Publisher

    settings = context.settings()
    store = _store(settings)
    wanted = snapshot or store.before_live()
    publisher = Publisher(settings.trust, settings.state_directory, ObjectStore(settings.s3))
    with Snapshot(store.open(wanted)) as opened:
        build(settings, opened)
        store.publish(wanted)
        if publisher.signs:
            publisher.sign(opened, datetime.now(UTC))
    context.show({"snapshot": wanted}, as_json=as_json, text=f"{wanted} is live")


def _store(settings: Settings) -> SnapshotStore:
    from skilldata.objects import ObjectStore
    from skilldata.store import SnapshotStore

    return SnapshotStore(settings.state_directory / "snapshots", ObjectStore(settings.s3))
