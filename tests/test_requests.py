"""What the API takes from GitHub's webhook and from authors, with a crawler that only listens."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from skillapi import bodies, webhook
from skillapi.app import create_app
from skillapi.asking import Asked
from skillapi.live import FolderSource
from skillapi.problems import Problem
from skillapi.ratelimit import RateLimit, client_key
from skilldata.config import OnDemandSettings, Settings, TemporalSettings
from skilldata.ondemand import AskedRepository, Delivery, Phase, RefreshRequest, RefreshState, refresh_id
from tests.test_api import problem, serving, snapshot
from tests.test_ondemand import OLD_SECRET, SECRET, signed

REINDEX = "/api/v1/repositories/acme/tools/reindex"
REPOSITORY = {"id": 42, "full_name": "acme/tools", "default_branch": "main", "private": False}
PUSH = {"ref": "refs/heads/main", "repository": REPOSITORY}


class Listener:
    """A crawler that notes what it is asked."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.requests: list[RefreshRequest] = []
        self.states: dict[str, RefreshState] = {}
        self.away = False

    async def deliver(self, delivery: Delivery) -> bool:
        known = {one.delivery for one in self.deliveries}
        self.deliveries.append(delivery)
        return delivery.delivery not in known

    async def refresh(self, request: RefreshRequest) -> None:
        if self.away:
            raise Problem("requests-unavailable")
        self.requests.append(request)

    async def state(self, workflow_ids: Sequence[str]) -> Asked | None:
        found = next((self.states[one] for one in workflow_ids if one in self.states), None)
        return None if found is None else Asked(found, datetime.now(UTC), None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return snapshot(tmp_path_factory.mktemp("snapshot"))


@contextmanager
def served(folder: Path, crawler: Listener | None = None, **settings: object) -> Iterator[httpx.Client]:
    wanted = OnDemandSettings.model_validate(
        {"webhook_secret": SECRET, "webhook_secret_before": OLD_SECRET, **settings}
    )
    app = create_app(FolderSource(folder), None, Settings(on_demand=wanted), crawler=crawler or Listener())
    with serving(app) as url, httpx.Client(base_url=url) as client:
        yield client


def deliver(client: httpx.Client, **request: Any) -> httpx.Response:
    return client.post("/api/v1/webhooks/github", **request)


class TestSignatures:
    @pytest.mark.parametrize(("secret", "status"), [(SECRET, 202), (OLD_SECRET, 202), ("a secret of nobody's", 401)])
    def test_both_secrets_are_valid_and_no_other(self, folder: Path, secret: str, status: int) -> None:
        listener = Listener()
        with served(folder, listener) as client:
            answer = deliver(client, **signed(PUSH, secret))
        assert answer.status_code == status
        assert len(listener.deliveries) == (status == 202)

    @pytest.mark.parametrize("signature", ["", "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40, "sha256=\xe9"])
    def test_what_is_no_signature_is_refused(self, folder: Path, signature: str) -> None:
        request = signed(PUSH)
        request["headers"]["X-Hub-Signature-256"] = signature.encode("latin-1")
        with served(folder) as client:
            problem(deliver(client, **request), "bad-signature")

    def test_another_body_is_refused(self, folder: Path) -> None:
        request = signed(PUSH)
        request["content"] = request["content"].replace(b"42", b"43")
        with served(folder) as client:
            problem(deliver(client, **request), "bad-signature")

    def test_the_documented_example_is_valid(self) -> None:
        # From "Testing the webhook payload validation" of GitHub's documentation.
        signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        assert webhook.is_signed(b"Hello, World!", signature, ["It's a Secret to Everybody"])

    def test_without_a_secret_nothing_is_taken(self, folder: Path) -> None:
        with served(folder, webhook_secret=None, webhook_secret_before=None) as client:
            problem(deliver(client, **signed(PUSH, "")), "requests-unavailable")


class TestMeaning:
    @pytest.mark.parametrize(("event", "change"), [
        ("push", {}),
        ("push", {"deleted": True}),
        ("create", {"ref": "main", "ref_type": "branch"}),
        ("delete", {"ref": "main", "ref_type": "branch"}),
        ("public", {}),
        *(
            ("repository", {"action": action})
            for action in ("renamed", "transferred", "deleted", "archived", "unarchived", "privatized", "publicized")
        ),
    ])  # fmt: skip
    def test_a_change_is_read(self, event: str, change: dict[str, Any]) -> None:
        asked = AskedRepository(owner="acme", name="tools", repository_id=42)
        assert webhook.meaning(event, {**PUSH, **change}) == webhook.Meaning((asked,))

    @pytest.mark.parametrize(("event", "change"), [
        ("ping", {}),
        ("issues", {"action": "opened"}),
        ("push", {"ref": "refs/heads/feature"}),
        ("push", {"ref": "refs/tags/main"}),
        ("create", {"ref": "main", "ref_type": "tag"}),
        ("delete", {"ref": "feature", "ref_type": "branch"}),
        ("repository", {"action": "starred"}),
        ("push", {"repository": None}),
        ("push", {"repository": {**REPOSITORY, "id": "42"}}),
        ("push", {"repository": {**REPOSITORY, "id": -1}}),
        ("push", {"repository": {**REPOSITORY, "full_name": "acme/../etc"}}),
        ("push", {"repository": {**REPOSITORY, "full_name": "acme/.."}}),
        ("push", {"repository": {**REPOSITORY, "full_name": "acme/tools\n"}}),
        ("push", {"ref": ["refs/heads/main"]}),
        ("installation_repositories", {"action": "removed", "repositories_added": []}),
        ("installation_repositories", {"action": "added", "repositories_added": [{**REPOSITORY, "private": True}]}),
        ("installation_repositories", {"action": "added", "repositories_added": "many"}),
    ])  # fmt: skip
    def test_what_changes_no_skill_is_ignored_with_a_reason(self, event: str, change: dict[str, Any]) -> None:
        found = webhook.meaning(event, {**PUSH, **change})
        assert found.repositories == ()
        assert found.ignored

    def test_a_push_says_which_commit_to_look_for(self) -> None:
        def head(after: object) -> str | None:
            return webhook.meaning("push", {**PUSH, "after": after}).repositories[0].head

        assert head("ab" * 20) == "ab" * 20
        assert [head(after) for after in ("0" * 40, "AB" * 20, "ab" * 20 + "\n", 7, None)] == [None] * 5

    def test_an_app_that_was_given_repositories_has_them_read_up_to_a_number(self) -> None:
        added = [{"id": number, "full_name": f"acme/r{number}", "private": False} for number in range(1, 2000)]
        found = webhook.meaning("installation_repositories", {"action": "added", "repositories_added": added})
        assert [one.repository_id for one in found.repositories] == list(range(1, 501))


class TestDeliveries:
    def test_one_is_passed_on_and_answers_at_once(self, folder: Path) -> None:
        listener = Listener()
        with served(folder, listener) as client:
            number = str(uuid.uuid4())
            answer = deliver(client, **signed(PUSH, delivery=number))
            assert (answer.status_code, answer.json()["outcome"]) == (202, "accepted")
            again = deliver(client, **signed(PUSH, delivery=number))
            assert (again.status_code, again.json()["outcome"]) == (200, "repeated")
            told = deliver(client, **signed({"zen": "Keep it logically awesome."}, event="ping"))
            assert (told.status_code, told.json()["outcome"]) == (200, "ignored")
        asked = AskedRepository(owner="acme", name="tools", repository_id=42)
        assert listener.deliveries[0] == Delivery(delivery=number, event="push", repositories=(asked,))
        assert len(listener.deliveries) == 2

    @pytest.mark.parametrize(("body", "headers", "code"), [
        (b"[]", {}, "bad-request"),
        (b"{", {}, "bad-request"),
        (b"[" * 100_000, {}, "bad-request"),
        (b"\xff", {}, "bad-request"),
        (b"{}", {"X-GitHub-Delivery": "../../etc"}, "bad-request"),
        (b"payload=%7B%7D", {"Content-Type": "application/x-www-form-urlencoded"}, "unsupported-media-type"),
    ])  # fmt: skip
    def test_what_is_no_delivery_is_refused(
        self, folder: Path, body: bytes, headers: dict[str, str], code: str
    ) -> None:
        request = signed(None)
        import hashlib
        import hmac

        request["content"] = body
        request["headers"]["X-Hub-Signature-256"] = (
            "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        )
        request["headers"].update(headers)
        with served(folder) as client:
            problem(deliver(client, **request), code)

    def test_a_body_has_bounds_of_bytes_memory_and_time(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(webhook, "MAX_BYTES", 1000)
        with served(folder) as client:
            problem(deliver(client, **signed("x" * 1000)), "body-too-large")
        monkeypatch.undo()
        monkeypatch.setattr(bodies.Bodies.__init__, "__defaults__", (1000,))
        with served(folder) as client:
            for _ in range(3):
                problem(deliver(client, **signed("x" * 1000)), "busy")
            # What was refused takes up no room afterwards.
            for _ in range(10):
                assert deliver(client, **signed({"zen": "x" * 800}, event="ping")).status_code == 200

    def test_a_body_that_drips_is_cut_off(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bodies, "SECONDS", 0.05)
        app = create_app(
            FolderSource(folder), None, Settings(on_demand=OnDemandSettings.model_validate({"webhook_secret": SECRET}))
        )
        request = signed(PUSH)

        async def dripping() -> Any:
            for byte in request["content"]:
                yield bytes([byte])
                await asyncio.sleep(0.02)

        async def story() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://registry.example") as client:
                return await client.post("/api/v1/webhooks/github", content=dripping(), headers=request["headers"])

        problem(asyncio.run(story()), "body-too-slow")


class TestAuthors:
    def test_a_request_says_what_happens_next(self, folder: Path) -> None:
        listener = Listener()
        with served(folder, listener) as client:
            number = client.get("/api/v1/repositories/acme/tools").json()["repository_id"]
            answer = client.post("/api/v1/repositories/Acme/Tools/reindex")
            assert (answer.status_code, answer.headers["location"]) == (202, REINDEX)
            asked = AskedRepository(owner="acme", name="tools", repository_id=number)
            assert listener.requests == [RefreshRequest(repository=asked)]
            problem(client.get(REINDEX), "not-found")
            for phase in Phase:
                listener.states[refresh_id(asked)] = RefreshState(phase=phase, repository_id=number)
                told = client.get(REINDEX).json()
                assert (told["state"], "{" in told["next"], told["next"] != "") == (phase, False, True)
            document = client.get("/api/v1/openapi.json").json()
            content = document["paths"][REINDEX.replace("acme", "{owner}").replace("tools", "{repository}")]
            schema = content["post"]["responses"]["202"]["content"]["application/json"]["schema"]
            checker = jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})
            checker.validate(answer.json())
            checker.validate(told)

    def test_one_asked_for_by_name_is_found_once_it_is_known(self, folder: Path) -> None:
        listener = Listener()
        by_name = refresh_id(AskedRepository(owner="ACME", name="tools"))
        listener.states[by_name] = RefreshState(phase=Phase.LIVE)
        with served(folder, listener) as client:
            assert client.get(REINDEX).json()["state"] == "live"

    @pytest.mark.parametrize(("allowed", "status"), [(False, 404), (True, 202)])
    def test_an_unknown_repository_is_taken_only_where_that_is_allowed(
        self, folder: Path, allowed: bool, status: int
    ) -> None:
        listener = Listener()
        with served(folder, listener, accept_unknown=allowed) as client:
            assert client.post("/api/v1/repositories/new/comer/reindex").status_code == status
            for name in ("new/...", "a%20b/c", "-x/c", "x/%E2%80%AE"):
                problem(client.post(f"/api/v1/repositories/{name}/reindex"), "not-found")
        asked = AskedRepository(owner="new", name="comer")
        assert listener.requests == ([RefreshRequest(repository=asked, may_add=True)] if allowed else [])

    @pytest.mark.parametrize("limit", ["per_client_hour", "per_repository_hour", "per_hour"])
    def test_whoever_asks_too_often_is_told_when_to_come_back(self, folder: Path, limit: str) -> None:
        listener = Listener()
        with served(folder, listener, **{limit: 2}) as client:
            assert [client.post(REINDEX).status_code for _ in range(4)] == [202, 202, 429, 429]
            refused = client.post(REINDEX)
            problem(refused, "too-many-requests")
            assert 0 < int(refused.headers["retry-after"]) <= 1800
            assert "minutes" in refused.json()["remedy"]
        assert len(listener.requests) == 2

    def test_what_came_to_nothing_is_not_counted(self, folder: Path) -> None:
        listener = Listener()
        with served(folder, listener, per_client_hour=1) as client:
            listener.away = True
            assert [client.post(REINDEX).status_code for _ in range(3)] == [503] * 3
            listener.away = False
            assert [client.post(REINDEX).status_code for _ in range(2)] == [202, 429]

    def test_callers_behind_a_proxy_are_told_apart_by_its_header_alone(self, folder: Path) -> None:
        with served(folder, per_client_hour=1, client_header="X-Real-IP") as client:
            statuses = [client.post(REINDEX, headers={"X-Real-IP": f"192.0.2.{n}"}).status_code for n in (1, 2, 1)]
            assert statuses == [202, 202, 429]
        with served(folder, per_client_hour=1) as client:
            statuses = [client.post(REINDEX, headers={"X-Real-IP": f"192.0.2.{n}"}).status_code for n in (1, 2)]
            assert statuses == [202, 429]


class TestWithoutTemporal:
    def test_requests_say_so_and_reading_goes_on(self, folder: Path, free_port: int) -> None:
        for temporal in (TemporalSettings(), TemporalSettings(server_url=f"127.0.0.1:{free_port}")):
            ondemand = OnDemandSettings.model_validate({"webhook_secret": SECRET})
            app = create_app(FolderSource(folder), None, Settings(temporal=temporal, on_demand=ondemand))
            with serving(app) as url, httpx.Client(base_url=url, timeout=20) as client:
                for answer in (client.post(REINDEX), client.get(REINDEX), deliver(client, **signed(PUSH))):
                    told = problem(answer, "requests-unavailable")
                    assert int(answer.headers["retry-after"]) > 0
                    assert "127.0.0.1" not in json.dumps(told)
                assert client.get("/api/v1/search?q=pdf").status_code == 200
                assert client.get("/readyz").status_code == 200


@pytest.fixture
def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class TestRateLimit:
    def test_an_hours_worth_may_come_at_once_and_comes_back_evenly(self) -> None:
        now = [0.0]
        limit = RateLimit(6, clock=lambda: now[0])
        for _ in range(6):
            assert limit.wait("a") == 0
            limit.count("a")
        assert limit.wait("a") == 600
        assert limit.wait("b") == 0
        now[0] = 599
        assert limit.wait("a") == 1
        now[0] = 600
        assert limit.wait("a") == 0
        limit.count("a")
        assert limit.wait("a") == 600

    def test_the_table_is_bounded(self) -> None:
        limit = RateLimit(1, most_keys=10, clock=lambda: 0.0)
        for number in range(1000):
            limit.count(number)
        assert [number for number in range(1000) if limit.wait(number)] == list(range(990, 1000))

    @pytest.mark.parametrize(("address", "key"), [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("unix:" + "x" * 100, "unix:" + "x" * 59),
    ])  # fmt: skip
    def test_a_caller_is_an_address_or_a_network(self, address: str, key: str) -> None:
        assert client_key(address) == key
