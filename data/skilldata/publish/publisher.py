"""Publishing one snapshot's JSON index, and going back to an earlier one.

Only what changed is uploaded. The stages are those of `order.Stage`; whatever stage a publisher is killed in,
readers see the snapshot before or the new one, and the next publisher finishes the rest.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from securesystemslib.signer import Signer

from skilldata.clientformats.addresses import ClientAddresses
from skilldata.config import PublishSettings
from skilldata.contents import require_json_index
from skilldata.errors import SnapshotError
from skilldata.jsonindex.documents import (
    Entry,
    History,
    PublishedSnapshot,
    Revocations,
    SourceHealth,
    Status,
    Tree,
    encode,
    json_schema,
)
from skilldata.jsonindex.tree import IndexTree, changes, parse
from skilldata.objects import ObjectStore, package_key
from skilldata.observed import Observed, read_observed
from skilldata.publish import guard
from skilldata.publish.clientfiles import ClientFiles
from skilldata.publish.collect import Collected, collect
from skilldata.publish.feed import append_feed
from skilldata.publish.order import DOCUMENT, ROOT, SNAPSHOT
from skilldata.publish.published import (
    ENTRY,
    HISTORY,
    SCHEMA,
    STATUS,
    Published,
    entry_path,
    tree_path,
)
from skilldata.publish.purge import purge
from skilldata.publish.signed import Outgoing, SignedDocuments, Vouch
from skilldata.publish.small import small_documents
from skilldata.publish.target import Target
from skilldata.publish.uploads import Uploads

PACKAGES = "../../packages/{first}/{digest}.zip"
MAX_SOURCES = 200  # in the entry; the status has all


@dataclass
class PublishReport:
    """What a publisher did. `purge_error` is why a CDN was not told."""

    snapshot: str
    target: str
    changed: bool
    puts: int = 0
    put_bytes: int = 0
    deltas: int = 0
    purge_error: str = ""
    paths: list[str] = field(default_factory=list, repr=False)


class Publisher:
    """Publishes to one target, one snapshot at a time.

    Args:
        target: Where to.
        settings: What may go out by itself, and how often.
        lock: A file of this machine that keeps two publishers apart.
        packages: Where packages are, for a target that is not the bucket that has them.
        clients: The addresses that clients' files name; None where no such files are published.
        clock: Gives the time.
        signer: The key that signs where packages come from; None to leave statements unsigned.
    """

    def __init__(
        self,
        target: Target,
        settings: PublishSettings,
        *,
        lock: Path,
        packages: ObjectStore | None = None,
        clients: ClientAddresses | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        signer: Signer | None = None,
    ) -> None:
        self._target = target
        self._settings = settings
        self._lock = lock
        self._clock = clock
        self.published = Published(target)
        self._signed = SignedDocuments(self.published)
        self._uploads = Uploads(self.published, packages, settings.downloads_hours, signer)
        read = packages.package if packages else lambda digest: target.get(package_key(digest))
        self._clients = ClientFiles(self.published, clients, settings, read) if clients else None

    def check(self, folder: Path) -> None:
        """Look whether a snapshot may go out by itself; the status says so where it may not.

        Raises:
            SnapshotHeld: It lost too much.
        """
        self._check(require_json_index(folder).tree, read_observed(folder), self.published.entry())

    def publish(
        self,
        folder: Path,
        *,
        even_if_smaller: bool = False,
        revocations: Revocations | None = None,
        vouch: Vouch | None = None,
    ) -> PublishReport:
        """Make a snapshot the one that readers of the target see.

        Args:
            folder: The snapshot.
            even_if_smaller: A maintainer looked at what it lost.
            revocations: What was taken back, as the snapshot says; None leaves what is published.
            vouch: Signs, once all is there that the signed metadata names and before anybody is led to it.

        Raises:
            SnapshotHeld: It lost too much, and nobody looked.
            SnapshotError: It has no JSON index, or another publisher is at work.
        """
        new = require_json_index(folder)
        with self._alone():
            before = self.published.entry()
            seen = read_observed(folder)
            sources = guard.with_floors(seen.sources, before, self._settings.max_shrink)
            if before is None or before.snapshot != new.tree.snapshot:
                if not even_if_smaller:
                    self._check(new.tree, seen, before)
                signed = Outgoing(revocations, vouch)
                make_entry = partial(self._make_entry, folder, new, before, sources)
                return self._go_live(folder, new, before, make_entry, seen, signed)
            self._uploads.statements(new, new)  # none changed; but with another key all are signed anew
            self._signed.put(self._target.get(ROOT + ENTRY), Outgoing(revocations, vouch))
            return self._finish(folder, new, before, seen, changed=False)

    def go_back(
        self,
        snapshot_id: str,
        folder: Path | None = None,
        *,
        revocations: Revocations | None = None,
        vouch: Vouch | None = None,
    ) -> PublishReport:
        """Make an earlier snapshot of this target live again, byte for byte as it was.

        Args:
            snapshot_id: Which one.
            folder: The snapshot on this machine, from which clients' files are made anew.
            revocations: What was taken back, as the snapshot says; later rulings that are published stay.
            vouch: As `publish` takes it.

        Raises:
            NotFound: The target has it no more.
        """
        with self._alone():
            data = self._target.get(ROOT + entry_path(snapshot_id))
            entry = parse(Entry, data, snapshot_id)
            index, before = self.published.index(entry), self.published.entry()
            return self._go_live(folder, index, before, lambda: (entry, data), None, Outgoing(revocations, vouch))

    @property
    def signed(self) -> SignedDocuments:
        """The documents of this target that the signed metadata vouches for."""
        return self._signed

    @property
    def clients(self) -> ClientFiles | None:
        """Writes the clients' files; None where there are none."""
        return self._clients

    @property
    def name(self) -> str:
        """Where it publishes to, for people."""
        return self._target.name

    def collect(self, now: datetime, keep: timedelta, *, dry_run: bool) -> Collected:
        """Delete what nothing has referenced for `keep`; see `collect`."""
        with self._alone():
            return collect(self.published, now, keep, dry_run=dry_run)

    # -- the stages, in their order

    def _go_live(
        self,
        folder: Path | None,
        new: IndexTree,
        before: Entry | None,
        make_entry: Callable[[], tuple[Entry, bytes]],
        seen: Observed | None,
        signed: Outgoing,
    ) -> PublishReport:
        old = self.published.index(before) if before else None
        self._uploads.packages(old, new)
        self._uploads.statements(old, new)
        self._uploads.parts(old, new)
        self.published.put(tree_path(new.tree.snapshot), tree_bytes(new.tree), SNAPSHOT)
        entry, data = make_entry()
        report = PublishReport(new.tree.snapshot, self._target.name, changed=True, deltas=len(entry.deltas))
        self._signed.put(data, signed)
        gone = [ROOT + path for path in self._put_documents(new, report)]
        gone_from_clients = self._put_clients(folder, new, report)
        self._put_history(entry)
        self.published.put(entry_path(entry.snapshot), data, SNAPSHOT)
        self.published.put(ENTRY, data, DOCUMENT)
        report.paths.append(ROOT + ENTRY)
        self._delete([*gone, *gone_from_clients], report)
        self.published.note(documents=(entry.snapshot,))
        self._note_clients(folder, entry.snapshot)
        return self._finish(folder, new, entry, seen, report=report, changed=True)

    def _make_entry(
        self, folder: Path, new: IndexTree, before: Entry | None, sources: Sequence[SourceHealth]
    ) -> tuple[Entry, bytes]:
        now = PublishedSnapshot(snapshot=new.tree.snapshot, published_at=self._clock(), counts=new.tree.counts)
        deltas, chained = self._uploads.deltas(new, before, now)
        entry = Entry(
            **dict(new.tree),
            published_at=now.published_at,
            packages=PACKAGES,
            deltas=tuple(deltas),
            chains=chained,
            sources=tuple(sources[:MAX_SOURCES]),
            downloads=self._uploads.downloads(folder, before, now),
        )
        return entry, encode(entry)

    def _put_documents(self, new: IndexTree, report: PublishReport) -> list[str]:
        """Write the small documents that may differ; give the paths of those that are to go."""
        notes = self.published.notes()
        shown = [base for base in notes.documents if base != new.tree.snapshot]
        self.published.note(documents=(*shown, new.tree.snapshot))
        gone = []
        # Usually one base. Two where a publisher was killed here: documents may then show either.
        for old in [self.published.tree(base) for base in shown] or [None]:
            for path, data in small_documents(new, changes(old, new)):
                if data is None:
                    gone.append(path)
                else:
                    self.published.put(path, data, DOCUMENT)
                    report.paths.append(ROOT + path)
        return gone

    def _put_clients(self, folder: Path | None, new: IndexTree, report: PublishReport) -> list[str]:
        """Write the clients' files that may differ; give the paths of those that are to go."""
        return self._clients.write(new, folder, report.paths.append) if self._clients and folder else []

    def _note_clients(self, folder: Path | None, snapshot_id: str) -> None:
        if self._clients and folder:
            self._clients.done(snapshot_id)

    def _delete(self, paths: Sequence[str], report: PublishReport) -> None:
        for path in paths:
            self._target.delete(path)
            report.paths.append(path)

    def _put_history(self, entry: Entry) -> None:
        history = self.published.history()
        now = PublishedSnapshot(snapshot=entry.snapshot, published_at=self._clock(), counts=entry.counts)
        if not history or history[-1].snapshot != now.snapshot:
            self.published.put(HISTORY, encode(History(snapshots=(*history, now))), DOCUMENT)

    def _finish(
        self,
        folder: Path | None,
        new: IndexTree,
        entry: Entry,
        seen: Observed | None,
        *,
        changed: bool,
        report: PublishReport | None = None,
    ) -> PublishReport:
        done = report or PublishReport(entry.snapshot, self._target.name, changed=changed)
        notes = self.published.notes()
        if notes.documents != (entry.snapshot,):
            self._delete([ROOT + path for path in self._put_documents(new, done)], done)
            self.published.note(documents=(entry.snapshot,))
        if self._clients and not self._clients.are_of(entry.snapshot):
            self._delete(self._put_clients(folder, new, done), done)
            self._note_clients(folder, entry.snapshot)
        if notes.feed != entry.snapshot:
            old = self.published.tree(notes.feed) if notes.feed else None
            if old is not None:
                append_feed(self._target, entry.snapshot, self._clock(), changes(old, new))
            self.published.note(feed=entry.snapshot)
        self._put_status(entry, seen)
        self._put_schema()
        self.published.mend_compressed()
        done.paths += [ROOT + STATUS, *self._uploads.withdraw()]
        done.purge_error = purge(self._settings, done.paths)
        done.puts, done.put_bytes = self._target.puts, self._target.put_bytes
        return done

    def _put_status(self, entry: Entry, seen: Observed | None, held: guard.SnapshotHeld | None = None) -> None:
        last = self.published.document(Status, STATUS)
        status = Status(
            snapshot=entry.snapshot,
            as_of=entry.as_of,
            published_at=entry.published_at,
            checked_at=self._clock(),
            counts=entry.counts,
            freshness=seen.freshness if seen else last.freshness if last else None,
            sources=guard.with_floors(seen.sources, entry, self._settings.max_shrink) if seen else entry.sources,
            held=held.snapshot if held else None,
            held_reason=held.reasons if held else "",
        )
        self.published.put(STATUS, encode(status), DOCUMENT)

    def _put_schema(self) -> None:
        data = json.dumps(json_schema(), indent=1).encode() + b"\n"
        if self._target.size(ROOT + SCHEMA) != len(data) or self._target.get(ROOT + SCHEMA) != data:
            self.published.put(SCHEMA, data, DOCUMENT)

    # -- helpers

    def _check(self, tree: Tree, seen: Observed, before: Entry | None) -> None:
        if before is None or before.snapshot == tree.snapshot:
            return
        try:
            guard.check(tree, seen.sources, before, self._settings.max_shrink)
        except guard.SnapshotHeld as held:
            self._put_status(before, seen, held)
            raise

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        self._target.puts = self._target.put_bytes = 0
        with self._lock.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise SnapshotError("another publisher is at work", remedy="Wait until it is done.") from None
            yield


def tree_bytes(tree: Tree) -> bytes:
    """Give the document that lists a snapshot's directories, as it is published."""
    return encode(Tree(**{name: getattr(tree, name) for name in Tree.model_fields}))
