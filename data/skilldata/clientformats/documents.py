"""Every client's file that may differ, given which records changed: an owner at a time.

Files are written for the root, owners, repositories, skills and versions, but not every format for each
(docs/adr/0021-clients-formats-as-files.md). The API gives what is not written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from skilldata.clientformats.addresses import ClientAddresses
from skilldata.clientformats.marketplace import MARKETPLACE, marketplace
from skilldata.clientformats.offers import Offer, current_version, offers, served_versions, skill_record, version_offer
from skilldata.clientformats.scopes import Scope, is_label, skill_scope
from skilldata.clientformats.wellknown import AGENT_SKILLS, RAW, SKILLS, Files, agent_skills, skills
from skilldata.jsonindex.documents import SkillRecord
from skilldata.jsonindex.tree import Change, IndexTree
from skilldata.snapshot import Snapshot

_DIGESTS_AT_ONCE = 500


class Written(NamedTuple):
    """A file to write, or to delete where there is no data."""

    path: str
    data: bytes | None


class RawSkill(NamedTuple):
    """The files of a skill, to be written one by one into `folder`; to be deleted where nothing is offered."""

    folder: str
    offer: Offer | None
    had_files: bool  # there may be some of an earlier version


class OwnerFiles(NamedTuple):
    """What is to be written for an owner.

    The raw files go first: documents list them. `paths` are those by content digest; a content that is taken
    from it before the documents are made is in none of them.
    """

    raw: list[RawSkill]
    documents: Iterator[Written]
    paths: Files


def owner_files(
    index: IndexTree, snapshot: Snapshot, found: Iterable[Change], addresses: ClientAddresses
) -> Iterator[OwnerFiles]:
    """Yield what may differ, given the records that do, in the order of keys.

    Args:
        index: The snapshot that the files are to show.
        snapshot: The same snapshot, which knows the files of packages.
        found: Records that changed.
        addresses: Of the registry.
    """
    for owner, group in groupby(found, key=lambda change: change.address.split("/")[0]):
        changed = [change for change in group if change.address.count("/") == 2]
        if changed:
            yield _of_owner(index, snapshot, owner, changed, addresses)


def files_of(snapshot: Snapshot, digests: Sequence[str]) -> Files:
    """Look up the paths of the files of contents by their digests."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for start in range(0, len(digests), _DIGESTS_AT_ONCE):
        some = digests[start : start + _DIGESTS_AT_ONCE]
        marks = ", ".join("?" * len(some))
        query = f"SELECT content_digest, path FROM file WHERE content_digest IN ({marks}) ORDER BY ALL"  # noqa: S608
        for digest, path in snapshot.query(query, some):
            found[digest].append(path)
    return found


def raw_folder(scope: Scope, name: str) -> str:
    """Give the folder of a skill's raw files in a scope."""
    return f"{scope.folder}{RAW}{name}/"


def _of_owner(
    index: IndexTree, snapshot: Snapshot, owner: str, changed: list[Change], addresses: ClientAddresses
) -> OwnerFiles:
    records: defaultdict[str, list[SkillRecord]] = defaultdict(list)
    for line in index.near(f"{owner}/", 32):
        place, _, slug = line.address.rpartition("/")
        if slug and place.split("/")[0] == owner and "/" in place:
            records[place].append(skill_record(line.data, line.address))
    places = sorted({change.address.rpartition("/")[0] for change in changed})
    listed = {place: offers(records.get(place, ())) for place in places}
    files = files_of(snapshot, [offer.version.content_digest for found in listed.values() for offer in found])
    everything = offers(record for found in records.values() for record in found)

    def documents() -> Iterator[Written]:
        for change in changed:
            yield from _of_skill(change)
        for place in places:
            yield from _of_repository(Scope(*place.split("/")), listed[place], files, addresses)
        yield from _of_scope(Scope(owner), everything, addresses)

    return OwnerFiles([raw for change in changed if (raw := _raw(change))], documents(), files)


def _of_skill(change: Change) -> Iterator[Written]:
    """Yield the indexes of one skill: of its current version, and of each that may be handed out."""
    scopes = {skill_scope(change.address, label) for label in _labels(change.old)}
    scopes |= {skill_scope(change.address, label) for label in _labels(change.new)}
    record = skill_record(change.new, change.address) if change.new else None
    for scope in sorted({skill_scope(change.address), *scopes}):
        offer = version_offer(record, scope.label) if record else None
        yield Written(scope.folder + AGENT_SKILLS, agent_skills(scope, [offer] if offer else []))


def _labels(data: bytes | None) -> list[str]:
    if data is None:
        return []
    versions = served_versions(skill_record(data, "a skill"))
    return [version.label for version in versions if is_label(version.label)]


def _of_repository(scope: Scope, found: list[Offer], files: Files, addresses: ClientAddresses) -> Iterator[Written]:
    yield Written(scope.folder + SKILLS, skills(found, files))
    yield from _of_scope(scope, found, addresses)


def _of_scope(scope: Scope, found: list[Offer], addresses: ClientAddresses) -> Iterator[Written]:
    yield Written(scope.folder + AGENT_SKILLS, agent_skills(scope, found))
    yield Written(scope.folder + MARKETPLACE, marketplace(scope, found, addresses))


def _raw(change: Change) -> RawSkill | None:
    """Say what is to be done about a skill's raw files; None where they stay as they are."""
    scope = skill_scope(change.address)
    folder = raw_folder(Scope(scope.owner, scope.repository), scope.slug)
    new = skill_record(change.new, change.address) if change.new else None
    old = skill_record(change.old, change.address) if change.old else None
    offer = version_offer(new) if new else None
    before = current_version(old) if old else None
    if offer and before and before.content_digest == offer.version.content_digest:
        return None
    return RawSkill(folder, offer, had_files=old is not None)
