"""Making the index say what the policy file says."""

from __future__ import annotations

from typing import NamedTuple

from skilldata.database import Database
from skilldata.stewardship.models import Action, Origin, Policy, Target
from skilldata.stewardship.rulings import erase, write

ACTOR = "policy file"


class PolicyChanges(NamedTuple):
    """Rulings that were made and lifted, and names that no repository or skill of the index goes by yet."""

    made: int
    lifted: int
    waiting: tuple[str, ...]


class _Wanted(NamedTuple):
    action: Action
    reason: str
    legal: bool


def apply_policy(database: Database, policy: Policy) -> PolicyChanges:
    """Make the rulings of the policy's entries, and lift those whose entry is gone.

    A name is looked up each time until the index knows it. A ruling that was made stays for as long as its
    entry does, whatever its repository or skill is called by then: a new name is no way out.

    Args:
        database: The index.
        policy: What the file says.
    """
    with database.transaction() as connection:
        rows = connection.execute(_CURRENT).fetchall()
        wanted, waiting = _wanted(policy, connection.execute(_RESOLVE, _names(policy)).fetchall())
        current = {_key(target): (target, ruling) for target, ruling in map(_read, rows)}
        entries = {name.lower() for name in _entries(policy)}
        new = [key for key, (_, ruling) in wanted.items() if key not in current or current[key][1] != ruling]
        old = [key for key, (target, _) in current.items() if key not in wanted and target.named.lower() not in entries]
        if new or old:  # else nothing is locked: this is asked for at every page of a crawl
            connection.execute("LOCK TABLE ruling IN SHARE ROW EXCLUSIVE MODE")
        for key in old:
            erase(connection, Origin.POLICY, current[key][0], reason="no longer in the policy file", actor=ACTOR)
        for key in new:
            target, (action, reason, legal) = wanted[key]
            write(connection, Origin.POLICY, target, action, reason=reason, actor=ACTOR, legal=legal)
        known = {target.named.lower() for target, _ in current.values()}
        return PolicyChanges(len(new), len(old), tuple(name for name in waiting if name.lower() not in known))


def _key(target: Target) -> tuple[object, ...]:
    return (target.skill_id, target.repository_id, target.owner, target.digest)


def _read(row: tuple[object, ...]) -> tuple[Target, _Wanted]:
    action, reason, legal, *values = row
    target = Target.model_validate(dict(zip(_COLUMNS, values, strict=True)))
    return target, _Wanted(Action(str(action)), str(reason), bool(legal))


def _entries(policy: Policy) -> list[str]:
    blocked = policy.blocked
    return [
        *(entry.digest for entry in blocked.digests),
        *(entry.owner for entry in blocked.owners),
        *(entry.repository for entry in blocked.repositories),
        *(entry.skill for entry in policy.skills),
    ]


def _names(policy: Policy) -> dict[str, list[str]]:
    return {
        "repositories": [entry.repository for entry in policy.blocked.repositories],
        "skills": [entry.skill for entry in policy.skills],
    }


def _wanted(
    policy: Policy, resolved: list[tuple[str, int | None, int | None]]
) -> tuple[dict[tuple[object, ...], tuple[Target, _Wanted]], list[str]]:
    """Give the rulings that the policy comes to, and the names that are not known yet."""
    found: list[tuple[Target, _Wanted]] = []
    for digest in policy.blocked.digests:
        ruling = _Wanted(Action.BLOCKED, digest.reason, digest.legal)
        found.append((Target(named=digest.digest, digest=digest.digest), ruling))
    for owner in policy.blocked.owners:
        ruling = _Wanted(Action.BLOCKED, owner.reason, owner.legal)
        found.append((Target(named=owner.owner, owner=owner.owner.lower()), ruling))
    rulings = {one.repository: _Wanted(Action.BLOCKED, one.reason, one.legal) for one in policy.blocked.repositories}
    rulings.update({one.skill: _Wanted(one.state, one.reason, one.legal) for one in policy.skills})
    for named, repository_id, skill_id in resolved:
        target = Target(named=named, repository_id=None if skill_id else repository_id, skill_id=skill_id)
        found.append((target, rulings[named]))
    seen = {named for named, _, _ in resolved}
    return {_key(target): (target, ruling) for target, ruling in found}, [name for name in rulings if name not in seen]


_COLUMNS = ("named", "skill_id", "repository_id", "owner", "digest")
_CURRENT = f"SELECT action, reason, legal, {', '.join(_COLUMNS)} FROM ruling WHERE origin = 'policy'"  # noqa: S608
# Several repositories may have gone by one name: all of them are meant.
_RESOLVE = """
    SELECT named, repository_id, NULL::bigint
    FROM unnest(%(repositories)s::text[]) AS asked (named)
    JOIN repository ON lower(owner) = lower(split_part(named, '/', 1))
                   AND lower(name) = lower(split_part(named, '/', 2))
    UNION ALL
    SELECT named, repository_id, skill_id
    FROM unnest(%(skills)s::text[]) AS asked (named)
    JOIN repository ON lower(owner) = lower(split_part(named, '/', 1))
                   AND lower(name) = lower(split_part(named, '/', 2))
    JOIN skill USING (repository_id) WHERE slug = split_part(named, '/', 3)
"""
