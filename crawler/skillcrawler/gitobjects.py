"""Git's objects: their ids, and the entries of trees.

An object's id is the SHA-1 of its kind, its length and its bytes; a tree lists a folder's entries as
mode, name and id. Both are described in the Git book, chapter "Git Objects", and in `git help
hash-object` and `git help mktree`. Ids tell whether bytes arrived whole; what the registry promises to
its readers rests on SHA-256 alone.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from skilldata.errors import IntegrityError

FOLDER_MODE = 0o040000
LINK_MODE = 0o120000
SUBMODULE_MODE = 0o160000
_OID_BYTES = 20

Kind = Literal["blob", "tree", "commit", "tag"]


class TreeEntry(NamedTuple):
    """One entry of a tree, with its path from wherever the listing starts.

    `path` is decoded by `decode_path`. `mode` is git's: 0o100644, 0o100755, 0o120000 (symbolic link),
    0o160000 (submodule) or 0o040000 (folder). `size` is in bytes, None where nobody asked.
    """

    path: str
    mode: int
    oid: str
    size: int | None = None

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """Path of the folder that holds it; '' at the top."""
        return self.path.rpartition("/")[0]

    @property
    def is_file(self) -> bool:
        """Whether it is an ordinary file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of the same repository."""
        return stat.S_IFMT(self.mode) == FOLDER_MODE

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_IFMT(self.mode) == LINK_MODE

    @property
    def is_submodule(self) -> bool:
        """Whether it stands for a commit of another repository."""
        return stat.S_IFMT(self.mode) == SUBMODULE_MODE


def decode_path(raw: bytes) -> str:
    """Return a path as text; bytes that are not UTF-8 become lone surrogates, so nothing is lost."""
    return raw.decode("utf-8", "surrogateescape")


def encode_path(path: str) -> bytes:
    """Return the bytes that `decode_path` was given; also the key for git's and our sorting."""
    return path.encode("utf-8", "surrogateescape")


def object_oid(kind: Kind, data: bytes) -> str:
    """Return the id that git gives to an object of this kind and these bytes."""
    header = f"{kind} {len(data)}\0".encode()
    return hashlib.sha1(header + data, usedforsecurity=False).hexdigest()


def blob_oid(data: bytes) -> str:
    """Return the id that git gives to a file of these bytes."""
    return object_oid("blob", data)


def tree_oid(entries: Iterable[TreeEntry]) -> str:
    """Return the id of the folder that holds these entries, whose paths are plain names."""
    return object_oid("tree", b"".join(map(_encode_entry, sorted(entries, key=_git_order))))


def verify_object(kind: Kind, data: bytes, oid: str) -> None:
    """Refuse bytes that are not the object they were fetched as.

    Raises:
        IntegrityError: The bytes have another id.
    """
    actual = object_oid(kind, data)
    if actual != oid:
        raise IntegrityError(
            f"{kind} {oid} arrived as {actual}, {len(data)} bytes",
            remedy="Fetch it again; if that repeats, the server's copy of the repository is damaged.",
        )


def parse_tree(data: bytes) -> tuple[TreeEntry, ...]:
    """Read the bytes of a tree object; the paths of its entries are plain names, in the object's order.

    Raises:
        IntegrityError: The bytes are no tree.
    """
    return tuple(_entries(data))


def _entries(data: bytes) -> Iterator[TreeEntry]:
    start = 0
    while start < len(data):
        space = data.find(b" ", start)
        end = data.find(b"\0", space + 1)
        oid = data[end + 1 : end + 1 + _OID_BYTES]
        mode = data[start:space]
        # At most six octal digits: int() alone would also take signs, underscores and spaces.
        if min(space, end) < 0 or len(oid) != _OID_BYTES or not 0 < len(mode) <= 6 or mode.strip(b"01234567"):
            raise IntegrityError(
                f"a git tree is damaged at byte {start} of {len(data)}", remedy="Fetch the repository again."
            )
        yield TreeEntry(decode_path(data[space + 1 : end]), int(mode, 8), oid.hex())
        start = end + 1 + _OID_BYTES


def _encode_entry(entry: TreeEntry) -> bytes:
    return b"%o %s\0%s" % (entry.mode, encode_path(entry.path), bytes.fromhex(entry.oid))


def _git_order(entry: TreeEntry) -> bytes:
    # Git sorts a folder as if its name ended in a slash.
    return encode_path(entry.path) + (b"/" if entry.is_folder else b"")
