"""What is in deploy/: linted, and what the compose files say of our own services run as plain processes."""

from __future__ import annotations

import fnmatch
import functools
import json
import os
import re
import socket
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from skillapi.app import create_app
from skillapi.live import FolderSource
from skilldata.config import S3Settings, Settings, load_settings, settings_table
from skilldata.objects import ObjectStore
from skilldata.trust.metadata import FolderMetadata
from tests.conftest import ROOT, Registry, _drop_bucket
from tests.standin import StandIn
from tests.test_end_to_end import run
from tests.test_housekeeping import SKILL
from tests.waiting import wait_until

DEPLOY = ROOT / "deploy"
COMPOSE = ("compose.yaml", "compose.prod.yaml")
LOOPBACK = "127.0.0.1"
OURS = ("setup", "worker", "api")
PORTS = {"worker": ("SKILLREGISTRY_WORKER__METRICS_PORT", "9464"), "api": ("SKILLREGISTRY_API__PORT", "8080")}
# What the environment of a service says of others is another on this machine.
ELSEWHERE = (
    "SKILLREGISTRY_STATE_DIRECTORY", "SKILLREGISTRY_DATABASE__URL", "SKILLREGISTRY_S3__ENDPOINT",
    "SKILLREGISTRY_S3__BUCKET", "SKILLREGISTRY_S3__ACCESS_KEY_ID", "SKILLREGISTRY_S3__SECRET_ACCESS_KEY",
    "SKILLREGISTRY_TEMPORAL__SERVER_URL", "SKILLREGISTRY_GITHUB__TOKEN",
)  # fmt: skip


def compose(name: str) -> dict[str, Any]:
    """Read a compose file; YAML's own merges are resolved, variables are left as they are."""
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text())
    return loaded


def tool(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name(name)), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_hadolint_finds_nothing() -> None:
    done = tool("hadolint", DEPLOY / "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", COMPOSE)
def test_compose_files_follow_the_specification(name: str) -> None:
    done = tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / name)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", COMPOSE)
