"""Taking packages out of public places, and telling a CDN, which would keep them for a year."""

from __future__ import annotations

from skilldata.config import PublishSettings
from skilldata.database import Database
from skilldata.objects import ObjectStore
from skilldata.publish.purge import purge
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
    return done, purge(settings, done.taken) if done.taken else ""
