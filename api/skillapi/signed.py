"""The signed metadata below `/tuf/`, and what it names by digest below `/index/v1/signed/`.

For whoever has no web server of their own. In production a CDN does this.
"""

from __future__ import annotations

import hashlib
import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from skillapi.content import Content
from skillapi.endpoint import ROUTE
from skillapi.problems import Problem
from skillapi.responses import respond
from skilldata.errors import NotFound
from skilldata.objects import IMMUTABLE, ObjectStore
from skilldata.publish.order import ROOT
from skilldata.publish.published import SIGNED
from skilldata.trust.metadata import JSON, TIMESTAMP_CACHE, MetadataStore

_NAME = re.compile(r"timestamp\.json|[0-9]{1,9}\.(root|targets|snapshot|bin-[0-9a-f]{1,4})\.json")
_DOCUMENT = re.compile(r"[0-9a-f]{64}\.(entry|revocations)\.json")


class SignedMetadata:
    """Serves metadata files.

    Args:
        store: Where they are.
    """

    def __init__(self, store: MetadataStore) -> None:
        self._store = store

    async def serve(self, request: Request) -> Response:
        """Answer with a file. A name that no metadata file has is not looked up."""
        request.scope[ROUTE] = "tuf"
        name = request.path_params["name"]
        data = await run_in_threadpool(self._store.get, name) if _NAME.fullmatch(name) else None
        if data is None:
            raise Problem("not-found", "There is no such metadata.")
        content = Content.of(data, JSON, hashlib.sha256(data).hexdigest()[:32])
        cache = TIMESTAMP_CACHE if name == "timestamp.json" else IMMUTABLE
        return respond(request, content, {"Cache-Control": cache})


class SignedDocuments:
    """Serves the documents that the metadata names by their digests.

    Args:
        objects: Where they are.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    async def serve(self, request: Request) -> Response:
        """Answer with a document. A name that none has is not looked up."""
        request.scope[ROUTE] = "signed"
        name = request.path_params["name"]
        if not _DOCUMENT.fullmatch(name):
            raise Problem("not-found", "There is no such document.")
        try:
            data = await run_in_threadpool(self._objects.get, ROOT + SIGNED + name)
        except NotFound:
            raise Problem("not-found", "There is no such document.") from None
        return respond(request, Content.of(data, JSON, name[:32]), {"Cache-Control": IMMUTABLE})