def test_services_are_watched_bounded_and_started_in_order(name: str) -> None:
    services = compose(name)["services"]
    for service, said in services.items():
        if service in {"prometheus", "alertmanager"}:
            continue
        assert said["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
        assert said["restart"] in {"unless-stopped", "no"}
        assert "healthcheck" in said
        assert service == "setup" or said["mem_limit"]
    for service in OURS:
        assert (services[service]["read_only"], services[service]["cap_drop"]) == (True, ["ALL"])
    for service in ("worker", "api"):
        assert services[service]["depends_on"]["setup"] == {"condition": "service_completed_successfully"}
    assert all(one["condition"] == "service_healthy" for one in services["setup"]["depends_on"].values())


def test_production_has_no_default_secret_and_is_reached_through_the_site_alone() -> None:
    text, services = (DEPLOY / "compose.prod.yaml").read_text(), compose("compose.prod.yaml")["services"]
    assert "development" not in text
    assert {name for name, said in services.items() if "ports" in said} <= {"site", "prometheus", "alertmanager"}
    for said in services.values():
        for key, value in said.get("environment", {}).items():
            assert not re.search("PASSWORD|SECRET|TOKEN|KEY$", key) or key.endswith(("_FILE", "KEY_ID")), (key, value)
    assert "SKILLREGISTRY_DATABASE__URL_FILE" not in services["api"]["environment"]
    for service in OURS:
        assert ":?" in services[service]["image"]


@pytest.mark.parametrize("name", COMPOSE)
def test_environments_name_settings_that_exist(name: str) -> None:
    known = {row.variable for row in settings_table()} | {"SKILLREGISTRY_CONFIG"}
    known |= {f"{variable}_FILE" for variable in known}
    for service in OURS:
        assert set(compose(name)["services"][service]["environment"]) <= known


def test_images_are_pinned_or_said_not_to_be() -> None:
    """Digests cannot be known where no registry of images is reached: `deploy/pin` says so, and ends with 1."""
    named = dict(line.split("=", 1) for line in (DEPLOY / "images.env").read_text().splitlines() if "_IMAGE=" in line)
    used = set(re.findall(r"\$\{([A-Z0-9_]+_IMAGE)\}", "".join((DEPLOY / name).read_text() for name in COMPOSE)))
    assert used | {"PYTHON_IMAGE"} == set(named)
    pinned = all(re.search(r"@sha256:[0-9a-f]{64}$", image) for image in named.values())
    done = subprocess.run([DEPLOY / "pin", "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is pinned
    assert pinned or "not pinned by digest" in done.stderr
    assert f"ARG PYTHON_IMAGE={named['PYTHON_IMAGE'].partition('@')[0]}" in (DEPLOY / "Dockerfile").read_text()


def proxy() -> Any:
    """Read the proxy's configuration as the proxy reads it."""
    program = Path(sys.executable).with_name("caddy")
    command: list[str | Path] = [program, "adapt", "--adapter", "caddyfile", "--config", DEPLOY / "Caddyfile"]
    done = subprocess.run(command, env={"SITE_ADDRESS": "http://127.0.0.1:1"}, capture_output=True, check=True)
    return json.loads(done.stdout)


def test_the_proxy_sends_on_what_the_api_alone_answers(tmp_path: Path) -> None:
    app: Any = create_app(
        FolderSource(tmp_path),
        ObjectStore(S3Settings(access_key_id="a", secret_access_key=SecretStr("b"))),
        Settings(),
        site_folder=tmp_path,
        metadata=FolderMetadata(tmp_path),
    )
    while not hasattr(app, "routes"):
        app = getattr(app, "app", None) or app._app
    found = list(_named(proxy(), "match"))
    globs = [glob for match in found for one in match for glob in one.get("path", ())]
    patterns = [one["path_regexp"]["pattern"] for match in found for one in match if "path_regexp" in one]
    alone = {re.sub(r"\{[^}]*\}", "x", route.path) for route in app.routes} - {"/x", "/metrics"}
    assert len(alone) > 30
    missed = {path for path in alone if not any(re.search(pattern, path) for pattern in patterns)}
    assert {path for path in missed if not any(fnmatch.fnmatch(path, glob) for glob in globs)} == set()


def _named(tree: Any, name: str) -> Iterator[Any]:
    """Give what stands under a name, wherever that is."""
    if isinstance(tree, dict):
        if name in tree:
            yield tree[name]
        tree = list(tree.values())
    for one in tree if isinstance(tree, list) else ():
        yield from _named(one, name)


def test_the_proxy_asks_again_and_says_who_calls() -> None:
    proxies = [one for handlers in _named(proxy(), "handle") for one in handlers if one["handler"] == "reverse_proxy"]
    assert len(proxies) == 2
    header = compose("compose.prod.yaml")["services"]["api"]["environment"]["SKILLREGISTRY_ON_DEMAND__CLIENT_HEADER"]
    for one in proxies:
        assert one["upstreams"] == [{"dial": "api:8080"}]
        assert one["load_balancing"]["try_duration"] >= 30e9  # nanoseconds
        assert list(one["headers"]["request"]["set"]) == [header.title()]


@pytest.mark.parametrize("lock", ["prod", "run", "dev"])
def test_locks_have_what_the_project_says_it_needs(lock: str) -> None:
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    wanted = {re.split(r"[<>=\[; ]", one)[0].lower().replace("_", "-") for one in named}
    locked = set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements" / f"{lock}.txt").read_text(), re.MULTILINE))
    assert wanted - locked == set(), "run: make lock"


def test_pin_writes_digests(tmp_path: Path) -> None:
    for name in ("pin", "images.env"):
        (tmp_path / name).write_text((DEPLOY / name).read_text())
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "docker").write_text(f"#!/bin/sh\necho sha256:{'a' * 64}\n")
    for program in (programs / "docker", tmp_path / "pin"):
        program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    for arguments in ([], [], ["--check"]):
        subprocess.run([tmp_path / "pin", *arguments], env=environment, check=True)
    assert (tmp_path / "images.env").read_text().count("@sha256:") == (DEPLOY / "images.env").read_text().count(
        "_IMAGE="
    )


def test_secrets_are_made_once_and_are_closed(tmp_path: Path) -> None:
    (tmp_path / "make-secrets").write_text((DEPLOY / "make-secrets").read_text())
    subprocess.run(["sh", tmp_path / "make-secrets"], check=True)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    wanted = {Path(one["file"]).name for one in compose("compose.prod.yaml")["secrets"].values()}
    assert wanted - set(made) == {"tuf_online_key"}
    assert json.loads(made["s3_config"])["identities"][0]["credentials"][0]["secretKey"] == made["s3_secret"]
    subprocess.run(["sh", tmp_path / "make-secrets"], check=True)
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == made
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    settings = load_settings(
        environment={"SKILLREGISTRY_DATABASE__URL_FILE": str(tmp_path / "secrets" / "database_url")}
    )
    assert settings.database.url is not None
    assert "sslmode=require" in settings.database.url.get_secret_value()


@pytest.mark.parametrize("name", COMPOSE)
def test_our_services_run_as_the_compose_file_says(registry: Registry, github: StandIn, name: str) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL})
    services = compose(name)["services"]
    backups = registry.settings.s3.model_copy(update={"bucket": f"{registry.settings.s3.bucket}-backup"})
    setup = _environment(registry, services["setup"])
    subprocess.run([_program(), *services["setup"]["command"]], env=setup, check=True, timeout=120)
    run(registry, "crawl", "--wait", "acme/tools")
    with ExitStack() as stack:
        ports = {one: stack.enter_context(_running(registry, one, services[one])) for one in ("worker", "api")}
        for one, port in ports.items():
            wait_until(functools.partial(_healthy, services[one], PORTS[one][1], port), 60)
        assert not _healthy(services["api"], PORTS["api"][1], 1)
    if "SKILLREGISTRY_BACKUP__BUCKET" in setup:
        assert ObjectStore(backups).versioned()
        _drop_bucket(registry.settings.model_copy(update={"s3": backups}))


