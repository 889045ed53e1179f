"""Every command of docs/operations.md does what is said there, and the documentation names no other."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from skillcli.main import app
from tests.conftest import ROOT, Registry
from tests.standin import StandIn
from tests.test_end_to_end import COMMAND, environment, run
from tests.waiting import wait_until

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
CODE = re.compile(r"`([^`\n]+)`")


def commands() -> set[tuple[str, ...]]:
    """Every command there is, with the words that lead to it."""
    found: set[tuple[str, ...]] = set()

    def walk(command: Any, words: tuple[str, ...]) -> None:
        found.add(words)
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, (*words, name))

    walk(get_command(app), ())
    return found


def test_documents_name_only_commands_and_targets_that_exist() -> None:
    known = commands()
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wrong = []
    for path in DOCUMENTS:
        for said in CODE.findall(path.read_text(encoding="utf-8")):
            words = said.split()
            if words[0] == "skillregistry" and len(words) > 1 and not words[1].startswith("-"):
                wrong += [] if (words[1],) in known else [f"{path.name}: {said}"]
            if words[0] == "make" and len(words) > 1 and words[1] not in targets:
                wrong.append(f"{path.name}: {said}")
    assert wrong == []


def test_operations_lists_every_command() -> None:
    text = " ".join(CODE.findall((ROOT / "docs" / "operations.md").read_text(encoding="utf-8")))
    leaves = {words for words in commands() if not any(other[:-1] == words for other in commands() if other)}
    missing = [words for words in leaves if words != ("crawl", "run") and " ".join(words) not in text]
    assert missing == []


def test_every_make_target_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    described = set(re.findall(r"^([a-z][a-z-]*):.*## ", makefile, re.MULTILINE))
    assert described == set(phony[1].split())


def test_what_a_maintainer_looks_at(registry: Registry, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": "---\nname: a\ndescription: One.\n---\nbody\n"})
    assert run(registry, "crawl", "status")["state"] == "never run"
    workflow = "crawl/" + run(registry, "crawl", "--dry-run", "acme/tools", "nobody")[0]["target"].replace("/", "-")
    assert run(registry, "crawl", "status", workflow)["state"] == "never run"
    report = run(registry, "crawl", "--wait", "--no-publish", "acme/tools", "nobody")
    assert (report["counters"]["sources_failing"], report["published"]) == (1, None)
    rows = [row for row in run(registry, "sources") if not row["configured"]]
    health = {row["target"]: (row["health"], row["repositories"]) for row in rows}
    assert health == {"acme/tools": ("ok", 1), "nobody": ("failing", 0)}
    revisions = run(registry, "migrate", "status")
    assert revisions["database"] == revisions["program"]
    shown = run(registry, "config")
    assert shown["github.token"] == "(set)"
    assert github.token not in str(shown)
    judged = run(registry, "scan", "--all", "--dry-run")
    assert (judged["due"], judged["scanned"], judged["changed"], judged["unreadable"]) == (1, 1, 0, 0)
    assert run(registry, "scan")["due"] == 0
    published = run(registry, "publish")
    assert published["changed"]
    assert run(registry, "publish") == {**published, "changed": False, "pages": 0, "files_written": 0}
    assert run(registry, "snapshot", "list") == [{"id": published["snapshot"], "skills": 1, "live": True}]


def test_serve_answers_and_drains(registry: Registry, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": "---\nname: a\ndescription: One.\nlicense: MIT\n---\nbody\n"})
    run(registry, "crawl", "--wait", "acme/tools")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    process = subprocess.Popen([COMMAND, "serve", "--port", str(port)], env=environment(registry))
    try:
        base = f"http://127.0.0.1:{port}"
        wait_until(lambda: _status(f"{base}/readyz") == 200, 30)
        assert _status(f"{base}/") == 200
        assert _status(f"{base}/s/acme/tools/a.html") == 200
        assert _status(f"{base}/api/v1/search?q=one") == 200
        [(digest, redistributable)] = registry.rows(
            "SELECT package_digest, redistributable FROM package JOIN version USING (content_digest)"
        )
        assert _status(f"{base}/api/v1/packages/{digest}") == (200 if redistributable else 403)
        assert _status(f"{base}/api/v1/skills/acme/tools/none") == 404
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(40) == 0


def test_external_services_are_left_alone(tmp_path: Path) -> None:
    variables = {
        **os.environ,
        "SKILLREGISTRY_STATE_DIRECTORY": str(tmp_path / "state"),
        "SKILLREGISTRY_DATABASE__URL": "postgresql://127.0.0.1:1/none",
        "SKILLREGISTRY_S3__ENDPOINT": "http://127.0.0.1:1",
        "SKILLREGISTRY_TEMPORAL__SERVER_URL": "127.0.0.1:1",
    }
    done = subprocess.run([COMMAND, "status", "--json"], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.count('"external"') == 3
    failed = subprocess.run([COMMAND, "sources"], env=variables, capture_output=True, text=True, check=False)
    assert failed.returncode == 5
    assert failed.stderr.startswith("error[service-unavailable]: the database does not answer")


def test_help_is_quick_enough_to_need_no_service() -> None:
    heavy = ("boto3", "duckdb", "psycopg", "tantivy", "temporalio")
    code = f"import sys; import skillcli.main; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("words", sorted(commands()), ids=lambda words: "-".join(words) or "all")
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    command = get_command(app)
    for word in words:
        command = command.commands[word]  # type: ignore[attr-defined]
    assert command.help


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return int(error.code)
    except urllib.error.URLError:
        return 0
