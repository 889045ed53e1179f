"""Plugins of a crawled repository in the index: recorded with the skills, marked gone, never deleted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from skilldata.database.repositories import set_state
from skilldata.export import create_snapshot
from skilldata.models import RepositoryState
from skilldata.pluginrows import MAX_BRINGING, find_plugin, marketplace_rows, plugins_by_skill, plugins_of_skill
from skilldata.snapshot import Snapshot
from tests.conftest import Registry
from tests.standin import StandIn
from tests.test_crawl import SKILL, Crawler

MARKETPLACE = ".claude-plugin/marketplace.json"
PLUGINS = "SELECT name, slug, source_type, source_folder, gone_at IS NULL FROM plugin ORDER BY name"
EVENTS = "SELECT kind FROM event WHERE kind ~ '^(plugin|marketplace)' ORDER BY event_id"


def listed(*plugins: dict[str, Any]) -> str:
    return json.dumps({"name": "acme", "owner": {"name": "Acme"}, "plugins": list(plugins)})


def crawl_again(crawler: Crawler) -> None:
    for repository_id in crawler.probe():
        crawler.crawl_one(repository_id)


def test_plugins_are_recorded_and_marked_gone(registry: Registry, github: StandIn) -> None:
    files = {
        MARKETPLACE: listed(
            {"name": "docs", "source": "./", "strict": False, "skills": ["./skills/pdf"]},
            {"name": "far", "source": {"source": "github", "repo": "acme/far"}},
        ),
        "skills/pdf/SKILL.md": SKILL.format(name="pdf"),
        "deep/tool/.claude-plugin/plugin.json": json.dumps({"name": "tool", "mcpServers": {"db": {"command": "x"}}}),
        "deep/tool/.mcp.json": json.dumps({"mcpServers": {"files": {"command": "y"}}}),
        "broken/.claude-plugin/plugin.json": "{",
    }
    github.add_repository("acme/tools", files)
    with Crawler(registry) as crawler:
        crawler.crawl("acme/tools")
        assert registry.rows(PLUGINS) == [
            ("docs", "docs", "own", "", True),
            ("far", "far", "github", "", True),
            ("tool", "tool", "own", "deep/tool", True),
        ]
        components = """
            SELECT found.name, kind, path FROM plugin_component AS found JOIN plugin USING (plugin_id)
            ORDER BY plugin.name, ordinal
        """
        assert registry.rows(components) == [
            ("pdf", "skill", "skills/pdf"),
            ("db", "mcp", "deep/tool/.claude-plugin/plugin.json"),
            ("files", "mcp", "deep/tool/.mcp.json"),
        ]
        found = registry.rows("SELECT rule, file FROM plugin_diagnostic")
        assert found == [("plugin.file", "broken/.claude-plugin/plugin.json")]
        assert registry.rows("SELECT owner, name FROM reference") == [("acme", "far")]
        events = registry.rows(EVENTS)
        assert [kind for (kind,) in events] == ["marketplace.listed", *["plugin.listed"] * 3]

        registry.database.make_due(full=True)
        crawl_again(crawler)
        assert registry.rows(EVENTS) == events, "the same revision again changes nothing"

        github.push("acme/tools", {**files, MARKETPLACE: listed({"name": "docs", "source": "./", "version": "2"})})
        crawl_again(crawler)
        assert registry.rows(PLUGINS)[1] == ("far", None, "github", "", False)
        assert [kind for (kind,) in registry.rows(EVENTS)[len(events) :]] == ["plugin.gone", "plugin.changed"]
        github.push("acme/tools", files)
        crawl_again(crawler)
        assert registry.rows(PLUGINS)[1] == ("far", "far", "github", "", True)


def test_plugins_leave_with_their_repository_and_come_back(registry: Registry, github: StandIn) -> None:
    repository_id = github.add_repository("acme/tools", {MARKETPLACE: listed({"name": "docs", "source": "./"})})
    with Crawler(registry) as crawler:
        crawler.crawl("acme/tools")
        assert registry.rows("SELECT slug, gone_at IS NULL FROM plugin") == [("docs", True)]
        with registry.database.transaction() as connection:
            set_state(connection, repository_id, RepositoryState.GONE)
        assert registry.rows("SELECT slug, gone_at IS NULL FROM plugin") == [(None, False)]
        assert registry.rows("SELECT gone_at IS NULL FROM marketplace") == [(False,)]
        crawler.crawl("acme/tools")
    assert registry.rows("SELECT slug, gone_at IS NULL FROM plugin") == [("docs", True)]


def test_many_plugins_from_one_folder_do_not_multiply_its_skills(
    registry: Registry, github: StandIn, tmp_path: Path
) -> None:
    source = {"source": "github", "repo": "acme/far"}
    many = [{"name": f"p{number}", "source": source} for number in range(30)]
    named = [{"name": f"n{number}", "source": source, "skills": ["./skills/csv"]} for number in range(30)]
    github.add_repository("aaron/spam", {MARKETPLACE: listed(*many, *named)})
    files = {MARKETPLACE: listed({"name": "own", "source": "./"}), "skills/csv/SKILL.md": SKILL.format(name="csv")}
    github.add_repository("acme/far", files)
    with Crawler(registry) as crawler:
        crawler.crawl("aaron/spam", "acme/far")
    with Snapshot(tmp_path / create_snapshot(registry.database, tmp_path).id) as snapshot:
        csv = snapshot.skill("acme", "far", "csv").summary
        rows = plugins_of_skill(snapshot, csv.repository_id, csv.path)
        assert rows == plugins_by_skill(snapshot)[csv.repository_id, csv.path]
        assert [row.address for row in rows][:2] == ["acme/far/own", "aaron/spam/n0"]
        assert len(rows) == MAX_BRINGING
        assert list(snapshot.query("SELECT plugin FROM plugin_skill WHERE plugin LIKE 'p%'")) == []


def test_marketplaces_in_subfolders_name_repositories_too(registry: Registry, github: StandIn) -> None:
    source = {"source": "git-subdir", "url": "https://github.com/acme/deep.git", "path": "x"}
    github.add_repository("acme/tools", {f"team/{MARKETPLACE}": listed({"name": "deep", "source": source})})
    with Crawler(registry) as crawler:
        crawler.crawl("acme/tools")
    assert registry.rows("SELECT path, owner, name FROM reference") == [(f"team/{MARKETPLACE}", "acme", "deep")]


def test_plugins_cost_no_request_of_their_own(registry: Registry, github: StandIn) -> None:
    skill = {"skills/pdf/SKILL.md": SKILL.format(name="pdf")}
    github.add_repository("acme/plain", skill)
    github.add_repository("acme/tools", {**skill, MARKETPLACE: listed({"name": "docs", "source": "./"})})
    requests = []
    with Crawler(registry) as crawler:
        for name in ("acme/plain", "acme/tools"):
            crawler.discover(name)
            (repository_id,) = crawler.probe()
            github.reset_wire_log()
            crawler.crawl_one(repository_id)
            requests.append(len(github.wire_log()))
    assert requests[0] == requests[1] > 0


def test_a_snapshot_has_plugins_with_their_skills(registry: Registry, github: StandIn, tmp_path: Path) -> None:
    far = {"name": "far", "source": {"source": "github", "repo": "Acme/Far"}}
    docs = {"name": "docs", "source": "./", "strict": False, "skills": ["./other/pdf"], "keywords": ["a", "b"]}
    github.add_repository(
        "acme/tools", {MARKETPLACE: listed(docs, far), "other/pdf/SKILL.md": SKILL.format(name="pdf")}
    )
    github.add_repository("acme/far", {"skills/csv/SKILL.md": SKILL.format(name="csv"), "x/y/SKILL.md": "---\n"})
    with Crawler(registry) as crawler:
        crawler.crawl("acme/tools", "acme/far")
    info = create_snapshot(registry.database, tmp_path)
    assert (info.counts["plugins"], info.counts["marketplaces"]) == (2, 1)
    with Snapshot(tmp_path / info.id) as snapshot:
        found = find_plugin(snapshot, "ACME", "tools", "far")
        assert [skill.address for skill in found.skills] == ["acme/far/csv"]
        assert found.row.source_id == snapshot.skill("acme", "far", "csv").summary.repository_id
        pdf = snapshot.skill("acme", "tools", "pdf").summary
        assert [row.address for row in plugins_of_skill(snapshot, pdf.repository_id, pdf.path)] == ["acme/tools/docs"]
        assert find_plugin(snapshot, "acme", "tools", "docs").row.keywords == ["a", "b"]
        assert [row.owner_name for row in marketplace_rows(snapshot)] == ["Acme"]
