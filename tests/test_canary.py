"""A token that is used is seen by GitHub, and by nobody and nothing else."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from skillcrawler.worker import connect
from tests.conftest import Registry
from tests.standin import StandIn
from tests.test_end_to_end import run, worker

CANARY = "ghp_canaryCanaryCanaryCanaryCanary0123456"


def test_the_token_is_in_no_log_history_database_object_or_page(registry: Registry, github: StandIn) -> None:
    github.add_token(CANARY, name="canary")
    registry.environment["SKILLREGISTRY_GITHUB__TOKEN"] = CANARY
    github.add_repository("acme/tools", {"a/SKILL.md": "---\nname: a\ndescription: One.\nlicense: MIT\n---\nbody\n"})
    github.add_repository("acme/broken", {"b/SKILL.md": "---\nname: b\ndescription: Two.\n---\nbody\n"})
    github.inject(path="/acme/broken.git", status=401)
    with worker(registry):
        report = run(registry, "crawl", "--wait", "acme")
    assert report["counters"]["crawled"] >= 1
    assert any(exchange.token == "canary" for exchange in github.wire_log())

    assert CANARY not in asyncio.run(_histories(registry))
    assert _tables_with(registry, CANARY) == []
    assert [key for key, _ in registry.objects.keys("") if CANARY.encode() in registry.objects.get(key)] == []
    assert _files_with(registry.settings.state_directory, CANARY.encode()) == []


def test_the_search_would_find_it(registry: Registry, github: StandIn) -> None:
    text = f"---\nname: a\ndescription: Uses {CANARY}.\n---\nbody\n"
    github.add_repository("acme/tools", {"a/SKILL.md": text})
    run(registry, "crawl", "--wait", "acme/tools")
    assert _tables_with(registry, CANARY)
    assert _files_with(registry.settings.state_directory, CANARY.encode())


async def _histories(registry: Registry) -> str:
    client = await connect(registry.settings.temporal)
    queue = registry.settings.temporal.task_queue
    found = []
    async for execution in client.list_workflows(f"TaskQueue = '{queue}'"):
        history = await client.get_workflow_handle(execution.id, run_id=execution.run_id).fetch_history()
        # Payloads are base64 in JSON; the bytes of the events are what a reader of Temporal sees.
        found.append(json.dumps(history.to_json_dict()))
        found.extend(event.SerializeToString().decode("latin-1") for event in history.events)
    assert found
    return "\n".join(found)


def _tables_with(registry: Registry, text: str) -> list[str]:
    tables = registry.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    query = 'SELECT count(*) FROM "{}" AS row WHERE row::text LIKE %s'
    return [name for (name,) in tables if registry.rows(query.format(name), f"%{text}%") != [(0,)]]


def _files_with(folder: Path, text: bytes) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]


def test_the_command_shows_no_secret_of_its_environment(registry: Registry) -> None:
    registry.environment["SKILLREGISTRY_GITHUB__TOKEN"] = CANARY
    assert CANARY not in str(run(registry, "config"))
