"""One client's file by its path, made from a snapshot when it is asked for.

Every scope has every format here, also those that are not written as files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from skilldata.clientformats.addresses import ClientAddresses
from skilldata.clientformats.clawhub import CLAWHUB, clawhub
from skilldata.clientformats.documents import files_of
from skilldata.clientformats.featured import best_skills, featured_skills
from skilldata.clientformats.marketplace import MARKETPLACE, marketplace
from skilldata.clientformats.offers import Offer, offers, skill_record, version_offer
from skilldata.clientformats.scopes import Scope
from skilldata.clientformats.wellknown import AGENT_SKILLS, RAW, SKILLS, agent_skills, are_fetchable, skills
from skilldata.config import PublishSettings
from skilldata.errors import NotFound
from skilldata.jsonindex.tree import IndexTree
from skilldata.snapshot import Snapshot


class RawFile(NamedTuple):
    """A file of a package: the package's `sha256:` digest, and the path in it."""

    package_digest: str
    path: str


class Catalogue:
    """The clients' files of one snapshot.

    Args:
        index: Its JSON index.
        snapshot: The snapshot.
        addresses: Of the registry.
        settings: What the root shows.
    """

    def __init__(
        self, index: IndexTree, snapshot: Snapshot, addresses: ClientAddresses, settings: PublishSettings
    ) -> None:
        self._index = index
        self._snapshot = snapshot
        self._addresses = addresses
        self._settings = settings

    def document(self, path: str) -> bytes:
        """Make the document of a path.

        Raises:
            NotFound: No scope with something to hand out has it.
        """
        if path == CLAWHUB:
            return clawhub(self._addresses)
        for file in (AGENT_SKILLS, SKILLS, MARKETPLACE):
            folder, found, rest = path.rpartition(file)
            scope = Scope.parse(folder.removesuffix("/")) if found and not rest else None
            if scope is not None and scope.folder.lower() == folder.lower():
                made = self._document(scope, file)
                if made is not None:
                    return made
        raise NotFound(f"there is no {path}", remedy="docs/install.md tells which paths there are.")

    def raw_file(self, path: str) -> RawFile:
        """Find which file of which package lies at a path.

        Raises:
            NotFound: None does.
        """
        folder, found, rest = path.partition(RAW)
        scope = Scope.parse(folder.removesuffix("/")) if found else None
        name, _, file = rest.partition("/")
        if scope is not None and scope.folder.lower() == folder.lower():
            for offer in self.offers(scope):
                digest = offer.version.content_digest
                paths = files_of(self._snapshot, [digest]).get(digest, ()) if offer.name == name else ()
                if file in paths and are_fetchable(paths):
                    return RawFile(offer.version.package_digest, file)
        raise NotFound(f"there is no {path}", remedy="The index.json beside it lists what there is.")

    def offers(self, scope: Scope) -> list[Offer]:
        """List what a scope hands out."""
        if not scope.owner:
            chosen = featured_skills(
                self._index, self._snapshot, self._settings.featured, self._settings.featured_count
            )
            return offers(chosen)
        bits = 96 if scope.slug else 64 if scope.repository else 32
        place = f"{scope.owner}/{scope.repository}"
        address = f"{place}/{scope.slug}" if scope.slug else place
        wanted = "/".join(part for part in scope[:3] if part)
        records = [
            skill_record(line.data, line.address)
            for line in self._index.near(address, bits)
            if line.address.count("/") == 2 and f"{line.address}/".startswith(f"{wanted}/")
        ]
        if scope.slug:
            return [offer for record in records if (offer := version_offer(record, scope.label))]
        return offers(records)

    def root_marketplace(self) -> bytes | None:
        """Write the marketplace of the whole registry, or of its skills with the most stars where it is large."""
        best = best_skills(self._index, self._snapshot, self._settings.marketplace_skills)
        return marketplace(Scope(), offers(best), self._addresses)

    def _document(self, scope: Scope, file: str) -> bytes | None:
        if file == MARKETPLACE and not scope.owner:
            return self.root_marketplace()
        found = self.offers(scope)
        if file == AGENT_SKILLS:
            return agent_skills(scope, found)
        if file == MARKETPLACE:
            return marketplace(scope, found, self._addresses)
        return skills(found, files_of(self._snapshot, digests_of(found)))


def digests_of(found: Sequence[Offer]) -> list[str]:
    """List the content digests of what is offered."""
    return [offer.version.content_digest for offer in found]
