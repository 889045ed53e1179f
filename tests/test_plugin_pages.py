"""Plugins as people and programs see them: pages in order, hostile texts escaped, answers as described."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import httpx
import jsonschema_rs
import pytest

from skillapi.app import create_app
from skillapi.live import FolderSource
from skilldata.config import Settings
from skilldata.search import build_search_index
from skilldata.snapshot import DATABASE, SEARCH, Snapshot
from skillsite.asks import TITLES, asks_for
from skillsite.check import check_site
from tests.snapshots import ACME, HOSTILE, XSS, make_snapshot
from tests.test_api import MemoryStore, serving
from tests.test_site import build

MARKETPLACE = ".claude-plugin/marketplace.json"
DAY = "2026-03-02T00:00:00"


def plugin(repository: Any, name: str, slug: str | None, **more: Any) -> dict[str, Any]:
    texts = ("description", "version", "author", "homepage", "licence", "category", "source_address", "source_owner",
             "source_name", "source_folder", "source_ref", "source_revision")  # fmt: skip
    return {
        **dict.fromkeys(texts, ""),
        "repository_id": repository.repository_id, "file": MARKETPLACE, "name": name, "owner": repository.owner,
        "repository": repository.name, "slug": slug, "keywords": "[]", "strict": True, "source_type": "own",
        "source_id": repository.repository_id, "first_seen_at": DAY, "updated_at": DAY, "gone_at": None, **more,
    }  # fmt: skip


def marketplace(repository: Any, name: str) -> dict[str, Any]:
    return {"repository_id": repository.repository_id, "file": MARKETPLACE, "owner": repository.owner,
            "repository": repository.name, "name": name, "owner_name": name, "description": name, "version": name,
            "first_seen_at": DAY, "updated_at": DAY, "gone_at": None}  # fmt: skip


def snapshot_with_plugins(folder: Path) -> Path:
    """The sample snapshot with a plugin of each sort."""
    made = make_snapshot(folder)
    evil = dict.fromkeys(("description", "version", "author", "homepage", "licence", "category", "source_ref"), XSS)
    far = {"source_type": "github", "source_owner": "far", "source_name": "away", "source_id": None}
    here = {"repository_id": ACME.repository_id, "file": MARKETPLACE, "plugin": "docs"}
    there = {"repository_id": HOSTILE.repository_id, "file": MARKETPLACE, "plugin": XSS}
    rows: dict[str, list[dict[str, Any]]] = {
        "marketplace": [marketplace(ACME, "acme"), marketplace(HOSTILE, XSS)],
        "plugin": [
            plugin(ACME, "docs", "docs", keywords='["pdf"]', strict=False),
            plugin(ACME, "far", "far", **far),
            plugin(ACME, "old", None, gone_at=DAY),
            plugin(HOSTILE, XSS, "evil", **evil, source_type="npm", source_address=XSS, source_id=None,
                   keywords=json.dumps([XSS])),
        ],
        "plugin_component": [
            here | {"ordinal": 0, "kind": "skill", "name": "pdf-forms", "path": "skills/pdf-forms"},
            there | {"ordinal": 0, "kind": "mcp", "name": XSS, "path": XSS},
        ],
        "plugin_skill": [here | {"skill_repository_id": ACME.repository_id, "path": "skills/pdf-forms"}],
        "plugin_diagnostic": [
            {"repository_id": HOSTILE.repository_id, "ordinal": 0, "rule": "plugin.source", "level": "error",
             "file": MARKETPLACE, "message": f"{XSS} has no source", "remedy": "Name one."},
        ],
    }  # fmt: skip
    with duckdb.connect(str(made / DATABASE)) as connection:
        for table, values in rows.items():
            for row in values:
                columns, marks = ", ".join(row), ", ".join("?" * len(row))
                connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", list(row.values()))
    with Snapshot(made) as opened:
        build_search_index(opened, made / SEARCH)
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return snapshot_with_plugins(tmp_path_factory.mktemp("plugins") / "snapshot")


@pytest.fixture(scope="module")
def site(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("site")
    build(made, output)
    return output / "live"


def test_every_page_is_in_order(site: Path) -> None:
    assert check_site(site) == []
    assert (site / "p/mallory/evil.repo/evil.html").exists()
    assert not (site / "p/acme/tools/old.html").exists()


def test_hostile_texts_are_escaped(site: Path) -> None:
    for page in ("p/mallory/evil.repo/evil.html", "m/mallory/evil.repo/index.html", "plugins/index.html"):
        text = (site / page).read_text("utf-8")
        assert "<script>alert" not in text
        assert "&lt;script&gt;" in text


def test_skill_plugin_and_repository_link_to_each_other(site: Path) -> None:
    assert 'href="/p/acme/tools/docs.html"' in (site / "s/acme/tools/pdf-forms.html").read_text("utf-8")
    assert 'href="/s/acme/tools/pdf-forms.html"' in (site / "p/acme/tools/docs.html").read_text("utf-8")
    assert 'href="/m/acme/tools/"' in (site / "r/acme/tools/index.html").read_text("utf-8")
    assert 'href="/p/acme/tools/far.html"' in (site / "m/acme/tools/index.html").read_text("utf-8")
    assert "docs.html" not in (site / "s/acme/tools/csv-tools.html").read_text("utf-8")


def test_a_skill_page_says_what_it_asks_for(site: Path) -> None:
    text = (site / "s/acme/tools/pdf-forms.html").read_text("utf-8")
    assert "What it asks for" in text
    assert "Read, Bash(python:*)" in text
    twin = json.loads((site / "s/acme/tools/pdf-forms.json").read_text("utf-8"))
    assert twin["client_keys"] == {"allowed_tools": ["Read", "Bash(python:*)"]}


def test_a_page_is_made_anew_when_a_plugin_takes_its_skill_up(tmp_path: Path) -> None:
    plain = make_snapshot(tmp_path / "plain")
    build(plain, tmp_path / "out")
    assert "docs.html" not in (tmp_path / "out/live/s/acme/tools/pdf-forms.html").read_text("utf-8")
    later = snapshot_with_plugins(tmp_path / "later")
    information = json.loads((later / "snapshot.json").read_text("utf-8"))
    (later / "snapshot.json").write_text(json.dumps({**information, "id": "20260316T120000Z-0123456789ab"}))
    build(later, tmp_path / "out")
    assert "docs.html" in (tmp_path / "out/live/s/acme/tools/pdf-forms.html").read_text("utf-8")


def test_asks_are_typed_and_in_words() -> None:
    manifest = {
        "allowed-tools": "Read Bash(git add:*)",
        "model": "opus",
        "disable-model-invocation": "yes",
        "user-invocable": "false",
        "context": "fork",
        "hooks": {"Stop": [{"command": "x"}]},
        "name": "n",
    }
    asks = {ask.key: ask.text for ask in asks_for(manifest)}
    assert asks.keys() == manifest.keys() - {"name"}
    assert asks["allowed-tools"] == "Read, Bash(git add:*)"
    assert (asks["disable-model-invocation"], asks["user-invocable"]) == ("yes", "no")
    assert '"command": "x"' in asks["hooks"]


def test_every_typed_key_has_words() -> None:
    from skilldata.clientkeys import ClientKeys

    assert TITLES.keys() == ClientKeys.model_fields.keys()


def test_the_api_answers_as_it_describes_itself(made: Path) -> None:
    app = create_app(FolderSource(made), MemoryStore(), Settings())
    with serving(app) as url, httpx.Client(base_url=url) as client:
        description = client.get("/api/v1/openapi.json").json()

        def valid(address: str, path: str) -> Any:
            answer = client.get(address)
            assert answer.status_code == 200, answer.text
            schema = description["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            validator = jsonschema_rs.validator_for({**schema, "components": description["components"]})
            assert [error.message for error in validator.iter_errors(answer.json())] == []
            return answer.json()

        operations = [one["operationId"] for methods in description["paths"].values() for one in methods.values()]
        assert len(set(operations)) == len(operations)
        everything = valid("/api/v1/plugins?limit=2", "/api/v1/plugins")
        assert (everything["total"], everything["next"]) == (3, "2")
        assert [one["slug"] for one in everything["plugins"]] == ["docs", "far"]
        assert valid("/api/v1/plugins?owner=MALLORY", "/api/v1/plugins")["total"] == 1
        one = "/api/v1/plugins/{owner}/{repository}/{slug}"
        docs = valid("/api/v1/plugins/acme/tools/docs", one)
        assert docs["skills"] == ["acme/tools/pdf-forms"]
        assert docs["url"] == "/p/acme/tools/docs.html"
        assert valid("/api/v1/plugins/acme/tools/far", one)["source"]["known"] is False
        (acme, _) = valid("/api/v1/marketplaces", "/api/v1/marketplaces")["marketplaces"]
        assert (acme["file"], acme["plugins"]) == (MARKETPLACE, 2)
        skill = valid("/api/v1/skills/acme/tools/pdf-forms", "/api/v1/skills/{owner}/{repository}/{slug}")
        assert skill["plugins"] == ["acme/tools/docs"]
        assert skill["client_keys"]["allowed_tools"] == ["Read", "Bash(python:*)"]
        missing = client.get("/api/v1/plugins/acme/tools/old")
        assert missing.status_code == 404
        assert missing.json()["code"] == "not-found"


def test_a_snapshot_of_before_there_were_plugins_has_none(tmp_path: Path) -> None:
    made = make_snapshot(tmp_path / "snapshot")
    with duckdb.connect(str(made / DATABASE)) as connection:
        for table in ("marketplace", "plugin", "plugin_component", "plugin_skill", "plugin_diagnostic"):
            connection.execute(f"DROP TABLE {table}")
    build(made, tmp_path / "out")
    assert check_site(tmp_path / "out" / "live") == []
