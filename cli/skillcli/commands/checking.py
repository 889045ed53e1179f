"""`skillregistry fsck`.

What a command needs is imported when it runs, so that `--help` is answered at once.
"""

from __future__ import annotations

from typing import Annotated

import typer

from skillcli import context


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("fsck")(fsck)


def fsck(
    quick: Annotated[bool, typer.Option("--quick", help="Compare sizes of stored packages, not their bytes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Prove that index, packages, snapshot, JSON index and site agree."""
    from skilldata.database import Database
    from skilldata.fsck import Fsck
    from skilldata.objects import ObjectStore
    from skilldata.publish.live import open_publishers
    from skilldata.store import SnapshotStore

    settings = context.settings()
    objects = ObjectStore(settings.s3)
    progress = context.Progress()
    with Database(settings.database) as database:
        check = Fsck(
            database,
            objects,
            SnapshotStore(settings.state_directory / "snapshots", objects),
            open_publishers(settings, objects),
            settings.state_directory / "site" / "live",
            notify=progress.step,
        )
        report = check.run(quick=quick)
    marks = ["WRONG  " if one.problems else "left out" if one.left_out else "ok     " for one in report]
    lines = [
        f"{mark} {one.name}: {one.left_out or f'{one.checked} checked'}"
        for mark, one in zip(marks, report, strict=True)
    ]
    lines += [f"  {problem}" for one in report for problem in one.problems]
    context.show([one.as_dict() for one in report], as_json=as_json, text="\n".join(lines))
    if any(one.problems for one in report):
        raise typer.Exit(1)
