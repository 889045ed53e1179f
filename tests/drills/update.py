"""An update under load: `deploy/update` itself, behind the proxy of `deploy/`, with processes for containers."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT, Registry
from tests.drills.containers import Containers
from tests.drills.drill import Done, Drill, Stage, fsck, published, registry_of, timed
from tests.drills.serving import _skills, _status
from tests.ports import free_port
from tests.test_end_to_end import environment
from tests.waiting import wait_until

READERS = 4  # every second opens a connection for each request
PATHS = (
    "/api/v1/search?q=body", "/api/v1/skills/drill/update/a", "/s/drill/update/a", "/readyz",
    "/.well-known/agent-skills/index.json",
)  # fmt: skip
LONGEST = 5.0  # seconds that one answer may take in between


class Load:
    """Readers who ask for one page after the other; what does not end in 200 is a failure."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(n,)) for n in range(READERS)]
        self.failed: Counter[str] = Counter()
        self.times: list[float] = []

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _read(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        turn = number
        while not self._stop.is_set():
            path, turn = PATHS[turn % len(PATHS)], turn + 1
            begun = time.monotonic()
            try:
                connection.request("GET", path)
                with connection.getresponse() as answer:
                    answer.read()
                if answer.status != 200:
                    self.failed[f"{path}: {answer.status}"] += 1
            except (OSError, http.client.HTTPException) as error:
                self.failed[f"{path}: {type(error).__name__}"] += 1
                connection.close()
            self.times.append(time.monotonic() - begun)
            if number % 2:
                connection.close()


def update(stage: Stage) -> Done:
    """Update API and worker while people read, three times; once to an API that does not become ready."""
    measured: dict[str, float] = {}
    with registry_of(stage) as registry:
        published(registry, *_skills(stage.github, "drill/update"))
        with _deployed(registry) as (deploy, port), Load(port) as load:
            wait_until(lambda: len(load.times) > 200, 60)
            for number in range(1 if stage.quick else 3):
                with timed(measured, f"seconds of update {number + 1}"):
                    wrong = _updated(deploy)
            before = len(load.times)
            broken = {**deploy, "SKILLREGISTRY_S3__BUCKET": "nowhere", "UPDATE_SECONDS": "3"}
            refused = _updated({**broken, "SKILLREGISTRY_STATE_DIRECTORY": f"{deploy['CONTAINERS']}/empty"}, fails=True)
            wait_until(lambda: len(load.times) > before + 200, 60)
        times = sorted(load.times)
        measured |= {"requests": len(times), "failed": load.failed.total()}
        measured |= {"p99 seconds": round(times[len(times) * 99 // 100], 3), "longest": round(times[-1], 3)}
        wrong += refused + [f"{count} x {what}" for what, count in load.failed.items()]
        wrong += [f"an answer took {times[-1]:.1f} s"] if times[-1] > LONGEST else []
        return Done("every answer while API and worker are replaced", measured, wrong + fsck(registry))


def _updated(variables: dict[str, str], *, fails: bool = False) -> list[str]:
    """Run deploy/update; give what is wrong with how it ended."""
    done = subprocess.run(
        [ROOT / "deploy" / "update"], env=variables, capture_output=True, text=True, timeout=200, check=False
    )
    wanted = "the old one goes on" if fails else "updated"
    return [] if wanted in done.stdout + done.stderr else [f"deploy/update: {done.stdout[-300:]}{done.stderr[-500:]}"]


@contextmanager
def _deployed(registry: Registry) -> Iterator[tuple[dict[str, str], int]]:
    """Run API, worker and proxy; give the environment of deploy/update, and the proxy's port."""
    folder = registry.settings.state_directory / "containers"
    programs, site, ports = folder / "programs", free_port(), [str(free_port()) for _ in range(4)]
    programs.mkdir(parents=True)
    (programs / "docker").write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.drills.containers "$@"\n')
    (programs / "docker").chmod(0o755)
    variables = {
        **environment(registry),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "CONTAINERS": str(folder),
        "API_PORTS": " ".join(ports),
        "SKILLREGISTRY_API__READS_PER_MINUTE": "0",
    }
    containers = Containers(folder, ports)
    for service in ("api", "worker"):
        options = ("--env-file", "images.env", "--env-file", "production.env", "-f", "compose.prod.yaml")
        start = [programs / "docker", "compose", *options, "up", "--detach", "--no-deps", service]
        subprocess.run(start, env=variables, check=True)
    caddy = _proxy(folder, registry.settings.state_directory, site, ports[:-1])
    try:
        wait_until(lambda: _status(site, "/readyz") == 200, 60)
        yield variables, site
    finally:
        caddy.kill()
        caddy.wait()
        containers.kill()


def _proxy(folder: Path, state: Path, port: int, apis: list[str]) -> subprocess.Popen[bytes]:
    """Run Caddy with the file of deploy/: other addresses, and nothing else is another."""
    text = (ROOT / "deploy" / "Caddyfile").read_text()
    places = {
        "reverse_proxy api:8080": "reverse_proxy " + " ".join(f"127.0.0.1:{one}" for one in apis),
        "/srv/state/": f"{state}/",
        ":2020 {": f"http://127.0.0.1:{free_port()} {{",
    }
    for there, here in places.items():
        assert there in text, there
        text = text.replace(there, here)
    (folder / "Caddyfile").write_text(text)
    program = Path(sys.executable).with_name("caddy")
    command: list[str | Path] = [program, "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile"]
    with (folder / "caddy.log").open("wb") as log:
        return subprocess.Popen(
            command, stderr=log, env={"SITE_ADDRESS": f"http://127.0.0.1:{port}", "HOME": str(folder)}
        )


DRILLS = (Drill("update under load", "API and worker are replaced while people read", update),)
