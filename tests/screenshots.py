"""`make screenshots`: every kind of page, on phone and desktop, in light and dark, as pictures under build/screenshots.

The site is built from the sample skills of the tests, or one that was built before: `--site FOLDER`,
with the pages named.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from skillapi.app import create_app
from skillapi.live import FolderSource
from skilldata.config import Settings, SiteSettings
from skilldata.search import build_search_index
from skilldata.snapshot import SEARCH, Snapshot
from skillsite.build import build_site
from tests.browser.pages import FLAGS, KINDS
from tests.snapshots import make_snapshot
from tests.test_api import MemoryStore, serving

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("build/screenshots"), help="where the pictures go")
    parser.add_argument("--site", type=Path, help="a folder with `live`, instead of the sample skills")
    parser.add_argument("--theme", choices=("light", "dark"), help="one theme only")
    parser.add_argument("pages", nargs="*", help="paths of pages; default every kind of page of the sample skills")
    options = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("error: Chromium is not installed. On Debian: apt-get install chromium fonts-noto-cjk")
    options.output.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        _served(Path(folder), options.site) as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for theme in [options.theme] if options.theme else ("light", "dark"):
            for picture in _take(browser, url, options.pages or KINDS, options.output, theme):
                sys.stdout.write(f"{picture}\n")
        browser.close()


@contextmanager
def _served(folder: Path, site: Path | None) -> Iterator[str]:
    snapshot_folder = make_snapshot(folder / "snapshot")
    with Snapshot(snapshot_folder) as snapshot:
        build_search_index(snapshot, snapshot_folder / SEARCH)
        if site is None:
            build_site(snapshot, folder / "site", settings=SiteSettings(), jobs=1, packages=MemoryStore())
    app = create_app(FolderSource(snapshot_folder), MemoryStore(), Settings(), site_folder=site or folder / "site")
    with serving(app) as url:
        yield url.rstrip("/") + "/"


def _take(browser: Browser, url: str, pages: tuple[str, ...] | list[str], output: Path, theme: str) -> Iterator[Path]:
    for size, (width, height) in SIZES.items():
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if theme == "dark" else "light"
        )
        page = context.new_page()
        for path in pages:
            page.goto(url + path, wait_until="load")
            name = path.strip("/").replace("/", "-").removesuffix(".html") or "home"
            picture = output / f"{name}-{size}-{theme}.png"
            page.screenshot(path=picture, full_page=True)
            yield picture
        context.close()


if __name__ == "__main__":
    main()
