"""Asking the other scanner about the contents it has not seen, page by page, without asking GitHub anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from skillcrawler.secondopinion.scanner import CONTENTS_PER_PROCESS, SecondScanner
from skilldata.database import Database
from skilldata.errors import IntegrityError, NotFound
from skilldata.models import Severity
from skilldata.objects import ObjectStore
from skilldata.opinions import Opinions

PAGE = CONTENTS_PER_PROCESS


class Asked(NamedTuple):
    """How far a run is. `unreadable` are packages that the store has not, or has damaged; they stay due."""

    scanner: str
    version: str
    opinions: int = 0
    heavy: int = 0  # opinions with a finding of HIGH or more
    problems: int = 0  # opinions that say only why there is none
    unreadable: int = 0
    after: str = ""  # the digest of the last content that was looked at


def ask_page_by_page(
    database: Database, objects: ObjectStore, scanner: SecondScanner, *, after: str = "", everything: bool = False
) -> Iterator[Asked]:
    """Have an opinion of every content that has none of this scanner in this version.

    Every opinion is a transaction of its own, so a run that was broken off is gone on with by the next.

    Args:
        database: The index.
        objects: Where the packages are.
        scanner: The other scanner.
        after: Begin behind this content digest.
        everything: Also those that it has spoken of.

    Yields:
        How far it is, after each page.

    Raises:
        SecondOpinionUnavailable: It does not start.
    """
    opinions, who = Opinions(database), scanner.identity
    done = Asked(*who, after=after)
    while page := opinions.page(*who, limit=PAGE, after=done.after, everything=everything):
        for content in page:
            try:
                package = objects.kept_package(content.package_digest)
            except (NotFound, IntegrityError):
                done = done._replace(unreadable=done.unreadable + 1)
                continue
            said = scanner.opinion(package)
            opinions.record(content.content_digest, said)
            done = done._replace(
                opinions=done.opinions + 1,
                heavy=done.heavy + (said.highest is not None and said.highest.rank >= Severity.HIGH.rank),
                problems=done.problems + bool(said.problem),
            )
        done = done._replace(after=page[-1].content_digest)
        yield done
