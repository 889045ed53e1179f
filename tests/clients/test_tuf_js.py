"""tuf-js, as it comes from npm, checks what the registry signs, and refuses what was tampered with."""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests import node
from tests.test_trust import (
    NOW,
    Registry,
    in_a_year,
    other_snapshot,
    oversize,
    signed_by_another,
    truncated,
)

SCRIPT = Path(__file__).with_name("tuf_client.mjs")
MANY = {f"packages/{n:04d}.zip": f"package {n}".encode() for n in range(1000)}

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not (node.PACKAGES / "tuf-js").exists(), reason="tuf-js is not installed"),
]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def published(tmp_path: Path) -> Registry:
    registry = Registry(tmp_path / "registry")
    registry.publish(MANY)
    for path, data in MANY.items():
        file = registry.public / path
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
    return registry


@contextmanager
def served(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def checked(registry: Registry, client: Path, *paths: str) -> list[dict[str, str]]:
    root = client.with_suffix(".root.json")
    root.write_bytes(registry.first_root)
    found = node.find_node()
    assert found is not None
    with served(registry.public) as url:
        done = subprocess.run(
            [found, SCRIPT, url, root, client, *paths], capture_output=True, text=True, timeout=120, check=True
        )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_target_is_what_was_published(published: Registry, tmp_path: Path) -> None:
    found = {one["path"]: one.get("sha256") for one in checked(published, tmp_path / "client", *MANY)}
    assert found == {path: hashlib.sha256(data).hexdigest() for path, data in MANY.items()}


def wrong_bytes(registry: Registry) -> None:
    next(registry.public.glob("packages/*")).parent.joinpath("0000.zip").write_bytes(b"package X")


def longer(registry: Registry) -> None:
    with (registry.public / "packages/0000.zip").open("ab") as file:
        file.write(b" and more")


def expired(registry: Registry) -> None:
    registry.publish(MANY, NOW - timedelta(days=3))


def without_root_signature(registry: Registry) -> None:
    content = json.loads(registry.first_root)
    content["signed"]["version"] = 2
    (registry.metadata / "2.root.json").write_text(json.dumps(content))


def metadata(tamper: Callable[[Path], None]) -> Callable[[Registry], None]:
    def apply(registry: Registry) -> None:
        tamper(registry.metadata)

    apply.__name__ = tamper.__name__
    return apply


@pytest.mark.parametrize(
    "tamper",
    [
        wrong_bytes,
        longer,
        expired,
        without_root_signature,
        metadata(in_a_year),
        metadata(other_snapshot),
        metadata(truncated),
        metadata(oversize),
        metadata(signed_by_another),
    ],
    ids=lambda tamper: tamper.__name__,
)
def test_tampering_is_refused(published: Registry, tmp_path: Path, tamper: Callable[[Registry], None]) -> None:
    tamper(published)
    assert all("sha256" not in one for one in checked(published, tmp_path / "client", "packages/0000.zip"))


def test_an_older_timestamp_is_refused(published: Registry, tmp_path: Path) -> None:
    stamp = published.metadata / "timestamp.json"
    old = stamp.read_bytes()
    published.publish({**MANY, "packages/new.zip": b"new"})
    (published.public / "packages/new.zip").write_bytes(b"new")
    assert "sha256" in checked(published, tmp_path / "client", "packages/new.zip")[0]
    stamp.write_bytes(old)
    assert "error" in checked(published, tmp_path / "client", "packages/new.zip")[0]
