"""Fixtures shared by all tests."""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from pydantic import SecretStr

from skillcli.services import EmbeddedServices
from skilldata import migrate
from skilldata.config import DatabaseSettings, Settings, load_settings
from skilldata.database import Database
from skilldata.objects import ObjectStore
from tests.standin import StandIn

CORPUS_VARIABLE = "SKILLREGISTRY_TEST_CORPUS"
ROOT = Path(__file__).resolve().parent.parent
NO_CORPUS = "no real repositories"


@pytest.fixture(scope="session")
def corpus_directory() -> Path:
    """Folder of real repositories as data; skips where the machine has none."""
    named = os.environ.get(CORPUS_VARIABLE)
    folder = Path(named) if named else ROOT.parent / "shared" / "corpus"
    if not any(folder.glob("*__*.json")):
        pytest.skip(f"{NO_CORPUS} in {folder}; set {CORPUS_VARIABLE}")
    return folder


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """State directory of one running set of PostgreSQL, S3 and Temporal for the whole session."""
    state = tmp_path_factory.mktemp("services")
    services = EmbeddedServices(state)
    services.up()
    yield state
    services.down()


@pytest.fixture
def github() -> Iterator[StandIn]:
    """A local GitHub without repositories."""
    with StandIn() as running:
        yield running


@dataclass(frozen=True)
class Registry:
    """A registry of a test's own: an empty database, an empty bucket, a task queue."""

    settings: Settings
    environment: dict[str, str]
    database: Database
    objects: ObjectStore

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a query on the index."""
        with self.database.transaction() as connection:
            return connection.execute(query.encode(), values).fetchall()


@pytest.fixture
def registry(embedded: Path, github: StandIn, tmp_path: Path) -> Iterator[Registry]:
    """A registry on the running services that crawls the local GitHub."""
    with new_registry(embedded, github, tmp_path / "state") as made:
        yield made


@pytest.fixture
def other_registry(embedded: Path, github: StandIn, tmp_path: Path) -> Iterator[Registry]:
    """A second one beside it, for comparisons."""
    with new_registry(embedded, github, tmp_path / "other") as made:
        yield made


@contextmanager
def new_registry(embedded: Path, github: StandIn, state: Path) -> Iterator[Registry]:
    """Make a registry on running services, with an empty state directory."""
    state.mkdir(parents=True)
    name = f"test_{uuid.uuid4().hex[:12]}"
    services = load_settings(environment={"SKILLREGISTRY_STATE_DIRECTORY": str(embedded)})
    environment = _environment(services, github, name, state)
    settings = load_settings(environment=environment)
    _create_database(services, name, template=_migrated(embedded))
    _s3(settings).create_bucket(Bucket=settings.s3.bucket)
    with Database(settings.database) as database:
        yield Registry(settings, environment, database, ObjectStore(settings.s3))
    _drop_bucket(settings)


def _environment(services: Settings, github: StandIn, name: str, state: Path) -> dict[str, str]:
    assert services.database.url is not None
    assert services.s3.secret_access_key is not None
    return {
        "SKILLREGISTRY_STATE_DIRECTORY": str(state),
        "SKILLREGISTRY_DATABASE__URL": services.database.url.get_secret_value().rpartition("/")[0] + f"/{name}",
        "SKILLREGISTRY_S3__ENDPOINT": str(services.s3.endpoint),
        "SKILLREGISTRY_S3__BUCKET": name.replace("_", "-"),
        "SKILLREGISTRY_S3__ACCESS_KEY_ID": str(services.s3.access_key_id),
        "SKILLREGISTRY_S3__SECRET_ACCESS_KEY": services.s3.secret_access_key.get_secret_value(),
        "SKILLREGISTRY_TEMPORAL__SERVER_URL": str(services.temporal.server_url),
        "SKILLREGISTRY_TEMPORAL__TASK_QUEUE": name,
        "SKILLREGISTRY_GITHUB__API_URL": github.url,
        "SKILLREGISTRY_GITHUB__GIT_URL": github.url,
        "SKILLREGISTRY_GITHUB__TOKEN": github.token,
    }


@functools.cache
def _migrated(embedded: Path) -> str:
    """Migrate a database once; copies of it are made in a tenth of the time."""
    services = load_settings(environment={"SKILLREGISTRY_STATE_DIRECTORY": str(embedded)})
    name = f"migrated_{uuid.uuid4().hex[:12]}"
    migrate.upgrade(DatabaseSettings(url=SecretStr(_create_database(services, name))))
    return name


def _create_database(services: Settings, name: str, *, template: str = "template1") -> str:
    """Make a database, and give its address."""
    assert services.database.url is not None
    url = services.database.url.get_secret_value()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
    return f"{url.rpartition('/')[0]}/{name}"


def _drop_bucket(settings: Settings) -> None:
    """Give a bucket's volumes back: SeaweedFS has as many as the disk has room for, some 60 on a small one."""
    client, bucket = _s3(settings), settings.s3.bucket
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        keys = [{"Key": found["Key"]} for found in page.get("Contents", ())]
        if keys:
            client.delete_objects(Bucket=bucket, Delete={"Objects": keys})
    client.delete_bucket(Bucket=bucket)


def _s3(settings: Settings) -> Any:
    assert settings.s3.secret_access_key is not None
    return boto3.client(
        "s3",
        endpoint_url=settings.s3.endpoint,
        region_name=settings.s3.region,
        aws_access_key_id=settings.s3.access_key_id,
        aws_secret_access_key=settings.s3.secret_access_key.get_secret_value(),
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what a skip means in CI."""
    if skips := _forbidden_skips(terminalreporter):
        terminalreporter.write_line(f"error: {len(skips)} tests were skipped, and in CI nothing may be", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of CI that skipped anything but what needs the real repositories."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.exitstatus == pytest.ExitCode.OK and reporter is not None and _forbidden_skips(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _forbidden_skips(reporter: pytest.TerminalReporter) -> list[Any]:
    if os.environ.get("CI") != "true":
        return []
    return [report for report in reporter.stats.get("skipped", []) if NO_CORPUS not in str(report.longrepr)]
