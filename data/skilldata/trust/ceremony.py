"""What is done by hand with the offline keys: the first metadata, new keys, further signatures.

All of it works on a folder of metadata files and folders of key files, without a network and without the
registry. A new root is signed by the keys of the old one and by its own (TUF specification 1.0.33, section 6.1),
so that clients which hold any earlier root follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from securesystemslib.signer import CryptoSigner, Signer
from tuf.api.metadata import Delegations, Metadata, Root, SuccinctRoles, Targets
from tuf.api.serialization.json import JSONSerializer

from skilldata.errors import TrustError
from skilldata.trust import roles
from skilldata.trust.keys import make_key
from skilldata.trust.metadata import FolderMetadata
from skilldata.trust.repository import read_newest, succinct_roles

_FORMAT = JSONSerializer(compact=False)


class KeyRole(StrEnum):
    """Whose key is changed."""

    ROOT = "root"
    TARGETS = "targets"
    ONLINE = "online"


class Keys(NamedTuple):
    """The keys that sign offline."""

    root: Sequence[Signer]
    targets: Signer


class Written(NamedTuple):
    """A metadata file, and how many more signatures it takes until clients accept it."""

    path: Path
    missing: int


def make_root(
    metadata: Path,
    keys: Path,
    now: datetime,
    *,
    root_keys: int = 2,
    threshold: int = 1,
    bits: int = roles.BIN_BITS,
    passphrase: str | None = None,
) -> list[Path]:
    """Make keys and the first root and targets metadata.

    Args:
        metadata: Folder for `1.root.json` and `1.targets.json`.
        keys: Folder for `root-1.pem` and so on, `targets.pem` and `online.pem`.
        now: When.
        root_keys: How many root keys.
        threshold: How many of them a root takes.
        bits: The targets are divided into `2 ** bits` bins.
        passphrase: Of the key files.

    Returns:
        The key files.

    Raises:
        TrustError: There is metadata or a key already, or the numbers do not go together.
    """
    if not 1 <= threshold <= root_keys:
        raise TrustError(f"{threshold} of {root_keys} root keys cannot sign", remedy="Ask for at least as many keys.")
    store = FolderMetadata(metadata)
    if store.get("1.root.json") is not None:
        raise TrustError(f"{metadata} has a root already", remedy="Change keys with `skillregistry trust rotate`.")
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    names = [*(f"root-{number}.pem" for number in range(1, root_keys + 1)), "targets.pem", "online.pem"]
    *root_signers, targets, online = [make_key(keys / name, passphrase) for name in names]
    root = Root(version=1, expires=roles.expires(roles.ROOT, now), consistent_snapshot=True)
    for signer in root_signers:
        root.add_key(signer.public_key, roles.ROOT)
    root.roles[roles.ROOT].threshold = threshold
    root.add_key(targets.public_key, roles.TARGETS)
    for role in (roles.SNAPSHOT, roles.TIMESTAMP):
        root.add_key(online.public_key, role)
    _write(store, roles.ROOT, Metadata(root), root_signers)
    top = Targets(version=1, expires=roles.expires(roles.TARGETS, now))
    _delegate(top, online, bits)
    _write(store, roles.TARGETS, Metadata(top), [targets])
    return [keys / name for name in names]


def rotate(metadata: Path, role: KeyRole, keys: Keys, now: datetime, *, new: CryptoSigner | None) -> list[Written]:
    """Write the next root and targets metadata with another key of a role, or with the same for longer.

    Args:
        metadata: Folder with the present ones; the next are written there.
        role: Whose key is changed. Of several root keys, the first of `keys` is replaced.
        keys: Those at hand; further signatures are added with `add_signature`.
        now: When.
        new: The new key; None keeps the keys and only moves the date.

    Returns:
        What was written.

    Raises:
        TrustError: There is no metadata, or keys are not those that it names.
    """
    store = FolderMetadata(metadata)
    old_root = read_newest(store, roles.ROOT, Root)
    targets = read_newest(store, roles.TARGETS, Targets)
    root = Metadata.from_bytes(old_root.to_bytes())
    root.signed.version += 1
    root.signed.expires = roles.expires(roles.ROOT, now)
    signers = list(keys.root)
    if new is not None:
        _replace_key(root.signed, role, keys, new)
        signers += [new] if role is KeyRole.ROOT else []
    _write(store, roles.ROOT, root, signers)
    written = [_written(metadata, [old_root, root], root)]
    if role is not KeyRole.ROOT:
        targets.signed.version += 1
        targets.signed.expires = roles.expires(roles.TARGETS, now)
        if new and role is KeyRole.ONLINE:
            _delegate(targets.signed, new, succinct_roles(targets.signed).bit_length)
        signer = new if new and role is KeyRole.TARGETS else keys.targets
        _write(store, roles.TARGETS, targets, [signer])
        written.append(_written(metadata, [root], targets))
    return written


def add_signature(metadata: Path, name: str, signer: Signer) -> Written:
    """Add a signature to a root or targets file.

    Raises:
        TrustError: There is no such file, or its role has not this key.
    """
    store = FolderMetadata(metadata)
    version, _, role = name.removesuffix(".json").partition(".")
    data = store.get(name)
    if data is None or role not in (roles.ROOT, roles.TARGETS) or not version.isdigit():
        raise TrustError(f"{metadata / name} is no root or targets metadata", remedy="Name a file such as 2.root.json.")
    found: Metadata[Root] | Metadata[Targets] = Metadata.from_bytes(data)
    delegators = _delegators(store, role, int(version), found)
    if not any(signer.public_key.keyid in root.signed.roles[role].keyids for root in delegators):
        raise TrustError(f"{name} takes no signature by this key", remedy=f"Use a {role} key.")
    found.sign(signer, append=True)
    store.replace(name, found.to_bytes(_FORMAT))
    return _written(metadata, delegators, found)


def _delegators(
    store: FolderMetadata, role: str, version: int, found: Metadata[Root] | Metadata[Targets]
) -> list[Metadata[Root]]:
    """Give the roots whose keys must have signed: for a root the one before and itself."""
    if role == roles.TARGETS:
        return [read_newest(store, roles.ROOT, Root)]
    before = store.get(f"{version - 1}.{roles.ROOT}.json")
    own: Metadata[Root] = Metadata.from_bytes(found.to_bytes())
    return [own, *([Metadata[Root].from_bytes(before)] if before else [])]


def _replace_key(root: Root, role: KeyRole, keys: Keys, new: CryptoSigner) -> None:
    changed = {
        KeyRole.ROOT: [(roles.ROOT, keys.root[0].public_key.keyid if keys.root else "")],
        KeyRole.TARGETS: [(roles.TARGETS, root.roles[roles.TARGETS].keyids[0])],
        KeyRole.ONLINE: [(name, root.roles[name].keyids[0]) for name in (roles.SNAPSHOT, roles.TIMESTAMP)],
    }
    for name, old in changed[role]:
        if old not in root.roles[name].keyids:
            raise TrustError(f"the key that is to be replaced is no {name} key", remedy="Name the old key's file.")
        root.revoke_key(old, name)
        root.add_key(new.public_key, name)


def _delegate(targets: Targets, online: CryptoSigner, bits: int) -> None:
    succinct = SuccinctRoles([online.public_key.keyid], 1, bits, roles.BIN_PREFIX)
    targets.delegations = Delegations({online.public_key.keyid: online.public_key}, succinct_roles=succinct)


def _write(
    store: FolderMetadata, role: str, metadata: Metadata[Root] | Metadata[Targets], signers: Sequence[Signer]
) -> None:
    metadata.signatures.clear()
    for signer in signers:
        metadata.sign(signer, append=True)
    name = f"{metadata.signed.version}.{role}.json"
    if not store.add(name, metadata.to_bytes(_FORMAT)):
        raise TrustError(f"{name} is there already", remedy="Sign that one, or delete it where it was never published.")


def _written(
    folder: Path, delegators: Sequence[Metadata[Root]], metadata: Metadata[Root] | Metadata[Targets]
) -> Written:
    name = f"{metadata.signed.version}.{metadata.signed.type}.json"
    return Written(folder / name, max(_missing(root, metadata.signed.type, metadata) for root in delegators))


def _missing(delegator: Metadata[Root], role: str, metadata: Metadata[Root] | Metadata[Targets]) -> int:
    """Count the signatures that a role's threshold still lacks."""
    result = delegator.signed.get_verification_result(role, metadata.signed_bytes, metadata.signatures)
    return max(0, result.threshold - len(result.signed))
