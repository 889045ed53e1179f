"""Taking packages and raw files out of public places, and telling a CDN, which would keep packages for a year."""

from __future__ import annotations

from skilldata.config import PublishSettings
from skilldata.database import Database
from skilldata.objects import ObjectStore
from skilldata.publish.purge import purge_with_earlier
from skilldata.publish.rawfiles import erase_raw_files
from skilldata.publish.target import BucketTarget, FolderTarget, Target
from skilldata.stewardship import withhold
from skilldata.stewardship.withheld import Withheld


def withdraw(database: Database, objects: ObjectStore, settings: PublishSettings) -> tuple[Withheld, str]:
    """Make the object store agree with the index, and have caches forget what was taken away.

    Args:
        database: The index.
        objects: Where the packages are.
        settings: How a CDN is told.

    Returns:
        What was moved, and what went wrong in telling the CDN, '' where nothing did.
    """
    done = withhold(database, objects)
    store = BucketTarget(objects, has_packages=True)
    raw: list[str] = []
    if done.taken:
        targets: list[Target] = [store]
        if settings.folder is not None:
            targets.append(FolderTarget(settings.folder))
        raw = [path for target in targets for path in erase_raw_files(database, target, done.taken)]
    return done, purge_with_earlier(settings, store, [*done.taken, *raw])
