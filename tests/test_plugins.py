"""Marketplace and plugin files: every kind of source, every kind of component, and whatever is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillcrawler.gitobjects import TreeEntry
from skillcrawler.plugins import plugin_files, read_plugins
from skillcrawler.plugins.repository import MAX_BYTES
from skillcrawler.tree import RepositoryTree
from skilldata.plugins import ComponentKind, KnownPlugin, ReadPlugin, ReadPlugins, SourceType

MARKETPLACE = ".claude-plugin/marketplace.json"


def read(files: dict[str, Any], *, known: tuple[KnownPlugin, ...] = ()) -> ReadPlugins:
    """Read a repository of these files; values that are no text are written as JSON."""
    content = {path: value if isinstance(value, str) else json.dumps(value) for path, value in files.items()}
    oids = {path: f"{number:040x}" for number, path in enumerate(content)}
    tree = RepositoryTree(TreeEntry(path, 0o100644, oid) for path, oid in oids.items())
    found = plugin_files(tree)
    blobs: dict[str, bytes | None] = {
        oids[path]: text.encode("utf-8", "surrogatepass") for path, text in content.items()
    }
    return read_plugins(tree, found, blobs.__getitem__, known=known)


def one(result: ReadPlugins, name: str) -> ReadPlugin:
    return next(plugin for plugin in result.plugins if plugin.name == name)


def listed(*plugins: Any, **more: Any) -> dict[str, Any]:
    return {"name": "acme", "owner": {"name": "Acme"}, "plugins": list(plugins), **more}


def components(plugin: ReadPlugin, kind: ComponentKind) -> list[tuple[str, str]]:
    return [(found.name, found.path) for found in plugin.components if found.kind is kind]


def rules(result: ReadPlugins) -> list[str]:
    return [found.rule for found in result.diagnostics]


def test_a_plugin_has_what_lies_in_its_usual_folders() -> None:
    result = read({
        "plugins/a/.claude-plugin/plugin.json": {"name": "a", "version": "1.2.0", "author": {"name": "Ann"}},
        "plugins/a/skills/csv/SKILL.md": "",
        "plugins/a/skills/csv/deep/SKILL.md": "",
        "plugins/a/commands/group/tidy.md": "",
        "plugins/a/agents/critic.md": "",
        "plugins/a/hooks/hooks.json": {"hooks": {"PostToolUse": [{}]}},
        "plugins/a/.mcp.json": {"mcpServers": {"db": {"command": "x"}}},
        "plugins/a/.lsp.json": {"go": {"command": "gopls"}},
        "plugins/b/skills/other/SKILL.md": "",
    })  # fmt: skip
    (plugin,) = result.plugins
    assert (plugin.version, plugin.author, plugin.source.folder, plugin.slug) == ("1.2.0", "Ann", "plugins/a", "a")
    assert [(found.kind.value, found.name) for found in plugin.components] == [
        ("skill", "csv"),
        ("command", "tidy"),
        ("agent", "critic"),
        ("hook", "PostToolUse"),
        ("mcp", "db"),
        ("lsp", "go"),
    ]
    assert result.diagnostics == ()


def test_an_entry_that_is_not_strict_is_all_there_is() -> None:
    entry = {"name": "docs", "source": "./", "strict": False, "skills": ["./skills/pdf", "./skills/xlsx"]}
    result = read({MARKETPLACE: listed(entry), "skills/pdf/SKILL.md": "", "skills/xlsx/SKILL.md": "",
                   "skills/art/SKILL.md": ""})  # fmt: skip
    plugin = one(result, "docs")
    assert not plugin.strict
    assert components(plugin, ComponentKind.SKILL) == [("pdf", "skills/pdf"), ("xlsx", "skills/xlsx")]
    assert rules(result) == []


def test_a_folder_of_skills_may_be_named_whole() -> None:
    entry = {"name": "docs", "source": "./", "strict": False, "skills": "./skills"}
    result = read({MARKETPLACE: listed(entry), "skills/pdf/SKILL.md": "", "skills/xlsx/skill.md": ""})
    assert len(components(one(result, "docs"), ComponentKind.SKILL)) == 2


def test_an_entry_and_a_manifest_are_one_plugin() -> None:
    result = read({
        MARKETPLACE: listed({"name": "a", "source": "./a", "description": "From the entry"}),
        "a/.claude-plugin/plugin.json": {"name": "a", "description": "From the manifest", "license": "MIT",
                                         "commands": ["./extra/go.md"], "mcpServers": {"db": {}}},
        "a/extra/go.md": "",
        "a/commands/not-looked-at.md": "",
    })  # fmt: skip
    (plugin,) = result.plugins
    assert (plugin.description, plugin.licence, plugin.file) == ("From the entry", "MIT", MARKETPLACE)
    assert components(plugin, ComponentKind.COMMAND) == [("go", "a/extra/go.md")]
    assert components(plugin, ComponentKind.MCP) == [("db", "a/.claude-plugin/plugin.json")]


def test_marketplaces_in_subfolders_count_from_there() -> None:
    result = read({
        f"team/{MARKETPLACE}": listed({"name": "a", "source": "tools"}, metadata={"pluginRoot": "./plugins"}),
        "team/plugins/tools/skills/x/SKILL.md": "",
    })  # fmt: skip
    assert one(result, "a").source.folder == "team/plugins/tools"
    assert components(one(result, "a"), ComponentKind.SKILL) == [("x", "team/plugins/tools/skills/x")]
    assert result.marketplaces[0].owner == "Acme"


@pytest.mark.parametrize(("source", "expected"), [
    ({"source": "github", "repo": "acme/x", "ref": "v1"}, ("github", "acme/x", "acme", "x", "", "v1", "")),
    ({"source": "url", "url": "https://github.com/acme/x.git", "sha": "c" * 40},
     ("git", "https://github.com/acme/x.git", "acme", "x", "", "", "c" * 40)),
    ({"source": "url", "url": "https://git.example/x.git"}, ("git", "https://git.example/x.git", "", "", "", "", "")),
    ("https://github.com/acme/x", ("git", "https://github.com/acme/x", "acme", "x", "", "", "")),
    ({"source": "git-subdir", "url": "acme/x", "path": "tools/a/"}, ("git", "acme/x", "acme", "x", "tools/a", "", "")),
    ({"source": "npm", "package": "@acme/x", "version": "^1"}, ("npm", "@acme/x", "", "", "", "^1", "")),
    ({"source": "archive", "url": "https://cdn.example/x.zip", "sha256": "d" * 64},
     ("archive", "https://cdn.example/x.zip", "", "", "", "", "d" * 64)),
])  # fmt: skip
def test_every_kind_of_source(source: Any, expected: tuple[str, ...]) -> None:
    result = read({MARKETPLACE: listed({"name": "x", "source": source, "strict": False, "skills": ["./s/y"]})})
    found = one(result, "x").source
    assert tuple(found.model_dump(mode="json").values()) == expected
    assert components(one(result, "x"), ComponentKind.SKILL) == [("y", f"{found.folder}/s/y".lstrip("/"))]
    assert rules(result) == []


@pytest.mark.parametrize(("source", "rule"), [
    (None, "plugin.source"),
    (7, "plugin.source"),
    ({"source": "ftp"}, "plugin.source"),
    ({"source": "github", "repo": ["x"]}, "plugin.source"),
    ({"source": "github"}, "plugin.source"),
    ({"source": "npm"}, "plugin.source"),
    ({"source": "url", "url": " "}, "plugin.source"),
    ({"source": "archive"}, "plugin.source"),
    ({"source": "git-subdir", "url": "acme/x", "path": "../y"}, "plugin.source"),
    ("../outside", "plugin.source-path"),
    ("/etc", "plugin.source-path"),
    ("./a/../../b", "plugin.source-path"),
    ("./not-there", "plugin.source-path"),
    ("./a\0b", "plugin.source-path"),
])  # fmt: skip
def test_a_source_that_cannot_be_read_is_said(source: Any, rule: str) -> None:
    result = read({MARKETPLACE: listed({"name": "x", "source": source})})
    assert rules(result) == [rule]
    assert one(result, "x").source.type in (SourceType.OTHER, SourceType.OWN)


@pytest.mark.parametrize(("content", "rule"), [
    ("{", "plugin.file"),
    ("[]", "plugin.file"),
    ('{"a": ' * 100_000, "plugin.file"),
    ('"' + "x" * 1024 * 1024 + '"', "plugin.file"),
    ({"name": "a"}, "plugin.no-list"),
    (listed({"source": "./"}), "plugin.no-name"),
    (listed("text"), "plugin.type"),
    (listed({"name": "A B", "source": {"source": "npm", "package": "x"}}), "plugin.name"),
    (listed({"name": "a", "source": "./p", "skills": {"x": 1}}), "plugin.type"),
    (listed({"name": "a", "source": "./p", "agents": ["../../x"]}), "plugin.component-path"),
    (listed({"name": "a", "source": "./p", "mcpServers": "./gone.json"}), "plugin.component-path"),
    (listed({"name": "a", "source": "./p", "description": 7, "skills": []}), "plugin.type"),
    (listed({"name": "a", "source": "./p"}), "plugin.no-manifest"),
    (listed(*[{"name": "a", "source": {"source": "npm", "package": "x"}}] * 2), "plugin.duplicate"),
])  # fmt: skip
def test_what_is_wrong_is_said_with_a_remedy(content: Any, rule: str) -> None:
    result = read({MARKETPLACE: content, "p/x.txt": ""})
    assert rules(result) == [rule]
    assert all(found.remedy and found.file == MARKETPLACE for found in result.diagnostics)


def test_components_in_both_files_are_a_conflict() -> None:
    result = read({
        MARKETPLACE: listed({"name": "a", "source": "./a", "strict": False, "agents": "./x.md"}),
        "a/.claude-plugin/plugin.json": {"name": "a", "agents": "./x.md"},
        "a/x.md": "",
    })  # fmt: skip
    assert rules(result) == ["plugin.conflict"]


def test_names_that_come_twice_get_slugs_of_their_own_and_keep_them() -> None:
    npm = {"source": "npm", "package": "x"}
    files = {f"{team}/{MARKETPLACE}": listed({"name": "a", "source": npm}) for team in ("red", "blue")}
    first = {plugin.file: plugin.slug for plugin in read(files).plugins}
    assert min(first.values()) == "a"
    assert len(set(first.values())) == 2
    known = tuple(KnownPlugin(file=file, name="a", slug=slug) for file, slug in first.items())
    again = read({**files, MARKETPLACE: listed({"name": "a", "source": npm})}, known=known)
    assert {plugin.file: plugin.slug for plugin in again.plugins if plugin.file in first} == first


def test_texts_cannot_steer_a_terminal_and_are_cut() -> None:
    result = read({MARKETPLACE: listed({"name": "a\x1b[2J\u202e", "description": "y" * 9999, "source": {
        "source": "npm", "package": "\x1b[31m"}})})  # fmt: skip
    (plugin,) = result.plugins
    shown = plugin.name + plugin.source.address + "".join(found.message for found in result.diagnostics)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert len(plugin.description) < 2100
    assert plugin.slug


def test_one_folder_named_thousands_of_times_is_looked_at_once() -> None:
    entry = {"source": "./", "strict": False, "skills": ["./skills"] * 2000}
    files: dict[str, Any] = {f"skills/s{number}/SKILL.md": "" for number in range(1500)}
    files[MARKETPLACE] = listed(*({**entry, "name": f"p{number}"} for number in range(25)))
    result = read(files)
    assert sum(len(plugin.components) for plugin in result.plugins) <= 100_000
    assert "plugin.too-many" in rules(result)


def test_all_files_together_are_bounded() -> None:
    large = json.dumps({"name": "a", "description": "x" * 900_000})
    files = {f"p{number}/.claude-plugin/plugin.json": large for number in range(100)}
    result = read(files)
    assert len(result.plugins) == MAX_BYTES // len(large) + 1
    assert rules(result) == ["plugin.file"] * (len(files) - len(result.plugins))


def test_looking_for_components_ends() -> None:
    folders = [f"skills/{'d/' * (number % 100)}f{number}" for number in range(20_000)]
    files: dict[str, Any] = {f"{folder}/x.txt": "" for folder in folders}
    agents = [f"./skills/{'d/' * depth}" for depth in range(100)]
    files[MARKETPLACE] = listed({"name": "deep", "source": "./", "agents": agents})
    assert "plugin.too-many" in rules(read(files))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["./", "..", "github", "url"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "source", "repo", "url", "path", "skills", "hooks", "mcpServers", "strict", "author"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=4), JSON)
@settings(max_examples=200, deadline=None)
def test_any_json_is_read_or_has_a_diagnostic(plugins: list[Any], manifest: Any) -> None:
    result = read({MARKETPLACE: {"plugins": plugins}, "a/.claude-plugin/plugin.json": manifest})
    assert all(plugin.name and plugin.slug for plugin in result.plugins)
    assert all(found.remedy for found in result.diagnostics)


@pytest.mark.corpus
def test_the_real_repositories_have_plugins(corpus_directory: Path) -> None:
    """Every marketplace and plugin.json of the real repositories whose text is there is read."""
    count = 0
    for path in sorted(corpus_directory.glob("*__*.json")):
        data = json.loads(path.read_text("utf-8"))
        entries = [TreeEntry(name, int(str(mode), 8), oid) for name, mode, _, oid in data["snapshots"][-1]["entries"]]
        tree = RepositoryTree(entries)
        files = plugin_files(tree)
        texts = {oid: text.encode() if isinstance(text, str) else None for oid, text in data["texts"].items()}
        result = read_plugins(tree, files, texts.get)
        count += len(result.plugins)
        assert all(found.remedy for found in result.diagnostics)
    assert count > 100
