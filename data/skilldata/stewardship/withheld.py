"""Packages that are not served any more: taken away from where downloads are, also from a public bucket.

A quarantined skill's package waits under `withheld/`, which must not be public, and comes back when it is
restored. That of a removed skill or a blocked digest is deleted; restored, it is packed anew from its source.
A package that another skill still serves stays. Provenance statements stay: they hold no file's content.
"""

from __future__ import annotations

from typing import NamedTuple

from skilldata.database import Database
from skilldata.errors import NotFound
from skilldata.objects import ObjectStore, package_key
from skilldata.stewardship.rulings import Rulings

PREFIX = "withheld/"


class Withheld(NamedTuple):
    """How many packages were put aside, deleted and brought back."""

    aside: int = 0
    erased: int = 0
    returned: int = 0


def withhold(database: Database, objects: ObjectStore) -> Withheld:
    """Make the object store agree with the rulings; doing it twice is the same as once.

    Args:
        database: The index.
        objects: Where the packages are.
    """
    packages = dict(Rulings(database).withheld_packages())
    waiting = {key.removeprefix(PREFIX) for key, _ in objects.keys(PREFIX)}
    aside = erased = 0
    for digest, erase in packages.items():
        key = package_key(digest)
        served = objects.size(key) is not None
        if served and not erase:
            objects.put(PREFIX + key, objects.get(key), content_type="application/zip", cache_control="no-store")
            aside += 1
        if served:
            objects.delete(key)
        if erase and key in waiting:
            objects.delete(PREFIX + key)
        erased += erase and (served or key in waiting)
    back = waiting - {package_key(digest) for digest in packages}
    for key in sorted(back):
        _return(objects, key)
    return Withheld(aside, erased, len(back))


def _return(objects: ObjectStore, key: str) -> None:
    try:
        data = objects.get(PREFIX + key)
    except NotFound:
        return  # another publish was faster
    objects.put_if_absent(key, data, content_type="application/zip")
    objects.delete(PREFIX + key)
