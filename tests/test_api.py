"""The API as its callers see it: a real server on loopback over a real snapshot, with the packages in memory."""

from __future__ import annotations

import base64
import concurrent.futures
import gzip
import hashlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema_rs
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from skillapi.app import ACTIONS, ENDPOINTS, create_app
from skillapi.connections import BoundedConnection
from skillapi.downloads import PackageStore, file_name
from skillapi.headers import HEADERS
from skillapi.live import FolderSource, Live
from skillapi.problems import PROBLEMS
from skillapi.server import serve
from skillapi.static import SECURITY_POLICY
from skilldata.config import Settings
from skilldata.errors import ConfigurationError, IntegrityError, NotFound, ServiceUnavailable, SnapshotError
from skilldata.search import build_search_index
from skilldata.snapshot import DATABASE, SEARCH, Snapshot
from tests.snapshots import ACME, SAMPLES, SampleSkill, SampleVersion, make_snapshot, packages, sample_skill
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent
PDF = "/api/v1/skills/acme/tools/pdf-forms"
ZIP = "application/zip"


class MemoryStore:
    """A package store that fails on demand."""

    def __init__(self, skills: list[SampleSkill] | None = None) -> None:
        self.data = packages(SAMPLES if skills is None else skills)
        self.error: Exception | None = None
        self.reads = 0

    def package(self, package_digest: str) -> bytes:
        self.reads += 1
        if self.error:
            raise self.error
        if package_digest not in self.data:
            raise NotFound(f"no object {package_digest}")
        return self.data[package_digest]

    def ready(self) -> None:
        if self.error:
            raise self.error


@contextmanager
def serving(app: Any, listener: socket.socket | None = None) -> Iterator[str]:
    """Run an application on a free port of loopback, or one that is listened on; yields its address."""
    with listener or socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http=BoundedConnection,
            lifespan="on",
            log_config=None,
            ws="none",
            access_log=False,
            proxy_headers=False,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


def snapshot(folder: Path, skills: list[SampleSkill] | None = None) -> Path:
    made = make_snapshot(folder, SAMPLES if skills is None else skills)
    with Snapshot(made) as opened:
        build_search_index(opened, made / SEARCH)
    return made


def point(link: Path, folder: Path) -> None:
    """Move a link to a folder in one step, as publishing does."""
    fresh = link.with_name(f".{link.name}.new")
    fresh.symlink_to(folder)
    fresh.replace(link)


