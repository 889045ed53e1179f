"""Where the crawler's publishing meets the site's building, which know nothing of each other."""

from __future__ import annotations

from skillcrawler.activities import BuiltSite
from skilldata.config import Settings
from skilldata.snapshot import Snapshot
from skillsite.build import build_site
from skillsite.packages import StoredPackages


def build(settings: Settings, snapshot: Snapshot) -> BuiltSite:
    """Build the site of a snapshot and make it the live one of this machine."""
    report = build_site(
        snapshot, settings.state_directory / "site", settings=settings.site, packages=StoredPackages(settings.s3)
    )
    return BuiltSite(pages=report.pages, files_written=report.written)
