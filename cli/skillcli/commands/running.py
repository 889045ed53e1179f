"""`skillregistry up`, `down`, `status`, `serve`.

What a command needs is imported when it runs, so that `--help` is answered at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from skillcli import context

if TYPE_CHECKING:
    from skillcli.services import EmbeddedServices, ServicesStatus


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("up")(up)
    app.command("down")(down)
    app.command("status")(status)
    app.command("serve")(serve)


def up(as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False) -> None:
    """Start PostgreSQL, S3 and Temporal on this machine, unless the configuration names others."""
    from skilldata import migrate

    state = _services(notify=context.Progress().note).up()
    migrate.upgrade(context.settings().database)
    _show(state, as_json=as_json)


def down() -> None:
    """Stop the services that `up` started. Nothing is deleted."""
    _services().down()


def status(as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False) -> None:
    """Say which services run, and where."""
    state = _services().status()
    _show(state, as_json=as_json)
    if not state.ready:
        raise typer.Exit(1)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve the live site and the API until told to stop."""
    from skillapi.app import create_app
    from skillapi.server import serve as serve_app
    from skilldata.objects import ObjectStore
    from skilldata.store import SnapshotStore
    from skilldata.trust.metadata import ObjectMetadata

    settings = context.settings()
    objects = ObjectStore(settings.s3)
    snapshots = SnapshotStore(settings.state_directory / "snapshots", objects)
    app = create_app(
        snapshots,
        objects,
        settings,
        site_folder=settings.state_directory / "site",
        metadata=ObjectMetadata(objects),
    )
    where = host or settings.api.host, settings.api.port if port is None else port
    serve_app(app, *where, announce=lambda url: context.Progress().note(f"serving site and API on {url}"))


def _services(notify: Callable[[str], None] | None = None) -> EmbeddedServices:
    from skillcli.services import EmbeddedServices

    settings = context.settings(embedded=False)
    return EmbeddedServices(
        settings.state_directory, external=settings.external_services, bucket=settings.s3.bucket, notify=notify
    )


def _show(state: ServicesStatus, *, as_json: bool) -> None:
    rows = [(one.name, one.state, one.address, one.pid, one.detail) for one in state.services]
    text = context.table(rows, ("SERVICE", "STATE", "ADDRESS", "PID", ""))
    context.show(state.as_dict(), as_json=as_json, text=text)