def problem(response: httpx.Response, code: str) -> dict[str, Any]:
    """Check that an answer is the problem of that code, and return it."""
    assert response.headers["content-type"] == "application/problem+json", response.text[:200]
    content: dict[str, Any] = response.json()
    assert content["code"] == code
    assert content["status"] == response.status_code == PROBLEMS[code].status
    assert content["request_id"] == response.headers["x-request-id"]
    assert response.headers["cache-control"] == "no-store"
    return content


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return snapshot(tmp_path_factory.mktemp("snapshot"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("site")
    live = base / "live"
    pages = {
        "index.html": "<!doctype html><title>Home</title>" + "<p>words</p>" * 200,
        "404.html": "<!doctype html><title>Missing</title>",
        "s/acme/tools/pdf-forms.html": "<!doctype html><title>PDF</title>",
        "browse/index.html": "<!doctype html><title>Browse</title>",
        "assets/site.0123abcd.css": "body{}",
        "assets/icon.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
        ".well-known/security.txt": "Contact: mailto:security@registry.example",
        ".hidden": "not for readers",
        "api/v1/status": "the API wins",
    }
    for name, text in pages.items():
        (live / name).parent.mkdir(parents=True, exist_ok=True)
        (live / name).write_text(text)
    (live / "index.duckdb").write_bytes(os.urandom(3_000_000))
    (live / "small.bin").write_bytes(bytes(range(256)))
    (base / "secret.txt").write_text("secret")
    (live / "escape.txt").symlink_to(base / "secret.txt")
    return base


@pytest.fixture(scope="module")
def address(folder: Path, site: Path) -> Iterator[str]:
    with serving(create_app(FolderSource(folder), MemoryStore(), Settings(), site_folder=site)) as url:
        yield url


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers={"Accept-Encoding": "identity"}) as made:
        yield made


def package_digest(client: httpx.Client, skill: str = PDF) -> str:
    return str(client.get(skill).json()["current"]["package_digest"])


class TestSearch:
    def test_a_hit_has_what_a_result_list_shows(self, client: httpx.Client) -> None:
        content = client.get("/api/v1/search", params={"q": "pdf forms"}).json()
        assert set(content) == {"query", "total", "results", "facets", "next", "did_you_mean"}
        assert (content["query"], content["total"], content["next"]) == ("pdf forms", 1, None)
        assert content["results"][0] == {
            "owner": "acme",
            "repository": "tools",
            "slug": "pdf-forms",
            "name": "pdf-forms",
            "description": "Fill, flatten and check PDF forms. Use when a user hands over a form to complete.",
            "level": "strict",
            "licence": "MIT",
            "redistributable": True,
            "stars": 1234,
            "version": "1.2.0",
            "verdict": "no findings",
            "updated_at": "2026-03-10T08:30:00Z",
            "url": "/s/acme/tools/pdf-forms.html",
            "copies": 0,
            "highlights": {"name": [[0, 3], [4, 9]], "description": [[24, 27], [28, 33], [64, 68]]},
        }

    def test_everything_is_found_page_by_page(self, client: httpx.Client, folder: Path) -> None:
        found, cursor = [], None
        while True:
            page = client.get("/api/v1/search", params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
            found += [(hit["owner"], hit["repository"], hit["slug"]) for hit in page["results"]]
            cursor = page["next"]
            if cursor is None:
                break
        with Snapshot(folder) as opened:
            listed = {(row.owner, row.repository, row.slug): row.content_digest for row in opened.summaries()}
        assert len(found) == len(set(found)) == page["total"]
        assert {listed[address] for address in found} == set(listed.values())  # copies are folded, nothing is missing

    def test_filters_facets_and_sort_reach_the_index(self, client: httpx.Client) -> None:
        content = client.get("/api/v1/search", params={"owner": "ACME", "sort": "updated", "level": "strict"}).json()
        assert [hit["slug"] for hit in content["results"]] == ["pdf-forms", "csv-tools"]
        assert content["facets"]["topic"] == [{"value": "agent-skills", "count": 2}, {"value": "pdf", "count": 2}]

    def test_addresses_of_pages_are_safe(self, client: httpx.Client) -> None:
        hits = client.get("/api/v1/search", params={"owner": "mallory"}).json()["results"]
        assert {hit["url"] for hit in hits} == {
            "/s/mallory/evil.repo/xss.html",
            "/s/mallory/evil.repo/..%2F..%2Fetc%2Fpasswd.html",
        }

    def test_a_typo_gets_a_suggestion(self, client: httpx.Client) -> None:
        content = client.get("/api/v1/search?q=comit+mesage").json()
        assert content["did_you_mean"] == "commit message"
        assert content["results"][0]["slug"] == "commit-message"


class TestReading:
    def test_a_skill_names_its_package_and_source(self, client: httpx.Client) -> None:
        content = client.get(PDF).json()
        current = content["current"]
        assert (content["state"], content["version"], current["version"]) == ("listed", "1.2.0", "1.2.0")
        assert current["download"] == f"/api/v1/packages/{current['package_digest']}"
        assert current["source"] == f"https://github.com/acme/tools/tree/{current['revision']}/skills/pdf-forms"
        assert content["manifest"]["metadata"] == {"version": "1.2.0", "author": "Acme"}

    def test_names_compare_without_case_as_on_github(self, client: httpx.Client) -> None:
        assert client.get("/api/v1/skills/ACME/Tools/pdf-forms").json() == client.get(PDF).json()

    def test_the_scanner_is_quoted_with_file_and_line(self, client: httpx.Client) -> None:
        content = client.get("/api/v1/skills/mallory/evil.repo/xss").json()
        assert (content["verdict"], content["current"]["verdict"]) == ("findings", "findings")
        first, second = content["findings"]
        assert (first["rule"], first["severity"], first["line"]) == ("persistence", "HIGH", 3)
        assert first["remedy"]
        assert (second["file"], second["line"]) == ("a.so", None)

    def test_another_scanners_opinion_stands_beside_the_verdict(self, client: httpx.Client) -> None:
        said = client.get("/api/v1/skills/mallory/evil.repo/xss").json()["second_opinion"]
        assert (said["scanner"], said["highest"], said["more"], said["problem"]) == ("other", "HIGH", 12, "")
        assert [(one["severity"], one["file"], one["line"]) for one in said["findings"]] == [
            ("HIGH", "scripts/run.py", 1),
            ("LOW", "", None),
        ]
        assert client.get(PDF).json()["second_opinion"] is None

    def test_a_search_can_ask_for_a_verdict(self, client: httpx.Client) -> None:
        found = client.get("/api/v1/search", params={"verdict": "findings"}).json()["results"]
        assert [hit["slug"] for hit in found] == ["xss"]
        assert client.get("/api/v1/search", params={"verdict": "harmless"}).status_code == 400

    def test_copies_name_each_other(self, client: httpx.Client) -> None:
        assert client.get("/api/v1/skills/zoe/tools/csv-tools").json()["copies"] == ["acme/tools/csv-tools"]

    def test_versions_come_newest_first(self, client: httpx.Client) -> None:
        versions = client.get(f"{PDF}/versions").json()["versions"]
        assert [one["version"] for one in versions] == ["1.2.0", "1.1.0", "1.0.0"]

    def test_files_are_those_of_the_version(self, client: httpx.Client) -> None:
        now = client.get(f"{PDF}/files").json()
        assert [one["path"] for one in now["files"]] == [
            "SKILL.md",
            "images/flow.png",
            "references/fields.md",
            "scripts/run.py",
        ]
        assert now["files"][3]["mode"] == "0755"
        old = client.get(f"{PDF}/files", params={"version": "1.0.0"}).json()
        assert [one["path"] for one in old["files"]] == ["SKILL.md"]
        missing = problem(client.get(f"{PDF}/files", params={"version": "9.9.9"}), "unknown-version")
        assert "1.1.0" in missing["remedy"]

    def test_a_repository_says_why_a_skill_is_not_listed(self, client: httpx.Client) -> None:
        content = client.get("/api/v1/repositories/Acme/tools").json()
        assert content["counts"] == {"listed": 3, "refused": 1}
        draft = next(one for one in content["skills"] if one["path"] == "skills/draft")
        assert (draft["state"], draft["slug"], draft["url"]) == ("refused", None, None)
        assert draft["diagnostics"][0]["rule"] == "manifest.missing-description"
        assert draft["diagnostics"][0]["remedy"]

    def test_a_repository_can_be_paged_and_filtered(self, client: httpx.Client) -> None:
        found: list[tuple[str, int]] = []
        page: dict[str, Any] = {"next": "0"}
        while page["next"] is not None:
            asked = {"limit": "1", "cursor": page["next"]}
            page = client.get("/api/v1/repositories/acme/tools", params=asked).json()
            found += [(one["path"], len(one["diagnostics"])) for one in page["skills"]]
        expected = [("skills/commit-message", 2), ("skills/csv-tools", 0), ("skills/draft", 2), ("skills/pdf-forms", 0)]
        assert found == expected
        refused = client.get("/api/v1/repositories/acme/tools?state=refused").json()["skills"]
        assert [one["path"] for one in refused] == ["skills/draft"]

    def test_an_owner_lists_repositories(self, client: httpx.Client) -> None:
        content = client.get("/api/v1/owners/ACME").json()
        assert (content["owner"], content["counts"]) == ("acme", {"listed": 3, "refused": 1})
        assert [one["name"] for one in content["repositories"]] == ["tools"]

    def test_a_gone_skill_is_still_shown_and_served(self, client: httpx.Client) -> None:
        content = client.get("/api/v1/skills/vanished/old/old-skill").json()
        assert (content["state"], content["gone_at"]) == ("gone", "2026-03-13T08:30:00Z")
        assert client.get("/api/v1/skills/vanished/old/old-skill/download").status_code == 200

    def test_a_refused_skill_points_to_its_repository(self, client: httpx.Client) -> None:
        missing = problem(client.get("/api/v1/skills/nolicence/notes/too-big"), "not-found")
        assert "/api/v1/repositories/" in missing["remedy"]


EXAMPLES = {
    "/api/v1/search": ["/api/v1/search?q=pdf", "/api/v1/search"],
    "/api/v1/skills/{owner}/{repository}/{slug}": [
        PDF,
        "/api/v1/skills/mallory/evil.repo/xss",
        "/api/v1/skills/vanished/old/old-skill",
    ],
    "/api/v1/skills/{owner}/{repository}/{slug}/versions": [f"{PDF}/versions"],
    "/api/v1/skills/{owner}/{repository}/{slug}/files": [f"{PDF}/files", f"{PDF}/files?version=1.0.0"],
    "/api/v1/skills/{owner}/{repository}/{slug}/diagnostics": ["/api/v1/skills/acme/tools/commit-message/diagnostics"],
    "/api/v1/skills/{owner}/{repository}/{slug}/download": [f"{PDF}/download?version=1.1.0"],
    "/api/v1/skills/{owner}/{repository}/{slug}/downloads": [f"{PDF}/downloads"],
    "/api/v1/packages/{digest}": [f"/api/v1/packages/{next(iter(packages()))}"],
    "/api/v1/skills/{owner}/{repository}/{slug}/findings": ["/api/v1/skills/acme/tools/commit-message/findings"],
    "/api/v1/skills/{owner}/{repository}/{slug}/diff": [f"{PDF}/diff", f"{PDF}/diff?before=1.0.0&after=1.1.0"],
    "/api/v1/skills/{owner}/{repository}/{slug}/provenance": [f"{PDF}/provenance?version=1.0.0"],
    "/api/v1/changes": ["/api/v1/changes", "/api/v1/changes?since=2026-03-05T00:00:00Z&limit=1"],
    "/api/v1/repositories": ["/api/v1/repositories", "/api/v1/repositories?limit=1&cursor=1"],
    "/api/v1/owners": ["/api/v1/owners?limit=2"],
    "/api/v1/repositories/{owner}/{repository}": [
        "/api/v1/repositories/acme/tools",
        "/api/v1/repositories/vanished/old?state=gone",
    ],
    "/api/v1/owners/{owner}": ["/api/v1/owners/tanaka-yuki"],
    "/api/v1/status": ["/api/v1/status"],
    "/api/v1/openapi.json": ["/api/v1/openapi.json"],
    "/api/v1/plugins": ["/api/v1/plugins", "/api/v1/plugins?owner=acme&limit=1"],
    "/api/v1/plugins/{owner}/{repository}/{slug}": [],  # the samples have none: tests/test_plugin_pages.py has
    "/api/v1/marketplaces": ["/api/v1/marketplaces"],
    "/api/v1/problems/{code}": ["/api/v1/problems/not-redistributable"],
    "/healthz": ["/healthz"],
    "/health": ["/health"],
    "/readyz": ["/readyz"],
    "/metrics": ["/metrics"],
}
ADDRESSES = [example for examples in EXAMPLES.values() for example in examples]


class TestDescription:
    def test_every_address_is_described_and_has_an_example(self, client: httpx.Client) -> None:
        described = client.get("/api/v1/openapi.json").json()["paths"]
        operations = {(method, path): one for path, methods in described.items() for method, one in methods.items()}
        read = {("get", endpoint.path) for endpoint in ENDPOINTS}
        assert set(operations) == read | {(action.method.lower(), action.path) for action in ACTIONS}
        assert {path for _, path in read} == set(EXAMPLES)
        for (_, path), operation in operations.items():
            declared = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert declared == set(re.findall(r"{(\w+)}", path))
        ids = [operation["operationId"] for operation in operations.values()]
        assert len(set(ids)) == len(ids)

    @pytest.mark.parametrize("path", EXAMPLES)
    def test_answers_are_as_described(self, client: httpx.Client, path: str) -> None:
        document = client.get("/api/v1/openapi.json").json()
        assert document["openapi"].startswith("3.1.")
        for example in EXAMPLES[path]:
            response = client.get(example)
            assert response.status_code == 200, response.text[:300]
            (media_type, content), *_ = document["paths"][path]["get"]["responses"]["200"]["content"].items()
            assert response.headers["content-type"].split(";")[0] == media_type
            if media_type == "application/json":
                schema = {**content["schema"], "components": document["components"]}
                jsonschema_rs.Draft202012Validator(schema).validate(response.json())

    def test_schemas_are_schemas(self, client: httpx.Client) -> None:
        document = client.get("/api/v1/openapi.json").json()
        found = list(document["components"]["schemas"].values())
        operations = [one for methods in document["paths"].values() for one in methods.values()]
        found += [one["schema"] for operation in operations for one in operation["parameters"]]
        for schema in found:
            jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
        assert '"$ref": "#/$defs' not in json.dumps(document)

    def test_a_wrong_answer_would_be_noticed(self, client: httpx.Client) -> None:
        document = client.get("/api/v1/openapi.json").json()
        schema = {"$ref": "#/components/schemas/SearchAnswer", "components": document["components"]}
        with pytest.raises(jsonschema_rs.ValidationError):
            jsonschema_rs.Draft202012Validator(schema).validate({"query": "x", "total": "many"})

    def test_every_problem_is_explained_where_its_type_points(self, client: httpx.Client) -> None:
        found = problem(client.get("/api/v1/owners/nobody"), "not-found")
        explained = client.get(found["type"]).json()
        assert (explained["code"], explained["status"]) == ("not-found", 404)


class TestProblems:
    @pytest.mark.parametrize(
        ("target", "code", "hint"),
        [
            ("/api/v1/search?qq=1", "unknown-parameter", "Did you mean q?"),
            ("/api/v1/search?lisence=MIT", "unknown-parameter", "Did you mean licence?"),
            ("/api/v1/status?x=1", "unknown-parameter", "It takes none."),
            (f"{PDF}?slug=other", "unknown-parameter", ""),
            ("/api/v1/search?limit=many", "invalid-parameter", "integer"),
            ("/api/v1/search?limit=101", "invalid-parameter", "100"),
            ("/api/v1/search?sort=best", "invalid-parameter", "'relevance', 'stars' or 'updated'"),
            ("/api/v1/search?repository=tools", "invalid-parameter", "owner/name"),
            ("/api/v1/search?q=a&q=b", "invalid-parameter", "once"),
            ("/api/v1/search?q=" + "x" * 201, "invalid-parameter", "200"),
            ("/api/v1/search?q=pdf&cursor=made-up", "invalid-cursor", "next"),
            ("/api/v1/search?q=" + "x" * 5000, "uri-too-long", "4096"),
            ("/api/v1/repositories/acme/tools?cursor=-1", "invalid-parameter", "0"),
            ("/api/v1/repositories/acme/none", "not-found", "sources"),
            ("/api/v1/owners/" + "x" * 300, "not-found", ""),
            ("/api/v1/packages/sha256:12", "not-found", ""),
            ("/api/v1/packages/sha256:" + "0" * 64, "not-found", "digest"),
            ("/api/v1/nothing", "not-found", "openapi.json"),
            ("/api/v1/search/", "not-found", "openapi.json"),
            ("/api/", "not-found", ""),
            ("/api/v1/problems/none", "not-found", "invalid-cursor"),
        ],
    )
    def test_a_mistake_is_named_with_a_remedy(self, client: httpx.Client, target: str, code: str, hint: str) -> None:
        assert hint in problem(client.get(target), code)["remedy"]

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_it_is_only_read(self, client: httpx.Client, method: str) -> None:
        for target in ("/api/v1/search", "/healthz", "/index.html"):
            response = client.request(method, target)
            problem(response, "method-not-allowed")
            assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD"}

    def test_a_failure_of_ours_tells_nothing(self, folder: Path) -> None:
        store = MemoryStore()
        with serving(create_app(FolderSource(folder), store, Settings())) as url:
            for error in (RuntimeError("password hunter2"), IntegrityError("stored package has other bytes hunter2")):
                store.error = error
                response = httpx.get(f"{url}{PDF}/download")
                assert "hunter2" not in response.text
                problem(response, "internal")
                assert response.headers["x-content-type-options"] == "nosniff"

    def test_a_lost_store_is_told_and_kept_packages_go_on(self, folder: Path) -> None:
        store = MemoryStore()
        with serving(create_app(FolderSource(folder), store, Settings())) as url:
            kept = httpx.get(f"{url}{PDF}/download")
            store.error = ServiceUnavailable("the object store at http://10.0.0.7:9000 is away")
            assert httpx.get(f"{url}{PDF}/download").content == kept.content
            response = httpx.get(f"{url}{PDF}/download", params={"version": "1.0.0"})
            problem(response, "store-unavailable")
            assert "10.0.0.7" not in response.text
            assert int(response.headers["retry-after"]) > 0
            assert httpx.get(f"{url}/api/v1/search?q=pdf").status_code == 200

    @given(
        st.sampled_from(sorted(EXAMPLES)),
        st.lists(st.binary(min_size=1, max_size=30), min_size=5, max_size=5),
        st.lists(
            st.tuples(
                st.sampled_from([b"q", b"owner", b"cursor", b"limit", b"version", b"zz"]), st.binary(max_size=60)
            ),
            max_size=3,
        ),
    )
    def test_no_request_is_a_failure_of_ours(
        self, client: httpx.Client, path: str, values: list[bytes], query: list[tuple[bytes, bytes]]
    ) -> None:
        parts = iter(values)
        target = re.sub(r"{\w+}", lambda _: quote(next(parts), safe=""), path)
        target += "?" + "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in query)
        response = client.get(target)
        assert response.status_code < 500, target
        if response.status_code >= 400:
            problem(response, response.json()["code"])

    @given(st.text(max_size=200))
    def test_no_search_fails(self, client: httpx.Client, text: str) -> None:
        response = client.get("/api/v1/search", params={"q": text.encode("utf-8", "replace").decode()})
        assert response.status_code == 200, response.text


class TestHeaders:
    @pytest.mark.parametrize("target", [*ADDRESSES, "/api/v1/nothing", "/api/v1/search?zz=1", "/", "/missing.html"])
    def test_every_answer_has_the_same_armour(self, client: httpx.Client, target: str) -> None:
        headers = client.get(target).headers
        for name, value in HEADERS.items():
            if name != "Content-Security-Policy":
                assert headers[name] == value
        assert headers["content-security-policy"].startswith("default-src 'none'")

    @pytest.mark.parametrize("target", ADDRESSES)
    def test_unchanged_answers_are_not_sent_again(self, client: httpx.Client, target: str) -> None:
        if target == "/metrics":
            assert client.get(target).headers["cache-control"] == "no-store"
            return
        first = client.get(target)
        again = client.get(target, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
        if target != "/readyz":  # tells its age, so it always changes
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == first.headers["etag"]
            assert again.headers["cache-control"] == first.headers["cache-control"]
        assert client.get(target, headers={"If-None-Match": '"other"'}).status_code == 200
        assert client.get(target, headers={"If-None-Match": "*"}).status_code == 304

    @pytest.mark.parametrize("target", [*ADDRESSES, "/", "/index.duckdb"])
    def test_head_is_get_without_body(self, client: httpx.Client, target: str) -> None:
        if target in {"/metrics", "/readyz"}:
            assert client.head(target).status_code == 200
            return
        got, head = client.get(target), client.head(target)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-length", "content-type", "etag", "cache-control"):
            assert head.headers[name] == got.headers[name]

    def test_compressed_answers_have_names_of_their_own(self, client: httpx.Client) -> None:
        target = "/api/v1/search"
        plain = client.get(target)
        packed = client.get(target, headers={"Accept-Encoding": "br, gzip;q=0.5"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.json() == plain.json()
        assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
        assert packed.headers["etag"] != plain.headers["etag"]
        assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
        unwanted = client.get(target, headers={"Accept-Encoding": "gzip;q=0"})
        assert "content-encoding" not in unwanted.headers
        again = client.get(target, headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["etag"]})
        assert again.status_code == 304

    def test_packages_are_never_compressed(self, client: httpx.Client) -> None:
        response = client.get(f"{PDF}/download", headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in response.headers

    def test_any_site_may_ask_first(self, client: httpx.Client) -> None:
        asked = {
            "Origin": "https://elsewhere.example",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "range",
        }
        response = client.options("/api/v1/search", headers=asked)
        assert response.status_code == 204
        assert response.headers["access-control-allow-origin"] == "*"
        assert "Range" in response.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in response.headers

    def test_request_ids_are_kept_if_harmless(self, client: httpx.Client) -> None:
        assert client.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
        for bad in ("a b", "x" * 65, "<script>"):
            made = client.get("/healthz", headers={"X-Request-ID": bad}).headers["x-request-id"]
            assert re.fullmatch(r"[0-9a-f]{32}", made)

    def test_the_snapshot_is_named(self, client: httpx.Client) -> None:
        status = client.get("/api/v1/status")
        assert status.headers["x-snapshot"] == status.json()["snapshot"]


class TestDownloads:
    def test_the_bytes_are_those_of_the_digest(self, client: httpx.Client) -> None:
        digest = package_digest(client)
        response = client.get(f"/api/v1/packages/{digest}")
        assert f"sha256:{hashlib.sha256(response.content).hexdigest()}" == digest
        assert response.headers["content-type"] == ZIP
        assert response.headers["etag"] == f'"{digest.removeprefix("sha256:")}"'
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["content-disposition"] == 'attachment; filename="pdf-forms-1.2.0.zip"'
        raw = base64.b64encode(hashlib.sha256(response.content).digest()).decode()
        assert response.headers["repr-digest"] == f"sha-256=:{raw}:"

    def test_a_version_can_be_named(self, client: httpx.Client) -> None:
        old = client.get(f"{PDF}/download", params={"version": "1.0.0"})
        versions = {one["version"]: one for one in client.get(f"{PDF}/versions").json()["versions"]}
        assert f"sha256:{hashlib.sha256(old.content).hexdigest()}" == versions["1.0.0"]["package_digest"]
        assert "immutable" not in old.headers["cache-control"]
        problem(client.get(f"{PDF}/download", params={"version": "7"}), "unknown-version")

    @pytest.mark.parametrize(
        ("asked", "part"),
        [
            ("bytes=0-99", slice(0, 100)),
            ("bytes=100-", slice(100, None)),
            ("bytes=-50", slice(-50, None)),
            ("bytes=0-999999", slice(0, None)),
            ("bytes=-999999", slice(0, None)),
            ("bytes=0-0", slice(0, 1)),
        ],
    )
    def test_a_part_can_be_asked_for(self, client: httpx.Client, asked: str, part: slice) -> None:
        whole = client.get(f"{PDF}/download").content
        response = client.get(f"{PDF}/download", headers={"Range": asked})
        assert response.status_code == 206
        assert response.content == whole[part]
        first, last, _ = part.indices(len(whole))
        assert response.headers["content-range"] == f"bytes {first}-{last - 1}/{len(whole)}"
        assert response.headers["etag"] == client.get(f"{PDF}/download").headers["etag"]

    @pytest.mark.parametrize("asked", ["bytes=9-3", "bytes=a-b", "lines=0-9", "bytes=0-1,5-6", "bytes=-", ""])
    def test_a_senseless_part_is_the_whole(self, client: httpx.Client, asked: str) -> None:
        response = client.get(f"{PDF}/download", headers={"Range": asked})
        assert (response.status_code, response.content) == (200, client.get(f"{PDF}/download").content)

    @pytest.mark.parametrize("asked", ["bytes=999999-", "bytes=999999-1000000", "bytes=-0"])
    def test_a_part_outside_is_refused_with_the_size(self, client: httpx.Client, asked: str) -> None:
        size = len(client.get(f"{PDF}/download").content)
        response = client.get(f"{PDF}/download", headers={"Range": asked})
        problem(response, "range-not-satisfiable")
        assert response.headers["content-range"] == f"bytes */{size}"

    def test_a_part_of_another_package_is_not_mixed_in(self, client: httpx.Client) -> None:
        whole = client.get(f"{PDF}/download")
        same = {"Range": "bytes=0-9", "If-Range": whole.headers["etag"]}
        assert client.get(f"{PDF}/download", headers=same).status_code == 206
        for other in ('"other"', f"W/{whole.headers['etag']}", "Wed, 21 Oct 2026 07:28:00 GMT"):
            response = client.get(f"{PDF}/download", headers={"Range": "bytes=0-9", "If-Range": other})
            assert (response.status_code, response.content) == (200, whole.content)

    def test_without_a_licence_the_source_is_named(self, client: httpx.Client) -> None:
        skill = "/api/v1/skills/nolicence/notes/meeting-notes"
        content = client.get(skill).json()
        assert content["current"]["download"] is None
        for target in (f"{skill}/download", f"/api/v1/packages/{content['current']['package_digest']}"):
            refused = problem(client.get(target), "not-redistributable")
            assert refused["source"] == content["current"]["source"]
            assert refused["source"] in refused["remedy"]

    def test_file_names_are_plain(self, folder: Path) -> None:
        with Snapshot(folder) as opened:
            hostile = opened.skill("mallory", "evil.repo", "../../etc/passwd")
            assert hostile.current is not None
            assert file_name(hostile.summary, hostile.current) == "etc-passwd-0.0.1.zip"

    def test_a_public_store_is_pointed_to(self, folder: Path) -> None:
        store = MemoryStore()
        settings = Settings(s3={"public_url": "https://cdn.example/skills/"})
        with (
            serving(create_app(FolderSource(folder), store, settings)) as url,
            httpx.Client(base_url=url) as client,
        ):
            digest = package_digest(client)
            for target in (f"/api/v1/packages/{digest}", f"{PDF}/download"):
                for response in (client.get(target), client.head(target)):
                    assert response.status_code == 302
                    plain = digest.removeprefix("sha256:")
                    assert (
                        response.headers["location"] == f"https://cdn.example/skills/packages/{plain[:2]}/{plain}.zip"
                    )
            problem(client.get("/api/v1/skills/nolicence/notes/meeting-notes/download"), "not-redistributable")
        assert store.reads == 0

    def test_lost_bytes_and_no_store_are_told_apart(self, folder: Path) -> None:
        empty = MemoryStore()
        empty.data = {}
        stores: list[tuple[PackageStore | None, str]] = [(empty, "withdrawn"), (None, "store-unavailable")]
        for store, code in stores:
            with serving(create_app(FolderSource(folder), store, Settings())) as url:
                problem(httpx.get(f"{url}{PDF}/download"), code)


class TestLive:
    def test_without_a_snapshot_it_starts_and_waits(self, tmp_path: Path) -> None:
        link = tmp_path / "live"
        app = create_app(FolderSource(link), None, Settings(), refresh_seconds=0.05)
        with serving(app) as url, httpx.Client(base_url=url) as client:
            assert client.get("/healthz").json() == {"status": "ok"}
            for target in ("/readyz", "/api/v1/search?q=pdf", PDF):
                response = client.get(target)
                problem(response, "no-snapshot")
                assert int(response.headers["retry-after"]) > 0
            point(link, snapshot(tmp_path / "first"))
            wait_until(lambda: client.get("/readyz").status_code == 200)
            assert client.get("/api/v1/search?q=pdf").json()["total"] > 0

    def test_a_broken_snapshot_changes_nothing_but_readiness(self, tmp_path: Path) -> None:
        link = tmp_path / "live"
        point(link, snapshot(tmp_path / "first"))
        app = create_app(FolderSource(link), MemoryStore(), Settings(), refresh_seconds=0.05)
        with serving(app) as url, httpx.Client(base_url=url) as client:
            before = client.get("/api/v1/status").json()
            wait_until(lambda: client.get("/readyz").json()["store_ready"])
            assert client.get("/readyz").json()["status"] == "ready"
            for name, spoil in (
                ("no-search", lambda folder: [path.unlink() for path in (folder / SEARCH).iterdir()]),
                ("no-table", lambda folder: (folder / DATABASE).write_bytes(b"not a database")),
                ("cut-table", lambda folder: (folder / DATABASE).write_bytes((folder / DATABASE).read_bytes()[:5000])),
            ):
                broken = snapshot(tmp_path / name, list(SAMPLES[:3]))
                spoil(broken)
                point(link, broken)
                wait_until(lambda: client.get("/readyz").json()["status"] == "degraded")
                assert client.get("/readyz").json()["snapshot_error"] is True
                assert client.get("/api/v1/status").json() == before
                assert "skillapi_snapshot_failures_total 0" not in client.get("/metrics").text
            point(link, snapshot(tmp_path / "mended", list(SAMPLES[:2])))
            wait_until(lambda: client.get("/readyz").json()["status"] == "ready")
            assert client.get("/api/v1/status").json()["counts"]["skills"] == 2

    def test_tables_and_search_must_agree(self, tmp_path: Path) -> None:
        whole, part = snapshot(tmp_path / "whole"), snapshot(tmp_path / "part", list(SAMPLES[:2]))
        (part / SEARCH).rename(tmp_path / "aside")
        (whole / SEARCH).rename(part / SEARCH)
        live = Live(FolderSource(part))
        live.refresh()
        assert "2 skills, its search index 9" in live.state.error
        with live.lease() as opened:
            assert opened is None

    def test_a_snapshot_is_closed_after_its_last_reader(self, tmp_path: Path) -> None:
        first, second, link = snapshot(tmp_path / "1"), snapshot(tmp_path / "2", list(SAMPLES[:2])), tmp_path / "live"
        point(link, first)
        live = Live(FolderSource(link))
        live.refresh()
        with live.lease() as held:
            assert held is not None
            point(link, second)
            live.refresh()
            assert live.state.swaps == 1
            assert held.snapshot.skill("acme", "tools", "pdf-forms").summary.slug == "pdf-forms"
            with live.lease() as newer:
                assert newer is not None
                assert newer.folder == second
            assert is_open(first / DATABASE)
        assert not is_open(first / DATABASE)
        live.close()
        assert not is_open(second / DATABASE)

    def test_swaps_under_load_drop_nothing(self, tmp_path: Path) -> None:
        folders = [snapshot(tmp_path / str(count), list(SAMPLES[:count])) for count in (3, 2, 1)]
        ids = {Snapshot(folder).info.id: Snapshot(folder).info.counts["skills"] for folder in folders}
        link = tmp_path / "live"
        point(link, folders[0])
        app = create_app(FolderSource(link), MemoryStore(), Settings(), refresh_seconds=0.01)
        stop = threading.Event()
        seen: set[str] = set()

        def read(url: str) -> int:
            count = 0
            with httpx.Client(base_url=url) as client:
                while not stop.is_set():
                    status = client.get("/api/v1/status")
                    found = client.get("/api/v1/search", params={"limit": 1 + count % 50})
                    skill = client.get(PDF, params={})
                    for response in (status, found, skill):
                        assert response.status_code == 200, response.text
                        seen.add(response.headers["x-snapshot"])
                    assert status.json()["snapshot"] == status.headers["x-snapshot"]
                    assert found.json()["total"] == ids[found.headers["x-snapshot"]]
                    count += 3
            return count

        with serving(app) as url, concurrent.futures.ThreadPoolExecutor(4) as pool:
            readers = [pool.submit(read, url) for _ in range(4)]
            try:
                with httpx.Client(base_url=url) as client:
                    for turn in range(6):
                        folder = folders[(turn + 1) % 3]
                        wanted = Snapshot(folder).info.id
                        point(link, folder)
                        wait_until(partial(is_live, client, wanted))
            finally:
                stop.set()
            assert all(reader.result() > 0 for reader in readers)
            assert seen == set(ids)
            metrics = httpx.get(f"{url}/metrics").text
            assert "skillapi_snapshot_swaps_total 6" in metrics
            assert 'status="5' not in metrics

    def test_a_source_of_folders_names_what_is_missing(self, tmp_path: Path) -> None:
        with pytest.raises(SnapshotError, match="nowhere"):
            FolderSource(tmp_path / "nowhere").current()


def is_live(client: httpx.Client, snapshot_id: str) -> bool:
    return bool(client.get("/api/v1/status").json()["snapshot"] == snapshot_id)


def is_open(path: Path) -> bool:
    """Whether this process holds a file open."""
    opened = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            opened.add(descriptor.readlink())
        except OSError:  # closed meanwhile
            continue
    return path.resolve() in opened


class TestSite:
    @pytest.mark.parametrize(
        ("target", "kind", "cache"),
        [
            ("/", "text/html; charset=utf-8", "max-age=60"),
            ("/index.html", "text/html; charset=utf-8", "max-age=60"),
            ("/browse/", "text/html; charset=utf-8", "max-age=60"),
            ("/s/acme/tools/pdf-forms.html", "text/html; charset=utf-8", "max-age=60"),
            ("/assets/site.0123abcd.css", "text/css; charset=utf-8", "immutable"),
            ("/assets/icon.svg", "image/svg+xml", "max-age=60"),
            ("/.well-known/security.txt", "text/plain; charset=utf-8", "max-age=60"),
            ("/index.duckdb", "application/octet-stream", "max-age=60"),
        ],
    )
    def test_files_are_served_as_what_they_are(
        self, client: httpx.Client, site: Path, target: str, kind: str, cache: str
    ) -> None:
        response = client.get(target)
        name = target.removeprefix("/")
        file = site / "live" / (f"{name}index.html" if name == "" or name.endswith("/") else name)
        assert (response.status_code, response.content) == (200, file.read_bytes())
        assert response.headers["content-type"] == kind
        assert cache in response.headers["cache-control"]
        assert response.headers["content-security-policy"] == SECURITY_POLICY
        again = client.get(target, headers={"If-None-Match": response.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")

    def test_a_missing_page_is_a_page(self, client: httpx.Client) -> None:
        response = client.get("/s/none.html")
        assert (response.status_code, response.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert "Missing" in response.text

    @pytest.mark.parametrize(
        "target",
        [
            "/../secret.txt",
            "/%2e%2e/secret.txt",
            "/assets/..%2f..%2fsecret.txt",
            "/..%5csecret.txt",
            "//secret.txt",
            "/escape.txt",
            "/.hidden",
            "/index.html%00.css",
            "/" + "a" * 5000,
            "/index.html/more",
        ],
    )
    def test_nothing_outside_or_hidden_is_served(self, address: str, target: str) -> None:
        connection = http.client.HTTPConnection(address.removeprefix("http://"))
        connection.request("GET", target)  # as it stands, without the care of a good client
        response = connection.getresponse()
        body = response.read()
        connection.close()
        assert response.status == 404
        assert b"secret" not in body
        assert b"not for readers" not in body

    def test_the_api_wins(self, client: httpx.Client) -> None:
        assert client.get("/api/v1/status").headers["content-type"] == "application/json"

    def test_large_files_come_in_parts(self, client: httpx.Client, site: Path) -> None:
        whole = (site / "live" / "index.duckdb").read_bytes()
        first = client.get("/index.duckdb")
        part = client.get(
            "/index.duckdb", headers={"Range": "bytes=1000000-1999999", "If-Range": first.headers["etag"]}
        )
        assert (part.status_code, part.content) == (206, whole[1_000_000:2_000_000])
        assert part.headers["content-range"] == f"bytes 1000000-1999999/{len(whole)}"
        small = client.get("/small.bin", headers={"Range": "bytes=250-"})
        assert (small.status_code, small.content) == (206, bytes(range(250, 256)))

    def test_pages_are_compressed(self, client: httpx.Client, address: str) -> None:
        with httpx.stream("GET", f"{address}/", headers={"Accept-Encoding": "gzip"}) as response:
            raw = b"".join(response.iter_raw())
        assert response.headers["content-encoding"] == "gzip"
        assert gzip.decompress(raw) == client.get("/").content

    def test_a_new_site_is_taken_at_once(self, tmp_path: Path, folder: Path) -> None:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "index.html").write_text(f"<p>{name}</p>")
        link = tmp_path / "live"
        point(link, tmp_path / "one")
        with serving(create_app(FolderSource(folder), None, Settings(), site_folder=tmp_path)) as url:
            assert "one" in httpx.get(url).text
            point(link, tmp_path / "two")
            assert "two" in httpx.get(url).text
            problem(httpx.get(f"{url}/none"), "not-found")  # a site without a page for that


class TestMetrics:
    def test_requests_are_counted_by_pattern(self, folder: Path) -> None:
        with serving(create_app(FolderSource(folder), MemoryStore(), Settings())) as url:
            for target in (PDF, "/api/v1/skills/a/b/c", "/wp-login.php", f"{PDF}/download"):
                httpx.get(f"{url}{target}")
            text = httpx.get(f"{url}/metrics").text
        pattern = "/api/v1/skills/{owner}/{repository}/{slug}"
        assert f'skillapi_requests_total{{route="{pattern}",method="GET",status="200"}} 1' in text
        assert f'skillapi_requests_total{{route="{pattern}",method="GET",status="404"}} 1' in text
        assert f'skillapi_request_seconds_count{{route="{pattern}"}} 2' in text
        assert f'skillapi_request_seconds_bucket{{route="{pattern}",le="+Inf"}} 2' in text
        assert 'skillapi_downloads_total{answer="stream"} 1' in text
        assert "wp-login" not in text
        line = re.compile(r'(# (HELP|TYPE) \S+ .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+)')
        assert all(line.fullmatch(one) for one in text.splitlines())


LARGE = [
    sample_skill(
        ACME,
        "large",
        "Large.",
        "# Large\n",
        versions=(SampleVersion("0.0.1", "# Large\n", {"data.bin": hashlib.shake_256(b"large").digest(8_000_000)}),),
    )
]
SERVER = """
import sys
from pathlib import Path
from skillapi import FolderSource, create_app, serve
from skilldata.config import Settings
from tests.test_api import LARGE, MemoryStore
serve(create_app(FolderSource(Path(sys.argv[1])), MemoryStore(LARGE), Settings()), "127.0.0.1", 0,
      announce=lambda url: print(url, flush=True))
print("ended", flush=True)
"""


class TestServer:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_lets_downloads_finish(self, tmp_path: Path, number: signal.Signals) -> None:
        folder = snapshot(tmp_path / "s", LARGE)
        command = [sys.executable, "-c", SERVER, str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdout is not None
            host, port = process.stdout.readline().strip().removeprefix("http://").split(":")
            with socket.create_connection((host, int(port))) as slow:
                slow.sendall(b"GET /api/v1/skills/acme/tools/large/download HTTP/1.1\r\nHost: x\r\n\r\n")
                received = bytearray(slow.recv(1000))
                process.send_signal(number)
                wait_until(lambda: refuses(host, int(port)))
                assert process.poll() is None
                while chunk := slow.recv(65536):
                    received += chunk
            head, _, body = received.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert f"sha256:{hashlib.sha256(body).hexdigest()}" in packages(LARGE)
            assert process.wait(10) == 0
            assert process.stdout.read() == "ended\n"

    def test_a_taken_port_is_named(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(ConfigurationError, match=str(port)):
                serve(create_app(FolderSource(Path("none")), None, Settings()), "127.0.0.1", port)


def refuses(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False
