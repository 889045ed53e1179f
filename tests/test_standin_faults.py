"""The local GitHub goes wrong on purpose, in ways that can be repeated, and tells what it did."""

from __future__ import annotations

import base64
import inspect
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.standin import Fault, StandIn, StandInError, early
from tests.standin.control import CHANGING, READING

QUERY = '{ a: repository(owner: "acme", name: "a") { name } b: repository(owner: "acme", name: "a") { name } }'
CONTENT = b"some text to be damaged"


@pytest.fixture(scope="module")
def github() -> Iterator[StandIn]:
    with StandIn() as standin:
        standin.add_repository("acme/a", {"file.txt": CONTENT, "big.bin": random.Random(1).randbytes(200_000)})
        yield standin


@pytest.fixture
def client(github: StandIn) -> Iterator[httpx.Client]:
    github.clear_faults()
    github.reset_wire_log()
    with httpx.Client(base_url=github.url, headers={"authorization": f"token {github.token}"}, timeout=5) as made:
        yield made


def test_a_status_for_a_number_of_requests(client: httpx.Client, github: StandIn) -> None:
    github.inject(path=r"^/repos/acme/a$", skip=1, count=2, status=502)
    assert [client.get("/repos/acme/a").status_code for _ in range(5)] == [200, 502, 502, 200, 200]
    assert client.get("/repos/acme/a/branches").status_code == 200
    assert [exchange.fault for exchange in github.wire_log()] == ["", "502", "502", "", "", ""]


def test_limits_with_and_without_retry_after(client: httpx.Client, github: StandIn) -> None:
    github.inject(path="/branches", status=429, retry_after=7, count=1)
    github.inject(path="/branches", status=403, remaining=0, count=1)
    github.inject(path="/branches", status=403, count=1)
    told, primary, bare = [client.get("/repos/acme/a/branches") for _ in range(3)]
    assert (told.status_code, told.headers["retry-after"]) == (429, "7")
    assert (primary.headers["x-ratelimit-remaining"], "retry-after" in primary.headers) == ("0", False)
    assert int(primary.headers["x-ratelimit-reset"]) > time.time()
    assert not {"retry-after", "x-ratelimit-remaining"} & set(bare.headers)
    assert "secondary rate limit" in bare.json()["message"]


def test_chance_is_repeatable(client: httpx.Client, github: StandIn) -> None:
    def run(seed: int) -> list[int]:
        github.clear_faults()
        github.inject(kind="rest", probability=0.5, seed=seed, status=500)
        return [client.get("/repos/acme/a").status_code for _ in range(20)]

    first = run(1)
    assert first == run(1)
    assert set(first) == {200, 500}
    assert first != run(2)


def test_a_cut_body(client: httpx.Client, github: StandIn) -> None:
    github.inject(path="/tarball|/codeload", cut=100, count=2)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/codeload/acme/a/tar.gz/main")
    assert github.wire_log()[-1].bytes_out == 100
    github.clear_faults()
    github.inject(path="^/repos/acme/a$", cut=10, count=1)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/repos/acme/a")
    assert client.get("/repos/acme/a").status_code == 200


def test_a_stall_outlasts_a_read_timeout(client: httpx.Client, github: StandIn) -> None:
    github.inject(path="^/repos/acme/a$", stall=30, count=1)
    with pytest.raises(httpx.ReadTimeout):
        client.get("/repos/acme/a", timeout=0.2)
    assert client.get("/repos/acme/a").status_code == 200


def test_a_drip_is_as_slow_as_it_says(client: httpx.Client, github: StandIn) -> None:
    whole = client.get("/repos/acme/a").content
    github.inject(path="^/repos/acme/a$", drip=len(whole) * 2, count=1)
    begun = time.monotonic()
    assert client.get("/repos/acme/a").content == whole
    assert 0.4 < time.monotonic() - begun < 5


