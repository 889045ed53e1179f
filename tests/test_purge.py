"""Telling a CDN: of what, in how many requests, and what becomes of it when the CDN does not answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pydantic import SecretStr

from skilldata.config import PublishSettings
from skilldata.publish.order import DOCUMENT, PACKAGE, STATE
from skilldata.publish.purge import EVERYTHING, PATHS_AT_ONCE, UNPURGED, purge, purge_with_earlier
from skilldata.publish.target import MAX_CHANGED, FolderTarget
from tests.clients.published import Tree
from tests.snapshots import SAMPLES
from tests.test_clientfiles import changed

ENTRY = "index/v1/entry.json"


@dataclass
class Cdn:
    """Takes what it is told, or refuses it."""

    port: int
    told: list[list[str]] = field(default_factory=list)
    answers: int = 204

    @property
    def settings(self) -> PublishSettings:
        return PublishSettings(purge_url=SecretStr(f"http://127.0.0.1:{self.port}/purge?key=top-secret"))


@contextmanager
def cdn() -> Iterator[Cdn]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if made.answers == 204:
                made.told.append(body["paths"])
            self.send_response(made.answers)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Cdn(server.server_port)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "tree", "https://registry.example")


def test_a_cdn_is_told_of_everything_that_has_other_bytes_and_of_nothing_else(tree: Tree) -> None:
    with cdn() as one:
        tree.settings = one.settings
        tree.publish("one", SAMPLES)
        before = {path: tree.target.get(path) for path, _ in tree.target.paths("")}
        one.told.clear()
        tree.publish("two", [changed(SAMPLES[0]), *SAMPLES[2:]])
    [told] = one.told
    after = {path: tree.target.get(path) for path, _ in tree.target.paths("")}
    replaced = {path for path, data in before.items() if after.get(path) != data} - {"index/v1/state.json"}
    assert {ENTRY, f"{ENTRY}.gz", "index/v1/history.json", "r/acme/tools/marketplace.json"} <= replaced
    assert "r/acme/tools/.well-known/skills/pdf-forms/SKILL.md" in replaced
    assert any(path not in after for path in replaced)
    assert replaced <= set(told)
    assert not [path for path in told if path.startswith(("packages/", "index/v1/objects/", "index/v1/state"))]


def test_a_command_is_told_as_well(tree: Tree, tmp_path: Path) -> None:
    told = tmp_path / "told"
    tree.settings = PublishSettings(purge_command=("sh", "-c", f"cat > {told}"))
    tree.publish("one", SAMPLES)
    assert ENTRY in told.read_text().splitlines()


def test_a_cdn_that_cannot_be_told_stops_nothing_and_is_told_later(
    tree: Tree, caplog: pytest.LogCaptureFixture
) -> None:
    with cdn() as one:
        tree.settings, one.answers = one.settings, 503
        with caplog.at_level(logging.WARNING):
            report = tree.publish("one", SAMPLES)
        assert report.changed
        assert report.purge_error == "the purge address failed: it answered 503"
        [warning] = caplog.messages
        assert "it answered 503" in warning
        assert "top-secret" not in warning
        assert ENTRY in json.loads(tree.target.get(UNPURGED))
        one.answers = 204
        assert tree.publisher().publish(tree.folder / "one").purge_error == ""  # which had nothing new to tell
        assert ENTRY in one.told[0]
        assert tree.target.size(UNPURGED) is None


def test_what_does_not_speak_http_or_is_not_there_is_only_reported(tmp_path: Path) -> None:
    nobody = PublishSettings(purge_url=SecretStr("http://127.0.0.1:9/?key=top-secret"), purge_command=("false",))
    problem = purge(nobody, ["a"])
    assert "purge command failed" in problem
    assert "purge address failed: URLError" in problem
    for address in ("file:///etc/passwd", "http://[", "gopher://x"):
        assert purge(PublishSettings(purge_url=SecretStr(address)), ["a"]).startswith("the purge address failed")


def test_many_paths_go_in_several_requests_and_very_many_as_folders() -> None:
    with cdn() as one:
        many = [f"r/{number}" for number in range(PATHS_AT_ONCE * 2 + 1)]
        assert purge(one.settings, many) == ""
        assert [len(some) for some in one.told] == [PATHS_AT_ONCE, PATHS_AT_ONCE, 1]
        assert [path for some in one.told for path in some] == many
        one.told.clear()
        assert purge(one.settings, [str(number) for number in range(MAX_CHANGED + 1)]) == ""
        assert one.told == [list(EVERYTHING)]


def test_what_was_written_is_remembered_up_to_a_bound_and_only_what_caches_may_have(tmp_path: Path) -> None:
    target = FolderTarget(tmp_path)
    for path, kind in (("a", DOCUMENT), ("b", PACKAGE), ("c", STATE)):
        target.put(path, b"x", kind)
    target.delete("d")
    assert target.traffic.changed == {"a", "d"}
    for number in range(MAX_CHANGED + 10):
        target.delete(str(number))
    assert len(target.traffic.changed) == MAX_CHANGED + 1


def test_damaged_notes_are_no_reason_not_to_publish(tmp_path: Path) -> None:
    target = FolderTarget(tmp_path)
    target.put(UNPURGED, b"{", STATE)
    with cdn() as one:
        assert purge_with_earlier(one.settings, target, ["a"]) == ""
    assert one.told == [["a"]]
