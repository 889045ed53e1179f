"""Crawls that somebody asks for: from the API's door through Temporal to the live snapshot."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Message
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from skillapi.app import create_app
from skillapi.asking import TemporalCrawler
from skillcli import crawls
from skillcli.site import build
from skillcrawler.activities import Activities
from skillcrawler.messages import Published, PublishInput
from skillcrawler.worker import connect, running_worker
from skillcrawler.workflows import PublishSnapshot
from skilldata.config import OnDemandSettings, Settings
from skilldata.models import Source, SourceKind
from skilldata.ondemand import AskedRepository, Phase, RefreshRequest, RefreshState, delivery_id, refresh_id
from skilldata.snapshot import Snapshot
from skilldata.store import SnapshotStore
from skillsite.release import only_builder
from tests.conftest import Registry
from tests.standin import StandIn

SECRET, OLD_SECRET = "a secret of the webhook", "the one that it had before"
SKILL = "---\nname: {name}\nlicense: MIT\ndescription: Does a thing.\n---\n{body}\n"


@pytest.fixture
def owner() -> str:
    """An owner of this test's own: workflow ids come from names and numbers, and tests share a Temporal server."""
    return f"acme-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def settings(registry: Registry) -> Iterator[Settings]:
    """The registry's, with a webhook, and waits that suit a test. At the end, nothing is left running."""
    ondemand = OnDemandSettings.model_validate(
        {"webhook_secret": SECRET, "webhook_secret_before": OLD_SECRET, "publish_quiet_seconds": 0.2}
    )
    # One of two skills that go is half of the index, which a maintainer would be asked about.
    publish = registry.settings.publish.model_copy(update={"max_shrink": 1.0})
    yield registry.settings.model_copy(update={"on_demand": ondemand, "publish": publish})
    asyncio.run(_terminate(registry.settings))


async def _terminate(settings: Settings) -> None:
    client = await connect(settings.temporal)
    query = f"TaskQueue = '{settings.temporal.task_queue}' AND ExecutionStatus = 'Running'"
    async for one in client.list_workflows(query):
        await client.get_workflow_handle(one.id).terminate()


def skill(name: str, body: str = "body") -> str:
    return SKILL.format(name=name, body=body)


def payload(github: StandIn, name: str, branch: str = "main", **more: object) -> dict[str, Any]:
    """What GitHub sends of a push, as far as anybody reads it."""
    shown = next(one for one in github.repositories() if one["full_name"] == name)
    repository = {key: shown[key] for key in ("id", "full_name")} | {"default_branch": "main", "private": False}
    return {"ref": f"refs/heads/{branch}", "repository": repository, **more}


def signed(
    content: object, secret: str = SECRET, *, event: str = "push", delivery: str | None = None
) -> dict[str, Any]:
    """Give the arguments of a request that delivers something."""
    body = json.dumps(content).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery or str(uuid.uuid4()),
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }
    return {"content": body, "headers": headers}


class Running:
    """API and worker of a registry, beside Temporal."""

    def __init__(self, client: Client, api: httpx.AsyncClient, registry: Registry) -> None:
        self.client = client
        self.api = api
        self.registry = registry
        self.snapshots = SnapshotStore(registry.settings.state_directory / "snapshots", registry.objects)

    async def deliver(self, **request: Any) -> httpx.Response:
        return await self.api.post("/api/v1/webhooks/github", **request)

    async def ended(self, workflow_id: str) -> RefreshState:
        """Wait for the end of a request."""
        handle = self.client.get_workflow_handle(workflow_id, result_type=RefreshState)
        await until(lambda: _exists(handle))
        return RefreshState.model_validate(await handle.result())

    async def runs(self, workflow_type: str) -> int:
        """Count the runs of a workflow of this registry."""
        query = f"TaskQueue = '{self.registry.settings.temporal.task_queue}' AND WorkflowType = '{workflow_type}'"
        return (await self.client.count_workflows(query)).count

    def live_texts(self) -> list[str]:
        """Give the texts of all skills in the live snapshot."""
        with Snapshot(self.snapshots.current()) as snapshot:
            return sorted(text for (text,) in snapshot.query("SELECT text FROM document", ()))


async def _exists(handle: Any) -> bool:
    from temporalio.service import RPCError

    try:
        await handle.describe()
    except RPCError:
        return False
    return True


