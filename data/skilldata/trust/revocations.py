"""What was taken back, as a signed document: installed copies cannot be recalled, but their owners can be told.

It is made from a snapshot and never goes back in time: when an earlier snapshot is made live again, the list stays
the newer one, and what is on it is not vouched for.
"""

from __future__ import annotations

from collections.abc import Iterator

from skilldata.errors import IntegrityError
from skilldata.jsonindex.documents import Revocations, Revoked
from skilldata.snapshot import Snapshot

_HAS_TABLE = "SELECT 1 FROM duckdb_tables() WHERE table_name = 'revocation'"
_ROWS = "SELECT digest, legal, reason, since FROM revocation ORDER BY digest"


class TakenBack(IntegrityError):
    """A package was published once and is not to be used any more.

    Args:
        name: What the user calls it.
        revoked: Why, and since when.
    """

    code = "taken-back"

    def __init__(self, name: str, revoked: Revoked) -> None:
        self.revoked = revoked
        law = ", as a law demands" if revoked.legal else ""
        super().__init__(
            f"{name} was taken back on {revoked.since:%Y-%m-%d}{law}: {revoked.reason}",
            remedy="Delete it wherever it is installed.",
        )


def read_revocations(snapshot: Snapshot) -> Revocations:
    """List what a snapshot says was taken back; nothing where it was made before there was such a table."""
    rows: Iterator[tuple[object, ...]] = iter(())
    if next(snapshot.query(_HAS_TABLE), None):
        rows = snapshot.query(_ROWS)
    revoked = tuple(
        Revoked.model_validate(dict(zip(("digest", "legal", "reason", "since"), row, strict=True))) for row in rows
    )
    return Revocations(snapshot=snapshot.info.id, as_of=snapshot.info.as_of, revoked=revoked)


def newer(made: Revocations, published: Revocations | None) -> Revocations:
    """Choose what is to be published: what was made, unless what is published knows of later rulings."""
    return published if published is not None and published.as_of > made.as_of else made


def refuse_revoked(revocations: Revocations, digest: str, name: str) -> None:
    """Look a `sha256:` digest of a package or a content up.

    Raises:
        TakenBack: It is on the list.
    """
    for one in revocations.revoked:
        if one.digest == digest:
            raise TakenBack(name, one)
