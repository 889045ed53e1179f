"""Writing the files that clients install from to a target, and saying which of them are to go.

They change when a skill does, as the small documents do, and go out in the same stage. A skill's raw files are
written before the index that lists them, and what that lists no longer is deleted only after the entry went out.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from skilldata.clientformats.addresses import ClientAddresses
from skilldata.clientformats.catalogue import Catalogue, digests_of
from skilldata.clientformats.clawhub import CLAWHUB, clawhub
from skilldata.clientformats.documents import OwnerFiles, RawSkill, Written, files_of, owner_files, raw_folder
from skilldata.clientformats.marketplace import MARKETPLACE
from skilldata.clientformats.offers import Offer
from skilldata.clientformats.scopes import Scope
from skilldata.clientformats.wellknown import AGENT_SKILLS, SKILLS, Files, agent_skills, are_fetchable, skills
from skilldata.clientformats.wellknown import RAW as RAW_FOLDER
from skilldata.config import PublishSettings
from skilldata.errors import NotFound
from skilldata.jsonindex.tree import IndexTree, changes
from skilldata.publish.order import DOCUMENT, MARKDOWN, RAW
from skilldata.publish.published import Published
from skilldata.snapshot import Snapshot

MAKER = 1  # higher when the same records are to give other files
MANIFEST = "SKILL.md"


class ClientFiles:
    """Writes clients' files to one target.

    Args:
        published: The target, and what it has.
        addresses: Of the registry.
        settings: What is written.
        read_package: Gives a package by its `sha256:` digest.
    """

    def __init__(
        self,
        published: Published,
        addresses: ClientAddresses,
        settings: PublishSettings,
        read_package: Callable[[str], bytes],
    ) -> None:
        self.addresses = addresses
        self._published = published
        self._target = published.target
        self._settings = settings
        self._read_package = read_package
        made = f"{MAKER} {addresses} {settings.featured} {settings.raw_files}"
        self._made = hashlib.sha256(made.encode()).hexdigest()[:16]

    def are_of(self, snapshot_id: str) -> bool:
        """Whether the target's files are those of a snapshot, and nothing is left to do."""
        notes = self._published.notes()
        return notes.clients == (snapshot_id,) and notes.clients_made == self._made

    def write(self, new: IndexTree, folder: Path) -> list[str]:
        """Write what may differ from the files that are there.

        Args:
            new: The JSON index that the files are to show.
            folder: The snapshot's folder.

        Returns:
            Paths to delete when nothing refers to them any more; then call `done`.
        """
        notes = self._published.notes()
        shown = [base for base in notes.clients if base != new.tree.snapshot]
        self._published.note(clients=(*shown, new.tree.snapshot))
        bases = [self._published.tree(base) for base in shown]
        if not bases or notes.clients_made != self._made:
            bases.append(None)
        gone: dict[str, None] = {}
        with Snapshot(folder) as snapshot:
            for base in bases:
                for files in owner_files(new, snapshot, changes(base, new), self.addresses):
                    gone.update(dict.fromkeys(self._put_owner(files)))
            gone.update(dict.fromkeys(self._put_root(new, snapshot)))
        return list(gone)

    @property
    def has_raw_files(self) -> bool:
        """Whether the files of skills are written one by one."""
        return self._settings.raw_files

    def writes(self, path: str) -> bool:
        """Whether a document is written at all: one that lists raw files is not where there are none."""
        return self.has_raw_files or not path.endswith(SKILLS)

    def root(self, new: IndexTree, snapshot: Snapshot) -> tuple[list[Offer], Files, Iterator[Written]]:
        """Give what the root hands out, the paths of its files, and its documents."""
        catalogue = Catalogue(new, snapshot, self.addresses, self._settings)
        offers = catalogue.offers(Scope())
        files = files_of(snapshot, digests_of(offers))
        self.leave_out_taken(offers, files)
        return offers, files, self._root_documents(catalogue, offers, files)

    def leave_out_taken(self, offers: Iterable[Offer], listed: Files) -> None:
        """Take from `listed` the files of packages that were taken down after the snapshot, as `write` does."""
        for offer in offers if self.has_raw_files else ():
            try:
                self._read_package(offer.version.package_digest)
            except NotFound:
                listed.pop(offer.version.content_digest, None)

    def done(self, snapshot_id: str) -> None:
        """Note that all files are those of a snapshot."""
        self._published.note(clients=(snapshot_id,), clients_made=self._made)

    def _put_owner(self, files: OwnerFiles) -> Iterator[str]:
        leftovers = [path for raw in files.raw for path in self._put_raw(raw, files.paths)]
        yield from self._put_documents(files.documents)  # what lists a file goes before the file
        yield from leftovers

    def _put_documents(self, documents: Iterator[Written]) -> Iterator[str]:
        for path, data in documents:
            if not self.writes(path):
                continue
            if data is None:
                yield path
            else:
                self._target.put(path, data, DOCUMENT)

    def _put_raw(self, raw: RawSkill, paths: Files) -> Iterator[str]:
        """Write the files of a skill; yield those of an earlier version that it no longer has."""
        if not self.has_raw_files:
            return
        before = {path for path, _ in self._target.paths(raw.folder)} if raw.had_files else set()
        written = self._put_files(raw.folder, raw.offer, before, paths) if raw.offer else set()
        yield from sorted(before - written)

    def _put_files(self, folder: str, offer: Offer, before: set[str], listed: Files) -> set[str]:
        try:
            data = self._read_package(offer.version.package_digest)
        except NotFound:  # taken down since the snapshot was made
            listed.pop(offer.version.content_digest, None)
            return set()
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            names = package.namelist() if are_fetchable(package.namelist()) else []
            paths = {folder + name for name in names}
            for path in before:
                if _is_in_the_way(path, paths):
                    self._target.delete(path)
            for name in names:
                self._target.put(folder + name, package.read(name), MARKDOWN if name == MANIFEST else RAW)
        return paths

    def _put_root(self, new: IndexTree, snapshot: Snapshot) -> Iterator[str]:
        """Write what lies at the root: few files, all of them each time."""
        root = Scope()
        catalogue = Catalogue(new, snapshot, self.addresses, self._settings)
        found = catalogue.offers(root)
        files = files_of(snapshot, digests_of(found))
        before = {path for path, _ in self._target.paths(RAW_FOLDER)} - {SKILLS}
        raw: set[str] = set()
        for offer in found if self.has_raw_files else ():
            raw |= self._put_files(raw_folder(root, offer.name), offer, before, files)
        yield from self._put_documents(self._root_documents(catalogue, found, files))
        yield from sorted(before - raw)

    def _root_documents(self, catalogue: Catalogue, found: list[Offer], files: Files) -> Iterator[Written]:
        yield Written(SKILLS, skills(found, files))
        yield Written(AGENT_SKILLS, agent_skills(Scope(), found))
        yield Written(MARKETPLACE, catalogue.root_marketplace())
        yield Written(CLAWHUB, clawhub(self.addresses))


def _is_in_the_way(path: str, wanted: set[str]) -> bool:
    """Whether a file cannot lie beside the others: a folder is wanted at its path, or a file at a folder of its."""
    parents = {path[:at] for at, character in enumerate(path) if character == "/"}
    return bool(parents & wanted) or any(other.startswith(f"{path}/") for other in wanted)
