"""Writing what a crawl read of a repository's skills."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from skilldata.database.events import add_event, clean
from skilldata.database.records import CrawlOutcome
from skilldata.database.scans import save_scan
from skilldata.labels import next_label
from skilldata.models import ReadSkill, Severity, SkillState, Verdict


class CrawlWriter:
    """Writes the skills of one crawl, in the caller's transaction, and counts what changed."""

    def __init__(
        self, connection: Connection[tuple[Any, ...]], repository_id: int, revision: str, committed_at: datetime
    ) -> None:
        self._connection = connection
        self._repository_id = repository_id
        self._revision = revision
        self._committed_at = committed_at
        self._outcome = CrawlOutcome()

    def write(self, skills: Sequence[ReadSkill], unchanged: Sequence[str]) -> CrawlOutcome:
        """Write what was read; whatever is neither read nor unchanged has moved or is gone."""
        present = {*unchanged, *(skill.path for skill in skills)}
        self._follow_moves(skills, present)
        self._mark_gone(present)
        # A slug may pass from one skill to another; those that have it let go of it first.
        self._release_slugs(skills)
        for skill in skills:
            self._save(skill)
        return self._outcome

    def _follow_moves(self, skills: Sequence[ReadSkill], present: set[str]) -> None:
        """Let the history of a skill that left one folder go on in another with the very same content."""
        left = self._connection.execute(_LEFT, (self._repository_id, sorted(present))).fetchall()
        by_content = {content: (skill_id, path) for skill_id, path, content in reversed(left)}
        known = {path for (path,) in self._connection.execute(_PATHS, (self._repository_id,))} if left else set()
        for skill in skills:
            content = skill.package.content_digest if skill.package else None
            if content in by_content and skill.path not in known:
                skill_id, path = by_content.pop(content)
                self._connection.execute("UPDATE skill SET path = %s WHERE skill_id = %s", (skill.path, skill_id))
                self._event("skill.moved", skill_id, {"from": path, "to": skill.path})

    def _mark_gone(self, present: set[str]) -> None:
        rows = self._connection.execute(_MARK_GONE, (self._repository_id, sorted(present))).fetchall()
        for skill_id, path in rows:
            self._event("skill.gone", skill_id, {"path": path})
        self._count(gone=len(rows))

    def _release_slugs(self, skills: Sequence[ReadSkill]) -> None:
        slugs = {skill.slug: skill.path for skill in skills if skill.slug is not None}
        self._connection.execute(_RELEASE_SLUGS, (list(slugs), list(slugs.values()), self._repository_id))

    def _save(self, skill: ReadSkill) -> None:
        skill_id = self._save_row(skill)
        self._save_diagnostics(skill_id, skill)
        if skill.has_version:
            self._save_version(skill_id, skill)

    def _save_row(self, skill: ReadSkill) -> int:
        values = {
            "repository": self._repository_id,
            "path": skill.path,
            "file": skill.manifest_file,
            "slug": skill.slug,
            "state": skill.state,
            "level": skill.level,
            "tree": skill.tree_oid,
        }
        old = self._connection.execute(
            "SELECT skill_id, state, slug FROM skill WHERE repository_id = %(repository)s AND path = %(path)s", values
        ).fetchone()
        if old is None:
            row = self._connection.execute(_INSERT_SKILL, values).fetchone()
            assert row is not None  # noqa: S101 - the statement returns a row
            skill_id = row[0]
            self._count(skills_added=int(skill.state is SkillState.LISTED))
        else:
            skill_id = old[0]
            self._connection.execute(_UPDATE_SKILL, {**values, "skill": skill_id})
        if old is None or old[1] != skill.state:
            rules = [found.rule for found in skill.diagnostics if found.level == "error"]
            kind = f"skill.{skill.state}"
            self._event(kind, skill_id, {"path": skill.path, "slug": skill.slug, "rules": rules})
            self._count(refused=int(skill.state is SkillState.REFUSED))
        elif old[2] != skill.slug:
            self._event("skill.renamed", skill_id, {"path": skill.path, "from": old[2], "to": skill.slug})
        return int(skill_id)

    def _save_diagnostics(self, skill_id: int, skill: ReadSkill) -> None:
        self._connection.execute("DELETE FROM diagnostic WHERE skill_id = %s", (skill_id,))
        with self._connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO diagnostic VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    (
                        skill_id,
                        ordinal,
                        found.rule,
                        found.level,
                        *clean([found.file, found.line, found.message, found.remedy]),
                    )
                    for ordinal, found in enumerate(skill.diagnostics)
                ],
            )

    def _save_version(self, skill_id: int, skill: ReadSkill) -> None:
        package = skill.package
        assert package is not None  # noqa: S101 - what has a version has one
        self._save_package(skill)
        earlier = self._connection.execute(
            "SELECT content_digest, label FROM version WHERE skill_id = %s ORDER BY ordinal", (skill_id,)
        ).fetchall()
        if package.content_digest not in {digest for digest, _ in earlier}:
            label = next_label((label for _, label in earlier), skill.metadata_version)
            self._connection.execute(_INSERT_VERSION, self._version_values(skill_id, skill, len(earlier) + 1, label))
            self._count(versions_added=1)
            self._event(
                "version.added",
                skill_id,
                {"path": skill.path, "label": label, "content": package.content_digest, "revision": self._revision},
            )
            self._tell_of_block(skill_id, skill, label)
        self._connection.execute(_SET_CURRENT, {"skill": skill_id, "content": package.content_digest})
        self._connection.execute(_SET_LICENCE, self._version_values(skill_id, skill, 0, ""))

    def _save_package(self, skill: ReadSkill) -> None:
        package = skill.package
        assert package is not None  # noqa: S101 - what has a version has one
        added = self._connection.execute(
            """
            INSERT INTO package (content_digest, package_digest, size, unpacked_size, file_count)
            VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
            """,
            (package.content_digest, package.package_digest, package.size, package.unpacked_size, len(package.files)),
        ).rowcount
        if added:
            with self._connection.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO file (content_digest, path, mode, size, sha256, oid) VALUES (%s, %s, %s, %s, %s, %s)",
                    [
                        (package.content_digest, file.path, file.mode, file.size, file.sha256, file.oid)
                        for file in package.files
                    ],
                )
        if skill.scan is not None:
            save_scan(self._connection, package.content_digest, skill.scan)

    def _tell_of_block(self, skill_id: int, skill: ReadSkill, label: str) -> None:
        scan = skill.scan
        if scan is not None and scan.verdict is Verdict.BLOCKED:
            rules = sorted({found.rule for found in scan.findings if found.severity is Severity.CRITICAL})
            evidence = {"path": skill.path, "label": label, "rules": rules, "rule_set": scan.rule_set}
            self._event("version.blocked", skill_id, evidence)

    def _version_values(self, skill_id: int, skill: ReadSkill, ordinal: int, label: str) -> dict[str, Any]:
        assert skill.package is not None  # noqa: S101 - what has a version has one
        return {
            "skill": skill_id,
            "ordinal": ordinal,
            "label": label,
            "content": skill.package.content_digest,
            "revision": self._revision,
            "committed": self._committed_at,
            "name": clean(skill.name),
            "description": clean(skill.description),
            "level": skill.level,
            "manifest": Jsonb(clean(skill.manifest)),
            "text": clean(skill.text),
            "licence": skill.licence.spdx,
            "evidence": clean(skill.licence.evidence),
            "confidence": skill.licence.confidence,
            "redistributable": skill.redistributable,
        }

    def _count(self, **more: int) -> None:
        counted = {name: getattr(self._outcome, name) + value for name, value in more.items()}
        self._outcome = self._outcome.model_copy(update=counted)

    def _event(self, kind: str, skill_id: int, evidence: dict[str, Any]) -> None:
        add_event(self._connection, kind, self._repository_id, evidence, skill_id=skill_id)


