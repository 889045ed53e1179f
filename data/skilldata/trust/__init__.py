"""Signed metadata: what a client needs to tell the registry's bytes from anybody else's.

The Update Framework (TUF 1.0.33, through python-tuf), with consistent snapshots and succinct hashed bins:

    root       names the keys of all roles                            keys kept offline
    targets    delegates every path to the bins                       key kept offline
    bins       length and SHA-256 of every package and index file     online key
    snapshot   which version of each bin belongs together             online key
    timestamp  which snapshot is the newest; soon out of date         online key

- `ceremony`     what is done by hand, on a machine without a network: make, rotate and add signatures
- `repository`   what a publisher does: sign what changed, in an order that no reader sees half
- `audit`        whether what is vouched for is what there is
- `client`       what a user does: check bytes against the metadata
- `metadata`     where metadata files are kept
- `keys`         private keys in files
- `roles`        names, validity and sizes
- `statements`   signed statements of where a package came from (DSSE)
- `revocations`  packages that were taken back
"""

from __future__ import annotations

from skilldata.trust.repository import Signed, TrustRepository

__all__ = ["Signed", "TrustRepository"]
