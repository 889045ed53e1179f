"""Answers that are ready are those that are made, and both are counted, limited and logged."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from skillapi import downloads
from skillapi.app import create_app
from skillapi.content import Content
from skillapi.live import FolderSource
from skillapi.memory import LONGEST_ADDRESS, MOST_ADDRESSES, Memory, Ready
from skillapi.routes import skills
from skilldata import logs
from skilldata.config import ApiSettings, OnDemandSettings, Settings
from skilldata.errors import NotFound, ServiceUnavailable
from tests.snapshots import SAMPLES
from tests.test_api import PDF, MemoryStore, point, problem, serving, snapshot
from tests.waiting import wait_until

OWN = {"date", "x-request-id", "ratelimit"}  # differ from answer to answer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return snapshot(tmp_path_factory.mktemp("snapshot"))


@pytest.fixture
def client(folder: Path) -> Iterator[httpx.Client]:
    with (
        serving(create_app(FolderSource(folder), MemoryStore(), Settings())) as url,
        httpx.Client(base_url=url) as made,
    ):
        yield made


def shown(answer: httpx.Response) -> Any:
    return answer.status_code, answer.content, {k: v for k, v in answer.headers.items() if k not in OWN}


def counted(client: httpx.Client, line: str) -> int:
    return next((int(one.rpartition(" ")[2]) for one in client.get("/metrics").text.splitlines() if line in one), 0)


class TestReady:
    @pytest.mark.parametrize("target", [PDF, f"{PDF}/download", "/api/v1/search?q=pdf&limit=5"])
    @pytest.mark.parametrize("encoding", ["identity", "gzip", "gzip, deflate, br", "gzip;q=0"])
    def test_the_second_answer_is_the_first(self, client: httpx.Client, target: str, encoding: str) -> None:
        headers = {"Accept-Encoding": encoding}
        first = client.get(target, headers=headers)
        assert first.status_code == 200
        assert shown(client.get(target, headers=headers)) == shown(first)
        head = client.head(target, headers=headers)
        assert (head.content, head.headers["content-length"]) == (b"", first.headers["content-length"])
        again = client.get(target, headers={**headers, "If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert "content-length" not in again.headers

    def test_a_part_of_a_ready_package_is_a_part(self, client: httpx.Client) -> None:
        whole = [client.get(f"{PDF}/download") for _ in range(2)][-1]
        part = client.get(f"{PDF}/download", headers={"Range": "bytes=2-5"})
        assert (part.status_code, part.content) == (206, whole.content[2:6])

    def test_downloads_are_counted_whether_or_not_they_were_ready(self, client: httpx.Client) -> None:
        before = counted(client, 'skillapi_downloads_total{answer="stream"}')
        for _ in range(5):
            assert client.get(f"{PDF}/download").status_code == 200
        assert counted(client, 'skillapi_downloads_total{answer="stream"}') == before + 5
        requests = 'route="/api/v1/skills/{owner}/{repository}/{slug}/download",method="GET",status="200"'
        assert counted(client, requests) == 5

    def test_the_limit_counts_ready_answers(self, folder: Path) -> None:
        settings = Settings().model_copy(update={"api": ApiSettings(reads_per_minute=3)})
        app = create_app(FolderSource(folder), MemoryStore(), settings)
        with serving(app) as url, httpx.Client(base_url=url) as client:
            answers = [client.get(PDF) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]

    def test_a_package_that_is_taken_down_is_gone_from_memory_too(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for module in (downloads, skills):
            monkeypatch.setattr(module, "CHECKED_SECONDS", 0.0)
        store = MemoryStore()
        with serving(create_app(FolderSource(folder), store, Settings())) as url, httpx.Client(base_url=url) as client:
            assert client.get(f"{PDF}/download").status_code == 200
            store.error = ServiceUnavailable("away")
            assert client.get(f"{PDF}/download").status_code == 200
            store.error, store.data = None, {}
            problem(client.get(f"{PDF}/download"), "withdrawn")
            store.error = ServiceUnavailable("away")
            problem(client.get(f"{PDF}/download"), "store-unavailable")

    def test_downloads_elsewhere_are_free_and_ready(self, folder: Path) -> None:
        public = Settings().s3.model_copy(update={"public_url": "https://cdn.example/"})
        settings = Settings().model_copy(update={"api": ApiSettings(reads_per_minute=1), "s3": public})
        with (
            serving(create_app(FolderSource(folder), None, settings)) as url,
            httpx.Client(base_url=url) as client,
        ):
            answers = [client.get(f"{PDF}/download") for _ in range(3)] + [client.get(f"{PDF}/download?version=1.1.0")]
            assert [answer.status_code for answer in answers] == [302] * 4
            assert shown(answers[2]) == shown(answers[0])
            assert counted(client, 'skillapi_downloads_total{answer="redirect"}') == 4
            assert client.get(f"{PDF}/download", headers={"Range": "bytes=0-1"}).status_code == 302

    def test_a_new_snapshot_has_answers_of_its_own(self, tmp_path: Path) -> None:
        link = tmp_path / "live"
        point(link, snapshot(tmp_path / "first"))
        app = create_app(FolderSource(link), MemoryStore(), Settings(), refresh_seconds=0.02)
        with serving(app) as url, httpx.Client(base_url=url) as client:
            old = [client.get("/api/v1/search") for _ in range(2)][-1]
            point(link, snapshot(tmp_path / "second", list(SAMPLES[:1])))
            wait_until(lambda: client.get("/api/v1/search").headers["x-snapshot"] != old.headers["x-snapshot"], 20)
            assert client.get("/api/v1/search").json()["total"] == 1

    def test_what_was_asked_for_last_is_made_from_the_next_snapshot(self) -> None:
        def made(opened: bytes) -> Ready:
            return Ready.of(Content(opened, "a/b", "e"), {}, "route")

        def gone(_: bytes) -> Ready:
            raise NotFound("no such skill")

        before, after = Memory(), Memory()
        scopes = {name: {"path": f"/{name}", "query_string": b""} for name in ("kept", "gone", "package")}
        before.keep(scopes["kept"], "kept", made(b"first")._replace(again=made))
        before.keep(scopes["gone"], "gone", made(b"first")._replace(again=gone))
        before.keep(scopes["package"], "package", made(b"first"))
        after.follow(before, b"second")
        found = {name: after.at(scope) for name, scope in scopes.items()}
        assert found["kept"] is not None
        assert found["kept"].content.body == b"second"
        assert (found["gone"], found["package"]) == (None, None)

    def test_memory_is_bounded(self) -> None:
        memory = Memory(max_bytes=100_000)
        for number in range(50):
            made = Ready.of(Content(bytes(10_000), "application/zip", str(number)), {}, "route")
            memory.keep({"path": f"/{number}", "query_string": b""}, f"key {number}", made)
        kept = [number for number in range(50) if memory.at({"path": f"/{number}", "query_string": b""})]
        assert kept == list(range(42, 50))

    def test_addresses_are_bounded(self) -> None:
        memory = Memory()
        memory.keep(
            {"path": "/", "query_string": b"x" * LONGEST_ADDRESS}, "long", Ready.of(Content(b"", "a/b", "e"), {}, "r")
        )
        assert memory.at({"path": "/", "query_string": b"x" * LONGEST_ADDRESS}) is None
        assert memory.find("long") is not None
        for number in range(MOST_ADDRESSES + 1):
            memory.know({"path": f"/{number}", "query_string": b""}, "long")
        assert memory.at({"path": "/0", "query_string": b""}) is None
        assert memory.at({"path": f"/{MOST_ADDRESSES}", "query_string": b""}) is not None


class TestCallers:
    def test_only_the_last_header_of_the_proxy_counts(self, folder: Path) -> None:
        settings = Settings().model_copy(
            update={
                "api": ApiSettings(reads_per_minute=2),
                "on_demand": OnDemandSettings(client_header="X-Forwarded-For"),
            }
        )
        app = create_app(FolderSource(folder), MemoryStore(), settings)
        with serving(app) as url, httpx.Client(base_url=url) as client:
            statuses = [
                client.get(
                    "/api/v1/status",
                    headers=[("X-Forwarded-For", f"203.0.113.{number}"), ("X-Forwarded-For", "198.51.100.7")],
                ).status_code
                for number in range(3)
            ]
        assert statuses == [200, 200, 429]

    def test_without_a_proxy_its_header_is_nobody(self, folder: Path) -> None:
        settings = Settings().model_copy(update={"api": ApiSettings(reads_per_minute=2)})
        app = create_app(FolderSource(folder), MemoryStore(), settings)
        with serving(app) as url, httpx.Client(base_url=url) as client:
            statuses = [
                client.get("/api/v1/status", headers={"X-Forwarded-For": f"203.0.113.{number}"}).status_code
                for number in range(3)
            ]
        assert statuses == [200, 200, 429]


class TestMethods:
    @pytest.mark.parametrize(
        ("target", "allow"),
        [
            ("/api/v1/search", "GET, HEAD, OPTIONS"),
            ("/api/v1/webhooks/github", "OPTIONS, POST"),
            ("/api/v1/repositories/acme/tools/reindex", "GET, HEAD, OPTIONS, POST"),
            ("/", "GET, HEAD, OPTIONS"),
        ],
    )
    def test_options_names_what_an_address_takes(self, client: httpx.Client, target: str, allow: str) -> None:
        answer = client.options(target)
        assert (answer.status_code, answer.headers["allow"]) == (204, allow)

    def test_reading_what_only_takes_deliveries_is_the_wrong_method(self, client: httpx.Client) -> None:
        answer = client.get("/api/v1/webhooks/github")
        assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")
        assert client.get("/api/v1/webhooks/nobody").status_code == 404


def test_the_access_log_has_no_query_no_address_and_no_secret(folder: Path) -> None:
    settings = Settings().model_copy(update={"api": ApiSettings(access_log=True)})
    written = io.StringIO()
    before = logging.getLogger().handlers[:]
    logs.set_up(settings, debug=False, stream=written)
    try:
        with (
            serving(create_app(FolderSource(folder), MemoryStore(), settings)) as url,
            httpx.Client(base_url=url) as one,
        ):
            for _ in range(2):  # made, and ready
                one.get("/api/v1/search?q=my-private-plan", headers={"Authorization": "Bearer very-secret-token-1234"})
            one.get("/nothing%0aforged: line")
    finally:
        logging.basicConfig(handlers=before, force=True)
        logging.getLogger("skillapi.access").disabled = True
    lines = [json.loads(line) for line in written.getvalue().splitlines() if '"httpx"' not in line]  # the caller's own
    access = [line for line in lines if line["logger"] == "skillapi.access"]
    assert [line["status"] for line in access] == [200, 200, 404]
    assert {line["message"] for line in access[:2]} == {"GET '/api/v1/search'"}
    for word in ("private", "secret", "127.0.0.1", "Authorization"):
        assert word not in json.dumps(lines)
