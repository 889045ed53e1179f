"""A token that is used is seen by GitHub, and by nobody and nothing else."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from skillcrawler.git import TRIES
from skillcrawler.worker import connect
from tests.conftest import Registry
from tests.standin import StandIn
from tests.test_end_to_end import run, worker

CANARY = "ghp_canaryCanaryCanaryCanaryCanary0123456"
SECOND = "ghp_secondSecondSecondSecondSecond0123456"


def test_the_token_is_in_no_log_history_database_object_or_page(registry: Registry, github: StandIn) -> None:
    github.add_token(CANARY, name="canary")
    github.add_token(SECOND, name="second")
    registry.environment["SKILLREGISTRY_GITHUB__TOKEN"] = CANARY
    registry.environment["SKILLREGISTRY_GITHUB__TOKENS"] = json.dumps([SECOND])
    github.add_repository("acme/tools", {"a/SKILL.md": "---\nname: a\ndescription: One.\nlicense: MIT\n---\nbody\n"})
    github.add_repository("acme/broken", {"b/SKILL.md": "---\nname: b\ndescription: Two.\n---\nbody\n"})
    # As often as one attempt asks, so that what git said of it is an activity's failure.
    github.inject(path="/acme/broken.git", status=401, count=TRIES)
    with worker(registry):
        report = run(registry, "crawl", "--wait", "acme")
    assert report["counters"]["crawled"] >= 1
    assert {"canary", "second"} <= {exchange.token for exchange in github.wire_log()}
    _assert_nowhere(registry, CANARY, SECOND)


def test_the_key_of_an_app_is_nowhere_either(registry: Registry, github: StandIn) -> None:
    app = github.add_app(app_id=7, installation_id=8)
    credential = {"app_id": 7, "installation_id": 8, "private_key": app.private_key}
    registry.environment["SKILLREGISTRY_GITHUB__APPS"] = json.dumps([credential])
    del registry.environment["SKILLREGISTRY_GITHUB__TOKEN"]
    github.add_repository("acme/tools", {"a/SKILL.md": "---\nname: a\ndescription: One.\nlicense: MIT\n---\nbody\n"})
    with worker(registry):
        report = run(registry, "crawl", "--wait", "acme")
    assert report["counters"]["crawled"] == 1
    kinds = {exchange.kind for exchange in github.wire_log() if exchange.token.startswith("app-7-")}
    assert {"rest", "graphql", "git"} <= kinds
    _assert_nowhere(registry, app.private_key.splitlines()[1], "ghs_")


def _assert_nowhere(registry: Registry, *secrets: str) -> None:
    histories = asyncio.run(_histories(registry))
    for secret in secrets:
        assert secret not in histories
        assert _tables_with(registry, secret) == []
        assert [key for key, _ in registry.objects.keys("") if secret.encode() in registry.objects.get(key)] == []
        assert _files_with(registry.settings.state_directory, secret.encode()) == []


def test_the_search_would_find_it(registry: Registry, github: StandIn) -> None:
    text = f"---\nname: a\ndescription: Uses {CANARY}.\n---\nbody\n"
    github.add_repository("acme/tools", {"a/SKILL.md": text})
    run(registry, "crawl", "--wait", "acme/tools")
    assert _tables_with(registry, CANARY)
    assert _files_with(registry.settings.state_directory, CANARY.encode())


def test_budgets_are_shown_by_names_that_tell_nothing(registry: Registry, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": "---\nname: a\ndescription: One.\n---\nbody\n"})
    run(registry, "crawl", "--wait", "acme/tools")
    shown = run(registry, "crawl", "budgets")
    assert {one["bucket"] for one in shown} == {"core", "graphql"}
    assert all(0 < one["left"] < one["limit"] for one in shown)
    assert github.token not in str(shown)


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
