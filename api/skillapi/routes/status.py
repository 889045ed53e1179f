"""What is served, whether it is well, and what the addresses and problems are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field
from starlette.responses import Response

from skillapi import metrics
from skillapi.endpoint import Call, Endpoint
from skillapi.parameters import Parameters
from skillapi.problems import PROBLEMS, Problem
from skillapi.responses import NO_STORE, SHORT, respond
from skillapi.schemas import HealthAnswer, ProblemKindAnswer, ReadyAnswer, StatusAnswer


class Nothing(Parameters):
    """No parameters."""


class ProblemParameters(Parameters):
    """A problem's code."""

    code: Annotated[str, Field(max_length=100)]


def get_status(call: Call, _: Nothing) -> StatusAnswer:
    """Tell which snapshot is served."""
    info = call.opened.snapshot.info
    return StatusAnswer(snapshot=info.id, as_of=info.as_of, format=info.format, counts=info.counts, files=info.files)


def get_problem(_: Call, asked: ProblemParameters) -> ProblemKindAnswer:
    """Explain a problem's code."""
    if asked.code not in PROBLEMS:
        raise Problem("not-found", "There is no such problem.", remedy=f"The codes are {', '.join(PROBLEMS)}.")
    return ProblemKindAnswer(code=asked.code, **PROBLEMS[asked.code]._asdict())


def get_description(call: Call, _: Nothing) -> Response:
    """Describe the API."""
    return respond(call.request, call.services.description, {"Cache-Control": SHORT})


def get_health(_call: Call, _: Nothing) -> HealthAnswer:
    """Tell that the process answers."""
    return HealthAnswer()


def get_ready(call: Call, _: Nothing) -> ReadyAnswer:
    """Tell whether there is something to serve."""
    live, store = call.services.live.state, call.services.shelf.ready
    if live.snapshot_id is None or live.as_of is None or live.opened_at is None:
        raise Problem(
            "no-snapshot", f"No snapshot is open: {live.error.splitlines()[0] if live.error else 'none yet'}."
        )
    return ReadyAnswer(
        status="degraded" if live.error or store is False else "ready",
        snapshot=live.snapshot_id,
        as_of=live.as_of,
        age_seconds=round((datetime.now(UTC) - live.as_of).total_seconds(), 3),
        opened_at=live.opened_at,
        snapshot_error=bool(live.error),
        store_ready=store,
    )


def get_metrics(call: Call, _: Nothing) -> Response:
    """Give the counters of this process."""
    services = call.services
    text = services.metrics.text(services.live.state, store_ready=services.shelf.ready, counts=services.counts)
    return Response(text, media_type=metrics.MEDIA_TYPE, headers={"Cache-Control": NO_STORE})


def _watched(path: str, summary: str, handler: Any, answer: Any, problems: tuple[str, ...] = ()) -> Endpoint[Nothing]:
    return Endpoint(path, summary, Nothing, answer, handler, problems, cache_control=NO_STORE, inline=True)


ENDPOINTS: tuple[Endpoint[Any], ...] = (
    Endpoint("/api/v1/status", "Tell which snapshot is served", Nothing, StatusAnswer, get_status),
    Endpoint("/api/v1/openapi.json", "Describe this API", Nothing, "application/json", get_description, inline=True),
    Endpoint(
        "/api/v1/problems/{code}",
        "Explain a problem's code",
        ProblemParameters,
        ProblemKindAnswer,
        get_problem,
        ("not-found",),
        inline=True,
    ),
    _watched("/healthz", "Tell that the process answers", get_health, HealthAnswer),
    _watched("/health", "The same", get_health, HealthAnswer),
    _watched("/readyz", "Tell whether there is something to serve", get_ready, ReadyAnswer, ("no-snapshot",)),
    _watched("/metrics", "Give the counters of this process", get_metrics, metrics.MEDIA_TYPE),
)
