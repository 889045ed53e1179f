"""The API in clients' formats: the bytes that are published, and what is not published, without any client."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from skilldata.objects import package_key
from tests.clients.published import Tree, build, serving_api
from tests.snapshots import SAMPLES, packages
from tests.test_api import problem


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Tree]]:
    """The API, and the tree that a publisher with the same addresses makes of the same snapshot."""
    folder = tmp_path_factory.mktemp("routes")
    with serving_api(build(folder / "one", SAMPLES)) as url:
        tree = Tree(folder, url)
        for digest, data in packages().items():
            (tree.folder / "public" / package_key(digest)).parent.mkdir(parents=True, exist_ok=True)
            (tree.folder / "public" / package_key(digest)).write_bytes(data)
        tree.publisher().publish(folder / "one")
        yield url, tree


def test_every_published_file_is_answered_with_the_same_bytes(api: tuple[str, Tree]) -> None:
    url, tree = api
    paths = [path for path, _ in tree.target.paths("") if path.startswith((".well-known/", "r/", "marketplace.json"))]
    assert len(paths) > 30
    with httpx.Client(base_url=url) as client:
        for path in paths:
            answer = client.get(f"/{path}")
            assert answer.status_code == 200, path
            assert answer.content == tree.target.get(path), path
            assert "max-age=60" in answer.headers["cache-control"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["access-control-allow-origin"] == "*"
            expected = ("application/json", "text/markdown", "application/octet-stream")
            assert answer.headers["content-type"].startswith(expected)
            headers = {"If-None-Match": answer.headers["etag"]}
            assert client.get(f"/{path}", headers=headers).status_code == 304
        assert client.head("/marketplace.json").status_code == 200


def test_packages_are_where_the_indexes_say(api: tuple[str, Tree]) -> None:
    url, _ = api
    index = httpx.get(f"{url}/r/acme/tools/.well-known/agent-skills/index.json")
    for skill in index.json()["skills"]:
        package = httpx.get(httpx.URL(str(index.url)).join(skill["url"]))
        assert f"sha256:{hashlib.sha256(package.content).hexdigest()}" == skill["digest"]
    unfree = next(digest for digest, data in packages().items() if b"Notes" in unpacked(data))
    problem(httpx.get(f"{url}/{package_key(unfree)}"), "not-redistributable")
    for path in ("packages/ab/cd.zip", f"packages/00/{'ab' * 32}.zip", f"packages/ab/{'ab' * 32}.zip"):
        problem(httpx.get(f"{url}/{path}"), "not-found")


def unpacked(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return package.read("SKILL.md")


def test_scopes_that_are_not_published_are_answered_too(api: tuple[str, Tree]) -> None:
    url, _ = api
    for scope in ("r/acme", "r/acme/tools@pdf-forms", "r/acme/tools@pdf-forms/1.0.0"):
        listed = httpx.get(f"{url}/{scope}/.well-known/skills/index.json").json()["skills"]
        for skill in listed:
            for file in skill["files"]:
                assert httpx.get(f"{url}/{scope}/.well-known/skills/{skill['name']}/{file}").status_code == 200
    pinned = httpx.get(f"{url}/r/acme/tools@pdf-forms/1.0.0/marketplace.json").json()
    assert [plugin["version"] for plugin in pinned["plugins"]] == ["1.0.0"]


@pytest.mark.parametrize(
    "path",
    [
        "r/acme/.well-known/skills/",
        "r/acme/none/.well-known/agent-skills/index.json",
        "r/acme/tools/.well-known/skills/pdf-forms/none.md",
        "r/acme/tools/.well-known/skills/pdf-forms/..%2f..%2findex.json",
        "r/nolicence/notes/.well-known/skills/meeting-notes/SKILL.md",
        "r/%00/.well-known/skills/index.json",
        ".well-known/skills/none/SKILL.md",
        "r/acme.well-known/skills/index.json",
    ],
)
def test_what_is_not_there_is_said_to_be_missing(api: tuple[str, Tree], path: str) -> None:
    problem(httpx.get(f"{api[0]}/{path}"), "not-found")


def test_a_search_gives_addresses_and_only_what_can_be_installed(api: tuple[str, Tree]) -> None:
    url, _ = api
    found = httpx.get(f"{url}/api/search", params={"q": "csv", "limit": 20, "unknown": "1"}).json()
    assert found["count"] == len(found["skills"]) >= 1
    for skill in found["skills"]:
        scope = f"{skill['source']}@{skill['name']}"
        assert httpx.get(f"{scope}/.well-known/agent-skills/index.json").status_code == 200
    assert httpx.get(f"{url}/api/search", params={"q": "transcripts"}).json()["skills"] == []
    problem(httpx.get(f"{url}/api/search", params={"q": "a", "limit": "x"}), "invalid-parameter")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("skills/none", 404),
        ("skills/pdf-forms?ownerHandle=none", 404),
        ("skills/pdf-forms?ownerHandle=../x", 404),
        ("skills/pdf-forms/versions/9.9.9", 404),
        ("skills/pdf-forms/file?path=../SKILL.md", 404),
        ("skills?cursor=x", 400),
        ("skills?limit=1000000", 400),
        ("download?slug=meeting-notes", 404),
        ("skills/csv-tools", 409),
        ("whoami", 404),
    ],
)
def test_clawhub_is_told_what_is_wrong_in_plain_text(api: tuple[str, Tree], path: str, status: int) -> None:
    answer = httpx.get(f"{api[0]}/clawhub/api/v1/{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_clawhub_pages_through_everything_that_may_be_handed_out(api: tuple[str, Tree]) -> None:
    base, cursor, seen = f"{api[0]}/clawhub/api/v1", None, []
    for _ in range(20):
        page = httpx.get(f"{base}/skills", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [skill["slug"] for skill in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(
        str(skill.slug)
        for skill in SAMPLES
        if skill.state == "listed" and skill.redistributable and ".." not in str(skill.slug)
    )


def test_pages_of_repositories_are_served_beside_them(tmp_path: Path) -> None:
    page = tmp_path / "site/live/r/acme/tools/index.html"
    page.parent.mkdir(parents=True)
    page.write_text("a page")
    with serving_api(build(tmp_path / "one", SAMPLES), site_folder=tmp_path / "site") as url:
        assert httpx.get(f"{url}/r/acme/tools/").text == "a page"
        assert httpx.get(f"{url}/r/acme/tools/.well-known/agent-skills/index.json").json()["skills"]
