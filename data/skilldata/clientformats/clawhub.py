"""`.well-known/clawhub.json`: where ClawHub's client finds the API that speaks its language."""

from __future__ import annotations

from skilldata.clientformats.addresses import ClientAddresses
from skilldata.clientformats.wellknown import encode

CLAWHUB = ".well-known/clawhub.json"
OLDEST_CLIENT = "0.1.0"


def clawhub(addresses: ClientAddresses) -> bytes:
    """Write the document."""
    return encode({"apiBase": addresses.clawhub, "authBase": addresses.site, "minCliVersion": OLDEST_CLIENT})
