"""A published tree for clients to install from, served as files, and the clients run against it."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import AnyHttpUrl, TypeAdapter

from skillapi.app import create_app
from skillapi.live import FolderSource
from skilldata.clientformats.addresses import ClientAddresses
from skilldata.config import PublishSettings, Settings, SiteSettings
from skilldata.jsonindex.build import build_json_index
from skilldata.objects import package_key
from skilldata.observed import Observed, write_observed
from skilldata.publish.order import PACKAGE
from skilldata.publish.publisher import Publisher, PublishReport
from skilldata.publish.target import FolderTarget
from skilldata.search import build_search_index
from skilldata.snapshot import JSON_INDEX, SEARCH, Snapshot
from tests import node
from tests.snapshots import SAMPLES, SampleSkill, make_snapshot, packages
from tests.test_api import MemoryStore, serving

SECONDS = 60  # for one command of a client
NOWHERE = "http://127.0.0.1:9"  # the discard port: whoever leaves loopback gets no further than this


def build(folder: Path, skills: Sequence[SampleSkill]) -> Path:
    """A snapshot with JSON index and search index."""
    make_snapshot(folder, skills)
    with Snapshot(folder) as snapshot:
        build_json_index(snapshot, folder / JSON_INDEX)
        build_search_index(snapshot, folder / SEARCH)
    write_observed(folder, Observed(sources=()))
    return folder


@dataclass
class Tree:
    """A folder that is published to, and its address."""

    folder: Path
    url: str
    settings: PublishSettings = field(default_factory=PublishSettings)

    @property
    def target(self) -> FolderTarget:
        return FolderTarget(self.folder / "public")

    @property
    def addresses(self) -> ClientAddresses:
        return ClientAddresses("Test registry", f"{self.url}/", f"{self.url}/")

    def publish(self, name: str, skills: Sequence[SampleSkill], target: Any = None) -> PublishReport:
        """Publish a snapshot of skills."""
        folder = build(self.folder / name, skills)
        for digest, data in packages(skills).items():
            self.target.put(package_key(digest), data, PACKAGE)
        return self.publisher(target).publish(folder, even_if_smaller=True)

    def publisher(self, target: Any = None) -> Publisher:
        return Publisher(target or self.target, self.settings, lock=self.folder / "lock", clients=self.addresses)


@contextmanager
def serving_api(
    snapshot: Path, skills: Sequence[SampleSkill] = SAMPLES, *, site_folder: Path | None = None
) -> Iterator[str]:
    """Run the API over a snapshot's folder, or a link to one; its answers name its own address."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    settings = Settings(
        site=SiteSettings(title="Test registry", base_url=TypeAdapter(AnyHttpUrl).validate_python(address))
    )
    store = MemoryStore(list(skills))
    app = create_app(FolderSource(snapshot), store, settings, site_folder=site_folder, refresh_seconds=0.05)
    with serving(app, listener) as url:
        yield url


@dataclass(frozen=True)
class Client:
    """A client with a home of its own, in which nothing of this machine's user shows."""

    program: Path
    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run a command in the client's project, and give what it says."""
        found = node.find_node()
        assert found is not None
        project = self.home / "project"
        project.mkdir(parents=True, exist_ok=True)
        environment = {
            "PATH": f"{found.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_DATA_HOME": str(self.home / "data"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_STATE_HOME": str(self.home / "state"),
            "DISABLE_TELEMETRY": "1",
            "DO_NOT_TRACK": "1",
            "NO_COLOR": "1",
            "NODE_USE_ENV_PROXY": "1",
            "HTTP_PROXY": NOWHERE,
            "HTTPS_PROXY": NOWHERE,
            "NO_PROXY": "127.0.0.1",
            **self.variables,
        }
        command = [str(self.program), *arguments]
        if self.program.suffix in {".mjs", ".js"}:
            command.insert(0, str(found))
        done = subprocess.run(
            command,
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        said = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, said
        return said


def files(folder: Path) -> dict[str, bytes]:
    """What a client installed: path -> bytes. Notes that it keeps beside are left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(".")
    }


def packaged(skill: SampleSkill, version: int = -1) -> dict[str, bytes]:
    """The files of a skill's package: path -> bytes."""
    only = packages([skill])
    data = list(only.values())[version]
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return {name: package.read(name) for name in package.namelist()}
