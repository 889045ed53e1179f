"""Publishing one snapshot's JSON index, and going back to an earlier one.

Only what changed is uploaded. The stages are those of `order.Stage`; whatever stage a publisher is killed in,
readers see the snapshot before or the new one, and the next publisher finishes the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from securesystemslib.signer import Signer

from skilldata.clientformats.addresses import ClientAddresses
from skilldata.config import PublishSettings
from skilldata.contents import require_json_index
from skilldata.jsonindex.documents import Entry, Revocations, Tree
from skilldata.jsonindex.tree import IndexTree, parse
from skilldata.objects import ObjectStore, package_key
from skilldata.observed import Observed, read_observed
from skilldata.publish import guard
from skilldata.publish.aftermath import Aftermath
from skilldata.publish.alone import alone
from skilldata.publish.clientfiles import ClientFiles
from skilldata.publish.collect import Collected, collect
from skilldata.publish.entries import EntryMaker, tree_bytes
from skilldata.publish.order import DOCUMENT, ROOT, SNAPSHOT
from skilldata.publish.published import ENTRY, Published, entry_path, tree_path
from skilldata.publish.purge import purge_with_earlier
from skilldata.publish.signed import Outgoing, SignedDocuments, Vouch
from skilldata.publish.smallfiles import SmallFiles
from skilldata.publish.target import Target, Traffic
from skilldata.publish.uploads import Uploads


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
        self.published = Published(target)
        self._signed = SignedDocuments(self.published)
        self._uploads = Uploads(self.published, packages, settings.downloads_hours, signer)
        self._entries = EntryMaker(self._uploads, clock)
        self._documents = SmallFiles(self.published)
        self._aftermath = Aftermath(self.published, settings, clock)
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
                make_entry = partial(self._entries.make, folder, new, before, sources)
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
            index, before = self.published.index(parse(Entry, data, snapshot_id)), self.published.entry()
            return self._go_live(folder, index, before, lambda: data, None, Outgoing(revocations, vouch))

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
        make_entry: Callable[[], bytes],
        seen: Observed | None,
        signed: Outgoing,
    ) -> PublishReport:
        old = self.published.index(before) if before else None
        self._uploads.packages(old, new)
        self._uploads.statements(old, new)
        self._uploads.parts(old, new)
        self.published.put(tree_path(new.tree.snapshot), tree_bytes(new.tree), SNAPSHOT)
        data = make_entry()
        entry = parse(Entry, data, new.tree.snapshot)
        report = PublishReport(entry.snapshot, self._target.name, changed=True, deltas=len(entry.deltas))
        self._signed.put(data, signed)
        gone = [*self._documents.write(new), *self._put_clients(folder, new)]
        self._aftermath.put_history(entry)
        self.published.put(entry_path(entry.snapshot), data, SNAPSHOT)
        self.published.put(ENTRY, data, DOCUMENT)
        self._delete(gone)
        self._documents.done(entry.snapshot)
        self._note_clients(folder, entry.snapshot)
        return self._finish(folder, new, entry, seen, report=report, changed=True)

    def _put_clients(self, folder: Path | None, new: IndexTree) -> list[str]:
        """Write the clients' files that may differ; give the paths of those that are to go."""
        return self._clients.write(new, folder) if self._clients and folder else []

    def _note_clients(self, folder: Path | None, snapshot_id: str) -> None:
        if self._clients and folder:
            self._clients.done(snapshot_id)

    def _delete(self, paths: Sequence[str]) -> None:
        for path in paths:
            self._target.delete(path)

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
        if not self._documents.are_of(entry.snapshot):
            self._delete(self._documents.write(new))
            self._documents.done(entry.snapshot)
        if self._clients and not self._clients.are_of(entry.snapshot):
            self._delete(self._put_clients(folder, new))
            self._note_clients(folder, entry.snapshot)
        self._aftermath.put_feed(new)
        self._aftermath.put_status(entry, seen)
        self._aftermath.put_schema()
        self.published.mend_compressed()
        self._uploads.withdraw()
        traffic = self._target.traffic
        done.puts, done.put_bytes = traffic.puts, traffic.put_bytes
        done.purge_error = purge_with_earlier(self._settings, self._target, traffic.changed)
        return done

    # -- helpers

    def _check(self, tree: Tree, seen: Observed, before: Entry | None) -> None:
        if before is None or before.snapshot == tree.snapshot:
            return
        try:
            guard.check(tree, seen.sources, before, self._settings.max_shrink)
        except guard.SnapshotHeld as held:
            self._aftermath.put_status(before, seen, held)
            raise

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with alone(self._lock):
            self._target.traffic = Traffic()
            yield
