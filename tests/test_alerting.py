"""An API that is away is told of by Prometheus and Alertmanager, and is heard of no more once that is silenced."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from tests.conftest import ROOT
from tests.ports import free_port
from tests.waiting import wait_until

DEPLOY = ROOT / "deploy"


def program(name: str) -> str:
    found = shutil.which(name)
    assert found is not None, f"{name} is missing: apt-get install prometheus prometheus-alertmanager, or run .ci/run"
    return found


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    """Run both with the files of deploy/, hurried, and nobody to scrape; gives Alertmanager's address."""
    port, cluster = free_port(), f"127.0.0.1:{free_port()}"
    hurried = {"15s": "1s", "alertmanager:9093": f"127.0.0.1:{port}"}
    for service in ("api:8080", "worker:9464"):
        hurried[service] = f"127.0.0.1:{free_port()}"
    (tmp_path / "alerts").mkdir()
    for name in ("prometheus.yaml", "alerts/registry.yaml"):
        text = (DEPLOY / name).read_text()
        for there, here in hurried.items():
            text = text.replace(there, here)
        (tmp_path / name).write_text(re.sub(r"for: \d+m", "for: 1s", text))
    with ExitStack() as stack:
        run = [program("prometheus-alertmanager"), f"--config.file={DEPLOY / 'alertmanager.yaml'}"]
        run += [f"--storage.path={tmp_path / 'silences'}", f"--web.listen-address=127.0.0.1:{port}"]
        stack.enter_context(_running(tmp_path, *run, f"--cluster.listen-address={cluster}"))
        run = [program("prometheus"), f"--config.file={tmp_path / 'prometheus.yaml'}"]
        run += [f"--storage.tsdb.path={tmp_path / 'series'}", f"--web.listen-address=127.0.0.1:{free_port()}"]
        stack.enter_context(_running(tmp_path, *run))
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _running(folder: Path, *command: str) -> Iterator[None]:
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def amtool(address: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [program("amtool"), "--alertmanager.url", address, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def alerts(address: str) -> set[str]:
    """Names of the alerts that somebody would hear of."""
    try:
        answer = httpx.get(f"{address}/api/v2/alerts", params={"silenced": "false", "active": "true"})
    except httpx.TransportError:  # it is not there yet
        return set()
    return {one["labels"]["alertname"] for one in answer.json()} if answer.status_code == 200 else set()


def test_an_alert_is_heard_of_until_it_is_silenced(alertmanager: str) -> None:
    wait_until(lambda: {"ApiDown", "WorkerDown"} <= alerts(alertmanager), 60)
    done = amtool(
        alertmanager, "silence", "add", "alertname=ApiDown", "--duration", "2h", "--comment", "it is moved",
        "--author", "test",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    wait_until(lambda: "ApiDown" not in alerts(alertmanager), 30)
    assert "WorkerDown" in alerts(alertmanager)
    assert amtool(alertmanager, "silence", "expire", done.stdout.strip()).returncode == 0
    wait_until(lambda: "ApiDown" in alerts(alertmanager), 30)


def test_pages_go_another_way_than_tickets() -> None:
    done = subprocess.run(
        [program("amtool"), "check-config", DEPLOY / "alertmanager.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    groups = yaml.safe_load((DEPLOY / "alerts" / "registry.yaml").read_text())["groups"]
    for rule in (rule for group in groups for rule in group["rules"]):
        severity = rule["labels"]["severity"]
        config = f"--config.file={DEPLOY / 'alertmanager.yaml'}"
        asked = [program("amtool"), "config", "routes", "test", config, f"severity={severity}"]
        found = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        assert found == {"page": "pages", "ticket": "tickets"}[severity]
