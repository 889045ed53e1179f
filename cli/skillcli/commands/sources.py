"""`skillregistry sources`.

What a command needs is imported when it runs, so that `--help` is answered at once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skillcli import context
from skillcli.groups import by_default

if TYPE_CHECKING:
    from skilldata.sourcehealth import SourceHealth
    from skilldata.sourcestate import RunRow, ShortSlice

REASON = 60  # characters of an error in a table
UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))

sources = typer.Typer(
    cls=by_default("list"), help="Look at the sources: which there are, when each is listed, and how it fares."
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(sources, name="sources")


@sources.command("list")
def sources_list(as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False) -> None:
    """List the sources with their interval, their last run, when each is due, and its health."""
    from skilldata.database import Database
    from skilldata.sourcehealth import source_health
    from skilldata.sources import configured_sources

    settings = context.settings()
    with Database(settings.database) as database:
        found = source_health(database, configured_sources(settings))
    rows = [(*_shown(one), *_counts(one.run), one.short_slices, _due(one), _line(one.error)) for one in found]
    headings = ("SOURCE", "EVERY", "", "HEALTH", "LAST RUN", "CLAIMED", "SEEN", "FOUND", "ADDED", "MISSING", "SHORT")
    text = context.table(rows, (*headings, "NEXT", "ERROR")) if rows else "no sources"
    context.show([_data(one) for one in found], as_json=as_json, text=text)


@sources.command("show")
def sources_show(
    source: Annotated[str, typer.Argument(help="owner, owner/name or KIND:TARGET.")],
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Show one source: its latest runs, and the slices of its searches that were not read to their end."""
    from skilldata.database import Database
    from skilldata.errors import NotFound
    from skilldata.sourcehealth import find_health, recent_runs, source_health
    from skilldata.sources import configured_sources, parse_source

    settings = context.settings()
    with Database(settings.database) as database:
        found = find_health(source_health(database, configured_sources(settings)), parse_source(source))
        if found is None:
            raise NotFound(f"there is no source {source!r}", remedy="`skillregistry sources` lists them.")
        runs = recent_runs(database, found)
    data = {
        **_data(found),
        "runs": [{**run._asdict(), "short": [one._asdict() for one in short]} for run, short in runs],
    }
    context.show(data, as_json=as_json, text=_told(found, runs))


def _data(one: SourceHealth) -> dict[str, Any]:
    return {"name": one.name, **one._asdict(), "run": one.run._asdict() if one.run else None}


def _shown(one: SourceHealth) -> tuple[object, ...]:
    state = "" if one.enabled else "off" if one.configured else "by hand"
    return one.name, _interval(one.interval_seconds), state, one.health


def _counts(run: RunRow | None) -> tuple[object, ...]:
    if run is None:
        return ("", "", "", "", "", "")
    return run.outcome, run.claimed, run.seen, run.found, run.added, run.missing


def _due(one: SourceHealth) -> str:
    if not one.enabled:
        return ""
    is_open = one.run is not None and one.run.finished_at is None
    if one.due_at is None or is_open or one.due_at <= datetime.now(UTC):
        return "next crawl"
    return f"{one.due_at:%Y-%m-%d %H:%M}"


def _told(one: SourceHealth, runs: list[tuple[RunRow, list[ShortSlice]]]) -> str:
    name, every, state, health = _shown(one)
    lines = [
        f"source        {name}",
        f"listed        every {every}{f' ({state})' if state else ''}",
        f"health        {health}{f': {one.error}' if one.error else ''}",
        f"repositories  {one.repositories}",
        f"last success  {_time(one.succeeded_at)}",
        f"next          {_due(one) or 'when somebody names it'}",
    ]
    if runs:
        rows = [(_time(run.started_at), *_counts(run), run.copies, run.requests, _line(run.error)) for run, _ in runs]
        headings = ("RUN", "OUTCOME", "CLAIMED", "SEEN", "FOUND", "ADDED", "MISSING", "COPIES", "REQUESTS", "ERROR")
        lines += ["", context.table(rows, headings)]
        lines += [f"note: {note}" for note in runs[0][0].notes]
    short = [(slice_.query, slice_.reason, slice_.claimed, slice_.seen) for slice_ in (runs[0][1] if runs else [])]
    if short:
        lines += ["", context.table(short, ("SLICE NOT READ TO ITS END", "WHY", "CLAIMED", "SEEN"))]
    return "\n".join(lines)


def _interval(seconds: int) -> str:
    for length, unit in UNITS:
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _time(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else "never"


def _line(text: str) -> str:
    first = text.partition("\n")[0]
    return first if len(first) <= REASON else first[:REASON] + "…"
