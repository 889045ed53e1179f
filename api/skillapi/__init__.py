"""The HTTP API: search and downloads, served from the live snapshot alone."""

from skillapi.app import create_app
from skillapi.live import FolderSource, SnapshotSource
from skillapi.server import serve

__all__ = ["FolderSource", "SnapshotSource", "create_app", "serve"]