_LEFT = """
    SELECT skill.skill_id, path, content_digest FROM skill JOIN version ON version_id = current_version_id
    WHERE repository_id = %s AND state = 'listed' AND path NOT IN (SELECT unnest(%s::text[])) ORDER BY path
"""
_PATHS = "SELECT path FROM skill WHERE repository_id = %s"
_MARK_GONE = """
    UPDATE skill SET state = 'gone', gone_at = now(), updated_at = now()
    WHERE repository_id = %s AND state <> 'gone' AND path NOT IN (SELECT unnest(%s::text[]))
    RETURNING skill_id, path
"""
_RELEASE_SLUGS = """
    UPDATE skill SET slug = NULL FROM unnest(%s::text[], %s::text[]) AS taken (slug, path)
    WHERE repository_id = %s AND skill.slug = taken.slug AND skill.path <> taken.path
"""
_INSERT_SKILL = """
    INSERT INTO skill (repository_id, path, manifest_file, slug, state, level, tree_oid)
    VALUES (%(repository)s, %(path)s, %(file)s, %(slug)s, %(state)s, %(level)s, %(tree)s) RETURNING skill_id
"""
_UPDATE_SKILL = """
    UPDATE skill SET manifest_file = %(file)s, slug = %(slug)s, state = %(state)s, level = %(level)s,
           tree_oid = %(tree)s, updated_at = now(), gone_at = NULL
    WHERE skill_id = %(skill)s AND (manifest_file, slug, state, level, tree_oid)
          IS DISTINCT FROM (%(file)s, %(slug)s, %(state)s, %(level)s, %(tree)s)
"""
_INSERT_VERSION = """
    INSERT INTO version (skill_id, ordinal, label, content_digest, revision, committed_at, name, description, level,
                         manifest, text, licence, licence_evidence, licence_confidence, redistributable)
    VALUES (%(skill)s, %(ordinal)s, %(label)s, %(content)s, %(revision)s, %(committed)s, %(name)s, %(description)s,
            %(level)s, %(manifest)s, %(text)s, %(licence)s, %(evidence)s, %(confidence)s, %(redistributable)s)
"""
_SET_CURRENT = """
    UPDATE skill SET current_version_id = version.version_id, updated_at = now() FROM version
    WHERE skill.skill_id = %(skill)s AND version.skill_id = skill.skill_id
          AND version.content_digest = %(content)s AND current_version_id IS DISTINCT FROM version.version_id
"""
# A version's bytes never change; what the registry knows of their licence may.
_SET_LICENCE = """
    UPDATE version SET licence = %(licence)s, licence_evidence = %(evidence)s, licence_confidence = %(confidence)s,
           redistributable = %(redistributable)s
    WHERE skill_id = %(skill)s AND content_digest = %(content)s
          AND (licence, licence_evidence, redistributable)
          IS DISTINCT FROM (%(licence)s, %(evidence)s, %(redistributable)s)
"""
