"""`skillregistry doctor`.

What a command needs is imported when it runs, so that `--help` is answered at once.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from skillcli import context


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("doctor")(doctor)


def doctor(
    production: Annotated[
        bool, typer.Option("--production", help="Also what must not be so on the network; warnings fail.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Look at services, workers, schedules, what is live, backups and disk; say what is wrong and what to do."""
    from skillcli.doctor import State, examine, registry, services
    from skillcli.doctor import production as strict

    settings = context.settings()
    checks = {
        "database": services.check_database,
        "object store": services.check_store,
        "temporal": services.check_temporal,
        "github": services.check_github,
        "snapshot": registry.check_published,
        "schedules": registry.check_schedules,
        "backup": registry.check_backup,
        "disk": registry.check_disk,
    }
    if production:
        checks |= {
            "settings": strict.check_settings,
            "signatures": strict.check_trust,
            "backups": strict.check_backups,
            "state directory": strict.check_state,
        }
    found = list(examine((what, partial(check, settings)) for what, check in checks.items()))
    lines = []
    for one in found:
        lines.append(f"{one.state:4}  {one.what}: {one.result}")
        lines += [f"      {one.remedy}"] if one.remedy else []
    context.show([one._asdict() for one in found], as_json=as_json, text="\n".join(lines))
    bad = {State.FAIL, State.WARN} if production else {State.FAIL}
    if any(one.state in bad for one in found):
        raise typer.Exit(1)
