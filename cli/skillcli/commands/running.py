"""`skillregistry up`, `down`, `status`, `serve`.

What a command needs is imported when it runs, so that `--help` is answered at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from skillcli import context

if TYPE_CHECKING:
    from skillcli.services import EmbeddedServices, ServicesStatus


logger = logging.getLogger(__name__)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("up")(up)
    app.command("down")(down)
    app.command("setup")(setup)
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


def setup(
    schedules: Annotated[
        bool, typer.Option(help="Also let crawls, publishing and housekeeping run by themselves.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Prepare the services that the configuration names: schema, bucket, schedules. Doing it again changes nothing."""
    import asyncio

    from skillcli import crawls
    from skilldata import migrate
    from skilldata.objects import ObjectStore

    settings = context.settings()
    migrate.upgrade(settings.database)
    names = {settings.s3.bucket, settings.backup.bucket or settings.s3.bucket}
    stores = [ObjectStore(settings.s3.model_copy(update={"bucket": name})) for name in sorted(names)]
    made = [store.bucket for store in stores if store.make_bucket()]
    ids = asyncio.run(crawls.schedule(settings)) if schedules else []
    data = {"schema": migrate.status(settings.database)[0], "buckets_made": made, "schedules": ids}
    text = f"schema {data['schema']}; buckets made: {', '.join(made) or 'none'}; schedules: {', '.join(ids) or 'none'}"
    context.show(data, as_json=as_json, text=text)


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
    from skillapi.asking import TemporalCrawler
    from skillapi.counting import DownloadCounts
    from skillapi.journal import Journal
    from skillapi.server import serve as serve_app
    from skilldata import logs
    from skilldata.objects import ObjectStore
    from skilldata.store import SnapshotStore
    from skilldata.trust.metadata import ObjectMetadata

    settings = context.settings()
    logs.set_up(settings, debug=context.debug())
    objects = ObjectStore(settings.s3)
    snapshots = SnapshotStore(settings.state_directory / "snapshots", objects)
    temporal = TemporalCrawler(settings.temporal)
    journal = Journal(settings.state_directory / "downloads", most_bytes=settings.api.count_max_bytes)
    counts = DownloadCounts(journal, temporal, flush_seconds=settings.api.count_seconds)
    app = create_app(
        snapshots,
        objects,
        settings,
        crawler=temporal,
        counts=counts if settings.api.count_downloads else None,
        site_folder=settings.state_directory / "site",
        metadata=ObjectMetadata(objects),
    )
    where = host or settings.api.host, settings.api.port if port is None else port
    serve_app(app, *where, announce=lambda url: logger.info("serving site and API on %s", url))


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
