"""Packages as bytes: checked against their digest, a few kept in memory."""

from __future__ import annotations

import base64
import re
import time
from typing import Protocol

from starlette.responses import RedirectResponse, Response

from skillapi.content import Content, ContentCache
from skillapi.problems import Problem
from skillapi.responses import IMMUTABLE, SHORT
from skilldata.errors import NotFound, RegistryError, ServiceUnavailable
from skilldata.objects import package_key
from skilldata.snapshot import SkillSummary, VersionRow

MEDIA_TYPE = "application/zip"
KEPT_BYTES = 64 * 1024 * 1024
# A package that a maintainer takes down leaves the store at once, so what is kept is good for so many seconds.
CHECKED_SECONDS = 30.0
_MOST_CHECKED = 50_000


class PackageStore(Protocol):
    """The part of the object store that downloads need."""

    def package(self, package_digest: str) -> bytes:
        """Read a package and check its bytes.

        Raises:
            NotFound, IntegrityError, ServiceUnavailable
        """
        ...

    def ready(self) -> None:
        """Raise ServiceUnavailable where the store does not answer."""


class Shelf:
    """The package store behind a cache of the packages asked for last. Safe to share between threads.

    Args:
        store: Where packages are; None where none is configured.
        public_url: Address under which the store's keys are public; downloads are sent there.
        kept_bytes: Size of the cache.
    """

    def __init__(self, store: PackageStore | None, public_url: str | None, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._store = store
        self._public_url = public_url.rstrip("/") if public_url else None
        self._kept: ContentCache[Content] = ContentCache(kept_bytes)
        self._checked: dict[str, float] = {}
        self.ready: bool | None = None

    def address(self, digest: str) -> str | None:
        """Give the public address of a package; None where packages have none."""
        return f"{self._public_url}/{package_key(digest)}" if self._public_url else None

    def read(self, digest: str) -> Content:
        """Read a package; one that is kept, for as long as the store would still give it, or does not answer.

        Raises:
            Problem: There is no store.
            RegistryError: It cannot give the package; see `PackageStore.package`.
        """
        kept, now = self._kept.get(digest), time.monotonic()
        if kept and now < self._checked.get(digest, 0.0) + CHECKED_SECONDS:
            return kept
        if self._store is None:
            raise Problem("store-unavailable", remedy="The operator must configure an object store.")
        content = self._ask(self._store, digest, kept)
        if len(self._checked) >= _MOST_CHECKED:
            self._checked.clear()
        self._checked[digest] = now
        return content

    def _ask(self, store: PackageStore, digest: str, kept: Content | None) -> Content:
        try:
            content = Content(store.package(digest), MEDIA_TYPE, digest.removeprefix("sha256:"))
        except ServiceUnavailable:
            if kept is None:
                raise
            return kept  # nothing says that it was taken down
        except RegistryError:
            self._kept.drop(digest)
            raise
        self._kept.put(digest, content)
        return content

    def read_listed(self, digest: str) -> Content:
        """Read a package that the snapshot has.

        Raises:
            Problem: It is not in the store, or there is no store.
            RegistryError: It cannot give the package; see `PackageStore.package`.
        """
        try:
            return self.read(digest)
        except NotFound:
            # Taken down since the snapshot was made, or lost; either way it was there, and nobody should look again.
            raise Problem(
                "withdrawn",
                f"{digest} is not handed out any more.",
                remedy="Ask again in an hour; if it is still listed then, tell the operator to run fsck.",
            ) from None

    def check(self) -> None:
        """Ask the store whether it answers, and remember it in `ready`. May block for seconds."""
        if self._store is None:
            return
        try:
            self._store.ready()
        except RegistryError:
            self.ready = False
        else:
            self.ready = True


def redirect_to(address: str) -> Response:
    """Send the caller to a package's public address."""
    return RedirectResponse(address, status_code=302, headers={"Cache-Control": SHORT})


def package_headers(summary: SkillSummary, version: VersionRow, *, by_digest: bool) -> dict[str, str]:
    """Give the headers of a package; `by_digest`: the address names the bytes, and may be kept for ever."""
    return {
        "Cache-Control": IMMUTABLE if by_digest else SHORT,
        "Content-Disposition": f'attachment; filename="{file_name(summary, version)}"',
        "Repr-Digest": repr_digest(version.package_digest),
    }


def file_name(summary: SkillSummary, version: VersionRow) -> str:
    """Name a package's file: ASCII letters, digits, dots, hyphens and underscores alone."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{summary.slug}-{version.label}").strip("-.")
    return f"{safe[:150] or 'skill'}.zip"


def repr_digest(digest: str) -> str:
    """Write a `sha256:` digest as RFC 9530 wants it in the Repr-Digest header."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(digest.removeprefix('sha256:'))).decode()}:"
