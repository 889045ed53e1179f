"""Every error of the registry that a person may see.

    RegistryError                 code, sentence, remedy
    ├── ConfigurationError        a wrong or missing setting
    ├── ServiceUnavailable        PostgreSQL, S3 or Temporal does not answer
    ├── Busy                      another process is at the same work
    ├── NotFound                  a thing that was asked for by name or id
    ├── IntegrityError            bytes that do not match their digest
    ├── SnapshotError             a snapshot that cannot be made, read or published
    └── TrustError                a key, a signature or signed metadata that is not to be used

Crawl errors are in `skillcrawler.errors` and derive from `RegistryError` too.
"""

from __future__ import annotations

from typing import ClassVar


class RegistryError(Exception):
    """An error with a stable code, one sentence that names the thing, and a remedy.

    Args:
        message: What went wrong, naming the thing, without a trailing full stop needed.
        remedy: What the reader can do next, one sentence; empty where nothing can be done.
    """

    code: ClassVar[str] = "registry"
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message}\n  {self.remedy}" if self.remedy else self.message


class ConfigurationError(RegistryError):
    """A setting is unknown, wrong or missing."""

    code = "configuration"
    exit_status = 2


class ServiceUnavailable(RegistryError):
    """A service that the registry stands on does not answer."""

    code = "service-unavailable"
    exit_status = 5


class Busy(RegistryError):
    """Another process is at the same work; it can be done when that is over."""

    code = "busy"
    exit_status = 5


class NotFound(RegistryError):
    """Nothing goes by the name or id that was asked for."""

    code = "not-found"
    exit_status = 3


class IntegrityError(RegistryError):
    """Bytes do not match the digest that names them."""

    code = "integrity"


class SnapshotError(RegistryError):
    """A snapshot cannot be made, read or published."""

    code = "snapshot"


class TrustError(RegistryError):
    """A key, a signature or signed metadata is missing, wrong or out of date."""

    code = "trust"
