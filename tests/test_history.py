"""What changed, where it came from, who there is, and names of before: answers from a snapshot with a story."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import duckdb
import httpx
import pytest

from skillapi.app import create_app
from skillapi.live import FolderSource
from skilldata.config import Settings
from skilldata.objects import provenance_key
from skilldata.search import build_search_index
from skilldata.snapshot import DATABASE, SEARCH, Snapshot
from tests.snapshots import ACME, EPOCH, SAMPLES, make_snapshot
from tests.test_api import MemoryStore, problem, serving

PDF = "/api/v1/skills/acme/tools/pdf-forms"
EVENTS = (
    ("repository.renamed", None, {"from": "old-acme/gadgets", "to": "acme/tools"}),
    ("skill.renamed", "skills/pdf-forms", {"path": "skills/pdf-forms", "from": "fill-pdf", "to": "pdf-forms"}),
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = make_snapshot(tmp_path_factory.mktemp("history"))
    pdf = next(one for one in SAMPLES if one.slug == "pdf-forms")
    with duckdb.connect(str(folder / DATABASE)) as connection:
        for kind, path, evidence in EVENTS:
            row = [EPOCH.replace(tzinfo=None), kind, "crawler", ACME.repository_id, path and pdf.path]
            connection.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", [*row, json.dumps(evidence)])
    with Snapshot(folder) as snapshot:
        build_search_index(snapshot, folder / SEARCH)
    app = create_app(FolderSource(folder), MemoryStore(), Settings())
    with serving(app) as url, httpx.Client(base_url=url) as running:
        yield running


def get(client: httpx.Client, target: str) -> Any:
    answer = client.get(target)
    assert answer.status_code == 200, answer.text
    return answer.json()


class TestDiff:
    def test_two_versions_are_compared_file_by_file(self, client: httpx.Client) -> None:
        labels = [one["version"] for one in get(client, f"{PDF}/versions")["versions"]]
        found = get(client, f"{PDF}/diff?before={labels[1]}&after={labels[0]}")
        files = [{one["path"]: one for one in get(client, f"{PDF}/files?version={label}")["files"]} for label in labels]
        new, old = files[0], files[1]
        kinds = {one["path"]: one["change"] for one in found["files"]}
        assert kinds == {
            **dict.fromkeys(new.keys() - old.keys(), "added"),
            **dict.fromkeys(old.keys() - new.keys(), "removed"),
            **{path: "changed" for path in new.keys() & old.keys() if new[path] != old[path]},
        }
        assert found["unchanged"] == sum(new[path] == old[path] for path in new.keys() & old.keys())
        assert "SKILL.md" in kinds
        for one in found["files"]:
            assert (one["before"], one["after"]) == (old.get(one["path"]), new.get(one["path"]))

    def test_without_labels_it_is_the_last_step(self, client: httpx.Client) -> None:
        labels = [one["version"] for one in get(client, f"{PDF}/versions")["versions"]]
        found = get(client, f"{PDF}/diff")
        assert (found["before"], found["after"]) == (labels[1], labels[0])
        assert found["page"] == f"/s/acme/tools/pdf-forms.changes.html#v{len(labels)}"

    def test_everything_of_a_first_version_is_new(self, client: httpx.Client) -> None:
        first = get(client, f"{PDF}/versions")["versions"][-1]["version"]
        found = get(client, f"{PDF}/diff?after={first}")
        assert found["before"] is None
        assert found["page"] is None
        assert {one["change"] for one in found["files"]} == {"added"}
        assert found["unchanged"] == 0

    def test_a_label_that_is_not_there_is_named(self, client: httpx.Client) -> None:
        problem(client.get(f"{PDF}/diff?before=9.9.9"), "unknown-version")


def test_findings_are_those_of_the_skill(client: httpx.Client) -> None:
    target = "/api/v1/skills/mallory/evil.repo/xss"
    skill, found = get(client, target), get(client, f"{target}/findings")
    assert found["findings"] == skill["findings"]
    assert found["verdict"] == skill["verdict"]


def test_provenance_names_commit_and_statement(client: httpx.Client) -> None:
    version = get(client, f"{PDF}/versions")["versions"][-1]
    found = get(client, f"{PDF}/provenance?version={version['version']}")
    assert {name: found[name] for name in ("revision", "content_digest", "package_digest", "source")} == {
        name: version[name] for name in ("revision", "content_digest", "package_digest", "source")
    }
    path = get(client, PDF)["path"]
    assert found["statement"] == provenance_key(version["package_digest"], ACME.repository_id, path)
    assert found["envelope"] == found["statement"].removesuffix(".json") + ".dsse.json"
    hidden = get(client, "/api/v1/skills/nolicence/notes/meeting-notes/provenance")
    assert (hidden["statement"], hidden["envelope"]) == (None, None)


class TestChanges:
    def test_everything_is_told_page_by_page_in_order(self, client: httpx.Client) -> None:
        found: list[dict[str, Any]] = []
        cursor: str | None = "0"
        while cursor is not None:
            page = get(client, f"/api/v1/changes?limit=3&cursor={cursor}")
            found += page["changes"]
            cursor = page["next"]
        assert len(found) == page["total"]
        assert [one["at"] for one in found] == sorted(one["at"] for one in found)
        addresses = {(one["owner"], one["repository"], one["slug"]) for one in found}
        assert len(addresses) == len(found)
        assert {one["change"] for one in found} >= {"added", "changed", "gone"}

    def test_only_what_is_later_counts(self, client: httpx.Client) -> None:
        everything = get(client, "/api/v1/changes")["changes"]
        middle = everything[len(everything) // 2]["at"]
        later = get(client, "/api/v1/changes?" + str(httpx.QueryParams({"since": middle})))["changes"]
        assert later == [one for one in everything if one["at"] > middle]

    def test_since_a_snapshot_is_since_the_time_in_its_id(self, client: httpx.Client) -> None:
        answer = get(client, f"/api/v1/changes?since={EPOCH + timedelta(days=1):%Y%m%dT%H%M%SZ}-0123456789ab")
        assert answer["since"] == "2026-03-02T08:30:00Z"
        nothing = get(client, f"/api/v1/changes?since={answer['snapshot']}")
        assert (nothing["total"], nothing["changes"]) == (0, [])

    @pytest.mark.parametrize("since", ["yesterday", "20261399T000000Z-abc", "-1", "0001-01-01T00:00:00+23:00"])
    def test_what_is_no_time_is_refused(self, client: httpx.Client, since: str) -> None:
        problem(client.get("/api/v1/changes", params={"since": since}), "invalid-parameter")


class TestDirectory:
    def test_all_repositories_are_listed(self, client: httpx.Client) -> None:
        found = get(client, "/api/v1/repositories")
        assert found["total"] == len(found["repositories"]) == len({one.repository for one in SAMPLES})
        tools = next(one for one in found["repositories"] if one["repository_id"] == ACME.repository_id)
        shown = get(client, "/api/v1/repositories/acme/tools")
        assert tools["skills"] == shown["counts"]["listed"]

    def test_all_owners_are_listed_page_by_page(self, client: httpx.Client) -> None:
        first = get(client, "/api/v1/owners?limit=1")
        rest = get(client, f"/api/v1/owners?cursor={first['next']}")
        owners = [one["owner"] for one in (*first["owners"], *rest["owners"])]
        assert len(owners) == first["total"] == len({one.repository.owner.lower() for one in SAMPLES})
        assert owners == sorted(owners, key=str.lower)


class TestRenames:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("/api/v1/skills/old-acme/gadgets/pdf-forms", PDF),
            ("/api/v1/skills/OLD-ACME/Gadgets/pdf-forms/files?version=1.0.0", f"{PDF}/files?version=1.0.0"),
            ("/api/v1/skills/acme/tools/fill-pdf", PDF),
            ("/api/v1/skills/acme/tools/fill-pdf/download", f"{PDF}/download"),
            ("/api/v1/repositories/old-acme/gadgets?limit=2", "/api/v1/repositories/acme/tools?limit=2"),
        ],
    )
    def test_an_old_name_leads_to_the_new_one(self, client: httpx.Client, old: str, new: str) -> None:
        answer = client.get(old)
        assert (answer.status_code, answer.headers["location"]) == (301, new)
        assert "immutable" not in answer.headers["cache-control"]
        assert client.get(new).status_code == 200

    def test_both_names_may_be_old(self, client: httpx.Client) -> None:
        answer = client.get("/api/v1/skills/old-acme/gadgets/fill-pdf", follow_redirects=True)
        assert (answer.status_code, answer.url.path) == (200, PDF)

    def test_what_never_was_is_not_found(self, client: httpx.Client) -> None:
        problem(client.get("/api/v1/skills/acme/tools/never"), "not-found")
        problem(client.get("/api/v1/repositories/old-acme/never"), "not-found")
