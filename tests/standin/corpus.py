"""Loads real repositories from corpus files: JSON of a repository's tree at two commits of its history.

A file holds `full_name`, `default_branch`, `snapshots` (oldest first: `committed_at` and `entries` of
path, mode, size and object id) and `texts` (object id to text, or `{"latin1": …}`). What has no text gets
deterministic bytes of its size, so object ids differ from upstream's while sizes and paths do not.

Reading 120 MB of JSON and writing 31,000 blobs takes seconds; the bare repositories are therefore kept in
a cache, by the hash of the corpus file, and a stand-in borrows their objects.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.standin.fast_import import FastImport
from tests.standin.filler import UNKNOWN_SIZE, fill
from tests.standin.store import Store
from tests.standin.world import Repository, StandInError, World

_FORMAT = "2"  # of the cache; a change of it makes old entries unused
_SIDECAR = "corpus.json"
_SUBMODULE = "160000"


def load(world: World, folder: Path, *, cache: Path, snapshot: str = "first") -> list[Repository]:
    """Load every `OWNER__NAME.json` of a folder.

    Args:
        world: Where the repositories go.
        folder: The corpus.
        cache: Where bare repositories are kept from one start to the next.
        snapshot: Which state they are in: `first` or `last`.

    Raises:
        StandInError: The folder has no corpus file, or one is not in the format.
    """
    files = sorted(folder.glob("*__*.json"))
    if not files:
        raise StandInError(f"no corpus files (OWNER__NAME.json) in {folder}", remedy="Name the right folder.")
    return [load_file(world, file, cache=cache, snapshot=snapshot) for file in files]


def load_file(world: World, file: Path, *, cache: Path, snapshot: str = "first") -> Repository:
    """Load one corpus file; see `load`."""
    cached = _cached(file, cache)
    about = json.loads((cached / _SIDECAR).read_text())
    store = world.new_store(about["full_name"], objects_of=cached)
    oids = tuple(state["oid"] for state in about["snapshots"])
    store.point(about["default_branch"], oids[0 if snapshot == "first" else -1])
    store.point_head(about["default_branch"])
    owner, _, name = about["full_name"].partition("/")
    draw = random.Random(about["full_name"])
    pushed = datetime.fromisoformat(about["snapshots"][0 if snapshot == "first" else -1]["committed_at"])
    created = datetime.fromisoformat(about["snapshots"][0]["committed_at"])
    repository = Repository(
        id=world.new_id(about["full_name"]),
        owner=world.owner(owner),
        name=name,
        store=store,
        default_branch=about["default_branch"],
        created_at=created.astimezone(UTC),
        updated_at=pushed.astimezone(UTC),
        pushed_at=pushed.astimezone(UTC),
        description=f"{name} by {owner}",
        # Most repositories have few stars, a few have many.
        stars=int(10 ** draw.uniform(0, 4.5)),
        forks=int(10 ** draw.uniform(0, 2.5)),
        topics=("agent-skills",),
        size_kib=about["size_kib"],
        snapshots=oids,
    )
    return world.add(repository)


def _cached(file: Path, cache: Path) -> Path:
    """Find the bare repository of a corpus file, making it where there is none."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    target = cache / f"{file.stem}-{digest[:16]}-{_FORMAT}.git"
    if (target / _SIDECAR).exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f".{file.stem}-", dir=cache))
    try:
        _write(json.loads(file.read_bytes()), making / "repository")
        (making / "repository").replace(target)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StandInError(f"{file} is not a corpus file: {error!r}", remedy="Leave it out or mend it.") from error
    except OSError:
        if not (target / _SIDECAR).exists():  # else another process was faster
            raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return target


def _write(corpus: dict[str, Any], folder: Path) -> None:
    store = Store.create(folder)
    snapshots, size = [], 0
    with FastImport(folder) as importing:
        marks: dict[str, str] = {}
        for number, state in enumerate(corpus["snapshots"], 1):
            for path, mode, length, oid in state["entries"]:
                if oid not in marks and mode != _SUBMODULE:
                    content = _content(corpus["texts"].get(oid), oid, length, path)
                    size += len(content)
                    marks[oid] = importing.blob(content)
            importing.commit(
                "refs/heads/snapshots",
                _named(state["entries"], marks),
                when=datetime.fromisoformat(state["committed_at"]),
                author=corpus["full_name"].partition("/")[0],
                message=f"Snapshot {number}\n",
            )
    tip = store.commit("snapshots")
    if tip is None:
        raise ValueError("no snapshots")
    oids = [str(commit.id) for commit in store.history(tip)][::-1]
    for state, oid in zip(corpus["snapshots"], oids, strict=True):
        snapshots.append({"oid": oid, "committed_at": state["committed_at"]})
    about = {
        "full_name": corpus["full_name"],
        "default_branch": corpus["default_branch"],
        "size_kib": size // 1024,
        "snapshots": snapshots,
    }
    (folder / _SIDECAR).write_text(json.dumps(about))


def _content(text: Any, oid: str, length: int | None, path: str) -> bytes:
    if text is None:
        return fill(oid, UNKNOWN_SIZE if length is None else length, path)
    return text.encode() if isinstance(text, str) else bytes(text["latin1"].encode("latin-1"))


def _named(entries: Iterable[list[Any]], marks: dict[str, str]) -> Iterable[tuple[str, str, str]]:
    for path, mode, _, oid in entries:
        yield path, mode, oid if mode == _SUBMODULE else marks[oid]
