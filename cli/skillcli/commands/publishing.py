"""`skillregistry publish`.

What a command needs is imported when it runs, so that `--help` is answered at once.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skillcli import context

if TYPE_CHECKING:
    from skilldata.config import Settings


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("publish")(publish)


def publish(
    force: Annotated[bool, typer.Option("--force", help="Build the site even where nothing changed.")] = False,
    metrics: Annotated[Path | None, typer.Option(help="File to write metrics to, in Prometheus' text format.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Export the index, build the site, and make both live."""
    from skillcli import crawls
    from skillcrawler.messages import PublishInput

    settings = context.settings()
    done = asyncio.run(crawls.publish(settings, PublishInput(force=force)))
    if metrics is not None:
        _write_metrics(settings, metrics)
    if done.changed:
        text = f"{done.snapshot} is live: {done.pages} pages, {done.files_written} files written"
    elif done.held:
        text = (
            f"{done.snapshot} is held back: {done.held}\n"
            f"look at it: skillregistry snapshot diff; then: skillregistry snapshot publish {done.snapshot} "
            "--even-if-smaller"
        )
    else:
        text = f"nothing changed; {done.snapshot} stays live"
    context.show(done.model_dump(), as_json=as_json, text=text)
    if done.held:
        raise typer.Exit(1)


def _write_metrics(settings: Settings, file: Path) -> None:
    """Write what a worker would tell; a reader sees the file whole, or the one before."""
    from skillcrawler.metrics import registry_metrics
    from skilldata.database import Database
    from skilldata.objects import ObjectStore
    from skilldata.vitals import vitals_text

    with Database(settings.database) as database:
        text = vitals_text(registry_metrics(settings, database, ObjectStore(settings.s3)))
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)
