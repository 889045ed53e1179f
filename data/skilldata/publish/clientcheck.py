"""Comparing the clients' files that are published with those that a snapshot gives."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from skilldata.clientformats.documents import RawSkill, Written, owner_files, raw_folder
from skilldata.clientformats.marketplace import MARKETPLACE
from skilldata.clientformats.offers import Offer
from skilldata.clientformats.scopes import Scope
from skilldata.clientformats.wellknown import AGENT_SKILLS, RAW, SKILLS, Files, are_fetchable
from skilldata.errors import NotFound
from skilldata.jsonindex.tree import IndexTree, changes
from skilldata.publish.clientfiles import ClientFiles
from skilldata.publish.target import Target
from skilldata.snapshot import Snapshot

_OWNERS = "r/"
_ENDINGS = (AGENT_SKILLS, SKILLS, MARKETPLACE)


def check_client_files(
    clients: ClientFiles, target: Target, index: IndexTree, snapshot: Snapshot
) -> Iterator[str | None]:
    """Compare every document and every raw file.

    Args:
        clients: Makes what is to be there.
        target: Has what is there.
        index: The JSON index of the snapshot.
        snapshot: The snapshot.

    Yields:
        None for each file that is right, and what is wrong with another.
    """
    owners = set()
    for files in owner_files(index, snapshot, changes(None, index), clients.addresses):
        clients.leave_out_taken([raw.offer for raw in files.raw if raw.offer], files.paths)
        documents = list(files.documents)
        owners.add(documents[0].path.split("/")[1])
        yield from _check_documents(clients, target, documents)
        for raw in files.raw if clients.has_raw_files else ():
            yield from _check_raw(target, snapshot, raw, files.paths)
    yield from _check_root(clients, target, index, snapshot)
    for path, _ in target.paths(_OWNERS):
        if path.split("/")[1] not in owners and _is_client_file(path):
            yield f"{path} is of an owner that is not in the snapshot"


def _check_root(clients: ClientFiles, target: Target, index: IndexTree, snapshot: Snapshot) -> Iterator[str | None]:
    offers, paths, documents = clients.root(index, snapshot)
    yield from _check_documents(clients, target, documents)
    for offer in offers if clients.has_raw_files else ():
        raw = RawSkill(raw_folder(Scope(), offer.name), offer, had_files=False)
        yield from _check_raw(target, snapshot, raw, paths)


def _check_documents(clients: ClientFiles, target: Target, documents: Iterable[Written]) -> Iterator[str | None]:
    for path, data in documents:
        if clients.writes(path):
            yield _differs(target, path, hashlib.sha256(data).hexdigest() if data is not None else None)


def _check_raw(target: Target, snapshot: Snapshot, raw: RawSkill, listed: Files) -> Iterator[str | None]:
    is_there = raw.offer is not None and raw.offer.version.content_digest in listed
    wanted = _files(snapshot, raw.offer) if raw.offer and is_there else {}
    for path, digest in wanted.items():
        yield _differs(target, raw.folder + path, digest)
    for path, _ in target.paths(raw.folder):
        if path.removeprefix(raw.folder) not in wanted:
            yield f"{path} is a file that the skill does not have"


def _files(snapshot: Snapshot, offer: Offer) -> dict[str, str]:
    """Give the SHA-256 of each file, in hex; none where clients could not fetch them."""
    query = "SELECT path, sha256 FROM file WHERE content_digest = ? ORDER BY path"
    found = dict(snapshot.query(query, [offer.version.content_digest]))
    return found if are_fetchable(list(found)) else {}


def _differs(target: Target, path: str, digest: str | None) -> str | None:
    """Compare a file with its digest, None for one that is not to be there; say what is wrong."""
    try:
        found = hashlib.sha256(target.get(path)).hexdigest()
    except NotFound:
        return None if digest is None else f"{path} is missing"
    if digest is None:
        return f"{path} shows what is not in the snapshot"
    return None if found == digest else f"{path} is not what the snapshot gives"


def _is_client_file(path: str) -> bool:
    return path.endswith(_ENDINGS) or f"/{RAW}" in path
