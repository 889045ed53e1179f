"""A request and an answer of the JSON API, and the errors between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from tests.standin.faults import Fault, damaged
from tests.standin.world import Block, Repository, Token, World

DOCS = "https://docs.github.com/rest"
PER_PAGE = 30
PER_PAGE_MAX = 100


@dataclass(frozen=True)
class Sites:
    """The addresses that bodies are built with: GitHub's own under its names, else all on one host."""

    api: str
    html: str
    codeload: str

    @classmethod
    def of(cls, request: Request) -> Sites:
        """Read them off a request's Host header."""
        host = request.headers.get("host", "localhost")
        if host == "api.github.com":
            return cls("https://api.github.com", "https://github.com", "https://codeload.github.com")
        base = f"{request.url.scheme}://{host}"
        return cls(base, base, f"{base}/codeload")


@dataclass
class Call:
    """A request, with who asks and about which repository."""

    world: World
    request: Request
    token: Token | None
    body: bytes = b""
    repository: Repository | None = None
    fault: Fault | None = None

    @cached_property
    def sites(self) -> Sites:
        """Addresses for the body."""
        return Sites.of(self.request)

    @property
    def repo(self) -> Repository:
        """The repository that the path names."""
        if self.repository is None:
            raise not_found()
        return self.repository

    def content(self, oid: str) -> bytes | None:
        """Read a blob of the repository, damaged where a fault says so."""
        found = self.repo.store.blob(oid)
        return damaged(found) if found and self.fault and self.fault.corrupt else found

    def path(self, name: str) -> str:
        """Read a parameter of the path."""
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """Read a parameter of the query."""
        return self.request.query_params.get(name, default)

    def accepts(self, media_type: str) -> bool:
        """Say whether the Accept header asks for one of GitHub's media types, such as `raw`."""
        header = self.request.headers.get("accept", "").lower()
        kinds = [part.split(";")[0].strip() for part in header.split(",")]
        return any(
            kind.startswith("application/vnd.github.") and media_type in kind.split(".", 1)[1].split("+")[0].split(".")
            for kind in kinds
        )


@dataclass
class Reply:
    """An answer: `body` is JSON, unless `raw` holds the bytes themselves."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    media_type: str = "application/json; charset=utf-8"


class ApiError(Exception):
    """An answer that is an error: GitHub's `message`, `documentation_url` and `status`."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.headers: dict[str, str] = more.pop("headers", {})
        self.body = {"message": message, **more, "documentation_url": DOCS, "status": str(status)}


def not_found() -> ApiError:
    """Nothing here, or nothing that this caller may see."""
    return ApiError(404, "Not Found")


def empty_repository() -> ApiError:
    """Asked for git data of a repository without commits."""
    return ApiError(409, "Git Repository is empty.")


def blocked(block: Block) -> ApiError:
    """Taken down, for a legal reason or for breaking the terms of service."""
    return ApiError(
        451,
        "Repository access blocked",
        block={
            "reason": block.reason,
            "created_at": timestamp(block.created_at),
            "html_url": block.html_url,
        },
    )


def timestamp(moment: Any) -> str:
    """Write a UTC time as GitHub does."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def page_of(call: Call, items: list[Any], *, limit: int | None = None) -> tuple[list[Any], dict[str, str]]:
    """Cut one page out of a list, with the Link header to its neighbours.

    Args:
        call: The request, with `page` and `per_page` (30 where not given, 100 at most).
        items: All of them.
        limit: How many of them may be reached, as the first 1,000 of a search.

    Raises:
        ApiError: The page lies past `limit`.
    """
    size = min(_positive(call.query("per_page"), PER_PAGE), PER_PAGE_MAX)
    page = _positive(call.query("page"), 1)
    if limit is not None and (page - 1) * size >= limit:
        raise ApiError(422, f"Only the first {limit} search results are available")
    reachable = items[:limit] if limit is not None else items
    last = max(1, -(-len(reachable) // size))
    links: dict[str, int] = {}
    if page < last:
        links |= {"next": page + 1, "last": last}
    if page > 1:
        links |= {"first": 1, "prev": min(page - 1, last)}
    header = ", ".join(f'<{_page_url(call, number)}>; rel="{name}"' for name, number in links.items())
    return reachable[(page - 1) * size : page * size], {"Link": header} if header else {}


def _page_url(call: Call, page: int) -> str:
    parameters = [(key, value) for key, value in call.request.query_params.multi_items() if key != "page"]
    return f"{call.sites.api}{call.request.url.path}?{urlencode([*parameters, ('page', str(page))])}"


def _positive(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else default
