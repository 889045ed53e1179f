"""Record the histories of workflows that tests/test_replay.py replays: `python -m tests.record_histories`.

Run it when a workflow is added. A history that exists is evidence of runs that may still be in flight:
it stays as it is until none of them can be, and is not written again; remove its file then.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from skillcli.crawls import request
from skillcli.services import EmbeddedServices
from skillcli.site import build
from skillcrawler import policies
from skillcrawler.housekeeping import BackUpIndex, CollectGarbage, MaintainIndex, TakeDownloads
from skillcrawler.messages import Rescanned
from skillcrawler.ondemand import TakeDelivery
from skillcrawler.schedules import BACKUP, GARBAGE, METADATA, RESCAN, UPKEEP
from skillcrawler.worker import connect, running_worker
from skillcrawler.workflows import CrawlRegistry, CrawlRepository, RefreshMetadata, RescanPackages
from skilldata import migrate
from skilldata.config import load_settings
from skilldata.database import Database
from skilldata.downloads import DownloadBatch, DownloadCount, batch_workflow_id
from skilldata.models import Source, SourceKind
from skilldata.ondemand import PUBLISH_SOON_ID, AskedRepository, Delivery, delivery_id, refresh_id
from tests.standin import StandIn

FOLDER = Path(__file__).parent / "histories"
ADVISED = f"{RESCAN}/advised"  # a rescan that goes on to the second scanner
DOWNLOADS = DownloadBatch(
    batch="0" * 32,
    counts=(
        DownloadCount(day=date(2026, 5, 1), repository_id=1, path="a", content_digest=f"sha256:{0:064x}", downloads=1),
    ),
)
COUNTED = batch_workflow_id("one")
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
        github.push("acme/tools", {"a/SKILL.md": SKILL + "new\n"})
        asked = AskedRepository(owner="acme", name="tools", repository_id=number)
        delivery = Delivery(delivery="one", event="push", repositories=(asked,))
        await client.execute_workflow(TakeDelivery.run, delivery, id=delivery_id("one"), task_queue=queue)
        await client.get_workflow_handle(refresh_id(asked)).result()
        await client.get_workflow_handle(PUBLISH_SOON_ID).result()
        with Database(settings.database) as database, database.transaction() as connection:
            connection.execute("UPDATE package SET rule_set = 'earlier'")
        for one in (RESCAN, ADVISED):
            await client.execute_workflow(RescanPackages.run, Rescanned(), id=one, task_queue=queue)
        await client.execute_workflow(BackUpIndex.run, id=BACKUP, task_queue=queue)
        await client.execute_workflow(MaintainIndex.run, id=UPKEEP, task_queue=queue)
        await client.execute_workflow(CollectGarbage.run, id=GARBAGE, task_queue=queue)
        await client.execute_workflow(TakeDownloads.run, DOWNLOADS, id=COUNTED, task_queue=queue)
    crawl, on_demand = policies.CRAWL_ID, (delivery_id("one"), refresh_id(asked), PUBLISH_SOON_ID)
    for workflow_id in (
        crawl,
        f"{crawl}/pages",
        f"{crawl}/publish",
        single,
        METADATA,
        RESCAN,
        ADVISED,
        BACKUP,
        UPKEEP,
        GARBAGE,
        COUNTED,
        *on_demand,
    ):
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
