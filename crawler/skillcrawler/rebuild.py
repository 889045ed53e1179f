"""`rebuild-index`: the index anew from the object store alone, where neither database nor backup is left.

    live snapshot -> rows; its packages -> files and manifests; provenance -> packages that it does not know

The next crawl reads every repository again, finds the same contents, and so makes no new versions.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from skillcrawler.gitobjects import blob_oid
from skillcrawler.manifest import read_manifest
from skilldata import migrate
from skilldata.config import Settings
from skilldata.database import Database
from skilldata.errors import IntegrityError, NotFound, SnapshotError
from skilldata.models import PackagedFile
from skilldata.objects import PACKAGES, WITHHELD, ObjectStore
from skilldata.reindex import Content, packages_of, write_index, write_rulings
from skilldata.snapshot import Snapshot
from skilldata.store import SnapshotStore

THREADS = 8
AHEAD = 64  # packages that are read before they are written
MANIFESTS = ("SKILL.md", "skill.md")


class Rebuilt(NamedTuple):
    """What was written; `found` are stored packages that the snapshot does not have, `crawl` where they came from."""

    snapshot: str
    repositories: int
    skills: int
    versions: int
    packages: int
    rulings: int
    missing: int  # packages of the snapshot whose bytes are not there, or damaged
    found: int
    crawl: list[str]


def rebuild(settings: Settings, objects: ObjectStore, *, notify: Callable[[str], None] = lambda _: None) -> Rebuilt:
    """Make the index anew in an empty database.

    Args:
        settings: The configuration.
        objects: The store that has packages and snapshots.
        notify: Told the name of each step.

    Raises:
        SnapshotError: Nothing was ever published.
        RebuildError: The database has rows.
    """
    notify("snapshot")
    pointer = SnapshotStore(Path(), objects).pointer()
    if pointer is None:
        raise SnapshotError("the object store has no live snapshot", remedy="Crawl and publish instead.")
    migrate.upgrade(settings.database)
    missing: list[str] = []
    with TemporaryDirectory() as folder, Database(settings.database) as database:
        # Only the object store is asked: a copy in the state directory may be an older one.
        store = SnapshotStore(Path(folder), objects)
        with Snapshot(store.open(pointer.snapshot)) as snapshot:
            notify("packages")
            known = {one.package_digest for one in packages_of(snapshot)}
            written = write_index(database, snapshot, _read_all(objects, packages_of(snapshot), missing))
            rulings = write_rulings(database, snapshot)
        notify("provenance")
        found, names = _unknown(objects, known)
    return Rebuilt(pointer.snapshot, *written, rulings, len(missing), found, names)


def _read_all(objects: ObjectStore, contents: Iterator[Content], missing: list[str]) -> Iterator[Content]:
    """Read packages, some of them at a time, and give them in their order."""
    waiting: deque[Future[Content]] = deque()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="package") as threads:
        for content in contents:
            waiting.append(threads.submit(_read, objects, content))
            if len(waiting) == AHEAD:
                yield _noted(waiting.popleft().result(), missing)
        while waiting:
            yield _noted(waiting.popleft().result(), missing)


def _noted(content: Content, missing: list[str]) -> Content:
    if not content.files:
        missing.append(content.package_digest)
    return content


def _read(objects: ObjectStore, content: Content) -> Content:
    try:
        data = objects.kept_package(content.package_digest)
    except (NotFound, IntegrityError):
        return content
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        files, text = [], None
        for member in package.infolist():
            body = package.read(member)
            mode = member.external_attr >> 16 & 0o777
            files.append(
                PackagedFile(
                    path=member.filename, mode=mode, size=len(body), sha256=sha256(body).hexdigest(), oid=blob_oid(body)
                )
            )
            if member.filename in MANIFESTS and (text is None or member.filename == MANIFESTS[0]):
                text = body
    if text is None:
        return content._replace(files=tuple(files))
    read = read_manifest(text, folder="")
    return content._replace(
        files=tuple(files),
        name=read.name,
        description=read.description,
        manifest=read.manifest,
        text=read.text,
    )


def _unknown(objects: ObjectStore, known: set[str]) -> tuple[int, list[str]]:
    """Count stored packages that the snapshot does not have, and name the repositories that they came from."""
    keys = (key for prefix in (PACKAGES, WITHHELD) for key, _ in objects.keys(prefix))
    stored = {f"sha256:{Path(key).stem}" for key in keys} - known
    names: set[str] = set()
    for key, _ in objects.keys("provenance/") if stored else ():
        if f"sha256:{key.split('/')[2]}" in stored:
            parameters = json.loads(objects.get(key))["predicate"]["buildDefinition"]["externalParameters"]
            names.add("/".join(str(parameters["repository"]).split("/")[-2:]))
    return len(stored), sorted(names)
