"""`skillregistry backup`, `restore`, `rebuild-index`, `db`.

What a command needs is imported when it runs, so that `--help` is answered at once.
"""

from __future__ import annotations

from typing import Annotated

import typer

from skillcli import context

backups = typer.Typer(help="Back up the index, and look after backups.", no_args_is_help=True)
databases = typer.Typer(help="Look after the index's database.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]
Which = Annotated[str | None, typer.Argument(help="Id of a backup; default: the newest.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(backups, name="backup")
    app.command("restore")(restore)
    app.command("rebuild-index")(rebuild_index)
    app.add_typer(databases, name="db")


@backups.command("create")
def create(as_json: Json = False) -> None:
    """Back up the index now; only what changed since the last backup is stored."""
    from skilldata.backup import open_backups
    from skilldata.database import Database

    settings, progress = context.settings(), context.Progress()
    with Database(settings.database) as database:
        made = open_backups(settings).create(database, notify=lambda name: progress.step(f"backing up: {name}"))
    data = {
        "id": made.backup.id,
        "rows": made.backup.rows,
        "bytes": made.backup.size,
        "objects": made.backup.objects.lines,
        "new_parts": made.new_parts,
        "new_bytes": made.new_bytes,
    }
    text = (
        f"{made.backup.id}: {made.backup.rows} rows, {made.backup.size} bytes, {made.backup.objects.lines} objects "
        f"listed; {made.new_bytes} bytes in {made.new_parts} pieces were new"
    )
    context.show(data, as_json=as_json, text=text)


@backups.command("list")
def list_all(as_json: Json = False) -> None:
    """List the backups, newest first."""
    from skilldata.backup import open_backups

    found = open_backups(context.settings()).list()
    data = [{"id": one.id, "taken_at": one.taken_at.isoformat()} for one in found]
    text = context.table([(one.id, one.taken_at.isoformat()) for one in found], ("BACKUP", "TAKEN"))
    context.show(data, as_json=as_json, text=text)


@backups.command("verify")
def verify(backup: Which = None, as_json: Json = False) -> None:
    """Read a backup whole, check every digest and count, and that the objects it lists are still stored."""
    from skilldata.backup import open_backups

    kept, progress = open_backups(context.settings()), context.Progress()
    found = kept.find(backup)
    problems = kept.verify(found, notify=lambda name: progress.step(f"verifying: {name}"))
    text = "\n".join(problems) or f"{found.id} is whole: {found.rows} rows"
    context.show({"id": found.id, "rows": found.rows, "problems": problems}, as_json=as_json, text=text)
    if problems:
        raise typer.Exit(1)


@backups.command("prune")
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    as_json: Json = False,
) -> None:
    """Delete backups that are older than `backup.keep_days`, and what none needs any more."""
    from datetime import UTC, datetime, timedelta

    from skilldata.backup import open_backups

    settings = context.settings()
    keep = timedelta(days=settings.backup.keep_days)
    done = open_backups(settings).prune(datetime.now(UTC), keep, dry_run=dry_run)
    verb = "would go" if dry_run else "deleted"
    text = f"{len(done.backups)} backups, {done.parts} pieces, {done.bytes} bytes {verb}"
    context.show({**done._asdict(), "dry_run": dry_run}, as_json=as_json, text=text)


def restore(backup: Which = None, as_json: Json = False) -> None:
    """Write a backup into an empty database; one that has rows is refused."""
    from skilldata.backup import open_backups

    settings, progress = context.settings(), context.Progress()
    kept = open_backups(settings)
    found = kept.find(backup)
    kept.restore(found, settings.database, notify=lambda name: progress.step(f"restoring: {name}"))
    data = {"id": found.id, "taken_at": found.taken_at.isoformat(), "rows": found.rows, "snapshot": found.snapshot}
    text = f"{found.rows} rows as of {found.taken_at.isoformat()} are back; crawl and publish for what came later"
    context.show(data, as_json=as_json, text=text)


def rebuild_index(as_json: Json = False) -> None:
    """Make the index anew from the object store alone: live snapshot, packages and provenance."""
    from skillcrawler.rebuild import rebuild
    from skilldata.objects import ObjectStore

    settings, progress = context.settings(), context.Progress()
    done = rebuild(settings, ObjectStore(settings.s3), notify=lambda name: progress.step(f"rebuilding: {name}"))
    text = (
        f"from snapshot {done.snapshot}: {done.repositories} repositories, {done.skills} skills, {done.versions} "
        f"versions, {done.packages} packages; {done.found} more packages lie in the store\n"
        "all repositories are due: crawl them with `skillregistry crawl --wait`, then publish"
    )
    context.show(done._asdict(), as_json=as_json, text=text)


@databases.command("maintain")
def maintain(
    reindex: Annotated[bool, typer.Option("--reindex", help="Write every index anew, without locking.")] = False,
    as_json: Json = False,
) -> None:
    """Delete old bookkeeping, then clean and analyse every table, while everything goes on."""
    from datetime import timedelta

    from skilldata.database import Database
    from skilldata.upkeep import maintain as maintain_database

    settings = context.settings()
    with Database(settings.database) as database:
        done = maintain_database(database, timedelta(days=settings.upkeep.keep_runs_days), reindex=reindex)
    text = f"{done.tables} tables cleaned; {done.runs} old runs of sources and {done.budgets} old budgets deleted"
    context.show(done._asdict(), as_json=as_json, text=text)


@databases.command("sizes")
def sizes(as_json: Json = False) -> None:
    """Show rows and bytes of every table, the largest first."""
    from skilldata.database import Database
    from skilldata.upkeep import sizes as table_sizes

    with Database(context.settings().database) as database:
        found = table_sizes(database)
    data = [one._asdict() for one in found]
    headings = ("TABLE", "ROWS", "BYTES", "INDEX BYTES", "DEAD ROWS", "CLEANED")
    context.show(data, as_json=as_json, text=context.table(found, headings))
