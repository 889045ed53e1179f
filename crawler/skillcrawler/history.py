"""Whether a branch was rewritten: its old head is no ancestor of the new one.

Told from commits alone, without trees (`--filter=tree:0`, git-rev-list(1)), and only as many as it takes:
most pushes are seen from the new head's parents, which are here already.
"""

from __future__ import annotations

from skillcrawler.fetch import Fetcher
from skillcrawler.fetched import Commit
from skilldata.database import Rewritten

# Generations of commits that are fetched, first few and then many. Some 250 bytes each.
DEPTHS = (64, 10_000)


def find_rewritten(fetcher: Fetcher, owner: str, name: str, *, old: str, new: Commit) -> Rewritten | None:
    """Look for an old head in the history of the new one; None where it is there.

    Args:
        fetcher: How to get commits.
        owner: Owner of the repository.
        name: Its name.
        old: The commit that the branch was at.
        new: The commit that it is at.

    Raises:
        CrawlError: As `Fetcher.ancestors` does.
    """
    if old == new.oid or old in new.parents:
        return None
    searched = 0
    for depth in DEPTHS:
        found = fetcher.ancestors(owner, name, new.oid, depth)
        if old in found:
            return None
        searched = len(found)
        if searched < depth:  # the history ends before
            break
    return Rewritten(old, searched)
