"""`skillregistry publish`, `snapshot`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from temporalio.common import WorkflowIDConflictPolicy

from skillcli import context
from skillcli.site import build
from skillcrawler import policies
from skillcrawler.messages import Published, PublishInput
from skillcrawler.worker import connect, running_worker
from skillcrawler.workflows import PublishSnapshot
from skilldata.config import Settings
from skilldata.objects import ObjectStore
from skilldata.snapshot import Snapshot
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
    done = asyncio.run(_publish(context.settings(), PublishInput(force=force)))
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
    settings = context.settings()
    store = _store(settings)
    wanted = snapshot or store.before_live()
    with Snapshot(store.open(wanted)) as opened:
        build(settings, opened)
    store.publish(wanted)
    context.show({"snapshot": wanted}, as_json=as_json, text=f"{wanted} is live")


async def _publish(settings: Settings, request: PublishInput) -> Published:
    client = await connect(settings.temporal)
    async with running_worker(client, settings, build):
        return await client.execute_workflow(
            PublishSnapshot.run,
            request,
            id=policies.PUBLISH_ID,
            task_queue=settings.temporal.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )


def _store(settings: Settings) -> SnapshotStore:
    return SnapshotStore(settings.state_directory / "snapshots", ObjectStore(settings.s3))
