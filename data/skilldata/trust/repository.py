"""Signing what a publisher publishes.

An update reads what is signed, signs the bins whose targets changed or which soon expire, then the snapshot that
names them, and moves the timestamp last. Until then every reader finds the files before; a publisher that dies
half-way leaves versions that nothing names. Versions rise whatever is published, so going back to an earlier
snapshot of the index is a change like any other (TUF specification 1.0.33, sections 4 and 6).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple, TypeVar

from securesystemslib.signer import Signer
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, SuccinctRoles, TargetFile, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer

from skilldata.errors import TrustError
from skilldata.trust import roles
from skilldata.trust.metadata import MetadataStore

MAX_ROOTS = 256  # versions of root that clients walk through
MAX_SKIPPED = 100  # versions that broken-off updates left behind
READERS = 16  # bins read at once

SignedT = TypeVar("SignedT", Root, Targets, Snapshot, Timestamp)
_FORMAT = JSONSerializer(compact=True)


class VouchedFile(NamedTuple):
    """One file that the metadata vouches for: its path below the public address, size in bytes, SHA-256 in hex."""

    path: str
    length: int
    sha256: str


class Signed(NamedTuple):
    """What an update signed.

    Attributes:
        targets: Files that the metadata vouches for.
        bins: How many bins were signed anew.
        snapshot: Version of the snapshot.
        timestamp: Version of the timestamp.
        expires: Until when clients take it.
    """

    targets: int
    bins: int
    snapshot: int
    timestamp: int
    expires: datetime


class TrustRepository:
    """The metadata of one registry.

    Args:
        store: Where its files are; root and targets must be there.
        signer: The online key.
    """

    def __init__(self, store: MetadataStore, signer: Signer) -> None:
        self._store = store
        self._signer = signer

    def update(self, targets: Iterable[VouchedFile], now: datetime) -> Signed:
        """Vouch for these files, and for no others.

        Raises:
            TrustError: There is no root or targets metadata, or it does not name the online key.
        """
        wanted = [TargetFile(one.length, {"sha256": one.sha256}, one.path) for one in targets]
        return self._update(wanted, now)

    def refresh(self, now: datetime) -> Signed:
        """Vouch for the same files a while longer: sign anew what soon expires, and a new timestamp.

        Raises:
            TrustError: As `update` does, or bins have no signature by the online key of today. What is not signed
                may be anybody's, so only an update, which knows the files, puts that right.
        """
        return self._update(None, now)

    def _update(self, wanted: list[TargetFile] | None, now: datetime) -> Signed:
        root = read_root(self._store)
        top = read_newest(self._store, roles.TARGETS, Targets)
        _check(root, roles.TARGETS, top, f"{top.signed.version}.targets.json")
        _check_key(root, self._signer)
        _check_current(roles.ROOT, root.signed.expires, now)
        _check_current(roles.TARGETS, top.signed.expires, now)
        bins = succinct_roles(top.signed)
        before = self._read_timestamp(root)
        snapshot = self._read_snapshot(root, before)
        present = self._read_bins(top, bins, snapshot)
        if wanted is None:
            wanted = _vouched(present)
        changed = dict(self._sign_bins(present, _divided(wanted, bins), now))
        version = self._write_snapshot(top, snapshot, changed, now)
        stamp = self._write_timestamp(before, version, now)
        return Signed(len(wanted), len(changed), version, stamp.signed.version, stamp.signed.expires)

    # -- reading what is there

    def _read_timestamp(self, root: Metadata[Root]) -> Metadata[Timestamp] | None:
        found = _read(self._store, "timestamp.json", Timestamp)
        # What another key signed is signed anew; of it, only the versions count.
        return found if found is None or _is_signed(root, roles.TIMESTAMP, found) else _unsigned(found)

    def _read_snapshot(self, root: Metadata[Root], stamp: Metadata[Timestamp] | None) -> Metadata[Snapshot] | None:
        if stamp is None:
            return None
        found = _read(self._store, f"{stamp.signed.snapshot_meta.version}.snapshot.json", Snapshot)
        return found if found is None or _is_signed(root, roles.SNAPSHOT, found) else _unsigned(found)

    def _read_bins(
        self, top: Metadata[Targets], bins: SuccinctRoles, snapshot: Metadata[Snapshot] | None
    ) -> dict[str, Metadata[Targets] | None]:
        """Read the bins that the snapshot names; one that is not signed by the online key of today is signed anew."""
        files = snapshot.signed.meta if snapshot else {}
        versions = {name: files[f"{name}.json"].version for name in bins.get_roles() if f"{name}.json" in files}

        def read(name: str) -> Metadata[Targets] | None:
            if name not in versions:
                return None
            found = _read(self._store, f"{versions[name]}.{name}.json", Targets)
            return found if found is None or _is_signed(top, name, found) else _unsigned(found)

        names = list(bins.get_roles())
        with ThreadPoolExecutor(READERS) as pool:
            return dict(zip(names, pool.map(read, names), strict=True))

    # -- signing

    def _sign_bins(
        self,
        present: Mapping[str, Metadata[Targets] | None],
        wanted: Mapping[str, dict[str, TargetFile]],
        now: datetime,
    ) -> Iterator[tuple[str, int]]:
        for name, old in present.items():
            targets = wanted.get(name, {})
            if old and old.signed.targets == targets and _holds(old, roles.BIN_PREFIX, now):
                continue
            signed = Targets(
                version=old.signed.version + 1 if old else 1,
                expires=roles.expires(roles.BIN_PREFIX, now),
                targets=targets,
            )
            yield name, self._write(name, signed)

    def _write_snapshot(
        self,
        top: Metadata[Targets],
        old: Metadata[Snapshot] | None,
        changed: Mapping[str, int],
        now: datetime,
    ) -> int:
        meta = dict(old.signed.meta) if old else {}
        meta.update({f"{name}.json": MetaFile(version) for name, version in changed.items()})
        meta["targets.json"] = MetaFile(top.signed.version)
        if old and old.signed.meta == meta and _holds(old, roles.SNAPSHOT, now):
            return old.signed.version
        signed = Snapshot(
            version=old.signed.version + 1 if old else 1, expires=roles.expires(roles.SNAPSHOT, now), meta=meta
        )
        return self._write(roles.SNAPSHOT, signed)

    def _write_timestamp(
        self, old: Metadata[Timestamp] | None, snapshot_version: int, now: datetime
    ) -> Metadata[Timestamp]:
        signed = Timestamp(
            version=old.signed.version + 1 if old else 1,
            expires=roles.expires(roles.TIMESTAMP, now),
            snapshot_meta=MetaFile(snapshot_version),
        )
        metadata = Metadata(signed)
        metadata.sign(self._signer)
        self._store.replace("timestamp.json", metadata.to_bytes(_FORMAT))
        return metadata

    def _write(self, role: str, signed: SignedT) -> int:
        """Sign and write; passes over versions that an update which was broken off left behind."""
        for _ in range(MAX_SKIPPED):
            metadata = Metadata(signed)
            metadata.sign(self._signer)
            if self._store.add(f"{signed.version}.{role}.json", metadata.to_bytes(_FORMAT)):
                return signed.version
            signed.version += 1
        raise TrustError(f"{MAX_SKIPPED} versions of {role} are taken", remedy="Look for a second publisher.")


def succinct_roles(targets: Targets) -> SuccinctRoles:
    """Give the bins that targets metadata delegates to.

    Raises:
        TrustError: It delegates to none.
    """
    bins = targets.delegations.succinct_roles if targets.delegations else None
    if bins is None:
        raise TrustError("the targets metadata delegates to no bins", remedy="Make it with `skillregistry trust init`.")
    return bins


def read_root(store: MetadataStore) -> Metadata[Root]:
    """Read the newest root, through all that came before: each is signed by the one before and by itself.

    Raises:
        TrustError: There is none, or one lacks signatures; clients would refuse it and all after it.
    """
    newest = read_newest(store, roles.ROOT, Root)
    before: Metadata[Root] | None = None
    for version in range(1, newest.signed.version + 1):
        name = f"{version}.{roles.ROOT}.json"
        found = _read(store, name, Root)
        if found is not None:
            _check(before or found, roles.ROOT, found, name)
            _check(found, roles.ROOT, found, name)
            before = found
    return newest


def bring(source: MetadataStore, store: MetadataStore) -> list[str]:
    """Bring root and targets files that were made by hand to where the metadata is published.

    Returns:
        The names of those that are new there.

    Raises:
        TrustError: Signatures are missing, or another file of such a name is published already.
    """
    root = read_root(source)
    top = read_newest(source, roles.TARGETS, Targets)
    _check(root, roles.TARGETS, top, f"{top.signed.version}.targets.json")
    brought = []
    for role, newest in ((roles.ROOT, root.signed.version), (roles.TARGETS, top.signed.version)):
        for name in [f"{version}.{role}.json" for version in range(1, newest + 1)]:
            data = source.get(name)
            if data is None or store.get(name) == data:
                continue
            if not store.add(name, data):
                raise TrustError(
                    f"another {name} is published already", remedy="Start from the published files, and rotate again."
                )
            brought.append(name)
    return brought


def read_newest(store: MetadataStore, role: str, kind: type[SignedT]) -> Metadata[SignedT]:
    """Read the newest root or targets metadata; their versions follow each other without a gap.

    Raises:
        TrustError: There is none.
    """
    newest = None
    for version in range(1, MAX_ROOTS):
        found = _read(store, f"{version}.{role}.json", kind)
        if found is None:
            break
        newest = found
    if newest is None:
        raise TrustError(
            f"there is no {role} metadata",
            remedy="Make it with `skillregistry trust init`, and bring it here with `skillregistry trust refresh`.",
        )
    return newest


def _read(store: MetadataStore, name: str, kind: type[SignedT]) -> Metadata[SignedT] | None:
    data = store.get(name)
    if data is None:
        return None
    try:
        found: Metadata[SignedT] = Metadata.from_bytes(data)
    except RepositoryError as error:
        raise TrustError(f"{name} is no signed metadata: {error}", remedy="Restore it from a backup.") from None
    if not isinstance(found.signed, kind):
        raise TrustError(f"{name} is metadata of another role", remedy="Restore it from a backup.")
    return found


def _vouched(bins: Mapping[str, Metadata[Targets] | None]) -> list[TargetFile]:
    for name, found in bins.items():
        if found is None or not found.signatures:
            raise TrustError(f"{name} is not signed by the online key", remedy="Run `skillregistry publish`.")
    return [target for found in bins.values() if found for target in found.signed.targets.values()]


def _divided(targets: Iterable[TargetFile], bins: SuccinctRoles) -> dict[str, dict[str, TargetFile]]:
    divided: dict[str, dict[str, TargetFile]] = {}
    for target in targets:
        divided.setdefault(bins.get_role_for_target(target.path), {})[target.path] = target
    return {name: dict(sorted(found.items())) for name, found in divided.items()}


def _is_signed(delegator: Metadata[Root] | Metadata[Targets], role: str, metadata: Metadata[SignedT]) -> bool:
    try:
        delegator.verify_delegate(role, metadata)
    except (RepositoryError, ValueError):
        return False
    return True


def _holds(metadata: Metadata[Targets] | Metadata[Snapshot], role: str, now: datetime) -> bool:
    return bool(metadata.signatures) and not roles.is_due(role, metadata.signed.expires, now)


def _unsigned(metadata: Metadata[SignedT]) -> Metadata[SignedT]:
    metadata.signatures.clear()
    return metadata


def _check(delegator: Metadata[Root], role: str, metadata: Metadata[SignedT], name: str) -> None:
    if not _is_signed(delegator, role, metadata):
        raise TrustError(
            f"{name} has not enough signatures by the {role} keys that root names",
            remedy=f"Add them with `skillregistry trust sign {name}` and such a key.",
        )


def _check_current(role: str, expiry: datetime, now: datetime) -> None:
    if expiry <= now:
        raise TrustError(
            f"the {role} metadata was valid until {expiry:%Y-%m-%d}",
            remedy=f"Sign a new one with `skillregistry trust rotate {role} --keep-key`.",
        )


def _check_key(root: Metadata[Root], signer: Signer) -> None:
    if signer.public_key.keyid not in root.signed.roles[roles.TIMESTAMP].keyids:
        raise TrustError(
            "root names another online key than trust.online_key",
            remedy="Set trust.online_key to the key that `trust init` or the last `trust rotate online` made.",
        )
