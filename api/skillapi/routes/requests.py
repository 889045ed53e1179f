"""Having a repository read now: GitHub's webhook, and authors who ask."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from skillapi import webhook
from skillapi.action import Action, Desk, Done
from skillapi.asking import Asked
from skillapi.live import Live
from skillapi.parameters import Parameters
from skillapi.problems import Problem
from skillapi.reads import caller
from skillapi.schemas import DeliveryAnswer, ReindexAnswer
from skilldata.ondemand import AskedRepository, Delivery, Phase, RefreshRequest, is_repository_name, refresh_id

REINDEX = "/api/v1/repositories/{owner}/{repository}/reindex"
WEBHOOK = "/api/v1/webhooks/github"

_AHEAD = {Phase.WAITING, Phase.READING, Phase.PUBLISHING}
_NEXT = {
    Phase.WAITING: "The repository is read next. Look here again in a few seconds.",
    Phase.READING: "The repository is being read. Look here again in a few seconds.",
    Phase.PUBLISHING: "What changed was read, and is made live now. Look here again in a few seconds.",
    Phase.LIVE: "What changed is live. A skill that is not listed has the reason at {repository}.",
    Phase.UNCHANGED: "Nothing changed on the default branch since it was read last; {repository} shows all of it.",
    Phase.UNKNOWN: "The registry does not know this repository, and GitHub showed none that it may add.",
    Phase.HELD: "The repository took over the name of another one, and waits for a maintainer to look at it.",
    Phase.FAILED: "The repository could not be read. It is tried again by itself within some hours.",
}


class Nothing(Parameters):
    """No parameters."""


class RepositoryParameters(Parameters):
    """A repository, by its name on GitHub."""

    owner: Annotated[str, Field(max_length=39)]
    repository: Annotated[str, Field(max_length=100)]


async def take_delivery(desk: Desk, request: Request, _: Nothing) -> Done:
    """Take a delivery of GitHub's webhook."""
    secrets = [
        secret.get_secret_value()
        for secret in (desk.settings.webhook_secret, desk.settings.webhook_secret_before)
        if secret is not None
    ]
    if not secrets:
        raise Problem(
            "requests-unavailable",
            "This registry takes no webhook.",
            remedy="Its maintainer has to set a secret first.",
        )
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem("unsupported-media-type", remedy="Set the webhook's content type to application/json.")
    async with desk.bodies.hold(request, webhook.MAX_BYTES) as body:
        delivery = await run_in_threadpool(_read_delivery, request, body, secrets, desk.settings.accept_unknown)
    if isinstance(delivery, DeliveryAnswer):
        return Done(delivery)
    if not await desk.crawler.deliver(delivery):
        return Done(DeliveryAnswer(outcome="repeated", reason="a delivery of this id was taken before"))
    return Done(DeliveryAnswer(outcome="accepted", repositories=len(delivery.repositories)), 202)


async def ask(desk: Desk, request: Request, asked: RepositoryParameters) -> Done:
    """Have a repository read now."""
    repository = await _find(desk.services.live, asked)
    if repository.repository_id is None and not desk.settings.accept_unknown and desk.services.live.state.snapshot_id:
        raise _unknown(asked)
    with _admitted(desk, request, repository):
        await desk.crawler.refresh(RefreshRequest(repository=repository, may_add=desk.settings.accept_unknown))
    where = _address(repository) + "/reindex"
    answer = ReindexAnswer(
        owner=repository.owner,
        repository=repository.name,
        state=Phase.WAITING,
        next=_NEXT[Phase.WAITING],
        status=where,
    )
    return Done(answer, 202, where)


async def tell(desk: Desk, _: Request, asked: RepositoryParameters) -> Done:
    """Tell how far the latest request for a repository is."""
    repository = await _find(desk.services.live, asked)
    # It may have been asked for by name, before the index had it.
    by_name = repository.model_copy(update={"repository_id": None})
    found = await desk.crawler.state(list(dict.fromkeys([refresh_id(repository), refresh_id(by_name)])))
    if found is None:
        raise Problem(
            "not-found",
            f"Nobody asked lately to have {asked.owner!a}/{asked.repository!a} read.",
            remedy="Ask with POST at this address.",
        )
    return Done(_answer(repository, found))


def _read_delivery(
    request: Request, body: bytearray, secrets: Sequence[str], may_add: bool
) -> Delivery | DeliveryAnswer:
    if not webhook.is_signed(body, request.headers.get(webhook.SIGNATURE, ""), secrets):
        raise Problem("bad-signature", remedy="Give GitHub and the registry the same secret.")
    number, event = (request.headers.get(name, "") for name in (webhook.DELIVERY, webhook.EVENT))
    payload = webhook.read_payload(body)
    if payload is None or not webhook.is_delivery_id(number):
        raise Problem("bad-request", "This is no delivery of GitHub's webhook.")
    meaning = webhook.meaning(event, payload)
    if not meaning.repositories:
        return DeliveryAnswer(outcome="ignored", reason=meaning.ignored)
    return Delivery(delivery=number, event=event, repositories=meaning.repositories, may_add=may_add)