async def until(condition: Callable[[], Any], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - Temporal and S3 tell nobody
            await asyncio.sleep(0.05)


@asynccontextmanager
async def started(app: ASGIApp) -> AsyncIterator[None]:
    """Start an application, and shut it down at the end, as a server does."""
    told, said = asyncio.Queue[Message](), asyncio.Queue[Message]()
    task = asyncio.ensure_future(app({"type": "lifespan", "state": {}}, told.get, said.put))
    await told.put({"type": "lifespan.startup"})
    assert (await said.get())["type"] == "lifespan.startup.complete"
    try:
        yield
    finally:
        await told.put({"type": "lifespan.shutdown"})
        await task


@asynccontextmanager
async def running(registry: Registry, settings: Settings, *, worker: bool = True) -> AsyncIterator[Running]:
    store = SnapshotStore(settings.state_directory / "snapshots", registry.objects)
    app = create_app(store, registry.objects, settings, refresh_seconds=0.1)
    client = await connect(settings.temporal)
    transport = httpx.ASGITransport(app)
    async with (
        started(app),
        httpx.AsyncClient(transport=transport, base_url="http://registry.example") as api,
    ):
        found = Running(client, api, registry)
        if not worker:
            yield found
            return
        async with running_worker(client, settings, build):
            yield found


def add(registry: Registry, github: StandIn, name: str, text: str) -> int:
    """Have a repository that the index knows, and has not read."""
    from skillcrawler.discovery import Discoverer
    from skillcrawler.github import GitHub

    number = github.add_repository(name, {"a/SKILL.md": text})
    with GitHub(registry.settings.github) as asked:
        Discoverer(asked, registry.database).advance(Source(kind=SourceKind.REPOSITORY, target=name))
    return number


def test_a_push_is_live_without_a_schedule(registry: Registry, settings: Settings, github: StandIn, owner: str) -> None:
    number = add(registry, github, f"{owner}/tools", skill("a"))

    async def story() -> None:
        async with running(registry, settings) as found:
            answer = await found.deliver(**signed(payload(github, f"{owner}/tools")))
            assert (answer.status_code, answer.json()["outcome"]) == (202, "accepted")
            state = await found.ended(refresh_id(AskedRepository(owner=owner, name="tools", repository_id=number)))
            assert (state.phase, state.versions_added) == (Phase.LIVE, 1)
            assert found.live_texts() == [skill("a")]
            github.push(f"{owner}/tools", {"a/SKILL.md": skill("a", "new")})
            assert (await found.deliver(**signed(payload(github, f"{owner}/tools"), OLD_SECRET))).status_code == 202
            await until(lambda: _live(found, [skill("a", "new")]))

    asyncio.run(story())


async def _live(found: Running, texts: list[str]) -> bool:
    return found.live_texts() == texts


def test_a_delivery_that_is_repeated_starts_nothing(
    registry: Registry, settings: Settings, github: StandIn, owner: str
) -> None:
    number = add(registry, github, f"{owner}/tools", skill("a"))
    delivery = str(uuid.uuid4())
    push = signed(payload(github, f"{owner}/tools"), delivery=delivery)

    async def story() -> None:
        async with running(registry, settings) as found:
            assert (await found.deliver(**push)).status_code == 202
            await found.ended(refresh_id(AskedRepository(owner=owner, name="tools", repository_id=number)))
        # Another process of the API knows it too, and so does one long after the crawl.
        async with running(registry, settings) as found:
            again = await asyncio.gather(*(found.deliver(**push) for _ in range(5)))
            assert [(one.status_code, one.json()["outcome"]) for one in again] == [(200, "repeated")] * 5
            assert await found.client.get_workflow_handle(delivery_id(delivery)).result() == 1
            await until(lambda: _counted(found, "RefreshRepository", 1))

    asyncio.run(story())


async def _counted(found: Running, workflow_type: str, count: int) -> bool:
    return await found.runs(workflow_type) == count


def test_pushes_during_a_crawl_are_one_more_crawl_and_none_is_lost(
    registry: Registry, settings: Settings, github: StandIn, owner: str
) -> None:
    number = add(registry, github, f"{owner}/tools", skill("a"))
    # The first reading is under way for as long as it takes to push again.
    github.inject(path=f"/{owner}/tools.git/git-upload-pack", stall=3, count=1)

    async def story() -> None:
        async with running(registry, settings) as found:
            request = refresh_id(AskedRepository(owner=owner, name="tools", repository_id=number))
            await found.deliver(**signed(payload(github, f"{owner}/tools")))
            await until(lambda: _phase(found, request, Phase.READING))
            shown = await crawls.on_demand(settings)
            assert [(one.repository, one.phase) for one in shown] == [(f"{owner}/tools", Phase.READING)]
            for turn in range(5):
                github.push(f"{owner}/tools", {"a/SKILL.md": skill("a", f"turn {turn}")})
                await found.deliver(**signed(payload(github, f"{owner}/tools")))
            state = await found.ended(request)
            assert state.phase is Phase.LIVE
            assert found.live_texts() == [skill("a", "turn 4")]
            assert (await found.runs("RefreshRepository"), await found.runs("CrawlRepository")) == (1, 2)

    asyncio.run(story())


async def _phase(found: Running, workflow_id: str, phase: Phase) -> bool:
    asked = await TemporalCrawler(found.registry.settings.temporal).state([workflow_id])
    return asked is not None and asked.state.phase is phase


def test_several_repositories_are_published_together(
    registry: Registry, settings: Settings, github: StandIn, owner: str
) -> None:
    names = [f"{owner}/tools{number}" for number in range(4)]
    for name in names:
        add(registry, github, name, skill("a"))
    patient = settings.on_demand.model_copy(update={"publish_quiet_seconds": 3})
    settings = settings.model_copy(update={"on_demand": patient})

    async def story() -> None:
        async with running(registry, settings) as found:
            for name in names:
                await found.deliver(**signed(payload(github, name)))
            for shown in github.repositories():
                name = shown["full_name"].partition("/")[2]
                asked = AskedRepository(owner=owner, name=name, repository_id=shown["id"])
                assert (await found.ended(refresh_id(asked))).phase is Phase.LIVE
            assert len(found.live_texts()) == 4
            assert await found.runs("PublishSnapshot") == 1

    asyncio.run(story())


def test_what_a_repository_has_become_is_live_too(
    registry: Registry, settings: Settings, github: StandIn, owner: str
) -> None:
    add(registry, github, f"{owner}/tools", skill("a"))
    add(registry, github, f"{owner}/other", skill("b"))

    async def story() -> None:
        async with running(registry, settings) as found:
            for name in (f"{owner}/tools", f"{owner}/other"):
                await found.deliver(**signed(payload(github, name)))
            await until(lambda: _shown(found, {"tools": "active", "other": "active"}))
            gone = payload(github, f"{owner}/tools", action="deleted")
            github.delete(f"{owner}/tools")
            await found.deliver(**signed(gone, event="repository"))
            await until(lambda: _shown(found, {"tools": "gone", "other": "active"}))
            renamed = payload(github, f"{owner}/other", action="renamed")
            github.rename(f"{owner}/other", f"{owner}/kit")
            await found.deliver(**signed(renamed, event="repository"))
            await until(lambda: _shown(found, {"tools": "gone", "kit": "active"}))

    asyncio.run(story())


async def _shown(found: Running, wanted: dict[str, str]) -> bool:
    if found.snapshots.pointer() is None:
        return False
    with Snapshot(found.snapshots.current()) as snapshot:
        return dict(snapshot.query("SELECT name, state FROM repository", ())) == wanted


def test_an_author_asks_and_is_told_what_happens(
    registry: Registry, settings: Settings, github: StandIn, owner: str
) -> None:
    add(registry, github, f"{owner}/tools", skill("a"))
    address = f"/api/v1/repositories/{owner}/tools/reindex"

    async def story() -> None:
        async with running(registry, settings) as found:
            await found.client.execute_workflow(
                PublishSnapshot.run, PublishInput(), id=str(uuid.uuid4()), task_queue=settings.temporal.task_queue
            )
            await until(lambda: _ready(found))
            assert (await found.api.get(address)).status_code == 404
            asked = await found.api.post(f"/api/v1/repositories/{owner.upper()}/tools/reindex")
            assert (asked.status_code, asked.headers["location"], asked.json()["state"]) == (202, address, "waiting")
            await until(lambda: _says(found, address, "live"))
            told = (await found.api.get(address)).json()
            assert (told["skills_added"], told["snapshot"]) == (1, found.snapshots.pointer().snapshot)  # type: ignore[union-attr]
            assert f"/api/v1/repositories/{owner}/tools" in told["next"]
            # Long after, so that what was read is not taken for what may still be on its way.
            await asyncio.to_thread(_age, found, registry)
            await found.api.post(address)
            await until(lambda: _says(found, address, "unchanged"))

    asyncio.run(story())


def _age(found: Running, registry: Registry) -> None:
    with registry.database.transaction() as connection:
        connection.execute("ALTER TABLE event DISABLE TRIGGER event_append_only")
        connection.execute("UPDATE event SET at = at - interval '1 hour' WHERE kind <> 'repository.added'")
        connection.execute("UPDATE event SET at = at - interval '2 hours'")
        connection.execute("UPDATE skill SET updated_at = updated_at - interval '1 hour'")


async def _ready(found: Running) -> bool:
    return (await found.api.get("/readyz")).status_code == 200


async def _says(found: Running, address: str, state: str) -> bool:
    return bool((await found.api.get(address)).json().get("state") == state)


@pytest.mark.parametrize("allowed", [False, True])
def test_a_repository_that_is_not_known_comes_in_only_where_that_is_allowed(
    registry: Registry, settings: Settings, github: StandIn, owner: str, allowed: bool
) -> None:
    github.add_repository(f"{owner}/comer", {"a/SKILL.md": skill("a")})
    wanted = settings.on_demand.model_copy(update={"accept_unknown": allowed})
    settings = settings.model_copy(update={"on_demand": wanted})

    async def story() -> None:
        async with running(registry, settings) as found:
            asked = AskedRepository(owner=owner, name="comer")
            crawler = TemporalCrawler(settings.temporal)
            await crawler.refresh(RefreshRequest(repository=asked, may_add=settings.on_demand.accept_unknown))
            state = await found.ended(refresh_id(asked))
            assert state.phase is (Phase.LIVE if allowed else Phase.UNKNOWN)

    asyncio.run(story())
    assert registry.rows("SELECT kind, target FROM source") == ([("repository", f"{owner}/comer")] if allowed else [])


def test_without_a_worker_a_request_waits_and_is_not_lost(
    registry: Registry, settings: Settings, github: StandIn, owner: str
) -> None:
    add(registry, github, f"{owner}/tools", skill("a"))

    async def story() -> None:
        async with running(registry, settings, worker=False) as found:
            assert (await found.deliver(**signed(payload(github, f"{owner}/tools")))).status_code == 202
        async with running(registry, settings) as found:
            await until(lambda: _shown(found, {"tools": "active"}))

    asyncio.run(story())


def test_a_push_that_github_does_not_show_yet_is_looked_for_again(
    registry: Registry, settings: Settings, github: StandIn, owner: str
) -> None:
    number = add(registry, github, f"{owner}/tools", skill("a"))
    asked = AskedRepository(owner=owner, name="tools", repository_id=number)

    async def story() -> None:
        async with running(registry, settings) as found:
            await found.deliver(**signed(payload(github, f"{owner}/tools")))
            await found.ended(refresh_id(asked))
            # GitHub tells of a commit that its GraphQL servers show only later.
            early = payload(github, f"{owner}/tools", after="ab" * 20)
            await found.deliver(**signed(early))
            await until(lambda: _counted(found, "CrawlRepository", 2))
            github.push(f"{owner}/tools", {"a/SKILL.md": skill("a", "late")})
            assert (await found.ended(refresh_id(asked))).phase is Phase.LIVE
            assert found.live_texts() == [skill("a", "late")]

    asyncio.run(story())


@pytest.fixture
def activities(registry: Registry) -> Iterator[Activities]:
    """The activities, without Temporal."""
    from skillcrawler.github import GitHub

    with GitHub(registry.settings.github) as asked:
        yield Activities(registry.settings, registry.database, registry.objects, asked, build)


def test_what_is_live_is_not_taken_back_by_a_snapshot_that_was_begun_before(
    registry: Registry, activities: Activities, github: StandIn, owner: str
) -> None:
    number = add(registry, github, f"{owner}/tools", skill("a"))
    activities.probe_repository(number)
    activities.crawl_repository(number)
    old, begun = activities.create_snapshot(), datetime.now(UTC)
    github.push(f"{owner}/tools", {"a/SKILL.md": skill("a", "new")})
    activities.probe_repository(number)
    activities.crawl_repository(number)
    new = activities.create_snapshot()
    assert activities.publish_snapshot(new, False, begun).changed
    assert activities.publish_snapshot(old, False, begun) == Published(snapshot=new, changed=False)
    # Begun afterwards, it is what somebody wants.
    assert activities.publish_snapshot(old, False, datetime.now(UTC)).changed


def test_a_build_beside_another_one_is_tried_again_and_fails_nothing(
    registry: Registry, activities: Activities
) -> None:
    snapshot = activities.create_snapshot()
    with only_builder(registry.settings.state_directory / "site"), pytest.raises(ApplicationError) as caught:
        activities.publish_snapshot(snapshot, False)
    assert not caught.value.non_retryable
    assert activities.publish_snapshot(snapshot, False).changed
