"""Checking a downloaded package against a registry's signed metadata."""

from __future__ import annotations

import hashlib
from pathlib import Path

import requests

from skilldata.errors import NotFound, RegistryError, ServiceUnavailable
from skilldata.objects import package_key
from skilldata.trust.client import TrustClient
from skilldata.trust.repository import VouchedFile

MAX_BYTES = 64 * 1024 * 1024  # no package is larger
TIMEOUT = 30.0  # seconds without a byte


def verify_package(package: str, *, registry: str, root: Path | None, cache: Path) -> VouchedFile:
    """Check a package.

    Args:
        package: A file, or an http(s) address.
        registry: Public address of the registry.
        root: The root to trust at first, where `cache` has none yet.
        cache: Where the client keeps metadata.

    Raises:
        NotFound: There is no such file, or the registry does not vouch for it.
        TrustError: The metadata is not to be trusted.
        ServiceUnavailable: It cannot be had.
    """
    data = _download(package) if package.startswith(("https://", "http://")) else _read(Path(package))
    path = package_key(hashlib.sha256(data).hexdigest())
    client = TrustClient(cache, registry, root=_read(root) if root else None)
    return client.verify(path, data)


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
