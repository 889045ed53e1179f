"""Numeric ids and node ids in the form that GitHub gives them.

A node id is a type prefix, an underscore and the URL-safe base64 of a MessagePack array: `[0, id]` for
what has a number, `[0, repository id, name]` for what lives inside a repository.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Container

_ARRAY_OF_2 = b"\x92\x00"
_ARRAY_OF_3 = b"\x93\x00"


def numeric_id(name: str, taken: Container[int] = ()) -> int:
    """Derive a stable id from a name: below 2**31, since GraphQL's `databaseId` is a 32-bit integer."""
    number = int.from_bytes(hashlib.sha256(name.lower().encode()).digest()[:4], "big") >> 1
    while number == 0 or number in taken:
        number = (number + 1) % 2**31
    return number


def node_id(prefix: str, number: int, inner: str | None = None) -> str:
    """Encode a node id, such as `R_kgDO…` for a repository or `C_kwDO…` for a commit inside one."""
    if inner is None:
        return f"{prefix}_{_encoded(_ARRAY_OF_2 + _uint32(number))}"
    name = inner.encode()
    return f"{prefix}_{_encoded(_ARRAY_OF_3 + _uint32(number) + struct.pack('>BH', 0xDA, len(name)) + name)}"


def read_node_id(text: str) -> tuple[str, int, str | None] | None:
    """Decode a node id into prefix, number and inner name; None where it is not one."""
    prefix, separator, encoded = text.partition("_")
    try:
        packed = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        return None
    if not separator or len(packed) < 7 or packed[2] != 0xCE:
        return None
    number = int(struct.unpack_from(">I", packed, 3)[0])
    if packed[:2] == _ARRAY_OF_2 and len(packed) == 7:
        return prefix, number, None
    if packed[:2] == _ARRAY_OF_3 and len(packed) > 10:
        return prefix, number, packed[10:].decode(errors="replace")
    return None


def _uint32(number: int) -> bytes:
    return struct.pack(">BI", 0xCE, number)


def _encoded(packed: bytes) -> str:
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()
