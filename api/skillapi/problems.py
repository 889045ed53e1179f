"""Errors as the API tells them: problem documents of RFC 9457, with a stable code and a remedy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from skilldata.errors import NotFound, RegistryError, ServiceUnavailable, SnapshotError
from skilldata.search import CursorError
from skilldata.takedowns import Takedown

MEDIA_TYPE = "application/problem+json"
REQUEST_ID = "skillapi.request_id"  # key in the ASGI scope
RETRY_SECONDS = 5
MOVED_CACHE = "public, max-age=60"


class Kind(NamedTuple):
    """One row of the table of problems."""

    status: int
    title: str
    meaning: str


PROBLEMS: dict[str, Kind] = {
    "bad-request": Kind(400, "Bad request", "The request cannot be understood."),
    "unknown-parameter": Kind(400, "Unknown parameter", "The query has a parameter that this address does not take."),
    "invalid-parameter": Kind(400, "Invalid parameter", "A parameter has a value that it cannot have."),
    "invalid-cursor": Kind(400, "Invalid cursor", "The cursor does not belong to this search or list."),
    "bad-signature": Kind(401, "Bad signature", "None of the webhook's secrets signed the body."),
    "foreign-origin": Kind(403, "Foreign origin", "A page of another site made a browser send this."),
    "not-redistributable": Kind(
        403, "Not redistributable", "No licence was found that allows handing out the skill's files."
    ),
    "not-found": Kind(404, "Not found", "Nothing goes by that name, digest or address."),
    "unknown-version": Kind(404, "Unknown version", "The skill has no version with that label."),
    "quarantined": Kind(410, "Quarantined", "A maintainer hid this until it is looked into."),
    "removed": Kind(410, "Removed", "A maintainer removed this; only its address remains."),
    "removed-by-law": Kind(451, "Removed by law", "This was removed because a law demands it."),
    "withdrawn": Kind(410, "Withdrawn", "This was listed, and is no more; the next snapshot has the reason."),
    "method-not-allowed": Kind(405, "Method not allowed", "The address does not take this method."),
    "body-too-slow": Kind(408, "Body too slow", "The body did not arrive in time."),
    "body-too-large": Kind(413, "Body too large", "The body is longer than any delivery of GitHub's."),
    "uri-too-long": Kind(414, "Address too long", "The query string is longer than any search needs."),
    "unsupported-media-type": Kind(415, "Unsupported media type", "The body has to be JSON."),
    "range-not-satisfiable": Kind(416, "Range not satisfiable", "The range lies outside the package."),
    "too-many-requests": Kind(429, "Too many requests", "This was asked for too often."),
    "internal": Kind(500, "Internal error", "The registry failed; the log has the request id."),
    "busy": Kind(503, "Busy", "Too much is being sent at once."),
    "no-snapshot": Kind(503, "No snapshot", "No snapshot of the index is published or readable yet."),
    "requests-unavailable": Kind(503, "Requests unavailable", "Nobody can be asked to read a repository now."),
    "store-unavailable": Kind(503, "Package store unavailable", "The store of packages does not answer."),
}
_BY_STATUS = {400: "bad-request", 404: "not-found", 405: "method-not-allowed", 414: "uri-too-long"}

# Code, and a remedy of our own where the message is not for callers: those of services name hosts and buckets.
_TOLD: dict[type[RegistryError], tuple[str, str]] = {
    CursorError: ("invalid-cursor", ""),
    NotFound: ("not-found", ""),
    ServiceUnavailable: ("store-unavailable", "Ask again in a few seconds."),
    SnapshotError: ("no-snapshot", "Ask again in a few seconds; /readyz has the reason."),
}


class Problem(Exception):
    """An answer that is a problem document.

    Args:
        code: A key of `PROBLEMS`.
        detail: What is wrong with this request, one sentence.
        remedy: What the caller can do next, one sentence.
        extra: Further members of the document.
        headers: Headers of the answer.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        remedy: str = "",
        extra: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.code = code
        self.kind = PROBLEMS[code]
        self.detail = detail or self.kind.meaning
        self.remedy = remedy
        self.extra = extra or {}
        self.headers = headers or {}
        super().__init__(self.detail)


class Moved(Exception):
    """An answer that sends the caller to where the same thing is now.

    Args:
        address: Path and query below the API's host.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(address)


async def answer_moved(_: Request, error: Exception) -> Response:
    """Handle `Moved` (RFC 9110 section 15.4.2). Names may be taken again, so it is not kept for long."""
    address = error.address if isinstance(error, Moved) else "/"
    return Response(status_code=301, headers={"Location": address, "Cache-Control": MOVED_CACHE})


def problem_response(problem: Problem, request_id: str) -> Response:
    """Write a problem document. It is never cached: the next moment may know better."""
    content = {
        "type": f"/api/v1/problems/{problem.code}",
        "title": problem.kind.title,
        "status": problem.kind.status,
        "detail": problem.detail,
        "code": problem.code,
        "remedy": problem.remedy,
        "request_id": request_id,
        **problem.extra,
    }
    headers = {"Cache-Control": "no-store", **problem.headers}
    if problem.kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.setdefault("Retry-After", str(RETRY_SECONDS))
    return Response(
        json.dumps(content).encode(), status_code=problem.kind.status, headers=headers, media_type=MEDIA_TYPE
    )


def taken_down(what: str, takedown: Takedown) -> Problem:
    """Say that maintainers hid or removed something, and why (RFC 9110 section 15.5.11, RFC 7725)."""
    code = "removed-by-law" if takedown.legal else takedown.state
    return Problem(
        code,
        f"{what} is {takedown.state}: {takedown.reason}",
        remedy="Whoever has a copy should look at the reason; an appeal goes to the registry's maintainers.",
        extra={"reason": takedown.reason, "since": takedown.since.isoformat()},
    )


def from_error(error: Exception) -> Problem | None:
    """Translate an error that callers may know of; None for any other, which is a failure of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        return _from_http(error)
    if isinstance(error, RegistryError) and type(error) in _TOLD:
        code, remedy = _TOLD[type(error)]
        return Problem(code, remedy=remedy) if remedy else Problem(code, error.message, remedy=error.remedy)
    return None


async def answer_problem(request: Request, error: Exception) -> Response:
    """Handle what routing and endpoints raise on purpose."""
    problem = from_error(error)
    if problem is None:  # registered for known classes only
        raise error
    return problem_response(problem, request.scope.get(REQUEST_ID, ""))


def _from_http(error: HTTPException) -> Problem:
    code = _BY_STATUS.get(error.status_code, "bad-request" if error.status_code < 500 else "internal")
    headers = dict(error.headers or {})
    remedies = {
        "not-found": "/api/v1/openapi.json lists every address.",
        "method-not-allowed": f"Use {headers.get('Allow', 'GET')}.",
    }
    return Problem(code, remedy=remedies.get(code, ""), headers=headers)
