"""Signed statements of where a package came from: in-toto statements in DSSE envelopes.

The crawler writes a statement beside each package (docs/formats.md) and holds no key. The publisher, which has the
online key, puts it into an envelope: Dead Simple Signing Envelope 1.0.2, protocol.md and envelope.md. The key's id is
that of TUF, so the root that a client trusts already says whose signature counts (docs/adr/0022-signed-statements.md).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import Key, Signer

from skilldata.errors import TrustError

PAYLOAD_TYPE = "application/vnd.in-toto+json"
SUFFIX = ".dsse.json"
MAX_BYTES = 256 * 1024  # of an envelope; real ones have 2 KB


def envelope_key(statement_key: str) -> str:
    """Give the path of the envelope that lies beside a statement."""
    return statement_key.removesuffix(".json") + SUFFIX


def sign_statement(statement: bytes, signer: Signer) -> bytes:
    """Put a statement into an envelope; the same bytes for the same statement and key."""
    envelope = Envelope(statement, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return json.dumps(envelope.to_dict(), sort_keys=True, separators=(",", ":")).encode() + b"\n"


def verify_statement(data: bytes, keys: Sequence[Key], package_digest: str) -> dict[str, Any]:
    """Check an envelope, and read the statement in it.

    Args:
        data: The envelope.
        keys: Whose signature counts; one is enough.
        package_digest: `sha256:` digest of the package that it must be about.

    Returns:
        The statement.

    Raises:
        TrustError: It is no envelope, has no signature by such a key, or speaks of something else.
    """
    try:
        envelope = Envelope.from_dict(json.loads(data[:MAX_BYTES]))
        envelope.verify(list(keys), 1)
        statement = json.loads(envelope.payload)
        subjects = [str(one["digest"]["sha256"]) for one in statement["subject"]]
    except VerificationError:
        raise TrustError(
            "the statement is not signed by the registry's online key", remedy="Fetch it anew; else do not believe it."
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrustError(f"this is no signed statement: {type(error).__name__}", remedy="Fetch it anew.") from None
    if envelope.payload_type != PAYLOAD_TYPE or package_digest.removeprefix("sha256:") not in subjects:
        raise TrustError(f"the statement is not about {package_digest}", remedy="Fetch that of this package.")
    return dict(statement)
