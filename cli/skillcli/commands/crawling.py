"""`skillregistry crawl`, `worker`.

What a command needs is imported when it runs, so that `--help` and a typing mistake are answered at once.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from skillcli import context
from skillcli.groups import by_default
from skilldata.errors import ConfigurationError

ALL = "crawl"  # what the crawl of all sources is called; `policies.CRAWL_ID`


crawls = typer.Typer(
    cls=by_default("run"),
    help="Crawl sources and publish what they hold: `crawl [SOURCE]...`; see `crawl run --help` for its options.",
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(crawls, name="crawl")
    app.command("worker")(worker)


@crawls.command("run")
def crawl(
    source: Annotated[list[str] | None, typer.Argument(help="owner, owner/name or KIND:TARGET; default: all.")] = None,
    due: Annotated[
        bool, typer.Option("--due", help="List no source; look at what is due, as the schedule does.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Read everything again, changed or not.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Work along, and wait for the end.")] = False,
    publish: Annotated[bool, typer.Option(help="Publish a snapshot at the end.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which sources would be crawled.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Crawl sources and publish what they hold."""
    from skillcli import crawls as implementation
    from skilldata.sources import all_sources, parse_source

    settings = context.settings()
    wanted = [parse_source(text) for text in source] if source else [] if due else all_sources(settings)
    if not wanted and not due:
        raise ConfigurationError("there is no source to crawl", remedy="Name one, or add `sources` to registry.yaml.")
    if dry_run:
        context.show(
            [one.model_dump() for one in wanted],
            as_json=as_json,
            text="\n".join(f"{s.kind}:{s.target}" for s in wanted),
        )
        return
    request = implementation.request(settings, wanted, only=not due, full=full, publish=publish)
    workflow_id = ALL if not source else f"{ALL}/{implementation.fingerprint(wanted)}"
    report = asyncio.run(implementation.run(settings, request, workflow_id, wait=wait))
    if report is None:
        text = f"started {workflow_id}; a running `skillregistry worker` does the rest"
        context.show({"workflow": workflow_id}, as_json=as_json, text=text)
    else:
        context.show(report.model_dump(mode="json"), as_json=as_json, text=implementation.describe(report))


@crawls.command("schedule")
def schedule(as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False) -> None:
    """Create the schedules of the crawl, or bring them up to date with the configuration."""
    from skillcli import crawls as implementation

    found = asyncio.run(implementation.schedule(context.settings()))
    context.show(found, as_json=as_json, text="scheduled: " + ", ".join(found))


@crawls.command("pause")
def pause(reason: Annotated[str, typer.Option(help="Why, for whoever finds it paused.")] = "by a maintainer") -> None:
    """Let no schedule start a crawl until `crawl resume`; what runs goes on."""
    from skillcli import crawls as implementation

    asyncio.run(implementation.pause(context.settings(), reason, paused=True))


@crawls.command("resume")
def resume() -> None:
    """Let the schedules start crawls again."""
    from skillcli import crawls as implementation

    asyncio.run(implementation.pause(context.settings(), "resumed by a maintainer", paused=False))


@crawls.command("retry")
def retry(as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False) -> None:
    """Make every repository due whose last crawl failed."""
    from skilldata.database import Database

    with Database(context.settings().database) as database:
        count = database.retry_failures()
    context.show({"due": count}, as_json=as_json, text=f"{count} repositories are due again")


def worker() -> None:
    """Run a worker until it is told to stop (SIGTERM or Ctrl-C); running work is finished first."""
    from skillcli import crawls as implementation

    asyncio.run(implementation.work(context.settings()))


@crawls.command("status")
def crawl_status(
    workflow: Annotated[str, typer.Argument(help="Which crawl, as `crawl` named it.")] = ALL,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Say whether a crawl runs, how far it is, and what is being read on request."""
    from skillcli import crawls as implementation

    settings = context.settings()
    state, counters = asyncio.run(implementation.status(settings, workflow))
    requests = asyncio.run(implementation.on_demand(settings))
    text = state if counters is None else f"{state}: {implementation.counted(counters)}"
    text = "\n".join([text, *(f"on demand: {one.repository}: {one.phase}" for one in requests)])
    data = {
        "workflow": workflow,
        "state": state,
        "counters": counters.model_dump() if counters else None,
        "on_demand": [one.model_dump(mode="json") for one in requests],
    }
    context.show(data, as_json=as_json, text=text)


@crawls.command("failures")
def failures(as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False) -> None:
    """List repositories that could not be crawled, with the reason and the next try."""
    from skilldata.database import Database

    with Database(context.settings().database) as database:
        found = database.failures()
    rows = [(f"{one.owner}/{one.name}", one.attempts, one.code, one.message, one.due_at) for one in found]
    text = context.table(rows, ("REPOSITORY", "TRIES", "CODE", "REASON", "NEXT TRY")) if rows else "no failures"
    context.show([one._asdict() for one in found], as_json=as_json, text=text)


@crawls.command("budgets")
def budgets(as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False) -> None:
    """Show what is left of GitHub's limits, for each credential."""
    from skilldata.budgets import Budgets
    from skilldata.database import Database

    with Database(context.settings().database) as database:
        found = Budgets(database).list()
    rows = [
        (one.credential, one.bucket, one.left, one.limit, f"{one.resets_in:.0f} s", f"{one.blocked_for:.0f} s")
        for one in found
    ]
    headings = ("CREDENTIAL", "BUCKET", "LEFT", "OF", "RENEWED IN", "BLOCKED FOR")
    text = context.table(rows, headings) if rows else "GitHub was not asked yet"
    context.show([one._asdict() for one in found], as_json=as_json, text=text)
