"""What readers notice while PostgreSQL, S3 or Temporal is away: the third part of `bench/api.py`."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apiload import Answers, fetch, load
from figures import Figure
from tests.conftest import Registry, new_registry
from tests.faultruns import COMMAND, SERVERS
from tests.standin import StandIn
from tests.test_end_to_end import environment, run
from tests.waiting import wait_until

from skillcli.services import EmbeddedServices
from skillcli.services.credentials import Credentials

NAME = "bench/outages"
SKILL = "---\nname: a\ndescription: Goes on.\nlicense: MIT\n---\n\n# Body\n"
TOLD_SECONDS = 15.0  # until /readyz says that S3 is away; it is asked every 5 s


def measure_outages(folder: Path, seconds: float) -> list[Figure]:
    """Stop each server for so many seconds under load.

    Args:
        folder: Where everything lives.
        seconds: How long each is away.
    """
    services = EmbeddedServices(folder / "services")
    services.up()
    try:
        with StandIn() as github, new_registry(folder / "services", github, folder / "state") as registry:
            registry.environment["SKILLREGISTRY_API__READS_PER_MINUTE"] = "10000000"
            github.add_repository(NAME, {"a/SKILL.md": SKILL})
            run(registry, "crawl", "--wait", NAME)
            with _serving(registry) as port:
                return [one for name in SERVERS for one in _outage(name, folder / "services", services, port, seconds)]
    finally:
        services.down()


def _outage(name: str, folder: Path, services: EmbeddedServices, port: int, seconds: float) -> list[Figure]:
    credentials = Credentials.load(folder / "services" / "credentials.json")
    assert credentials is not None, "the services run"
    server = SERVERS[name](folder / "services", credentials)
    paths = [
        f"/api/v1/skills/{NAME}/a",
        "/api/v1/search?q=goes",
        f"/api/v1/skills/{NAME}/a/download",
        f"/s/{NAME}/a.html",
    ]
    ended, answers, before = threading.Event(), list[Answers](), _ready(port)
    for path in paths:  # a package is kept from when it is asked for first
        fetch(port, path)
    reader = threading.Thread(target=lambda: answers.append(load(port, paths, ended.is_set)))
    reader.start()
    try:
        server.stop()
        begun = time.monotonic()
        told = 0.0
        if name == "S3":
            wait_until(lambda: _ready(port) == "degraded", 60)
            told = time.monotonic() - begun
        time.sleep(max(0.0, seconds - told))
        during = _ready(port)
    finally:
        services.up()
    wait_until(lambda: _ready(port) == "ready", 60)
    ended.set()
    reader.join()
    figures = [
        Figure(f"{name} stopped: requests meanwhile", len(answers[0].seconds), "requests"),
        Figure(f"… errors, {name}", answers[0].errors, "errors", 0),
        Figure(f"… slowest request, {name}", max(answers[0].seconds) * 1000, "ms"),
    ]
    if name == "S3":
        return [*figures, Figure("… until /readyz says that it is degraded", told, "s", TOLD_SECONDS)]
    # Reads need neither, so the API stays ready.
    return [*figures, Figure(f"… /readyz said other than ready, {name}", (before, during) != ("ready", "ready"), "", 0)]


def _ready(port: int) -> str:
    return str(json.loads(fetch(port, "/readyz")[2]).get("status"))


@contextmanager
def _serving(registry: Registry) -> Iterator[int]:
    log = registry.settings.state_directory / "serve.log"
    with log.open("wb") as errors:
        made = subprocess.Popen([COMMAND, "serve", "--port", "0"], env=environment(registry), stderr=errors)
    try:
        wait_until(lambda: b"serving site and API on" in log.read_bytes(), 60)
        line = next(line for line in log.read_text().splitlines() if "serving site and API on" in line)
        port = int(json.loads(line)["message"].rpartition(":")[2])
        wait_until(lambda: _ready(port) == "ready", 60)
        yield port
    finally:
        made.terminate()
        made.wait(60)
