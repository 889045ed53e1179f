"""`skillregistry publish`.

What a command needs is imported when it runs, so that `--help` is answered at once.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from skillcli import context


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("publish")(publish)


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
