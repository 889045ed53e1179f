"""The crawl of one repository: fetch its trees, read the skills that changed, keep their packages.

trees -> skill folders -> which changed -> their blobs -> manifest, licence, package -> S3 -> index

What is in memory at a time is the listing of the tree, one skill, and a bounded number of packages on
their way to the store: skills that were read wait on disk for the one transaction that records them all.
"""

from __future__ import annotations

from dataclasses import asdict

from skillcrawler.errors import ObjectMismatch
from skillcrawler.fetch import Fetcher
from skillcrawler.fetched import Commit
from skillcrawler.history import find_rewritten
from skillcrawler.plugins import references_of
from skillcrawler.reader import Reader
from skillcrawler.spool import Spool
from skillcrawler.stored import StoredBlobs
from skillcrawler.uploads import Uploads
from skillcrawler.ways import Way, first_way
from skilldata.authorfiles import AuthorFiles
from skilldata.config import Settings
from skilldata.database import CrawlOutcome, Database, DueRepository, Rewritten
from skilldata.models import Repository
from skilldata.objects import ObjectStore
from skilldata.references import References
from skilldata.stewardship import Rulings


def crawl_repository(
    repository_id: int,
    *,
    settings: Settings,
    database: Database,
    objects: ObjectStore,
    fetcher: Fetcher,
) -> CrawlOutcome:
    """Make the index reflect a repository's head.

    A crawl that is killed leaves the index as it was, and in the store at most packages that nothing
    speaks of yet.

    Args:
        repository_id: Numeric id of a repository that a probe has seen.
        settings: Limits and policies.
        database: The index.
        objects: Where packages go, before their rows.
        fetcher: How to get git objects.

    Raises:
        CrawlError: As `Fetcher` and `FetchedRepository` do.
    """
    repository = database.repository(repository_id)
    due = database.due_repository(repository_id)
    if repository.head_oid is None or first_way(repository.head_oid, due.crawled_oid) is Way.NOTHING:
        return CrawlOutcome()
    try:
        with (
            fetcher.fetch(repository.owner, repository.name, repository.head_oid) as fetched,
            Spool(fetched.scratch) as spool,
        ):
            stored = StoredBlobs(database, objects)
            reader = Reader(repository, fetched, settings, stored)
            same_licence = reader.licence_basis == database.licence_basis(repository_id)
            reader.choose(database.known_skills(repository_id), everything=due.crawled_oid is None or not same_licence)
            with Uploads(objects) as uploads:
                for skill in reader.read(uploads, Rulings(database).withheld_digests()):
                    spool.add(skill)
            for digest in sorted(stored.damaged):
                database.record_event("package.damaged", repository_id, {"package": digest})
            spool.slugs = reader.slugs()
            AuthorFiles(database).record(repository_id, **asdict(reader.author))
            plugins = reader.plugins(database.known_plugins(repository_id))
            for path, names in {**references_of(plugins), **reader.references()}.items():
                References(database).record(repository_id, path, names)
            return database.record_crawl(
                repository_id,
                revision=reader.commit.oid,
                tree_oid=reader.commit.tree_oid,
                committed_at=reader.commit.committed_at,
                skills=spool,
                unchanged=reader.unchanged,
                licence_basis=reader.licence_basis,
                rewritten=_rewritten(fetcher, repository, due, reader.commit),
                plugins=plugins,
            )
    except ObjectMismatch as error:
        # Nothing of this crawl is kept; the next one asks again.
        evidence = {"revision": repository.head_oid, "expected": error.expected, "found": error.found}
        database.record_event("repository.object-mismatch", repository_id, evidence)
        raise


def _rewritten(fetcher: Fetcher, repository: Repository, due: DueRepository, commit: Commit) -> Rewritten | None:
    """Look whether the branch was rewritten; another branch than before says nothing of that."""
    if due.crawled_oid is None or due.crawled_branch != repository.default_branch:
        return None
    return find_rewritten(fetcher, repository.owner, repository.name, old=due.crawled_oid, new=commit)
