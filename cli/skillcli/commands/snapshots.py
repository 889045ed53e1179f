"""`skillregistry snapshot`.

What a command needs is imported when it runs, so that `--help` is answered at once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from skillcli import context

if TYPE_CHECKING:
    from skillcrawler.activities import BuiltSite
    from skilldata.config import Settings
    from skilldata.publish.live import Publication
    from skilldata.store import SnapshotStore

SHOWN = 50  # lines of a difference

snapshots = typer.Typer(help="Make snapshots, look at them, and choose the live one.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(snapshots, name="snapshot")


@snapshots.command("create")
def create(as_json: Json = False) -> None:
    """Export the index as it is now, without making it live."""
    from skilldata.database import Database
    from skilldata.export import create_snapshot

    settings = context.settings()
    progress = context.Progress()
    with Database(settings.database) as database:
        info = create_snapshot(
            database, _store(settings).folder, notify=lambda step: progress.step(f"exporting: {step}")
        )
    context.show(
        {"id": info.id, "counts": info.counts}, as_json=as_json, text=f"{info.id}: {info.counts['skills']} skills"
    )


@snapshots.command("list")
def list_all(as_json: Json = False) -> None:
    """List the snapshots of this machine, newest first."""
    store = _store(context.settings())
    pointer = store.pointer()
    live = pointer.snapshot if pointer else None
    rows = [(info.id, info.counts["skills"], "live" if info.id == live else "") for info in store.list()]
    data = [{"id": name, "skills": skills, "live": bool(mark)} for name, skills, mark in rows]
    shown = context.table(rows, ("SNAPSHOT", "SKILLS", "")) if rows else "none yet: `skillregistry snapshot create`"
    context.show(data, as_json=as_json, text=shown)


@snapshots.command("show")
def show(
    snapshot: Annotated[str | None, typer.Argument(help="Id; default: the live one.")] = None, as_json: Json = False
) -> None:
    """Show what a snapshot has: counts, and files with their sizes and digests."""
    from skilldata.contents import list_files
    from skilldata.snapshot import read_info

    store = _store(context.settings())
    folder = store.open(snapshot) if snapshot else store.current()
    info = read_info(folder)
    files = list(list_files(folder))
    named = [file for file in files if "/objects/" not in file.path]
    data = {
        "id": info.id,
        "as_of": info.as_of.isoformat(),
        "format": info.format,
        "counts": info.counts,
        "bytes": sum(file.size for file in files),
        "files": [file._asdict() for file in files],
    }
    counts = "  ".join(f"{name} {count}" for name, count in info.counts.items())
    rows = [(file.path, file.size, file.digest) for file in named]
    rows.append(
        ("json/objects/", sum(file.size for file in files if file not in named), f"{len(files) - len(named)} files")
    )
    context.show(
        data, as_json=as_json, text=f"{info.id}\n{counts}\n" + context.table(rows, ("FILE", "BYTES", "DIGEST"))
    )


@snapshots.command("verify")
def verify(
    snapshot: Annotated[str | None, typer.Argument(help="Id; default: the live one.")] = None, as_json: Json = False
) -> None:
    """Check that a snapshot's files have their digests, and that its tables, Parquet and JSON say the same."""
    from skilldata.contents import verify_files
    from skilldata.fsck import compare_forms

    store = _store(context.settings())
    folder = store.open(snapshot) if snapshot else store.current()
    problems = list(verify_files(folder)) or [one for one in compare_forms(folder) if one]
    text = "\n".join(problems) or f"{folder.name} is whole"
    context.show({"id": folder.name, "problems": problems}, as_json=as_json, text=text)
    if problems:
        raise typer.Exit(1)


@snapshots.command("diff")
def diff(
    old: Annotated[str | None, typer.Argument(help="Id; default: the live one.")] = None,
    new: Annotated[str | None, typer.Argument(help="Id; default: the last one made.")] = None,
    as_json: Json = False,
) -> None:
    """List the skills that one snapshot has otherwise than another."""
    from skilldata.contents import require_json_index
    from skilldata.jsonindex.tree import changes

    store = _store(context.settings())
    before = store.open(old) if old else store.current()
    after = store.open(new) if new else store.open(store.list()[0].id)
    found: dict[str, list[str]] = {"added": [], "changed": [], "removed": []}
    for change in changes(require_json_index(before), require_json_index(after)):
        if change.address.count("/") == 2:
            kind = "removed" if change.new is None else "added" if change.old is None else "changed"
            found[kind].append(change.address)
    lines = [f"{kind:8} {address}" for kind, addresses in found.items() for address in sorted(addresses)]
    counted = ", ".join(f"{len(addresses)} {kind}" for kind, addresses in found.items())
    more = [f"… and {len(lines) - SHOWN} more: --json has all"] if len(lines) > SHOWN else []
    data = {"old": before.name, "new": after.name, **{kind: sorted(addresses) for kind, addresses in found.items()}}
    text = "\n".join([f"{before.name} → {after.name}: {counted}", *lines[:SHOWN], *more])
    context.show(data, as_json=as_json, text=text)


@snapshots.command("publish")
def publish(
    snapshot: Annotated[str, typer.Argument(help="Id of a snapshot of this machine.")],
    even_if_smaller: Annotated[
        bool, typer.Option("--even-if-smaller", help="It lost skills or a source, and that is right.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a snapshot live: its site, its JSON index, and the pointer."""
    _publication(context.settings()).make_live(snapshot, even_if_smaller=even_if_smaller)
    context.show({"snapshot": snapshot}, as_json=as_json, text=f"{snapshot} is live")


@snapshots.command("rollback")
def rollback(
    snapshot: Annotated[str | None, typer.Argument(help="Id; default: the one before the live one.")] = None,
    as_json: Json = False,
) -> None:
    """Make an earlier snapshot live again, with its site and its JSON index."""
    publication = _publication(context.settings())
    wanted = snapshot or publication.snapshots.before_live()
    publication.go_back(wanted)
    context.show({"snapshot": wanted}, as_json=as_json, text=f"{wanted} is live")


@snapshots.command("prune")
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    as_json: Json = False,
) -> None:
    """Delete old snapshots, and published files that nothing has referenced for `publish.keep_days`."""
    from dataclasses import asdict

    settings = context.settings()
    keep = timedelta(days=settings.publish.keep_days)
    local = _store(settings).prune(keep, dry_run=dry_run)
    places = {
        one.name: one.collect(datetime.now(UTC), keep, dry_run=dry_run) for one in _publication(settings).publishers
    }
    data = {"snapshots": local, "targets": {name: asdict(done) for name, done in places.items()}, "dry_run": dry_run}
    verb = "would be deleted" if dry_run else "deleted"
    lines = [f"snapshots of this machine: {len(local)} {verb}", *(f"  {name}" for name in local)]
    lines += [
        f"{name}: {len(done.deleted)} files {verb}, {done.deleted_bytes} bytes; {done.waiting} more wait"
        for name, done in places.items()
    ]
    context.show(data, as_json=as_json, text="\n".join(lines))


def _store(settings: Settings) -> SnapshotStore:
    from skilldata.objects import ObjectStore
    from skilldata.store import SnapshotStore

    return SnapshotStore(settings.state_directory / "snapshots", ObjectStore(settings.s3))


def _publication(settings: Settings) -> Publication[BuiltSite]:
    from skillcli.site import build
    from skilldata.objects import ObjectStore
    from skilldata.publish.live import Publication

    return Publication(settings, ObjectStore(settings.s3), build)
