"""How to reach a Temporal server: what its client is given of the configuration, for crawler, API and command line.

Nothing is encrypted on a desk; a cluster takes TLS, often with a certificate of ours; Temporal Cloud takes that or a
key. See https://docs.temporal.io/cloud/certificates and https://docs.temporal.io/cloud/api-keys.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from temporalio.service import TLSConfig

from skilldata.config import TemporalSettings
from skilldata.errors import ConfigurationError


class Access(NamedTuple):
    """What `temporalio.client.Client.connect` takes besides address and namespace.

    `tls` is False where nothing is encrypted; `api_key` goes out with every call.
    """

    tls: TLSConfig | bool
    api_key: str | None


def access(settings: TemporalSettings) -> Access:
    """Say how to connect; a certificate, a root or a key means TLS without `temporal.tls` as well.

    Raises:
        ConfigurationError: There is a certificate without its key, or the other way round.
    """
    key = settings.tls_private_key
    if (settings.tls_certificate is None) != (key is None):
        raise ConfigurationError(
            "temporal.tls_certificate and temporal.tls_private_key belong together, and one of them is missing",
            remedy="Set both, or SKILLREGISTRY_TEMPORAL__TLS_CERTIFICATE_FILE and …_TLS_PRIVATE_KEY_FILE.",
        )
    api_key = settings.api_key.get_secret_value() if settings.api_key else None
    if not settings.encrypted:
        return Access(tls=False, api_key=None)
    return Access(
        TLSConfig(
            server_root_ca_cert=_bytes(settings.tls_root),
            domain=settings.tls_name,
            client_cert=_bytes(settings.tls_certificate),
            client_private_key=key.get_secret_value().encode() if key else None,
        ),
        api_key,
    )


def certificate_expiry(settings: TemporalSettings) -> datetime | None:
    """Until when our certificate is valid; None where there is none.

    Raises:
        ConfigurationError: It is no certificate.
    """
    if settings.tls_certificate is None:
        return None
    try:
        return x509.load_pem_x509_certificate(settings.tls_certificate.encode()).not_valid_after_utc
    except ValueError:
        raise ConfigurationError(
            "temporal.tls_certificate is no certificate in PEM",
            remedy="Set the text of the file, or name it in …_FILE.",
        ) from None


def _bytes(text: str | None) -> bytes | None:
    return text.encode() if text else None
