"""Rulings in the index: made, lifted and shown. Each is an event as well, which nothing can take back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from skilldata.database import Database
from skilldata.database.events import add_event, clean
from skilldata.errors import NotFound
from skilldata.opinions import kept_opinion
from skilldata.stewardship.models import Action, Event, Origin, Ruling, Standing, StewardshipError, Target

if TYPE_CHECKING:
    from psycopg import Connection

    _Connection: TypeAlias = Connection[tuple[Any, ...]]

MAX_EVENTS = 1000  # of one skill that are shown, the newest

_GRAVITY = {Action.YANKED: 1, Action.QUARANTINED: 2, Action.REMOVED: 3, Action.BLOCKED: 3}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Lifted(NamedTuple):
    """What was lifted, and how many repositories are read again to get erased packages back."""

    action: Action
    repositories: int


class Rulings:
    """What maintainers decided.

    Args:
        database: The index.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, text: str) -> Target:
        """Find what a person names: `owner`, `owner/name`, `owner/name/slug` or a `sha256:` digest.

        Owners and digests need not be in the index: they may be blocked before anything of theirs is seen.

        Raises:
            NotFound: No such repository or skill is in the index.
            StewardshipError: It is none of these.
        """
        if _DIGEST.fullmatch(text):
            return Target(named=text, digest=text)
        owner, _, rest = text.partition("/")
        if text.startswith("sha256") or not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", owner) or text.endswith("/"):
            raise StewardshipError(
                f"{text!a} names nothing that can be ruled on",
                remedy="Write owner, owner/name, owner/name/slug, or sha256: with 64 hexadecimal digits.",
            )
        if not rest:
            return Target(named=text, owner=owner.lower())
        with self._database.transaction() as connection:
            name, _, slug = rest.partition("/")
            return _skill(connection, text, owner, name, slug) if slug else _repository(connection, text, owner, name)

    def contents(self, target: Target) -> list[Target]:
        """List the content digests of all versions of a skill."""
        query = "SELECT content_digest FROM version WHERE skill_id = %s ORDER BY ordinal"
        with self._database.transaction() as connection:
            rows = connection.execute(query, (target.skill_id,)).fetchall()
        return [Target(named=digest, digest=digest) for (digest,) in rows]

    def make(
        self,
        target: Target,
        action: Action,
        *,
        reason: str,
        actor: str,
        legal: bool = False,
        dry_run: bool = False,
    ) -> bool:
        """Rule on something; it takes effect when the index is published next.

        Args:
            target: What `find` gave.
            action: `BLOCKED` for digests, repositories and owners, another for skills.
            reason: Shown to everyone who asks for it.
            actor: Who decides.
            legal: Whether the law demands it.
            dry_run: Check everything, and change nothing.

        Returns:
            False where that very ruling is in force already.

        Raises:
            StewardshipError: The action is none for such a target, or a graver ruling is in force.
        """
        if (action is Action.BLOCKED) != (target.skill_id is None):
            raise StewardshipError(
                f"{target.named} cannot be {action}",
                remedy="Skills are yanked, quarantined or removed; digests, repositories and owners are blocked.",
            )
        with self._changing(dry_run) as connection:
            old = _ruling(connection, Origin.MAINTAINER, target)
            if old is not None and (old.action, old.reason, old.legal) == (action, clean(reason), legal):
                return False
            if old is not None and _GRAVITY[old.action] > _GRAVITY[action]:
                raise StewardshipError(
                    f"{target.named} is {old.action} already: {old.reason}",
                    remedy="Restore it first if it is to be less than that.",
                )
            write(connection, Origin.MAINTAINER, target, action, reason=reason, actor=actor, legal=legal)
            return True

    def lift(self, target: Target, *, reason: str, actor: str, dry_run: bool = False) -> Lifted:
        """Take a maintainer's ruling back.

        Raises:
            StewardshipError: None is in force, or it stands in the policy file.
        """
        with self._changing(dry_run) as connection:
            old = _ruling(connection, Origin.MAINTAINER, target)
            if old is None:
                raise _not_to_be_lifted(target, _ruling(connection, Origin.POLICY, target))
            return erase(connection, Origin.MAINTAINER, target, reason=reason, actor=actor)

    def rulings(self) -> list[Ruling]:
        """List every ruling that is in force, oldest first."""
        with self._database.transaction() as connection:
            return _rulings(connection, "TRUE", ())

    def withheld_digests(self) -> frozenset[str]:
        """Give the digests, of contents and of packages, that are not to be stored."""
        query = """
            SELECT digest FROM ruling WHERE digest IS NOT NULL
            UNION SELECT content_digest FROM withheld_package UNION SELECT package_digest FROM withheld_package
        """
        with self._database.transaction() as connection:
            return frozenset(row[0] for row in connection.execute(query))

    def standing(self, target: Target) -> Standing:
        """Show how a skill stands, and how it came to that.

        Raises:
            StewardshipError: The target is no skill.
        """
        if target.skill_id is None:
            raise StewardshipError(f"{target.named} is no skill", remedy="Write owner/name/slug.")
        with self._database.transaction() as connection:
            row = connection.execute(_STANDING, (target.skill_id,)).fetchone()
            assert row is not None  # noqa: S101 - `find` saw it, and no skill is ever deleted
            rulings = _rulings(connection, _CONCERNS, {"skill": target.skill_id})
            events = connection.execute(_EVENTS, {"skill": target.skill_id, "limit": MAX_EVENTS}).fetchall()
            opinion = kept_opinion(connection, row[-2])
        names = ("address", "repository_id", "path", "upstream", "state", "reason", "legal", "label")
        values = dict(zip((*names, "content_digest", "package_digest"), row, strict=True))
        history = (Event(at=at, kind=kind, actor=actor, evidence=evidence) for at, kind, actor, evidence in events)
        return Standing(**values, second_opinion=opinion, rulings=tuple(rulings), events=tuple(history))

    @contextmanager
    def _changing(self, dry_run: bool) -> Iterator[_Connection]:
        with self._database.transaction() as connection:
            connection.execute("LOCK TABLE ruling IN SHARE ROW EXCLUSIVE MODE")
            yield connection
            if dry_run:
                connection.rollback()


