"""Writing what a crawl read of a repository's skills."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

from skilldata.database.events import add_events
from skilldata.database.packages import save_packages
from skilldata.database.records import CrawlOutcome
from skilldata.database.rows import diagnostic_rows, in_batches, skill_row, version_row
from skilldata.database.scans import save_scans
from skilldata.labels import next_label
from skilldata.models import ReadSkill, ScanReport, Severity, SkillState, Verdict


class CrawlWriter:
    """Writes the skills of one crawl, in the caller's transaction, and counts what changed.

    Skills are written in batches, each with a fixed number of statements, so that what is in memory does
    not grow with the repository.
    """

    def __init__(
        self, connection: Connection[tuple[Any, ...]], repository_id: int, revision: str, committed_at: datetime
    ) -> None:
        self._connection = connection
        self._repository_id = repository_id
        self._revision = revision
        self._committed_at = committed_at
        self._outcome = CrawlOutcome()
        self._events: list[tuple[str, int | None, dict[str, Any]]] = []

    def write(self, skills: Iterable[ReadSkill], unchanged: Sequence[str]) -> CrawlOutcome:
        """Write what was read; whatever is neither read nor unchanged has moved or is gone.

        Args:
            skills: What was read; iterated twice.
            unchanged: Paths of skills that were not read because they are as the index has them.
        """
        outlines = [_outline(skill) for skill in skills]
        present = {*unchanged, *(outline.path for outline in outlines)}
        self._follow_moves(outlines, present)
        self._mark_gone(present)
        # A slug may pass from one skill to another; those that have it let go of it first.
        self._release_slugs(outlines)
        self._write_events()
        for batch in in_batches(skills):
            self._save(batch)
            self._write_events()
        return self._outcome

    def _follow_moves(self, outlines: Sequence[_Outline], present: set[str]) -> None:
        """Let the history of a skill that left one folder go on in another with the very same content."""
        left = self._connection.execute(_LEFT, (self._repository_id, sorted(present))).fetchall()
        by_content = {content: (skill_id, path) for skill_id, path, content in reversed(left)}
        known = {path for (path,) in self._connection.execute(_PATHS, (self._repository_id,))} if left else set()
        for outline in outlines:
            if outline.content in by_content and outline.path not in known:
                skill_id, path = by_content.pop(outline.content)
                self._connection.execute("UPDATE skill SET path = %s WHERE skill_id = %s", (outline.path, skill_id))
                self._event("skill.moved", skill_id, {"from": path, "to": outline.path})

    def _mark_gone(self, present: set[str]) -> None:
        rows = self._connection.execute(_MARK_GONE, (self._repository_id, sorted(present))).fetchall()
        for skill_id, path in rows:
            self._event("skill.gone", skill_id, {"path": path})
        self._count(gone=len(rows))

    def _release_slugs(self, outlines: Sequence[_Outline]) -> None:
        slugs = {outline.slug: outline.path for outline in outlines if outline.slug is not None}
        self._connection.execute(_RELEASE_SLUGS, (list(slugs), list(slugs.values()), self._repository_id))

    # -- one batch

    def _save(self, batch: Sequence[ReadSkill]) -> None:
        skills = {skill.path: skill for skill in batch}  # paths that were made printable may coincide
        before = self._rows(skills)
        self._many(
            _INSERT_SKILL, [skill_row(self._repository_id, one) for one in skills.values() if one.path not in before]
        )
        self._many(
            _UPDATE_SKILL, [skill_row(self._repository_id, one) for one in skills.values() if one.path in before]
        )
        after = self._rows(skills)
        ids = {path: row.skill_id for path, row in after.items()}
        self._save_diagnostics(ids, skills.values())
        packaged = [skill for skill in skills.values() if skill.has_version and skill.package is not None]
        save_packages(self._connection, [skill.package for skill in packaged if skill.package is not None])
        save_scans(self._connection, _reports(packaged))
        earlier = self._versions([ids[skill.path] for skill in packaged])
        rows = {skill.path: version_row(ids[skill.path], skill) for skill in packaged}
        added: list[dict[str, Any]] = []
        for skill in skills.values():
            self._tell(skill, ids[skill.path], before.get(skill.path))
            if skill.path in rows:
                added += self._new_version(skill, rows[skill.path], earlier.get(ids[skill.path], []))
        self._many(_INSERT_VERSION, added)
        self._many(_SET_CURRENT, [{"skill": row["skill"], "content": row["content"]} for row in rows.values()])
        self._many(_SET_LICENCE, list(rows.values()))

    def _rows(self, paths: Iterable[str]) -> dict[str, _Row]:
        rows = self._connection.execute(_ROWS, (self._repository_id, list(paths))).fetchall()
        return {path: _Row(skill_id, state, slug) for path, skill_id, state, slug in rows}

    def _save_diagnostics(self, ids: dict[str, int], skills: Iterable[ReadSkill]) -> None:
        self._connection.execute("DELETE FROM diagnostic WHERE skill_id = ANY(%s)", (list(ids.values()),))
        rows = [row for skill in skills for row in diagnostic_rows(ids[skill.path], skill.diagnostics)]
        self._many("INSERT INTO diagnostic VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", rows)

    def _versions(self, ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
        """Give content and label of the versions that skills have already, in the order they came."""
        found: dict[int, list[tuple[str, str]]] = {}
        for skill_id, content, label in self._connection.execute(_VERSIONS, (list(ids),)):
            found.setdefault(skill_id, []).append((content, label))
        return found

    def _tell(self, skill: ReadSkill, skill_id: int, old: _Row | None) -> None:
        """Note what became of a skill's row."""
        if old is None:
            self._count(skills_added=int(skill.state is SkillState.LISTED))
        if old is None or old.state != skill.state:
            rules = [found.rule for found in skill.diagnostics if found.level == "error"]
            self._event(f"skill.{skill.state}", skill_id, {"path": skill.path, "slug": skill.slug, "rules": rules})
            self._count(refused=int(skill.state is SkillState.REFUSED))
        elif old.slug != skill.slug:
            self._event("skill.renamed", skill_id, {"path": skill.path, "from": old.slug, "to": skill.slug})

    def _new_version(
        self, skill: ReadSkill, row: dict[str, Any], earlier: Sequence[tuple[str, str]]
    ) -> Iterator[dict[str, Any]]:
        """Complete the row of a skill's version, where its content is new to it."""
        if row["content"] in {content for content, _ in earlier}:
            return
        label = next_label((label for _, label in earlier), skill.metadata_version)
        self._count(versions_added=1)
        evidence = {"path": skill.path, "label": label, "content": row["content"], "revision": self._revision}
        self._event("version.added", row["skill"], evidence)
        self._tell_of_block(skill, row["skill"], label)
        place = {"ordinal": len(earlier) + 1, "label": label, "revision": self._revision}
        yield {**row, **place, "committed": self._committed_at}

    def _tell_of_block(self, skill: ReadSkill, skill_id: int, label: str) -> None:
        scan = skill.scan
        if scan is not None and scan.verdict is Verdict.BLOCKED:
            rules = sorted({found.rule for found in scan.findings if found.severity is Severity.CRITICAL})
            evidence = {"path": skill.path, "label": label, "rules": rules, "rule_set": scan.rule_set}
            self._event("version.blocked", skill_id, evidence)

    def _many(self, query: str, rows: Sequence[Any]) -> None:
        if rows:
            with self._connection.cursor() as cursor:
                cursor.executemany(query.encode(), rows)

    def _count(self, **more: int) -> None:
        counted = {name: getattr(self._outcome, name) + value for name, value in more.items()}
        self._outcome = self._outcome.model_copy(update=counted)

    def _event(self, kind: str, skill_id: int, evidence: dict[str, Any]) -> None:
        self._events.append((kind, skill_id, evidence))

    def _write_events(self) -> None:
        add_events(self._connection, self._repository_id, self._events)
        self._events.clear()


