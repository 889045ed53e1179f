"""One caller cannot read more than is allowed, and is told so; downloads and other callers go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from skillapi.app import create_app
from skillapi.live import FolderSource
from skillapi.ratelimit import RateLimit
from skilldata.config import ApiSettings, OnDemandSettings, Settings
from skilldata.search import build_search_index
from skilldata.snapshot import SEARCH, Snapshot
from tests.snapshots import make_snapshot
from tests.test_api import MemoryStore, serving

STATUS = "/api/v1/status"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_snapshot(tmp_path_factory.mktemp("reads"))
    with Snapshot(made) as snapshot:
        build_search_index(snapshot, made / SEARCH)
    return made


@pytest.fixture
def client(folder: Path) -> Iterator[httpx.Client]:
    """Callers behind a proxy, three reads a minute each."""
    api, on_demand = ApiSettings(reads_per_minute=3), OnDemandSettings(client_header="X-Forwarded-For")
    settings = Settings().model_copy(update={"api": api, "on_demand": on_demand})
    app = create_app(FolderSource(folder), MemoryStore(), settings)
    with serving(app) as address, httpx.Client(base_url=address) as running:
        yield running


def test_the_fourth_read_of_a_minute_is_refused_with_the_time_to_wait(client: httpx.Client) -> None:
    answers = [client.get(STATUS) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
    refused = answers[-1]
    assert refused.headers["RateLimit-Policy"] == '"reads";q=3;w=60'
    assert 1 <= int(refused.headers["Retry-After"]) <= 20
    assert refused.json()["code"] == "too-many-requests"
    assert refused.headers["X-Request-ID"] == refused.json()["request_id"]


def test_callers_are_told_apart_by_what_the_proxy_says_last(client: httpx.Client) -> None:
    statuses = [
        client.get(STATUS, headers={"X-Forwarded-For": f"203.0.113.{number}, {real}"}).status_code
        for number, real in enumerate(["198.51.100.7"] * 4 + ["198.51.100.8", "2001:db8::1"])
    ]
    assert statuses == [200, 200, 200, 429, 200, 200]
    networks = [client.get(STATUS, headers={"X-Forwarded-For": f"2001:db8::{number}"}).status_code for number in "2345"]
    assert networks == [200, 200, 429, 429]


def test_downloads_and_health_are_not_limited(client: httpx.Client) -> None:
    for path in (f"/api/v1/packages/sha256:{'0' * 64}", "/healthz"):
        assert {client.get(path).status_code for _ in range(6)} <= {200, 404}


def test_a_bucket_fills_evenly() -> None:
    now = 0.0
    limit = RateLimit(60, seconds=60, clock=lambda: now)
    for _ in range(60):
        assert limit.wait("a") == 0
        limit.count("a")
    assert (limit.left("a"), limit.wait("a")) == (0, 1)
    now = 2.5
    assert (limit.left("a"), limit.wait("a")) == (2, 0)