def test_damaged_contents_differ_by_one_bit(client: httpx.Client, github: StandIn) -> None:
    sha = client.get("/repos/acme/a/contents/file.txt").json()["sha"]
    github.inject(path="/git/blobs/|/contents/|/graphql", corrupt=True)
    text = '{ repository(owner: "acme", name: "a") { object(expression: "HEAD:file.txt") { ... on Blob { text } } } }'
    over_graphql = client.post("/graphql", json={"query": text}).json()["data"]["repository"]["object"]["text"]
    answers = [
        base64.b64decode(client.get(f"/repos/acme/a/git/blobs/{sha}").json()["content"]),
        client.get("/repos/acme/a/contents/file.txt", headers={"accept": "application/vnd.github.raw"}).content,
        over_graphql.encode(),
    ]
    for answer in answers:
        assert len(answer) == len(CONTENT)
        assert sum((a ^ b).bit_count() for a, b in zip(answer, CONTENT, strict=True)) == 1


@pytest.mark.parametrize("spoilt", [{"cut": 50_000}, {"corrupt": True}, {"status": 503}])
def test_git_notices_a_spoilt_pack(github: StandIn, tmp_path: Path, spoilt: dict[str, Any]) -> None:
    github.clear_faults()
    address = f"{github.url}/acme/a.git"
    # Two requests of a clone go to this path: the references, then the pack.
    github.inject(path="/git-upload-pack$", skip=1, count=1, **spoilt)
    assert _clone(address, tmp_path / "spoilt") != 0
    assert _clone(address, tmp_path / "whole") == 0


