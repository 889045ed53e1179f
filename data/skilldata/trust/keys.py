"""Private keys: Ed25519 (RFC 8032) in PKCS #8 files, with a passphrase or without."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner

from skilldata.errors import TrustError


def make_key(path: Path, passphrase: str | None = None) -> CryptoSigner:
    """Make a key and write it to a new file that only its owner reads.

    Raises:
        TrustError: The file is there already; no key is ever written over.
    """
    key = Ed25519PrivateKey.generate()
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase:
        encryption = BestAvailableEncryption(passphrase.encode())
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise TrustError(f"the key file {path} is there already", remedy="Name another folder for new keys.") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return CryptoSigner(key)


def read_key(path: Path, passphrase: str | None = None) -> CryptoSigner:
    """Read a key from a file.

    Raises:
        TrustError: There is none, it has another form, or the passphrase is wrong or missing.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TrustError(f"the key file {path} cannot be read: {error.strerror}", remedy="Name a key file.") from None
    return parse_key(content, str(path), passphrase)


def parse_key(content: bytes, name: str, passphrase: str | None = None) -> CryptoSigner:
    """Read a key from the content of a file; `name` is what an error calls it."""
    try:
        key = load_pem_private_key(content, passphrase.encode() if passphrase else None)
    except (TypeError, ValueError):
        raise TrustError(
            f"{name} holds no key that this passphrase opens", remedy="Give the passphrase it was made with."
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise TrustError(f"{name} holds no Ed25519 key", remedy="Make one with `skillregistry trust init`.")
    return CryptoSigner(key)
