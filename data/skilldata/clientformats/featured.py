"""The few skills that the registry's root shows. Whoever points a client at the root gets all of them."""

from __future__ import annotations

from collections.abc import Sequence

from skilldata.clientformats.offers import skill_record
from skilldata.errors import NotFound
from skilldata.jsonindex.documents import SkillRecord
from skilldata.jsonindex.tree import IndexTree
from skilldata.names import is_slug
from skilldata.snapshot import Snapshot


def featured_skills(index: IndexTree, snapshot: Snapshot, chosen: Sequence[str], count: int) -> list[SkillRecord]:
    """Choose the skills of the root.

    Args:
        index: The JSON index of the snapshot.
        snapshot: The snapshot.
        chosen: Addresses that maintainers chose, `owner/repository/slug`; those that are not there are passed over.
        count: Up to how many the list is filled: with the skill of each owner that has the most stars, keeps to the
            specification and has no findings.
    """
    rows = snapshot.query(_BEST, (count + len(chosen),))
    best = [f"{owner}/{repository}/{slug}".lower() for owner, repository, slug in rows if is_slug(slug)]
    addresses = [*(address.lower() for address in chosen), *best]
    found: dict[str, SkillRecord] = {}  # by content: a copy adds nothing
    for address in dict.fromkeys(addresses):
        try:
            record = skill_record(index.line(address), address)
        except NotFound:
            continue
        if address in best and len(found) >= count:
            break
        found.setdefault(record.content_digest, record)
    return list(found.values())


def best_skills(index: IndexTree, snapshot: Snapshot, count: int) -> list[SkillRecord]:
    """Choose the skills with the most stars, in the order of their addresses: all there are, where these are few."""
    found = []
    for owner, repository, slug in snapshot.query(_MOST_STARS, (count,)):
        address = f"{owner}/{repository}/{slug}".lower()
        try:
            found.append(skill_record(index.line(address), address))
        except NotFound:  # its names can be no part of a path
            continue
    return found


# Of equals the first by address, so that the same snapshot gives the same files.
_BEST = """
    SELECT owner, repository, slug FROM (
        SELECT *, row_number() OVER (PARTITION BY lower(owner) ORDER BY stars DESC, lower(repository), slug) AS place
        FROM skill WHERE state = 'listed' AND redistributable AND level = 'strict' AND verdict = 'no findings')
    WHERE place = 1 ORDER BY stars DESC, lower(owner), lower(repository), slug LIMIT ?
"""
_MOST_STARS = """
    SELECT owner, repository, slug FROM skill WHERE state = 'listed' AND redistributable
    ORDER BY stars DESC, lower(owner), lower(repository), slug LIMIT ?
"""
