"""Scanning stored packages again when the rules change: what is due, and what a new report does to skills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg import Connection

from skilldata.database import Database
from skilldata.database.events import add_event, clean
from skilldata.database.scans import save_scan
from skilldata.models import Diagnostic, ScanReport, SkillState, Verdict

SCANNER = "scanner"  # the actor of its events


class StoredContent(NamedTuple):
    """A content to scan: where its package is, its front matter as read, and the present verdict."""

    content_digest: str
    package_digest: str
    manifest: dict[str, Any]
    verdict: Verdict


class Scans:
    """The scanner's reports in the index.

    Args:
        database: The index.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, rule_set: str, *, everything: bool = False) -> int:
        """Count the contents that other rules than `rule_set` judged, or none; all of them if `everything`."""
        with self._database.transaction() as connection:
            row = connection.execute(_COUNT, {"rule_set": rule_set, "everything": everything}).fetchone()
        return int(row[0]) if row else 0

    def page(self, rule_set: str, *, limit: int, after: str = "", everything: bool = False) -> list[StoredContent]:
        """List contents that `due` counts, in the order of their digests.

        Args:
            rule_set: The present rules.
            limit: How many at most.
            after: The last content digest of the page before.
            everything: Also those that the present rules have judged.
        """
        values = {"rule_set": rule_set, "limit": limit, "after": after, "everything": everything}
        with self._database.transaction() as connection:
            return [
                StoredContent(content, package, manifest, Verdict(verdict))
                for content, package, manifest, verdict in connection.execute(_PAGE, values)
            ]

    def record(self, content_digest: str, report: ScanReport, blocking: Sequence[Diagnostic]) -> list[int]:
        """Keep a report; list or refuse the skills whose current content it is, where the verdict asks for that.

        Args:
            content_digest: What was scanned.
            report: What the scanner says.
            blocking: The diagnostics that say why a skill of that content is refused; empty if it is not.

        Returns:
            Ids of the skills whose state changed, each with an event.
        """
        with self._database.transaction() as connection:
            row = connection.execute(_LOCK, (content_digest,)).fetchone()
            if row is None or not save_scan(connection, content_digest, report):
                return []
            was, now = row[0] == Verdict.BLOCKED, report.verdict is Verdict.BLOCKED
            if was == now:
                return []
            changed = _refuse(connection, content_digest, blocking) if now else _list(connection, content_digest)
            for repository_id, skill_id, path, slug in changed:
                kind = f"skill.{SkillState.REFUSED if now else SkillState.LISTED}"
                evidence = {"path": path, "slug": slug, "verdict": report.verdict, "rule_set": report.rule_set}
                add_event(connection, kind, repository_id, evidence, skill_id=skill_id, actor=SCANNER)
            return [skill_id for _, skill_id, _, _ in changed]


def _refuse(
    connection: Connection[tuple[Any, ...]], content_digest: str, blocking: Sequence[Diagnostic]
) -> list[tuple[Any, ...]]:
    changed = connection.execute(_REFUSE, (content_digest,)).fetchall()
    with connection.cursor() as cursor:
        cursor.executemany(
            _ADD_DIAGNOSTIC,
            [
                (found.rule, found.level, *clean([found.file, found.line, found.message, found.remedy]), row[1])
                for row in changed
                for found in blocking
            ],
        )
    return changed


def _list(connection: Connection[tuple[Any, ...]], content_digest: str) -> list[tuple[Any, ...]]:
    connection.execute(_DROP_DIAGNOSTICS, (content_digest,))
    return connection.execute(_LIST, (content_digest,)).fetchall()


BLOCKED_RULE = "scan.blocked"  # the diagnostic of a skill that the scanner blocks

_DUE = "(%(everything)s OR rule_set <> %(rule_set)s)"
_COUNT = f"SELECT count(*) FROM package WHERE {_DUE}"  # noqa: S608 - constants of this module
_PAGE = f"""
    SELECT content_digest, package_digest,
           coalesce((SELECT manifest FROM version WHERE version.content_digest = package.content_digest
                     ORDER BY version_id LIMIT 1), '{{}}'), verdict
    FROM package WHERE {_DUE} AND content_digest > %(after)s ORDER BY content_digest LIMIT %(limit)s
"""  # noqa: S608 - constants of this module
_LOCK = "SELECT verdict FROM package WHERE content_digest = %s FOR UPDATE"
_REFUSE = """
    UPDATE skill SET state = 'refused', updated_at = now() FROM version
    WHERE version_id = current_version_id AND content_digest = %s AND state = 'listed'
    RETURNING repository_id, skill.skill_id, path, slug
"""
_ADD_DIAGNOSTIC = """
    INSERT INTO diagnostic (skill_id, ordinal, rule, level, file, line, message, remedy)
    SELECT skill_id, coalesce((SELECT max(ordinal) + 1 FROM diagnostic WHERE diagnostic.skill_id = skill.skill_id), 0),
           %s, %s, %s, %s::integer, %s, %s
    FROM skill WHERE skill_id = %s
"""
_DROP_DIAGNOSTICS = f"""
    DELETE FROM diagnostic USING skill, version
    WHERE diagnostic.skill_id = skill.skill_id AND version_id = current_version_id AND content_digest = %s
          AND rule = '{BLOCKED_RULE}'
"""  # noqa: S608 - constants of this module
# Whatever else keeps a skill from being listed still does.
_LIST = """
    UPDATE skill SET state = 'listed', updated_at = now() FROM version
    WHERE version_id = current_version_id AND content_digest = %s AND state = 'refused' AND slug IS NOT NULL
          AND NOT EXISTS (SELECT FROM diagnostic WHERE diagnostic.skill_id = skill.skill_id AND level = 'error')
    RETURNING repository_id, skill.skill_id, path, slug
"""
