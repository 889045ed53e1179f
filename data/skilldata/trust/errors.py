"""What can be wrong with keys and signed metadata."""

from __future__ import annotations

from skilldata.errors import RegistryError


class TrustError(RegistryError):
    """A key, a signature or signed metadata is missing, wrong or out of date."""

    code = "trust"
