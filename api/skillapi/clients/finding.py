"""The search of `npx skills find`, for clients that are told `SKILLS_API_URL`.

The client prints `<source>@<name>` for `npx skills add` to take. So `source` is the address of the
repository's index, and the two together that of the skill's own. It sorts by `installs` and keeps the order
of equals: none is counted here, so relevance decides.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response
from starlette.routing import Route

from skillapi.clients.routing import answer_json, client_route
from skillapi.endpoint import Call, Services
from skillapi.problems import Problem
from skilldata.clientformats.addresses import ClientAddresses
from skilldata.search import Hit, Query
from skilldata.search.model import MAX_LIMIT, MAX_TEXT


class FindParameters(BaseModel):
    """What the client asks; what else it may send is passed over, for its next version may."""

    model_config = ConfigDict(extra="ignore")
    q: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    owner: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 20


def find_routes(services: Services) -> list[Route]:
    """Make the route of the search."""
    return [client_route("/api/search", services, _find)]


def find_served(call: Call, text: str, owner: str | None, limit: int) -> list[Hit]:
    """Search skills that may be handed out."""
    found = call.opened.search.search(Query(text, owner=owner, limit=min(3 * limit, MAX_LIMIT))).hits
    return [hit for hit in found if hit.redistributable][:limit]


def _find(call: Call) -> Response:
    try:
        asked = FindParameters.model_validate(dict(call.request.query_params))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise Problem("invalid-parameter", f"{first['loc'][0]} is not valid.", remedy=f"{first['msg']}.") from None
    files = ClientAddresses.of(call.services.settings).files
    skills = [
        {
            "id": f"{hit.owner}/{hit.repository}/{hit.slug}",
            "name": hit.slug,
            "installs": 0,
            "source": f"{files}r/{hit.owner}/{hit.repository}".lower(),
        }
        for hit in find_served(call, asked.q, asked.owner, asked.limit)
    ]
    return answer_json(call, {"query": asked.q, "searchType": "fuzzy", "count": len(skills), "skills": skills})