def write(
    connection: _Connection, origin: Origin, target: Target, action: Action, *, reason: str, actor: str, legal: bool
) -> None:
    """Put a ruling into the index, over an earlier one of the same origin, with its event."""
    values = {
        **target.model_dump(),
        "origin": origin,
        "action": action,
        "reason": clean(reason),
        "actor": clean(actor),
        "legal": legal,
    }
    connection.execute(_WRITE, values)
    evidence = {"named": target.named, "action": action, "reason": reason, "legal": legal, "origin": origin}
    _add_event(connection, "ruling.made", target, evidence, actor)


def erase(connection: _Connection, origin: Origin, target: Target, *, reason: str, actor: str) -> Lifted:
    """Take a ruling out of the index, with its event; what it erased is read again from its source."""
    row = connection.execute(_DELETE, _same(origin, target)).fetchone()
    action = Action(row[0]) if row else Action.YANKED
    evidence: dict[str, object] = {"named": target.named, "action": action, "reason": reason, "origin": origin}
    _add_event(connection, "ruling.lifted", target, evidence, actor)
    again = connection.execute(_READ_AGAIN, target.model_dump()).fetchall() if _GRAVITY[action] > 2 else []
    ids = [repository_id for (repository_id,) in again]
    connection.execute("UPDATE repository SET crawled_oid = NULL WHERE repository_id = ANY(%s)", (ids,))
    connection.execute("UPDATE probe SET due_at = now(), attempts = 0 WHERE repository_id = ANY(%s)", (ids,))
    return Lifted(action, len(ids))


def _add_event(connection: _Connection, kind: str, target: Target, evidence: dict[str, object], actor: str) -> None:
    repository_id = target.repository_id
    if target.skill_id is not None:
        row = connection.execute("SELECT repository_id FROM skill WHERE skill_id = %s", (target.skill_id,)).fetchone()
        repository_id = row[0] if row else None
    add_event(connection, kind, repository_id, evidence, skill_id=target.skill_id, actor=clean(actor))


def _skill(connection: _Connection, named: str, owner: str, name: str, slug: str) -> Target:
    row = connection.execute(_FIND_SKILL, {"owner": owner, "name": name, "slug": slug}).fetchone()
    if row is None:
        raise NotFound(
            f"no skill {named} is in the index",
            remedy="Write owner/name/slug; the folder may stand for the slug of a refused skill.",
        )
    return Target(named=named, skill_id=row[0])


def _repository(connection: _Connection, named: str, owner: str, name: str) -> Target:
    row = connection.execute(_FIND_REPOSITORY, {"owner": owner, "name": name}).fetchone()
    if row is None:
        raise NotFound(
            f"no repository {named} is in the index",
            remedy="Name it under blocked.repositories of the policy file, which waits for it.",
        )
    return Target(named=named, repository_id=row[0])


def _ruling(connection: _Connection, origin: Origin, target: Target) -> Ruling | None:
    return next(iter(_rulings(connection, _SAME, _same(origin, target))), None)


