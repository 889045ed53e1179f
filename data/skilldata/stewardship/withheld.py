"""Where packages lie: under `packages/`, which may be public, only what may be handed out.

A package that no skill may hand out lies under `withheld/`, which must not be public: its licence does not allow
it, the scanner blocks it, or the skill is quarantined. It is still read to scan it again, and to take from it what
a later crawl need not fetch. That of a removed skill or a blocked digest is deleted; restored, it is packed anew
from its source. A package that another skill hands out stays. Provenance statements stay: they hold no file's
content.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from skilldata.database import Database
from skilldata.errors import NotFound
from skilldata.objects import IMMUTABLE, PACKAGES, WITHHELD, ObjectStore, kept_key, package_key
from skilldata.stewardship.models import Place

if TYPE_CHECKING:
    from psycopg import Connection

    _Connection: TypeAlias = Connection[tuple[Any, ...]]

MOST_NAMED = 10_000  # keys that a report has


class Withheld(NamedTuple):
    """How many packages were put aside, deleted and brought back; `taken` are keys that are public no more."""

    aside: int = 0
    erased: int = 0
    returned: int = 0
    taken: tuple[str, ...] = ()


class PackageRow(NamedTuple):
    """A package of the index: `sha256:` digest, bytes, and where it belongs."""

    digest: str
    size: int
    place: Place


class _Misplaced(NamedTuple):
    digest: str
    place: Place
    is_public: bool
    is_aside: bool


def package_rows(connection: _Connection) -> Iterator[PackageRow]:
    """Yield every package of the index, in the order of digests."""
    with connection.cursor("package_rows") as cursor:
        for digest, size, place in cursor.execute(_PLACES):
            yield PackageRow(digest, size, Place(place))


def withhold(database: Database, objects: ObjectStore) -> Withheld:
    """Make the object store agree with the index; doing it twice is the same as once.

    What lies in the store is listed and not remembered, so that whatever a killed run left is put right by the
    next. Packages that the index does not know are left alone: a crawl may be about to record them.

    Args:
        database: The index.
        objects: Where the packages are.
    """
    with database.transaction() as connection:
        misplaced = list(_misplaced(package_rows(connection), objects))
    aside = erased = returned = 0
    for digest, place, is_public, is_aside in misplaced:
        if place is Place.SERVED:
            returned += not is_public
            _give_back(objects, digest)
            continue
        if place is Place.ASIDE and is_public and not is_aside:
            _put_aside(objects, digest)
        aside += place is Place.ASIDE
        erased += place is Place.ERASED
        objects.delete(package_key(digest))
        if place is Place.ERASED:
            objects.delete(kept_key(digest))
    taken = (package_key(one.digest) for one in misplaced if one.place is not Place.SERVED and one.is_public)
    return Withheld(aside, erased, returned, tuple(key for key, _ in zip(taken, range(MOST_NAMED), strict=False)))


def _misplaced(rows: Iterable[PackageRow], objects: ObjectStore) -> Iterator[_Misplaced]:
    """Walk index and store side by side, all three in the order of digests, and give what lies in a wrong place."""
    known = ((_hex(row.digest), row) for row in rows)
    public = ((_hex(key), PACKAGES) for key, _ in objects.keys(PACKAGES))
    aside = ((_hex(key), WITHHELD) for key, _ in objects.keys(WITHHELD))
    for name, group in groupby(heapq.merge(known, public, aside, key=itemgetter(0)), key=itemgetter(0)):
        found = [value for _, value in group]
        row = next((value for value in found if isinstance(value, PackageRow)), None)
        if row is None:
            continue
        where = PACKAGES in found, WITHHELD in found
        if _is_wrong(row.place, *where):
            yield _Misplaced(f"sha256:{name}", row.place, *where)


def _is_wrong(place: Place, is_public: bool, is_aside: bool) -> bool:
    if place is Place.SERVED:
        return is_aside
    return is_public or (is_aside and place is Place.ERASED)


def _hex(name: str) -> str:
    """The 64 digits in a digest or in the key of a package."""
    return name.rpartition("/")[2].removesuffix(".zip").removeprefix("sha256:")


def _put_aside(objects: ObjectStore, digest: str) -> None:
    try:
        data = objects.get(package_key(digest))
    except NotFound:
        return  # another publish was faster
    objects.put(kept_key(digest), data, content_type="application/zip", cache_control="no-store")


def _give_back(objects: ObjectStore, digest: str) -> None:
    try:
        data = objects.get(kept_key(digest))
    except NotFound:
        return  # another publish was faster
    objects.put_if_absent(package_key(digest), data, content_type="application/zip", cache_control=IMMUTABLE)
    objects.delete(kept_key(digest))


# As the snapshot says it: a package is handed out where one version may be, of a skill that is shown.
_PLACES = """
    SELECT package_digest, size,
           CASE WHEN verdict <> 'blocked' AND content_digest NOT IN (SELECT content_digest FROM blocked_content)
                     AND EXISTS (SELECT FROM version JOIN skill USING (skill_id) LEFT JOIN skill_takedown AS ruled
                                      USING (skill_id)
                                 WHERE version.content_digest = package.content_digest AND redistributable
                                   AND skill.state <> 'refused' AND coalesce(ruled.state, 'yanked') = 'yanked')
                THEN 'served'
                WHEN content_digest IN (SELECT content_digest FROM withheld_package WHERE erased) THEN 'erased'
                ELSE 'aside' END
    FROM package ORDER BY package_digest COLLATE "C"
"""
