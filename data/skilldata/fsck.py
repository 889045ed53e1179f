"""Proving that everything agrees: index, packages, snapshot in all its forms, what was published, and the site.

    index      every version has a stored package whose bytes have its digest, and nothing is there twice
    public     what the snapshot offers is under a public key, and nothing that may not be handed out is
    tables     exported again, the index gives the rows of the snapshot's tables
    snapshot   its files have their digests; tables, Parquet, listing and JSON index say the same
    published  the live entry is that snapshot, its parts are there, and the small documents are its records
    clients    the files that clients install from are those that the snapshot gives, byte for byte, and no others
    signed     TUF vouches for every package, shard and document of that snapshot with its digest, and for no
               other; every package's statement is signed by today's key
    site       every skill has its page's twin, with the same content digest

What is compared comes from two places that were written apart, so none of these can hold by construction.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import duckdb

from skilldata.contents import require_json_index, verify_files
from skilldata.database import Database
from skilldata.errors import IntegrityError, NotFound, RegistryError, TrustError
from skilldata.export import export_tables
from skilldata.jsonindex.build import object_path
from skilldata.jsonindex.records import is_addressable, records
from skilldata.jsonindex.tree import fetch, lines_of
from skilldata.objects import PACKAGES, WITHHELD, ObjectStore, kept_key, package_key
from skilldata.parquet import PARQUET
from skilldata.publish.clientcheck import check_client_files
from skilldata.publish.live import index_targets
from skilldata.publish.order import ROOT
from skilldata.publish.publisher import Publisher
from skilldata.publish.small import skill_path
from skilldata.publish.uploads import versions
from skilldata.snapshot import DATABASE, LISTING, TABLES, Snapshot
from skilldata.stewardship.models import Place
from skilldata.stewardship.withheld import PackageRow, package_rows
from skilldata.store import SnapshotStore
from skilldata.trust.audit import audit, is_set_up
from skilldata.trust.metadata import ObjectMetadata
from skilldata.trust.repository import read_root
from skilldata.trust.revocations import read_revocations
from skilldata.trust.roles import TIMESTAMP
from skilldata.trust.signing import package_targets
from skilldata.trust.statements import envelope_key, verify_statement

_SUM = "SELECT count(*), sum(hash(one)::HUGEINT) FROM {} AS one"
_UNSIGNED = "this registry signs nothing: `skillregistry trust init` makes the keys"
SHOWN = 20  # problems of one check; the count says how many there are


@dataclass
class Check:
    """One check: what it looked at, how much, and what is wrong; `left_out` says why nothing was looked at."""

    name: str
    checked: int = 0
    problems: list[str] = field(default_factory=list)
    left_out: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"name": self.name, "checked": self.checked, "problems": self.problems, "left_out": self.left_out}


class LeftOut(Exception):
    """A check that cannot be made here; the text says why."""


class Fsck:
    """Checks one registry.

    Args:
        database: The index.
        objects: Where packages are.
        snapshots: Where snapshots are.
        publishers: Where the JSON index went.
        site: The live site of this machine.
        notify: Told what is looked at.
    """

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        snapshots: SnapshotStore,
        publishers: Sequence[Publisher],
        site: Path,
        *,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._objects = objects
        self._snapshots = snapshots
        self._publishers = publishers
        self._site = site
        self._notify = notify

    def run(self, *, quick: bool = False) -> list[Check]:
        """Run every check; `quick` compares the sizes of packages and not their bytes."""
        folder = self._snapshots.current()
        checks: list[tuple[str, Callable[[], Iterator[str | None]]]] = [
            ("packages of the index", lambda: self._packages(quick=quick)),
            ("packages that are public", lambda: self._public(folder)),
            ("rows that are there twice", self._twice),
            ("index and tables", lambda: self._index_and_tables(folder, quick=quick)),
            ("files of the snapshot", lambda: iter(verify_files(folder))),
            ("tables, Parquet, listing and JSON index", lambda: compare_forms(folder)),
            *((f"published to {one.name}", lambda one=one: self._published(one, folder)) for one in self._publishers),
            *(
                (f"clients' files in {one.name}", lambda one=one: _clients(one, folder, quick=quick))
                for one in self._publishers
            ),
            ("signed metadata", lambda: self._signed(folder)),
            ("signed statements", lambda: self._statements(quick=quick)),
            ("site", lambda: _site(folder, self._site)),
        ]
        return [self._one(name, check) for name, check in checks]

    def _one(self, name: str, check: Callable[[], Iterator[str | None]]) -> Check:
        self._notify(f"checking: {name}")
        done = Check(name)
        try:
            for problem in check():
                done.checked += 1
                if problem is not None and len(done.problems) < SHOWN:
                    done.problems.append(problem)
        except LeftOut as reason:
            done.left_out = str(reason)
        except RegistryError as error:
            done.problems.append(error.message)
        except (duckdb.Error, OSError) as error:
            done.problems.append(f"cannot be read: {str(error).splitlines()[0]}")
        return done

    def _packages(self, *, quick: bool) -> Iterator[str | None]:
        stored = {**dict(self._objects.keys(WITHHELD)), **dict(self._objects.keys(PACKAGES))} if quick else {}
        for digest, size, place in self._rows():
            if place is Place.ERASED:
                continue
            if quick:
                found = stored.get(package_key(digest), stored.get(kept_key(digest)))
                yield None if found == size else f"package {digest} has {found} bytes in the store, {size} in the index"
            else:
                yield self._package(digest)

    def _package(self, digest: str) -> str | None:
        try:
            self._objects.kept_package(digest)
        except (NotFound, IntegrityError) as error:
            return error.message
        return None

    def _public(self, folder: Path) -> Iterator[str | None]:
        """Compare keys with the live snapshot; what was ruled since then is neither right nor wrong yet."""
        public = {key for key, _ in self._objects.keys(PACKAGES)}
        with Snapshot(folder) as snapshot:
            offered = {package_key(digest) for digest, _ in snapshot.served_packages()}
        for digest, _, place in self._rows():
            key = package_key(digest)
            if place is Place.SERVED and key in offered and key not in public:
                yield f"package {digest} is offered and not under {PACKAGES}"
            elif place is not Place.SERVED and key not in offered and key in public:
                yield f"package {digest} may not be handed out and is under {PACKAGES}"
            else:
                yield None

    def _rows(self) -> list[PackageRow]:
        with self._database.transaction() as connection:
            return list(package_rows(connection))

    def _published(self, publisher: Publisher, folder: Path) -> Iterator[str | None]:
        yield from _published(publisher, folder)
        target = publisher.published.target
        if target.has_packages:
            return
        public = {key for key, _ in self._objects.keys(PACKAGES)}
        for path, _ in target.paths(PACKAGES):
            yield None if path in public else f"{path} is not handed out any more"

    def _twice(self) -> Iterator[str | None]:
        queries = {
            "address": """
                SELECT lower(owner || '/' || name) || '/' || slug FROM skill JOIN repository USING (repository_id)
                WHERE skill.state = 'listed' GROUP BY 1 HAVING count(*) > 1
            """,
            "package digest": "SELECT package_digest FROM package GROUP BY 1 HAVING count(*) > 1",
            "label of a skill": "SELECT skill_id::text || ' ' || label FROM version GROUP BY 1 HAVING count(*) > 1",
        }
        with self._database.transaction() as connection:
            for what, query in queries.items():
                yield None
                for (value,) in connection.execute(query.encode()):
                    yield f"{what} {value} is there twice"

    def _index_and_tables(self, folder: Path, *, quick: bool) -> Iterator[str | None]:
        if quick:
            raise LeftOut("a quick run does not export the index again")
        with tempfile.TemporaryDirectory(prefix=".fsck-", dir=folder.parent) as work:
            made = export_tables(self._database, Path(work))
            if made != folder.name:
                raise LeftOut(f"the index has changed since {folder.name}: publish, and run this again")
            for table in TABLES:
                with duckdb.connect(str(folder / DATABASE), read_only=True) as connection:
                    kept = connection.execute(_SUM.format(table)).fetchone()
                with duckdb.connect(str(Path(work) / DATABASE), read_only=True) as connection:
                    other = connection.execute(_SUM.format(table)).fetchone()
                yield None if kept == other else f"the table {table} has other rows than the index"

    def _signed(self, folder: Path) -> Iterator[str | None]:
        store = ObjectMetadata(self._objects)
        if not is_set_up(store):
            raise LeftOut(_UNSIGNED)
        publisher = self._publishers[0]
        with Snapshot(folder) as snapshot:
            revocations = publisher.signed.revocations(read_revocations(snapshot))
            yield from audit(
                store, chain(package_targets(snapshot, revocations), index_targets(folder), publisher.signed.files())
            )

    def _statements(self, *, quick: bool) -> Iterator[str | None]:
        store = ObjectMetadata(self._objects)
        if not is_set_up(store):
            raise LeftOut(_UNSIGNED)
        if quick:
            raise LeftOut("a quick run reads no statements")
        root = read_root(store).signed
        keys = [root.keys[keyid] for keyid in root.roles[TIMESTAMP].keyids]
        published = self._publishers[0].published
        entry = published.entry()
        for version in versions(None, published.index(entry)) if entry else ():
            try:
                verify_statement(self._objects.get(envelope_key(version.provenance)), keys, version.package_digest)
                yield None
            except (NotFound, TrustError) as error:
                yield f"{version.provenance}: {error.message}"


def compare_forms(folder: Path) -> Iterator[str | None]:
    """Compare the forms of a snapshot; yields None for everything that is right."""
    for table in TABLES:
        yield _same_rows(folder, table)
    with Snapshot(folder) as snapshot:
        index = require_json_index(folder)
        for made, kept in zip_longest(records(snapshot), index.lines()):
            if made is None or kept is None or made != kept:
                one = made or kept
                yield f"the JSON index has another record for {one.address if one else ''} than the tables"
                break
            yield None
        listed = [(row["owner"], row["repository"], row["slug"]) for row in _listing(folder)]
        wanted = [(one.owner, one.repository, one.slug) for one in snapshot.summaries()]
        yield None if listed == wanted else f"{LISTING} does not list the skills of the tables"


def _same_rows(folder: Path, table: str) -> str | None:
    with duckdb.connect(str(folder / DATABASE), read_only=True) as connection:
        kept = connection.execute(_SUM.format(table)).fetchone()
        file = folder / PARQUET / f"{table}.parquet"
        other = connection.execute(_SUM.format(f"read_parquet('{file}')")).fetchone()
    return None if kept == other else f"{file.name} has other rows than the table"


def _listing(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / LISTING).read_bytes())["skills"]
    return found


def _published(publisher: Publisher, folder: Path) -> Iterator[str | None]:
    published = publisher.published
    entry = published.entry()
    if entry is None or entry.snapshot != folder.name:
        yield f"the live entry is of {entry.snapshot if entry else 'no snapshot'}, not of {folder.name}"
        return
    index = published.index(entry)
    documents = dict(published.target.paths(f"{ROOT}skills/"))
    for shard in index.shards():
        for line in lines_of(fetch(published.read, shard)):
            if line.address.count("/") == 2:
                path = ROOT + skill_path(line.address)
                size = documents.pop(path, None)
                wrong = size != len(line.data) or published.target.get(path) != line.data
                yield f"{path} is not the record of its shard" if wrong else None
    for path in documents:
        yield f"{path} shows a skill that is not in the snapshot"
    for delta in entry.deltas:
        fetch(published.read, delta)
        yield None if published.target.size(ROOT + object_path(delta.digest)) else f"delta {delta.digest} is missing"


def _clients(publisher: Publisher, folder: Path, *, quick: bool) -> Iterator[str | None]:
    if publisher.clients is None:
        raise LeftOut("`publish.client_files` is off")
    if quick:
        raise LeftOut("a quick run reads no clients' files")
    if not publisher.clients.are_of(folder.name):
        yield f"the clients' files are not those of {folder.name}"
        return
    with Snapshot(folder) as snapshot:
        yield from check_client_files(
            publisher.clients, publisher.published.target, require_json_index(folder), snapshot
        )


def _site(folder: Path, site: Path) -> Iterator[str | None]:
    with Snapshot(folder) as snapshot:
        for one in snapshot.summaries():
            if not is_addressable(one.owner, one.repository, one.slug or ""):
                continue
            twin = site / "s" / one.owner / one.repository / f"{one.slug}.json"
            yield _twin(twin, one.address, one.content_digest)


def _twin(twin: Path, address: str, digest: str | None) -> str | None:
    try:
        version = json.loads(twin.read_bytes()).get("version") or {}
    except FileNotFoundError:
        return f"{address} has no page"
    shown = version.get("content_digest")
    return None if shown == digest else f"the page of {address} shows {shown}, the snapshot has {digest}"
