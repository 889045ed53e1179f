"""Search."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, field_validator

from skillapi.endpoint import Call, Endpoint
from skillapi.parameters import Parameters
from skillapi.routes.shown import page_url
from skillapi.schemas import Facet, FoundSkill, SearchAnswer
from skilldata.models import Level, Verdict
from skilldata.search import Hit, Query, Sort
from skilldata.search.model import MAX_LIMIT, MAX_TEXT

Filter = Annotated[str | None, Field(min_length=1, max_length=200)]


class SearchParameters(Parameters):
    """What a search takes."""

    q: Annotated[str, Field(max_length=MAX_TEXT, description="Words, a name or an address; empty finds all")] = ""
    owner: Annotated[Filter, Field(description="Only of this owner")] = None
    repository: Annotated[Filter, Field(description="Only of this repository, owner/name")] = None
    licence: Annotated[Filter, Field(description="Only under this SPDX id, or `none`")] = None
    level: Annotated[Level | None, Field(description="Only of this level")] = None
    verdict: Annotated[Verdict | None, Field(description="Only with this verdict of the security scanner")] = None
    topic: Annotated[Filter, Field(description="Only of repositories with this topic")] = None
    tag: Annotated[Filter, Field(description="Only with this tag of their author's")] = None
    category: Annotated[Filter, Field(description="Only of this category, as authors call it")] = None
    client: Annotated[Filter, Field(description="Only such as name this client: claude-code, codex, cursor …")] = None
    updated_since: Annotated[
        AwareDatetime | None, Field(description="Only with a new version since then; ISO 8601 with a time zone")
    ] = None
    sort: Annotated[Sort, Field(description="Order of the hits")] = Sort.RELEVANCE
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Hits on a page")] = 20
    cursor: Annotated[str | None, Field(max_length=200, description="`next` of the page before")] = None

    @field_validator("repository")
    @classmethod
    def _is_full_name(cls, value: str | None) -> str | None:
        if value is not None and value.count("/") != 1:
            raise ValueError("it should be owner/name")
        return value


def search_skills(call: Call, asked: SearchParameters) -> SearchAnswer:
    """Find skills."""
    found = call.opened.search.search(Query(asked.q, **asked.model_dump(exclude={"q"})))
    return SearchAnswer(
        query=asked.q,
        total=found.total,
        results=[_hit(hit) for hit in found.hits],
        facets={
            name: [Facet(value=one.value, count=one.count) for one in counts] for name, counts in found.facets.items()
        },
        next=found.next,
        did_you_mean=found.did_you_mean,
    )


def _hit(hit: Hit) -> FoundSkill:
    return FoundSkill.model_validate({**asdict(hit), "url": page_url(hit.owner, hit.repository, hit.slug)})


ENDPOINTS: tuple[Endpoint[Any], ...] = (
    Endpoint(
        "/api/v1/search",
        "Find skills",
        SearchParameters,
        SearchAnswer,
        search_skills,
        problems=("unknown-parameter", "invalid-parameter", "invalid-cursor", "uri-too-long"),
    ),
)
