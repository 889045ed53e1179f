"""The API that ClawHub's client speaks, for clients that are told `CLAWHUB_REGISTRY=https://…/clawhub`.

ClawHub has one name a skill and owner: that of the owner's scope (`skilldata.clientformats`). Its errors are
plain text, and it knows no licence but its own, so none is given. Times are milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response
from starlette.routing import Route

from skillapi.clients import hubdocuments as documents
from skillapi.clients.files import read_member
from skillapi.clients.finding import find_served
from skillapi.clients.hubnames import AmbiguousName, find_offer, find_version, owner_names
from skillapi.clients.routing import answer_json, answer_with, client_route
from skillapi.endpoint import Call, Services
from skillapi.problems import Problem
from skillapi.routes.skills import VersionParameters, download_skill
from skilldata.clientformats.catalogue import RawFile
from skilldata.clientformats.offers import one_line, served_versions
from skilldata.errors import NotFound
from skilldata.names import is_slug
from skilldata.search.model import MAX_TEXT

BASE = "/clawhub/api/v1"
MOST = 200  # entries of a list


class Asked(BaseModel):
    """What the client may ask for, over all addresses; what else it sends is passed over."""

    model_config = ConfigDict(extra="ignore")
    q: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    limit: Annotated[int, Field(ge=1, le=MOST)] = 25
    mode: str = ""
    sort: str = ""
    prefix: Annotated[str, Field(max_length=64)] = ""
    cursor: Annotated[int, Field(ge=0, le=10**9)] = 0
    slug: Annotated[str, Field(max_length=64)] = ""
    owner_handle: Annotated[str, Field(alias="ownerHandle", max_length=100)] = ""
    version: Annotated[str, Field(max_length=100)] = ""
    tag: Annotated[str, Field(max_length=100)] = ""
    path: Annotated[str, Field(max_length=1000)] = ""


def clawhub_routes(services: Services) -> list[Route]:
    """Make the routes of ClawHub's API."""
    table: dict[str, Callable[[Call, Asked], Response]] = {
        "/search": _search,
        "/skills": _list,
        "/skills/{slug}": _skill,
        "/skills/{slug}/versions": _versions,
        "/skills/{slug}/versions/{version}": _version,
        "/skills/{slug}/file": _file,
        "/resolve": _resolve,
        "/download": _download,
        "/{path:path}": _nothing,
    }
    return [client_route(BASE + path, services, _plainly(handler)) for path, handler in table.items()]


def _plainly(handler: Callable[[Call, Asked], Response]) -> Callable[[Call], Response]:
    """Read what is asked, and say in plain text what is wrong."""

    def answer(call: Call) -> Response:
        try:
            asked = Asked.model_validate({**call.request.query_params, **call.request.path_params})
            return handler(call, asked)
        except ValidationError as error:
            return _text(f"{error.errors()[0]['loc'][0]} is not valid", 400)
        except AmbiguousName as error:
            return _text(json.dumps(error.document), 409)
        except NotFound as error:
            return _text(error.message, 404)
        except Problem as problem:
            said = f"{problem.detail} {problem.remedy}".strip()
            return _text(said, problem.kind.status, {**problem.headers})

    return answer


def _search(call: Call, asked: Asked) -> Response:
    hits = find_served(call, asked.q, asked.owner_handle or None, asked.limit)
    if asked.mode == "exact":
        hits = [hit for hit in hits if hit.slug == asked.q.strip().lower()]
    named = owner_names(call, [(hit.owner, hit.repository, hit.slug) for hit in hits])
    results = [
        {
            "slug": name,
            "displayName": one_line(hit.name) or name,
            "summary": one_line(hit.description),
            "version": hit.version,
            "score": float(len(hits) - place),  # the client prints it; what counts is the order
            "ownerHandle": hit.owner,
            "updatedAt": documents.milliseconds(hit.updated_at),
        }
        for place, (hit, name) in enumerate(zip(hits, named, strict=True))
    ]
    return answer_json(call, {"results": results})


def _list(call: Call, asked: Asked) -> Response:
    order = {"createdAt": "first_seen_at DESC", "": "updated_at DESC", "updated": "updated_at DESC"}
    query = f"""
        SELECT owner, repository, slug, name, description, label, stars, first_seen_at, updated_at FROM skill
        WHERE state = 'listed' AND redistributable AND starts_with(slug, ?)
        ORDER BY {order.get(asked.sort, "stars DESC")}, lower(owner), lower(repository), slug LIMIT ? OFFSET ?
    """  # noqa: S608 - of the two texts above
    rows = list(call.opened.snapshot.query(query, (asked.prefix, asked.limit + 1, asked.cursor)))
    shown = [row for row in rows[: asked.limit] if is_slug(row[2])]
    items = [
        documents.listed(row, name)
        for row, name in zip(shown, owner_names(call, [row[:3] for row in shown]), strict=True)
    ]
    following = str(asked.cursor + asked.limit) if len(rows) > asked.limit else None
    return answer_json(call, {"items": items, "nextCursor": following})


def _skill(call: Call, asked: Asked) -> Response:
    offer = find_offer(call, asked.owner_handle, asked.slug)
    skill = documents.skill(offer)
    return answer_json(
        call,
        {
            "skill": skill,
            "latestVersion": documents.version(offer.version),
            "owner": {"handle": offer.owner},
            "moderation": documents.moderation(call, offer),
        },
    )


def _versions(call: Call, asked: Asked) -> Response:
    offer = find_offer(call, asked.owner_handle, asked.slug)
    versions = served_versions(offer.skill)
    page = versions[asked.cursor : asked.cursor + asked.limit]
    following = asked.cursor + asked.limit
    return answer_json(
        call,
        {
            "items": [documents.version(one) for one in page],
            "nextCursor": str(following) if following < len(versions) else None,
        },
    )


def _version(call: Call, asked: Asked) -> Response:
    offer = find_offer(call, asked.owner_handle, asked.slug)
    version = find_version(offer, asked.version)
    return answer_json(call, documents.version_with_files(call, offer, version))


def _file(call: Call, asked: Asked) -> Response:
    offer = find_offer(call, asked.owner_handle, asked.slug)
    return answer_with(
        call, read_member(call, RawFile(find_version(offer, asked.version or asked.tag).package_digest, asked.path))
    )


def _resolve(call: Call, asked: Asked) -> Response:
    """Say which version is the newest. Which one a client has is known from its own notes, not from `hash`."""
    offer = find_offer(call, asked.owner_handle, asked.slug)
    return answer_json(call, {"match": None, "latestVersion": {"version": offer.version.label}})


def _download(call: Call, asked: Asked) -> Response:
    offer = find_offer(call, asked.owner_handle, asked.slug)
    owner, repository, slug = offer.skill.skill.split("/")
    label = find_version(offer, asked.version or asked.tag).label
    return download_skill(call, VersionParameters(owner=owner, repository=repository, slug=slug, version=label))


def _nothing(_: Call, asked: Asked) -> Response:
    raise NotFound("this registry is only read: it has no such address")


def _text(message: str, status: int, headers: dict[str, str] | None = None) -> Response:
    held = {"Cache-Control": "no-store", **(headers or {})}
    return Response(message, status_code=status, headers=held, media_type="text/plain")
