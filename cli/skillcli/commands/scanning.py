"""`skillregistry scan`.

What a command needs is imported when it runs, so that `--help` is answered at once.
"""

from __future__ import annotations

from typing import Annotated

import typer

from skillcli import context


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("scan")(scan)


def scan(
    everything: Annotated[bool, typer.Option("--all", help="Also what the present rules have judged.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Scan, but keep no report.")] = False,
    second_opinion: Annotated[
        bool, typer.Option("--second-opinion", help="Ask the second scanner instead; its opinion changes no verdict.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Scan stored packages again that other rules judged; no request goes to GitHub."""
    from skillcrawler.rescan import Rescan, rescan
    from skillcrawler.scan import RULE_SET
    from skilldata.database import Database
    from skilldata.objects import ObjectStore
    from skilldata.scans import Scans

    if second_opinion:
        if dry_run:
            raise typer.BadParameter("it goes with the registry's own rules only", param_hint="--dry-run")
        _ask_second_scanner(everything=everything, as_json=as_json)
        return
    settings = context.settings()
    done = Rescan()
    progress = context.Progress()
    with Database(settings.database) as database:
        due = Scans(database).due(RULE_SET, everything=everything)
        for done in rescan(database, ObjectStore(settings.s3), everything=everything, dry_run=dry_run):
            progress.step(f"{done.scanned} of {due} scanned")
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in done.verdicts.items()) or "none were due"
    text = (
        f"rules {RULE_SET}: {done.scanned} contents scanned ({verdicts}); {done.changed} verdicts changed, "
        f"{done.skills} skills listed or refused for it, {done.unreadable} packages not readable"
    )
    context.show({"rule_set": RULE_SET, "due": due, **done._asdict()}, as_json=as_json, text=text)


def _ask_second_scanner(*, everything: bool, as_json: bool) -> None:
    from skillcrawler.secondopinion.asking import Asked, ask_page_by_page
    from skillcrawler.secondopinion.scanner import SecondScanner
    from skilldata.database import Database
    from skilldata.objects import ObjectStore

    settings, progress = context.settings(), context.Progress()
    with SecondScanner(settings.second_opinion) as scanner, Database(settings.database) as database:
        done = Asked(*scanner.identity)
        for done in ask_page_by_page(database, ObjectStore(settings.s3), scanner, everything=everything):
            progress.step(f"{done.opinions} opinions")
    text = (
        f"{done.scanner} {done.version}: {done.opinions} opinions, {done.heavy} of them with something HIGH or more; "
        f"{done.problems} could not be had, {done.unreadable} packages not readable"
    )
    context.show(done._asdict(), as_json=as_json, text=text)
