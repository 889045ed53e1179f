"""Checking a downloaded package against a registry's signed metadata."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import requests

from skilldata.errors import NotFound, RegistryError, ServiceUnavailable
from skilldata.jsonindex.documents import Revocations
from skilldata.jsonindex.tree import parse
from skilldata.objects import package_key
from skilldata.publish.order import ROOT
from skilldata.publish.published import REVOCATIONS, signed_path
from skilldata.trust.client import TrustClient
from skilldata.trust.revocations import refuse_revoked
from skilldata.trust.statements import verify_statement

MAX_BYTES = 64 * 1024 * 1024  # no package is larger
TIMEOUT = 30.0  # seconds without a byte


class Verified(NamedTuple):
    """What a package is. `origin` is what a signed statement says of it; None where none was given."""

    path: str
    length: int
    sha256: str
    origin: dict[str, Any] | None = None


def verify_package(
    package: str, *, registry: str, root: Path | None, cache: Path, statement: str | None = None
) -> Verified:
    """Check that the registry published a package and has not taken it back.

    Args:
        package: A file, or an http(s) address.
        registry: Public address of the registry.
        root: The root to trust at first, where `cache` has none yet.
        cache: Where the client keeps metadata.
        statement: A signed statement of where it comes from: a file, or an http(s) address.

    Raises:
        NotFound: There is no such file, or the registry does not vouch for it.
        TakenBack: The registry published it once.
        TrustError: The metadata is not to be trusted, or the statement is not signed.
        ServiceUnavailable: It cannot be had.
    """
    data = _fetch(package)
    digest = hashlib.sha256(data).hexdigest()
    client = TrustClient(cache, registry, root=_read(root) if root else None)
    revocations = parse(Revocations, client.document(ROOT + signed_path(REVOCATIONS)), REVOCATIONS)
    refuse_revoked(revocations, f"sha256:{digest}", package)
    vouched = client.verify(package_key(digest), data)
    origin = None
    if statement is not None:
        said = verify_statement(_fetch(statement), client.online_keys(), f"sha256:{digest}")
        origin = dict(said["predicate"]["buildDefinition"])
    return Verified(*vouched, origin)


def _fetch(name: str) -> bytes:
    return _download(name) if name.startswith(("https://", "http://")) else _read(Path(name))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return _bounded(file.read(MAX_BYTES + 1), str(path))
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}", remedy="Name a file.") from None


def _download(address: str) -> bytes:
    data = bytearray()
    try:
        with requests.get(address, timeout=TIMEOUT, stream=True) as response:
            response.raise_for_status()
            for chunk in response.iter_content(64 * 1024):
                data += chunk
                _bounded(data, address)
    except requests.RequestException as error:
        raise ServiceUnavailable(f"{address} cannot be had: {type(error).__name__}", remedy="Check it.") from None
    return bytes(data)


def _bounded(data: bytes | bytearray, name: str) -> bytes:
    if len(data) > MAX_BYTES:
        raise RegistryError(f"{name} is larger than any package", remedy="Name a package of the registry.")
    return bytes(data)