def _rulings(connection: _Connection, where: str, values: Any) -> list[Ruling]:
    query = f"SELECT {', '.join(Ruling.model_fields)} FROM ruling WHERE {where} ORDER BY at, ruling_id"  # noqa: S608
    rows = connection.execute(query.encode(), values).fetchall()
    return [Ruling.model_validate(dict(zip(Ruling.model_fields, row, strict=True))) for row in rows]


def _same(origin: Origin, target: Target) -> dict[str, Any]:
    return {**target.model_dump(), "origin": origin}


def _not_to_be_lifted(target: Target, of_policy: Ruling | None) -> StewardshipError:
    if of_policy is None:
        return StewardshipError(
            f"nothing was decided about {target.named}", remedy="`skillregistry skill rulings` lists what was."
        )
    return StewardshipError(
        f"{target.named} is {of_policy.action} by the policy file: {of_policy.reason}",
        remedy="Delete the entry there; it is read at the next crawl and publish.",
    )


_SAME = """
    origin = %(origin)s AND (skill_id, repository_id, owner, digest) IS NOT DISTINCT FROM
    (%(skill_id)s::bigint, %(repository_id)s::bigint, %(owner)s::text, %(digest)s::text)
"""
_DELETE = f"DELETE FROM ruling WHERE {_SAME} RETURNING action"  # noqa: S608
_WRITE = """
    INSERT INTO ruling (origin, action, skill_id, repository_id, owner, digest, named, legal, reason, actor)
    VALUES (%(origin)s, %(action)s, %(skill_id)s, %(repository_id)s, %(owner)s, %(digest)s, %(named)s, %(legal)s,
            %(reason)s, %(actor)s)
    ON CONFLICT (origin, skill_id, repository_id, owner, digest) DO UPDATE
    SET action = EXCLUDED.action, named = EXCLUDED.named, legal = EXCLUDED.legal, reason = EXCLUDED.reason,
        actor = EXCLUDED.actor, at = now()
"""
_READ_AGAIN = """
    SELECT DISTINCT repository_id FROM repository
    WHERE repository_id = %(repository_id)s OR lower(owner) = %(owner)s::text OR repository_id IN (
        SELECT skill.repository_id FROM skill WHERE skill_id = %(skill_id)s
        UNION ALL
        SELECT skill.repository_id FROM version JOIN skill USING (skill_id) JOIN package USING (content_digest)
        WHERE %(digest)s::text IN (content_digest, package_digest))
"""
_FIND_REPOSITORY = """
    SELECT repository_id FROM repository WHERE lower(owner) = lower(%(owner)s) AND lower(name) = lower(%(name)s)
    ORDER BY state = 'active' DESC, repository_id LIMIT 1
"""
_FIND_SKILL = """
    SELECT skill_id FROM skill JOIN repository USING (repository_id)
    WHERE lower(owner) = lower(%(owner)s) AND lower(name) = lower(%(name)s) AND %(slug)s IN (slug, path)
    ORDER BY slug IS NOT DISTINCT FROM %(slug)s DESC, repository.state = 'active' DESC, skill_id LIMIT 1
"""
_STANDING = """
    SELECT owner || '/' || repository.name || '/' || coalesce(slug, path), skill.repository_id, path, skill.state,
           CASE WHEN hidden.state = 'yanked' AND skill.state <> 'listed' THEN skill.state
                ELSE coalesce(hidden.state, skill.state) END,
           coalesce(hidden.reason, ''), coalesce(hidden.legal, FALSE), label, content_digest, package_digest
    FROM skill JOIN repository USING (repository_id) LEFT JOIN skill_takedown AS hidden USING (skill_id)
    LEFT JOIN version ON version_id = current_version_id LEFT JOIN package USING (content_digest)
    WHERE skill.skill_id = %s
"""
_CONCERNS = """
    skill_id = %(skill)s
    OR repository_id = (SELECT skill.repository_id FROM skill WHERE skill_id = %(skill)s)
    OR owner = (SELECT lower(repository.owner) FROM skill JOIN repository USING (repository_id)
                WHERE skill_id = %(skill)s)
    OR digest IN (SELECT unnest(ARRAY[content_digest, package_digest])
                  FROM version JOIN package USING (content_digest) WHERE version.skill_id = %(skill)s)
"""
_EVENTS = """
    SELECT at, kind, actor, evidence FROM (
        SELECT * FROM event WHERE skill_id = %(skill)s ORDER BY event_id DESC LIMIT %(limit)s) AS newest
    ORDER BY event_id
"""
