"""`skillregistry mcp`: the registry as tools for agents, on standard input and output."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skillcli import context
from skilldata.errors import ConfigurationError


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("mcp")(mcp)


def mcp(
    registry: Annotated[str | None, typer.Option(help="Address of a registry (default: site.base_url).")] = None,
    snapshot: Annotated[
        Path | None, typer.Option(help="A snapshot's folder to read instead, without a network.")
    ] = None,
) -> None:
    """Serve search, show, read, install and verify to an agent, by the Model Context Protocol."""
    import asyncio

    if registry is not None and snapshot is not None:
        raise ConfigurationError(
            "--registry and --snapshot exclude each other", remedy="Give the address of a registry, or a folder."
        )
    if registry is not None and not registry.startswith(("https://", "http://")):
        raise ConfigurationError(f"{registry!a} is no address", remedy="Give one that begins with https://.")
    asyncio.run(_from_folder(snapshot) if snapshot is not None else _from_registry(registry))


async def _from_registry(registry: str | None) -> None:
    from skillapi.mcpserver.reading import http_api
    from skillapi.mcpserver.server import serve_stdio

    await serve_stdio(http_api(registry or str(context.settings().site.base_url)))


async def _from_folder(folder: Path) -> None:
    """Serve from a snapshot; packages come from the object store where one is configured."""
    from skillapi.app import create_app
    from skillapi.live import FolderSource
    from skillapi.mcpserver.reading import app_api, begun
    from skillapi.mcpserver.server import serve_stdio
    from skilldata.objects import ObjectStore
    from skilldata.snapshot import read_info

    read_info(folder)  # says at once what is wrong with it
    settings = context.settings()
    objects = ObjectStore(settings.s3) if settings.s3.endpoint or settings.s3.access_key_id else None
    app = create_app(FolderSource(folder), objects, settings)
    async with begun(app):
        await serve_stdio(app_api(app, str(settings.site.base_url)))