async def _find(live: Live, asked: RepositoryParameters) -> AskedRepository:
    """Find a repository in the live snapshot; without the number where it is not there."""
    if not is_repository_name(asked.owner, asked.repository):
        raise Problem(
            "not-found",
            f"GitHub can have no repository {asked.owner!a}/{asked.repository!a}.",
            remedy="Write owner and name as in the repository's address on GitHub.",
        )

    def look() -> AskedRepository:
        with live.lease() as opened:
            values = (asked.owner, asked.repository)
            row = next(opened.snapshot.query(_KNOWN, values), None) if opened is not None else None
        number, owner, name = row if row is not None else (None, asked.owner, asked.repository)
        return AskedRepository(owner=owner, name=name, repository_id=number)

    return await run_in_threadpool(look)


_KNOWN = """
    SELECT repository_id, owner, name FROM repository WHERE lower(owner) = lower(?) AND lower(name) = lower(?)
    ORDER BY state = 'active' DESC, repository_id DESC LIMIT 1
"""


@contextmanager
def _admitted(desk: Desk, request: Request, repository: AskedRepository) -> Iterator[None]:
    """Count a request, or refuse it where one of the limits is reached; one that comes to nothing counts nowhere."""
    asking = caller(request.scope, dict(request.scope["headers"]), desk.settings.client_header.lower().encode())
    limits = ((desk.per_client, asking), (desk.per_repository, refresh_id(repository)), (desk.overall, ""))
    wait = max(limit.wait(key) for limit, key in limits)
    if wait > 0:
        raise Problem(
            "too-many-requests",
            remedy=f"Ask again in {math.ceil(wait / 60)} minutes; the registry also reads it by itself.",
            headers={"Retry-After": str(math.ceil(wait))},
        )
    for limit, key in limits:
        limit.count(key)
    try:
        yield
    except Problem:
        for limit, key in limits:
            limit.give_back(key)
        raise


def _unknown(asked: RepositoryParameters) -> Problem:
    return Problem(
        "not-found",
        f"Repository {asked.owner!a}/{asked.repository!a} is not known, and may not be added by a request.",
        remedy="It is found by itself when one of the registry's sources names it: see what its maintainer lists.",
    )


def _answer(repository: AskedRepository, found: Asked) -> ReindexAnswer:
    state, address = found.state, _address(repository)
    return ReindexAnswer(
        owner=repository.owner,
        repository=repository.name,
        state=state.phase,
        next=_NEXT[state.phase].format(repository=address),
        status=f"{address}/reindex",
        asked_at=found.asked_at,
        finished_at=found.finished_at if state.phase not in _AHEAD else None,
        skills_added=state.skills_added,
        versions_added=state.versions_added,
        refused=state.refused,
        gone=state.gone,
        snapshot=state.snapshot,
        error=state.error,
    )


def _address(repository: AskedRepository) -> str:
    return f"/api/v1/repositories/{quote(repository.owner)}/{quote(repository.name)}"


ACTIONS: tuple[Action[Any], ...] = (
    Action(
        "POST",
        WEBHOOK,
        "webhooks-github",
        "Take a delivery of GitHub's webhook, and read the repository that it names",
        Nothing,
        DeliveryAnswer,
        take_delivery,
        (200, 202),
        (
            "bad-request",
            "bad-signature",
            "body-too-slow",
            "body-too-large",
            "unsupported-media-type",
            "busy",
            "requests-unavailable",
        ),
        (
            ("X-GitHub-Event", "Kind of the event"),
            ("X-GitHub-Delivery", "Id of the delivery; a second one of the same id starts nothing"),
            ("X-Hub-Signature-256", "sha256= and the HMAC of the body in hexadecimal digits"),
        ),
        takes_body=True,
    ),
    Action(
        "POST",
        REINDEX,
        "repositories-reindex",
        "Have a repository read now, ahead of the schedule",
        RepositoryParameters,
        ReindexAnswer,
        ask,
        (202,),
        ("not-found", "too-many-requests", "requests-unavailable"),
    ),
    Action(
        "GET",
        REINDEX,
        "repositories-reindex-status",
        "Tell how far the latest request for a repository is",
        RepositoryParameters,
        ReindexAnswer,
        tell,
        (200,),
        ("not-found", "requests-unavailable"),
    ),
)
