"""tuf-js, as it comes from npm, checks what the registry signs, and refuses what was tampered with."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import node
from tests.killing import Place
from tests.killing import publish as publish_snapshot
from tests.serving import served
from tests.tampering import TAMPERINGS, VICTIM, honest, publish
from tests.test_trust import Registry

SCRIPT = Path(__file__).with_name("tuf_client.mjs")
MANY = {f"packages/{n:04d}.zip": f"package {n}".encode() for n in range(1000)}

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not (node.PACKAGES / "tuf-js").exists(), reason="tuf-js is not installed"),
]


@pytest.fixture
def published(tmp_path: Path) -> Registry:
    registry = Registry(tmp_path / "registry")
    publish(registry, MANY)
    return registry


def checked(registry: Registry | Place, client: Path, *paths: str, hashed: bool = False) -> list[dict[str, str]]:
    root = client.with_suffix(".root.json")
    root.write_bytes(registry.first_root)
    found = node.find_node()
    assert found is not None
    with served(registry.public) as url:
        done = subprocess.run(
            [found, SCRIPT, url, root, client, *paths],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
            env={**os.environ, "HASHED": str(int(hashed))},
        )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_target_is_what_was_published(published: Registry, tmp_path: Path) -> None:
    found = {one["path"]: one.get("sha256") for one in checked(published, tmp_path / "client", *MANY)}
    assert found == {path: hashlib.sha256(data).hexdigest() for path, data in MANY.items()}


def test_the_documents_that_change_are_found_under_their_digests(tmp_path: Path) -> None:
    place = Place(tmp_path / "place")
    place.make(30)
    publish_snapshot(place, place.snapshots[0])
    for name in ("entry.json", "revocations.json"):
        [found] = checked(place, tmp_path / name, f"index/v1/signed/{name}", hashed=True)
        assert found["sha256"] == hashlib.sha256((place.public / "index" / "v1" / name).read_bytes()).hexdigest()


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_tampering_is_refused(tmp_path: Path, tamper: Callable[[Registry], None]) -> None:
    registry = honest(tmp_path / "registry")
    assert "sha256" in checked(registry, tmp_path / "client", VICTIM)[0]
    tamper(registry)
    assert all("sha256" not in one for one in checked(registry, tmp_path / "client", VICTIM))
