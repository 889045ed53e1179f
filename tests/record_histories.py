"""Record the histories of workflows that tests/test_replay.py replays: `python -m tests.record_histories`.

Run it when a workflow is added. A history that exists is evidence of runs that may still be in flight:
it stays as it is until none of them can be.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from skillcli.crawls import request
from skillcli.services import EmbeddedServices
from skillcli.site import build
from skillcrawler import policies
from skillcrawler.messages import Rescanned
from skillcrawler.schedules import METADATA, RESCAN
from skillcrawler.worker import connect, running_worker
from skillcrawler.workflows import CrawlRegistry, CrawlRepository, RefreshMetadata, RescanPackages
from skilldata import migrate
from skilldata.config import load_settings
from skilldata.database import Database
from skilldata.models import Source, SourceKind
from tests.standin import StandIn

FOLDER = Path(__file__).parent / "histories"
SKILL = "---\nname: a\ndescription: Does a thing.\n---\n"


async def _record(github: StandIn, state: Path) -> None:
    variables = {
        "SKILLREGISTRY_STATE_DIRECTORY": str(state),
        "SKILLREGISTRY_GITHUB__API_URL": github.url,
        "SKILLREGISTRY_GITHUB__GIT_URL": github.url,
        "SKILLREGISTRY_GITHUB__TOKEN": github.token,
    }
    settings = load_settings(environment=variables)
    migrate.upgrade(settings.database)
    client = await connect(settings.temporal)
    number = github.add_repository("acme/tools", {"a/SKILL.md": SKILL})
    github.add_repository("acme/broken", {"a/SKILL.md": SKILL})
    github.inject(path="/acme/broken.git", status=503)
    sources = [Source(kind=SourceKind.OWNER, target="acme"), Source(kind=SourceKind.OWNER, target="nobody")]
    async with running_worker(client, settings, build):
        queue = settings.temporal.task_queue
        await client.execute_workflow(
            CrawlRegistry.run, request(settings, sources), id=policies.CRAWL_ID, task_queue=queue
        )
        single = policies.crawl_repository_id(number)
        await client.execute_workflow(CrawlRepository.run, number, id=single, task_queue=queue)
        await client.execute_workflow(RefreshMetadata.run, id=METADATA, task_queue=queue)
        with Database(settings.database) as database, database.transaction() as connection:
            connection.execute("UPDATE package SET rule_set = 'earlier'")
        await client.execute_workflow(RescanPackages.run, Rescanned(), id=RESCAN, task_queue=queue)
    crawl = (policies.CRAWL_ID, f"{policies.CRAWL_ID}/pages", f"{policies.CRAWL_ID}/publish")
    recorded = (*crawl, single, METADATA, RESCAN)
    for workflow_id in recorded:
        history = await client.get_workflow_handle(workflow_id).fetch_history()
        name = workflow_id.replace("/", "-").replace(str(number), "one")
        if (FOLDER / f"{name}.json").exists():
            continue
        content = json.dumps(_anonymous(history.to_json_dict()), indent=1, sort_keys=True)
        (FOLDER / f"{name}.json").write_text(content + "\n", encoding="utf-8")


def _anonymous(value: Any) -> Any:
    """Leave out who ran it, and where the code lay."""
    if isinstance(value, dict):
        kept = {key: inner for key, inner in value.items() if key != "stackTrace"}
        return {key: "worker" if key == "identity" else _anonymous(inner) for key, inner in kept.items()}
    return [_anonymous(inner) for inner in value] if isinstance(value, list) else value


def main() -> None:
    """Record the histories that are missing."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as state, StandIn() as github:
        services = EmbeddedServices(Path(state))
        services.up()
        try:
            asyncio.run(_record(github, Path(state)))
        finally:
            services.down()


if __name__ == "__main__":
    main()
