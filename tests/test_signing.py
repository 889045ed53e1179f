"""Signed metadata of a registry that crawls and publishes: made, served, checked, and changed by commands."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from skillapi.app import create_app
from skillcrawler.schedules import METADATA
from skillcrawler.worker import connect
from skilldata.errors import TrustError
from skilldata.objects import package_key
from skilldata.store import SnapshotStore
from skilldata.trust.client import TrustClient
from skilldata.trust.metadata import ObjectMetadata
from tests.conftest import ROOT, Registry
from tests.standin import StandIn
from tests.test_api import serving
from tests.test_end_to_end import COMMAND, environment, run
from tests.test_snapshot_commands import failing as failing_json

SKILL = "---\nname: {name}\ndescription: Does {name}.\nlicense: MIT\n---\nbody\n"


@pytest.fixture
def signing(registry: Registry, github: StandIn) -> Registry:
    """A registry with keys that has published two packages."""
    run(registry, "trust", "init", "--keys", str(keys(registry)), "--bins", "3")
    registry.environment["SKILLREGISTRY_TRUST__ONLINE_KEY_FILE"] = str(keys(registry) / "online.pem")
    github.add_repository("acme/tools", {f"{name}/SKILL.md": SKILL.format(name=name) for name in ("one", "two")})
    run(registry, "crawl", "--wait", "acme/tools")
    return registry


def keys(registry: Registry) -> Path:
    return registry.settings.state_directory / "keys"


def packages(registry: Registry) -> list[str]:
    return [digest for (digest,) in registry.rows("SELECT package_digest FROM package ORDER BY 1")]


@contextmanager
def served(registry: Registry) -> Iterator[str]:
    store = SnapshotStore(registry.settings.state_directory / "snapshots", registry.objects)
    metadata = ObjectMetadata(registry.objects)
    with serving(create_app(store, registry.objects, registry.settings, metadata=metadata)) as url:
        yield url


def failing(registry: Registry, *arguments: str) -> str:
    done = subprocess.run(
        [COMMAND, *arguments], env=environment(registry), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode != 0
    return done.stderr


def check(registry: Registry, url: str, package: Path, cache: str = "cache") -> list[str]:
    state = registry.settings.state_directory
    root = state / "tuf" / "1.root.json"
    return ["verify", str(package), "--registry", url, "--root", str(root), "--cache", str(state / cache)]


def test_what_a_crawl_publishes_can_be_checked(signing: Registry, tmp_path: Path) -> None:
    assert run(signing, "trust", "verify") == {"packages": 2}
    digest = packages(signing)[0]
    package = tmp_path / "package.zip"
    package.write_bytes(signing.objects.package(digest))
    with served(signing) as url:
        assert run(signing, *check(signing, url, package))["path"] == package_key(digest)
        package.write_bytes(b"something else")
        assert "does not vouch" in failing(signing, *check(signing, url, package))


def test_the_json_index_is_vouched_for_as_it_is_published(signing: Registry, tmp_path: Path) -> None:
    root = (signing.settings.state_directory / "tuf" / "1.root.json").read_bytes()
    with served(signing) as url:
        client = TrustClient(tmp_path / "client", url, root=root)
        parts = [key for key, _ in signing.objects.keys("index/v1/") if "/objects/" in key or "/trees/" in key]
        assert len(parts) >= 3
        for key in parts:
            client.verify(key, signing.objects.get(key))


def test_a_package_at_an_address_can_be_checked(signing: Registry) -> None:
    with served(signing) as url:
        address = f"{url}/api/v1/packages/{packages(signing)[0]}"
        assert httpx.get(address).status_code == 200
        assert run(signing, *check(signing, url, address))["length"] > 0  # type: ignore[arg-type]


def test_metadata_is_served_with_headers_that_fit(signing: Registry) -> None:
    with served(signing) as url:
        stamp = httpx.get(f"{url}/tuf/timestamp.json")
        root = httpx.get(f"{url}/tuf/1.root.json")
        assert "stale" not in stamp.headers["cache-control"]
        assert "immutable" in root.headers["cache-control"]
        assert httpx.get(f"{url}/tuf/1.root.json", headers={"If-None-Match": root.headers["etag"]}).status_code == 304
        for name in ("9.root.json", "..%2fpackages", "timestamp.json%00", "1.other.json"):
            assert httpx.get(f"{url}/tuf/{name}").status_code == 404


def test_what_is_taken_back_is_no_longer_vouched_for(signing: Registry, tmp_path: Path) -> None:
    package = tmp_path / "package.zip"
    ((gone, content),) = signing.rows(
        """
        SELECT package_digest, content_digest
        FROM package JOIN version USING (content_digest) JOIN skill USING (skill_id)
        WHERE path = 'one'
        """
    )
    package.write_bytes(signing.objects.package(gone))
    with served(signing) as url:
        run(signing, *check(signing, url, package))
        signing.rows("UPDATE version SET redistributable = false WHERE content_digest = %s RETURNING 1", content)
        run(signing, "publish")
        assert "does not vouch" in failing(signing, *check(signing, url, package))


def test_what_maintainers_take_back_is_told_to_those_who_have_it(signing: Registry, tmp_path: Path) -> None:
    package = tmp_path / "package.zip"
    package.write_bytes(signing.objects.package(packages(signing)[0]))
    other = tmp_path / "other.zip"
    other.write_bytes(signing.objects.package(packages(signing)[1]))
    with served(signing) as url:
        run(signing, *check(signing, url, package))
        run(signing, "skill", "block", packages(signing)[0], "--reason", "It sends keys away.")
        status, held, _ = failing_json(signing, "publish", "--force")  # it lost half of its skills
        assert status == 1
        assert "at most 5% may go" in held["held"]
        assert "taken back" in failing(signing, *check(signing, url, package))
        assert json.loads(signing.objects.get("index/v1/status.json"))["held"]
        smaller = run(signing, "snapshot", "create")["id"]
        run(signing, "snapshot", "publish", smaller, "--even-if-smaller")
        assert "taken back" in failing(signing, *check(signing, url, package))
        run(signing, *check(signing, url, other))
        run(signing, "snapshot", "rollback")
        error = failing(signing, *check(signing, url, package))
        assert "It sends keys away." in error
        run(signing, *check(signing, url, other))
        assert [one for one in run(signing, "fsck") if one["problems"]] == []
        shown = httpx.get(f"{url}/index/v1/signed/{'0' * 64}.entry.json")
        assert shown.status_code == 404


def test_the_entry_and_the_revocations_are_vouched_for(signing: Registry, tmp_path: Path) -> None:
    root = (signing.settings.state_directory / "tuf" / "1.root.json").read_bytes()
    with served(signing) as url:
        for name in ("entry.json", "revocations.json"):
            client = TrustClient(tmp_path / name, url, root=root)
            data = client.document(f"index/v1/signed/{name}")
            assert data == signing.objects.get(f"index/v1/{name}")
            [(key, _)] = [one for one in signing.objects.keys("index/v1/signed/") if one[0].endswith(name)]
            signing.objects.put(key, data.replace(b"1", b"2"), content_type="application/json")
            with pytest.raises(TrustError):
                TrustClient(tmp_path / name, url).document(f"index/v1/signed/{name}")


def test_a_signed_statement_says_where_a_package_comes_from(signing: Registry, tmp_path: Path) -> None:
    package, statement = tmp_path / "package.zip", tmp_path / "statement.json"
    digest = packages(signing)[0]
    package.write_bytes(signing.objects.package(digest))
    [key, other] = [key for key, _ in signing.objects.keys("provenance/") if key.endswith(".dsse.json")]
    if digest.removeprefix("sha256:") not in key:
        key, other = other, key
    statement.write_bytes(signing.objects.get(key))
    with served(signing) as url:
        origin = run(signing, *check(signing, url, package), "--statement", str(statement))["origin"]
        assert origin["externalParameters"]["repository"].endswith("acme/tools")
        statement.write_bytes(signing.objects.get(other))
        error = failing(signing, *check(signing, url, package), "--statement", str(statement))
        assert "is not about" in error
        envelope = json.loads(signing.objects.get(key))
        said = base64.b64decode(envelope["payload"]).replace(b"acme", b"evil")
        statement.write_text(json.dumps(envelope | {"payload": base64.b64encode(said).decode()}))
        error = failing(signing, *check(signing, url, package), "--statement", str(statement))
        assert "not signed by the registry's online key" in error


def test_fsck_proves_what_is_signed_and_says_what_it_leaves_out(signing: Registry) -> None:
    report = {one["name"]: one for one in run(signing, "fsck")}
    assert [name for name, one in report.items() if one["problems"] or one["left_out"]] == []
    assert report["signed metadata"]["checked"] > 6
    assert report["signed statements"]["checked"] == 2
    assert report["index and tables"]["checked"] > 10
    [key, _] = [key for key, _ in signing.objects.keys("provenance/") if key.endswith(".dsse.json")]
    signing.objects.delete(key)
    signing.objects.put("index/v1/entry.json", b"{}", content_type="application/json")
    signing.rows("UPDATE skill SET updated_at = now() WHERE path = 'one' RETURNING 1")
    status, found, _ = failing_json(signing, "fsck")
    assert status == 1
    report = {one["name"]: one for one in found}
    assert "index has changed" in report["index and tables"]["left_out"]
    assert "other bytes" in report["signed metadata"]["problems"][0]


def test_a_registry_without_keys_is_told_that_nothing_is_signed(registry: Registry, github: StandIn) -> None:
    github.add_repository("acme/tools", {"one/SKILL.md": SKILL.format(name="one")})
    run(registry, "crawl", "--wait", "acme/tools")
    report = {one["name"]: one for one in run(registry, "fsck", "--quick")}
    assert "signs nothing" in report["signed metadata"]["left_out"]
    assert "quick" in report["index and tables"]["left_out"]


def test_clients_that_hold_the_first_root_follow_the_key_drill(signing: Registry, tmp_path: Path) -> None:
    """The commands of docs/operations.md, as they stand there."""
    block = re.search(
        r"^```sh\n(cp \$STATE/tuf.*?)^```$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert block is not None
    state, offline = signing.settings.state_directory, keys(signing)
    (offline / "tuf").mkdir()
    package = tmp_path / "package.zip"
    package.write_bytes(signing.objects.package(packages(signing)[0]))
    with served(signing) as url:
        run(signing, *check(signing, url, package))
        done = subprocess.run(
            ["bash", "-euc", block[1]],
            env=environment(signing)
            | {"STATE": str(state), "OFFLINE": str(offline), "PATH": f"{COMMAND.parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "WRONG" not in done.stdout
        assert "left out" not in done.stdout
        run(signing, *check(signing, url, package))
        run(signing, *check(signing, url, package, cache="cold"))
    assert "another online key" in failing(signing, "publish", "--force")


def test_going_back_signs_what_was_live(signing: Registry, github: StandIn) -> None:
    before = packages(signing)
    github.push("acme/tools", {"one/SKILL.md": SKILL.format(name="one") + "more\n"})
    run(signing, "crawl", "--wait", "acme/tools")
    assert run(signing, "trust", "verify") == {"packages": 3}
    run(signing, "snapshot", "rollback")
    assert run(signing, "trust", "verify") == {"packages": len(before)}


def test_a_damaged_root_stops_the_publishing_before_clients_see_it(signing: Registry) -> None:
    tuf = signing.settings.state_directory / "tuf"
    (tuf / "2.root.json").write_bytes((tuf / "1.root.json").read_bytes().replace(b'"version": 1', b'"version": 2'))
    said = failing(signing, "publish", "--force")
    assert "2.root.json has not enough signatures" in said
    assert "trust sign 2.root.json" in said
    assert ObjectMetadata(signing.objects).get("2.root.json") is None


def test_the_metadata_is_refreshed_by_schedule(signing: Registry) -> None:
    assert METADATA in run(signing, "crawl", "schedule")

    async def every() -> Any:
        client = await connect(signing.settings.temporal)
        handle = client.get_schedule_handle(METADATA)
        try:
            return (await handle.describe()).schedule.spec.intervals[0].every
        finally:
            await handle.delete()
            for other in ("crawl-due", "crawl-sources"):
                await client.get_schedule_handle(other).delete()

    assert asyncio.run(every()).total_seconds() <= 12 * 3600


def test_without_a_key_nothing_is_signed(registry: Registry, github: StandIn) -> None:
    github.add_repository("acme/tools", {"one/SKILL.md": SKILL.format(name="one")})
    run(registry, "crawl", "--wait", "acme/tools")
    assert not list(registry.objects.keys("tuf/"))