@contextmanager
def _running(registry: Registry, service: str, said: dict[str, Any]) -> Iterator[int]:
    variable, port = PORTS[service]
    assert said["expose"] == [port]
    assert said["environment"][variable] == port
    with socket.create_server(("127.0.0.1", 0)) as free:
        other = free.getsockname()[1]
    environment = {**_environment(registry, said), variable: str(other)}
    process = subprocess.Popen([_program(), *said["command"]], env=environment, start_new_session=True)
    try:
        yield other
    finally:
        process.terminate()
        assert process.wait(float(said["stop_grace_period"].removesuffix("s"))) == 0


def _environment(registry: Registry, said: dict[str, Any]) -> dict[str, str]:
    """Give a service's environment, with other addresses, and nothing that only a container has."""
    kept = {
        key: str(value)
        for key, value in said["environment"].items()
        if value is not None and not key.endswith("_FILE") and key != "SKILLREGISTRY_CONFIG" and "${" not in str(value)
    }
    others = {key: value for key, value in registry.environment.items() if key.removesuffix("_FILE") in ELSEWHERE}
    rest = {key: value for key, value in registry.environment.items() if "GITHUB" in key or "TASK_QUEUE" in key}
    if "SKILLREGISTRY_BACKUP__BUCKET" in kept:
        kept["SKILLREGISTRY_BACKUP__BUCKET"] = f"{registry.settings.s3.bucket}-backup"
    # A container's own network is closed; this machine's is not.
    kept = {key: LOOPBACK if value == "0.0.0.0" else value for key, value in kept.items()}
    return {"PATH": os.environ["PATH"], **kept, **rest, **others}


def _healthy(said: dict[str, Any], port: str, other: int) -> bool:
    kind, *command = said["healthcheck"]["test"]
    assert kind == "CMD"
    command = [part.replace(f":{port}/", f":{other}/") for part in command]
    command[0] = sys.executable if command[0] == "python" else command[0]
    return subprocess.run(command, check=False, capture_output=True, timeout=20).returncode == 0


def _program() -> str:
    return str(Path(sys.executable).with_name("skillregistry"))


def test_the_images_health_checks_and_commands_are_those_of_compose() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    for name in COMPOSE:
        for service in ("api", "worker"):
            said = compose(name)["services"][service]
            assert f"CMD {json.dumps(said['healthcheck']['test'][1:])}" in text
            assert f"CMD {json.dumps(said['command'])}" in text
            assert f"EXPOSE {PORTS[service][1]}" in text
    assert 'ENTRYPOINT ["skillregistry"]' in text
    assert text.rstrip().splitlines()[-1] == 'CMD ["worker"]'
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE)[-1] == "10001:10001"
