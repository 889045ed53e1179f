"""The public addresses that clients' files name. Whatever can be relative is: a mirror serves the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

from skilldata.config import Settings
from skilldata.objects import package_key


@dataclass(frozen=True)
class ClientAddresses:
    """Where the registry is, for its readers; addresses end in a slash.

    Args:
        title: Name of the registry.
        files: Where the published files are, packages among them.
        site: Where pages and the API are.
    """

    title: str
    files: str
    site: str

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Take them from the settings."""
        site = _folder(str(settings.site.base_url))
        files = settings.publish.public_url or settings.s3.public_url
        return cls(settings.site.title, _folder(files) if files else site, site)

    @property
    def clawhub(self) -> str:
        """Address to give ClawHub's client as its registry; `/api/v1` itself is the registry's own API."""
        return f"{self.site}clawhub"

    def package(self, digest: str) -> str:
        """Full address of a package."""
        return f"{self.files}{package_key(digest)}"

    def page(self, address: str) -> str:
        """Page of a skill by `owner/repository/slug`."""
        return f"{self.site}s/{quote(address)}.html"


def _folder(address: str) -> str:
    return address if address.endswith("/") else f"{address}/"
