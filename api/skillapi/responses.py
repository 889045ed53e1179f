"""Answers with validators, compression and ranges, the same for JSON, packages and pages.

After RFC 9110: conditional requests (section 13), ranges (section 14), content codings (section 8.4).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

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
    if content.is_text:
        return _whole(request, content, {**headers, "Vary": "Accept-Encoding"})
    answered = {**headers, "ETag": f'"{content.etag}"', "Accept-Ranges": "bytes"}
    if is_unchanged(request.headers.get("if-none-match"), content.etag):
        return Response(status_code=304, headers=answered)
    size = len(content.body)
    part = wanted_range(request, size, content.etag)
    if part is None:
        return Response(content.body, headers=answered, media_type=content.media_type)
    answered["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    return Response(content.body[part], status_code=206, headers=answered, media_type=content.media_type)


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


def _whole(request: Request, content: Content, headers: Mapping[str, str]) -> Response:
    body, etag, coding = content.body, content.etag, {}
    if content.packed is not None and accepts_gzip(request.headers.get("accept-encoding", "")):
        body, etag, coding = content.packed, f"{etag}-gzip", {"Content-Encoding": "gzip"}
    answered = {**headers, "ETag": f'"{etag}"'}
    if is_unchanged(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=answered)
    return Response(body, headers={**answered, **coding}, media_type=content.media_type)
