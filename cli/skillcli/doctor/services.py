"""The services: do they answer, and may we do there what we have to?"""

from __future__ import annotations

import asyncio
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, DescribeTaskQueueResponse
from temporalio.service import RPCError

from skillcli.doctor.finding import Finding, State, judged
from skillcrawler.worker import connect
from skilldata import migrate
from skilldata.budgets import Budgets
from skilldata.config import Settings
from skilldata.database import Database
from skilldata.errors import ServiceUnavailable
from skilldata.health import database_health
from skilldata.objects import ObjectStore
from skilldata.temporal import certificate_expiry

PATIENCE = timedelta(seconds=10)
CERTIFICATE_SOON = timedelta(days=14)
USED = 0.8  # share of connections
NEEDED_SCOPES = {"", "public_repo"}  # reading what is public takes none


def check_database(settings: Settings) -> Iterator[Finding]:
    """PostgreSQL answers, has this program's schema, and connections to spare."""
    with Database(settings.database) as database:
        found = database_health(database)
        share = found.connections / max(found.connections_max, 1)
        yield Finding("database", State.OK, f"answers; {found.bytes} bytes")
        yield judged(
            "database connections",
            share < USED,
            f"{found.connections} of {found.connections_max} are in use",
            "Lower database.pool_size, run fewer processes, or raise max_connections.",
            otherwise=State.WARN,
        )
    current, newest = migrate.status(settings.database)
    yield judged(
        "database schema", current == newest, f"{current or 'none'}, wanted {newest}", "Run `skillregistry migrate up`."
    )


def check_store(settings: Settings) -> Iterator[Finding]:
    """The bucket answers, may be written, read, listed and deleted in, and keeps what is written once."""
    objects = ObjectStore(settings.s3)
    objects.ready()
    yield Finding("object store", State.OK, f"bucket {objects.bucket} answers")
    key = f"doctor/{secrets.token_hex(8)}"
    try:
        first = objects.put_if_absent(key, b"first", content_type="text/plain")
        second = objects.put_if_absent(key, b"second", content_type="text/plain")
        kept = objects.get(key) == b"first" and [found for found, _ in objects.keys(key)] == [key]
    finally:
        objects.delete(key)
    yield judged(
        "write-once",
        first and not second and kept,
        "an object that is there is not overwritten" if kept and not second else "an object was overwritten",
        "Use an S3 that heeds If-None-Match; packages must not be overwritten.",
    )
    yield judged(
        "versioning",
        objects.versioned(),
        "earlier versions are kept" if objects.versioned() else "what is deleted is gone at once",
        "Enable versioning of the bucket, with a rule that ends old versions after some weeks.",
        otherwise=State.WARN,
    )


def check_temporal(settings: Settings) -> Iterator[Finding]:
    """Temporal answers, our certificate is valid for a while, and workers take work from the queue."""
    expires = certificate_expiry(settings.temporal)
    if expires is not None:
        now = datetime.now(UTC)
        yield judged(
            "temporal certificate",
            expires - now > CERTIFICATE_SOON,
            f"valid until {expires:%Y-%m-%d}",
            "Have another one made, set temporal.tls_certificate and temporal.tls_private_key, restart worker and API.",
            otherwise=State.WARN if expires > now else State.FAIL,
        )
    workflows, activities = asyncio.run(_queues(settings))
    how = "encrypted" if settings.temporal.encrypted else "not encrypted"
    yield Finding("temporal", State.OK, f"answers; namespace {settings.temporal.namespace}; {how}")
    names = {poller.identity for queue in (workflows, activities) for poller in queue.pollers}
    waiting = sum(queue.stats.approximate_backlog_count for queue in (workflows, activities))
    stuck = waiting > 0 and not names
    yield judged(
        "workers",
        bool(names),
        f"{len(names)} take work from {settings.temporal.task_queue}; {waiting} tasks wait",
        "Start one: `skillregistry worker`; its log says why it ended."
        if stuck
        else "Start one: `skillregistry worker`.",
        otherwise=State.FAIL if stuck else State.WARN,
    )


def check_github(settings: Settings) -> Iterator[Finding]:
    """GitHub answers to each token, which has no more rights than it needs, and something is left of its limits."""
    github = settings.github
    tokens = [token.get_secret_value() for token in (github.token, *github.tokens) if token is not None]
    if not tokens and not github.apps:
        yield Finding(
            "github", State.WARN, "no credentials: searches do not work, and limits are low", "Set github.token."
        )
    for number, token in enumerate(tokens, 1):
        yield from _token(github.api_url, number, token)
    with Database(settings.database) as database:
        for one in Budgets(database).list():
            if one.blocked_for > 0:
                told = f"{one.credential} is to wait {one.blocked_for:.0f} s for {one.bucket}"
                yield Finding("github limit", State.WARN, told, "It goes on by itself.")


def _token(api_url: str, number: int, token: str) -> Iterator[Finding]:
    request = urllib.request.Request(f"{api_url}/rate_limit", headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE.total_seconds()) as answer:  # noqa: S310 - as configured
            scopes = {scope.strip() for scope in (answer.headers.get("X-OAuth-Scopes") or "").split(",")}
            rate = json.loads(answer.read(1 << 20))["resources"]["core"]
    except urllib.error.HTTPError as error:
        error.close()
        yield Finding(f"github token {number}", State.FAIL, f"refused: HTTP {error.code}", "Replace the token.")
        return
    except (OSError, ValueError, KeyError):
        yield Finding(f"github token {number}", State.FAIL, f"{api_url} does not answer", "Look at network and proxy.")
        return
    yield Finding(f"github token {number}", State.OK, f"{rate['remaining']} of {rate['limit']} requests left")
    if more := scopes - NEEDED_SCOPES:
        told = f"it may also {', '.join(sorted(more))}"
        yield Finding(f"github token {number} rights", State.WARN, told, "Use one that may only read what is public.")


async def _queues(settings: Settings) -> list[DescribeTaskQueueResponse]:
    client = await connect(settings.temporal)
    kinds = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    requests = [
        DescribeTaskQueueRequest(
            namespace=settings.temporal.namespace,
            task_queue=TaskQueue(name=settings.temporal.task_queue),
            task_queue_type=kind,
            report_stats=True,
        )
        for kind in kinds
    ]
    try:
        return [await client.workflow_service.describe_task_queue(one, timeout=PATIENCE) for one in requests]
    except RPCError as error:
        raise ServiceUnavailable(
            f"Temporal does not tell of its queue: {error.message}",
            remedy=f"Make sure that the namespace {settings.temporal.namespace} is there and that we may use it.",
        ) from None
