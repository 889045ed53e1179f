"""Answers with validators, compression and ranges, the same for JSON, packages and pages.

After RFC 9110: conditional requests (section 13), ranges (section 14), content codings (section 8.4).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, Self

from starlette.requests import Request
from starlette.responses import Response

from skillapi.content import Content
from skillapi.problems import Problem

SHORT = "public, max-age=60, stale-while-revalidate=600, stale-if-error=86400"
IMMUTABLE = "public, max-age=31536000, immutable"
NO_STORE = "no-store"

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def respond(request: Request, content: Content, headers: Mapping[str, str]) -> Response:
    """Answer with content: whole, in part, or not at all where the caller has it already.

    Text goes whole and, for whoever takes gzip, compressed under an ETag of its own. Of anything else a
    part may be asked for.

    Raises:
        Problem: The part lies outside.
    """
    packed = content.packed is not None and accepts_gzip(request.headers.get("accept-encoding", ""))
    whole = Whole.of(content, headers, packed=packed)
    if is_unchanged(request.headers.get("if-none-match"), whole.etag):
        return whole.unchanged()
    size = len(content.body)
    part = None if content.is_text else wanted_range(request, size, content.etag)
    if part is None:
        return whole.response()
    answered = dict(whole.headers)
    answered["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    return Response(content.body[part], status_code=206, headers=answered, media_type=content.media_type)


class Whole(NamedTuple):
    """An answer with all of its bytes, in one of its codings. `etag` is without quotes."""

    body: bytes
    etag: str
    headers: Mapping[str, str]
    media_type: str
    coding: Mapping[str, str]

    @classmethod
    def of(cls, content: Content, headers: Mapping[str, str], *, packed: bool) -> Self:
        """Make the answer with a content; `packed` takes its compressed bytes, which are text's alone."""
        how = {"Vary": "Accept-Encoding"} if content.is_text else {"Accept-Ranges": "bytes"}
        body, etag, coding = content.body, content.etag, {}
        if packed and content.packed is not None:
            body, etag, coding = content.packed, f"{etag}-gzip", {"Content-Encoding": "gzip"}
        return cls(body, etag, {**headers, **how, "ETag": f'"{etag}"'}, content.media_type, coding)

    def response(self) -> Response:
        """Make the response with the bytes."""
        return Response(self.body, headers={**self.headers, **self.coding}, media_type=self.media_type)

    def unchanged(self) -> Response:
        """Make the response for whoever has the bytes already."""
        return Response(status_code=304, headers=self.headers)


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header allows gzip."""
    for offer in header.lower().split(","):
        name, _, weight = offer.partition(";")
        if name.strip() == "gzip":
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    return False


def is_unchanged(if_none_match: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names the ETag (compared weakly, as the RFC wants)."""
    if if_none_match is None:
        return False
    offered = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return "*" in offered or f'"{etag}"' in offered


def wanted_range(request: Request, size: int, etag: str) -> slice | None:
    """Read the Range header.

    Args:
        request: What was asked.
        size: Bytes of the whole.
        etag: Of the whole, for If-Range.

    Returns:
        The part; None for the whole, also where several parts are asked for or the header makes no
        sense, which the RFC lets a server ignore.

    Raises:
        Problem: The part lies outside the whole.
    """
    if_range = request.headers.get("if-range")
    found = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if found is None or found.group() == "bytes=-" or (if_range is not None and if_range.strip() != f'"{etag}"'):
        return None
    first, last = found.groups()
    if not first:  # the last so many bytes
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < int(first):
            return None
    if start >= size:
        raise Problem(
            "range-not-satisfiable",
            f"The range begins at byte {start} of {size}.",
            remedy="Ask for less, or for the whole.",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return slice(start, stop)
