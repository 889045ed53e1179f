"""One Chromium and one served site for all tests in a browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from skillapi.app import create_app
from skillapi.live import FolderSource
from skilldata.config import Settings, SiteSettings
from skilldata.search import build_search_index
from skilldata.snapshot import SEARCH, Snapshot
from skillsite.build import build_site
from tests.browser.pages import FLAGS
from tests.snapshots import ACME, SAMPLES, SampleVersion, make_snapshot, sample_skill
from tests.test_api import MemoryStore, serving
from tests.test_markdown import VECTORS

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a served site with the sample skills, and one skill for each vector of attack."""
    root = tmp_path_factory.mktemp("browser")
    hostile = [
        sample_skill(
            ACME,
            f"vector-{number}",
            vector[:1024],
            f"# {vector}\n\n{vector}\n\n[x]({vector})",
            name=vector[:60],
            versions=_versions(vector),
            diagnostics=(("rule", "warning", "notes.txt", 1, vector, vector),),
        )
        for number, vector in enumerate(VECTORS)
    ]
    folder = make_snapshot(root / "snapshot", [*SAMPLES, *hostile])
    with Snapshot(folder) as snapshot:
        build_search_index(snapshot, folder / SEARCH)
        build_site(snapshot, root / "site", settings=SiteSettings(), jobs=1, packages=MemoryStore([*SAMPLES, *hostile]))
    app = create_app(FolderSource(folder), MemoryStore([*SAMPLES, *hostile]), Settings(), site_folder=root / "site")
    with serving(app) as url:
        yield url.rstrip("/") + "/"


def _versions(vector: str) -> tuple[SampleVersion, SampleVersion]:
    """Two versions with the vector as name and content of files, and in what was changed."""
    text = f"# {vector}\n\n{vector}\n\n[x]({vector})"
    name = re.sub(r"[\x00/\\]", "_", vector)[:80] or "_"
    files = {"notes.txt": vector.encode(errors="replace"), f"{name}.txt": vector.encode(errors="replace")}
    return SampleVersion("0.0.1", "# Before\n", {"notes.txt": b"before\n"}), SampleVersion("0.0.2", text, files, day=1)


@pytest.fixture(scope="module")  # its event loop would be in the way of other tests
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()
