"""Scanning stored packages again after the rules changed: page by page, without asking GitHub anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from skillcrawler.judge import blocking, scan_package
from skillcrawler.scan import RULE_SET
from skilldata.database import Database
from skilldata.errors import IntegrityError, NotFound
from skilldata.models import Verdict
from skilldata.objects import ObjectStore
from skilldata.scans import Scans, StoredContent

PAGE = 100  # contents that are listed at a time; one package at a time is in memory


class Rescan(NamedTuple):
    """How far a run is. `unreadable` are packages that the store has not, or has damaged; they stay due."""

    scanned: int = 0
    verdicts: Mapping[str, int] = MappingProxyType({})  # how many contents have which verdict now
    changed: int = 0  # contents whose verdict is another than before
    skills: int = 0  # skills that were listed or refused for it
    unreadable: int = 0
    after: str = ""  # the digest of the last content that was looked at


def rescan(
    database: Database, objects: ObjectStore, *, after: str = "", everything: bool = False, dry_run: bool = False
) -> Iterator[Rescan]:
    """Scan what other rules judged; yields how far it is after each page.

    Every report is a transaction of its own, so a run that was broken off is gone on with by the next.

    Args:
        database: The index.
        objects: Where the packages are.
        after: Begin behind this content digest.
        everything: Also what the present rules have judged.
        dry_run: Only say what would come of it.
    """
    scans, verdicts, changed, skills, unreadable = Scans(database), Counter[str](), 0, 0, 0
    while page := scans.page(RULE_SET, limit=PAGE, after=after, everything=everything):
        for content in page:
            verdict, moved = _scan(scans, objects, content, dry_run=dry_run)
            if verdict is None:
                unreadable += 1
                continue
            verdicts[verdict] += 1
            changed += verdict is not content.verdict
            skills += moved
        after = page[-1].content_digest
        yield Rescan(verdicts.total(), dict(sorted(verdicts.items())), changed, skills, unreadable, after)


def _scan(scans: Scans, objects: ObjectStore, content: StoredContent, *, dry_run: bool) -> tuple[Verdict | None, int]:
    try:
        data = objects.kept_package(content.package_digest)
    except (NotFound, IntegrityError):
        return None, 0
    report = scan_package(data, content.manifest)
    moved = [] if dry_run else scans.record(content.content_digest, report, blocking(report))
    return report.verdict, len(moved)