def _clone(address: str, folder: Path) -> int:
    command = ["git", "-c", "protocol.version=2", "clone", "--quiet", "--bare", address, str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode


def test_graphql_limits_and_half_answers_come_with_status_200(client: httpx.Client, github: StandIn) -> None:
    github.inject(path="/graphql", graphql="RATE_LIMITED", count=1)
    github.inject(path="/graphql", graphql="RESOURCE_LIMITS_EXCEEDED", count=1)
    limited, half, whole = [client.post("/graphql", json={"query": QUERY}) for _ in range(3)]
    assert [answer.status_code for answer in (limited, half, whole)] == [200, 200, 200]
    assert [error["type"] for error in limited.json()["errors"]] == ["RATE_LIMITED"]
    assert half.json()["data"] == {"a": {"name": "a"}, "b": None}
    assert [(e["type"], e["path"]) for e in half.json()["errors"]] == [("RESOURCE_LIMITS_EXCEEDED", ["b"])]
    assert "errors" not in whole.json()


def test_an_unknown_attribute_of_a_fault_is_refused(github: StandIn) -> None:
    with pytest.raises(StandInError, match="sttus"):
        github.inject(sttus=500)


# -- the wire log and the control endpoint


def test_the_wire_log_tells_requests_apart_and_keeps_no_secret(client: httpx.Client, github: StandIn) -> None:
    secret = "very-secret-value"
    github.add_token(secret, name="someone")
    header = {"authorization": f"Bearer {secret}"}
    answer = client.get("/repos/acme/a?x=1", headers=header)
    client.post("/graphql", json={"query": QUERY}, headers=header)
    client.get("/search/repositories?q=a", headers=header)
    client.get("/codeload/acme/a/zip/main", headers={"authorization": ""})
    client.get("/acme/a.git/info/refs?service=git-upload-pack", headers={"authorization": ""})
    log = github.wire_log()
    assert [(e.kind, e.method, e.token) for e in log] == [
        ("rest", "GET", "someone"),
        ("graphql", "POST", "someone"),
        ("search", "GET", "someone"),
        ("codeload", "GET", ""),
        ("git", "GET", ""),
    ]
    assert (log[0].path, log[0].query, log[0].status) == ("/repos/acme/a", "x=1", 200)
    assert log[0].bytes_out == len(answer.content)
    assert log[1].bytes_in > len(QUERY)
    told = httpx.get(f"{github.url}/_standin/wire_log").text
    assert secret not in told
    github.reset_wire_log()
    assert github.wire_log() == []


def test_control_over_http_does_what_the_methods_do(client: httpx.Client, github: StandIn) -> None:
    def control(method: str, **arguments: Any) -> httpx.Response:
        return client.post(f"/_standin/{method}", json=arguments)

    made = control("add_repository", name="acme/made", files={"a": "1"}, stars=4)
    number = made.json()["result"]
    assert client.get(f"/repositories/{number}").json()["stargazers_count"] == 4
    oid = control("push", name="acme/made", files={"a": None, "b": "2"}).json()["result"]
    assert client.get("/repos/acme/made/commits/main").json()["sha"] == oid
    control("rename", name="acme/made", new_name="other/named")
    control("archive", name="other/named")
    assert client.get(f"/repositories/{number}").json()["archived"] is True
    control("inject", path="/repos/other", status=503)
    assert client.get("/repos/other/named").status_code == 503
    control("clear_faults")
    assert client.get("/repos/other/named").status_code == 200
    control("add_token", value="by-http", limits={"core": 0})
    assert client.get("/repos/other/named", headers={"authorization": "token by-http"}).status_code == 403
    kinds = [exchange["kind"] for exchange in client.get("/_standin/wire_log").json()["result"]]
    assert kinds == ["rest"] * 6  # control requests are not logged


@pytest.mark.parametrize(
    ("method", "arguments", "status", "message"),
    [
        ("delete", {"name": "acme/nowhere"}, 400, "no repository acme/nowhere"),
        ("delete", {"nme": "acme/a"}, 400, "nme"),
        ("stop", {}, 404, "no method stop"),
        ("__init__", {}, 404, "no method"),
        ("inject", {"colour": 1}, 400, "colour"),
    ],
)
def test_control_refuses_what_it_does_not_know(
    client: httpx.Client, method: str, arguments: dict[str, Any], status: int, message: str
) -> None:
    response = client.post(f"/_standin/{method}", json=arguments)
    assert response.status_code == status
    assert message in response.json()["error"]


def test_every_public_method_can_be_called_over_http() -> None:
    public = {name for name, _ in inspect.getmembers(StandIn, inspect.isfunction) if not name.startswith("_")}
    assert public - {"pause", "start", "stop"} == {*READING, *CHANGING}


def test_a_cut_creeps_on_until_the_answer_is_whole(client: httpx.Client, github: StandIn) -> None:
    github.inject(path="/git/blobs/", creep=80_000)
    big = client.get("/repos/acme/a/contents/big.bin").json()["sha"]
    whole = 0
    for _ in range(5):
        try:
            client.get(f"/repos/acme/a/git/blobs/{big}", headers={"accept": "application/vnd.github.raw"})
            whole += 1
        except httpx.RemoteProtocolError:
            assert not whole
    assert [one.bytes_out for one in github.wire_log()[1:]] == [80_000, 160_000, 200_000, 200_000, 200_000]


def test_requests_before_the_time_that_was_told_are_found(client: httpx.Client, github: StandIn) -> None:
    github.inject(path="/branches", status=429, retry_after=30, count=1)
    github.inject(path="/graphql", graphql="RATE_LIMITED", reset_after=30, count=1)
    client.post("/graphql", json={"query": "{ viewer { login } }"})
    client.get("/repos/acme/a")
    assert early(github.wire_log()) == [], "an empty bucket of GraphQL's is none of REST's"
    client.get("/repos/acme/a/branches")
    client.get("/repos/acme/a", headers={"authorization": ""})
    client.get("/acme/a.git/info/refs?service=git-upload-pack")
    assert early(github.wire_log()) == [], "another sender, and git"
    client.get("/repos/acme/a")
    assert [one.path for one in early(github.wire_log())] == ["/repos/acme/a"]


def test_a_pause_keeps_everything_and_the_address(client: httpx.Client, github: StandIn) -> None:
    url = github.url
    github.pause()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/repos/acme/a")
    github.start()
    assert github.url == url
    assert httpx.get(f"{url}/repos/acme/a").status_code == 200


def test_a_fault_says_in_one_word_what_it_does() -> None:
    assert Fault(status=502).name == "502"
    assert Fault(drip=10, cut=0).name == "drip+cut"
    assert Fault(graphql="RATE_LIMITED").name == "RATE_LIMITED"
