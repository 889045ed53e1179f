"""All files of a snapshot with digests and sizes, and whether they are what they should be.

The one place that knows what a snapshot consists of: signed metadata lists these files and no others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from skilldata.errors import IntegrityError, SnapshotError
from skilldata.jsonindex.build import TREE, object_path
from skilldata.jsonindex.documents import Tree
from skilldata.jsonindex.tree import IndexTree, parse
from skilldata.snapshot import JSON_INDEX, read_info


class SnapshotFile(NamedTuple):
    """One file: path below the snapshot's folder, `sha256:` digest of its bytes, and their number."""

    path: str
    digest: str
    size: int


def list_files(folder: Path) -> Iterator[SnapshotFile]:
    """Yield every file of a snapshot but its manifest, with the digests that manifest and directories promise.

    Raises:
        SnapshotError: The folder is no snapshot.
        IntegrityError: A directory of the JSON index has other bytes than it should have.
    """
    for path, digest in sorted(read_info(folder).files.items()):
        file = folder / path
        yield SnapshotFile(path, digest, file.stat().st_size if file.exists() else -1)
    index = open_json_index(folder)
    if index is not None:
        for part in (*index.tree.directories, *index.shards()):
            yield SnapshotFile(f"{JSON_INDEX}/{object_path(part.digest)}", part.digest, part.size)


def open_json_index(folder: Path) -> IndexTree | None:
    """Open the JSON index of a snapshot on this machine; None where it was made without one."""
    index = folder / JSON_INDEX
    if not (index / TREE).exists():
        return None
    return IndexTree(parse(Tree, (index / TREE).read_bytes(), TREE), lambda path, _: (index / path).read_bytes())


def require_json_index(folder: Path) -> IndexTree:
    """Open the JSON index of a snapshot on this machine.

    Raises:
        SnapshotError: It was made without one.
    """
    index = open_json_index(folder)
    if index is None:
        raise SnapshotError(
            f"snapshot {folder.name} has no JSON index", remedy="Make it anew: `skillregistry snapshot create`."
        )
    return index


def verify_files(folder: Path) -> Iterator[str]:
    """Yield what is wrong with the files of a snapshot; nothing where all have their digests."""
    try:
        for file in list_files(folder):
            if problem := _problem(folder, file):
                yield problem
    except (IntegrityError, FileNotFoundError) as error:
        yield f"the JSON index cannot be read: {error}"


def _problem(folder: Path, file: SnapshotFile) -> str:
    try:
        with (folder / file.path).open("rb") as stream:
            digest = f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
    except FileNotFoundError:
        return f"{file.path} is missing"
    return "" if digest == file.digest else f"{file.path} has other bytes than its digest says"