class _Outline(NamedTuple):
    """What the steps over all skills at once need of each."""

    path: str
    slug: str | None
    content: str | None


class _Row(NamedTuple):
    """What the index has of a skill before a batch is written."""

    skill_id: int
    state: str
    slug: str | None


def _reports(skills: Iterable[ReadSkill]) -> dict[str, ScanReport]:
    """Give what the scanner says, by content."""
    return {
        skill.package.content_digest: skill.scan
        for skill in skills
        if skill.package is not None and skill.scan is not None
    }


def _outline(skill: ReadSkill) -> _Outline:
    return _Outline(skill.path, skill.slug, skill.package.content_digest if skill.package else None)


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
_ROWS = "SELECT path, skill_id, state, slug FROM skill WHERE repository_id = %s AND path = ANY(%s)"
_VERSIONS = "SELECT skill_id, content_digest, label FROM version WHERE skill_id = ANY(%s) ORDER BY skill_id, ordinal"
_INSERT_SKILL = """
    INSERT INTO skill (repository_id, path, manifest_file, slug, state, level, tree_oid)
    VALUES (%(repository)s, %(path)s, %(file)s, %(slug)s, %(state)s, %(level)s, %(tree)s)
"""
_UPDATE_SKILL = """
    UPDATE skill SET manifest_file = %(file)s, slug = %(slug)s, state = %(state)s, level = %(level)s,
           tree_oid = %(tree)s, updated_at = now(), gone_at = NULL
    WHERE repository_id = %(repository)s AND path = %(path)s AND (manifest_file, slug, state, level, tree_oid)
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
