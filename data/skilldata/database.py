"""The index in PostgreSQL. The only module that imports the driver.

Every method is one transaction. What the crawler calls may be called again with the same arguments, by
this or another worker, without a further effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self

import psycopg
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool, PoolTimeout

from skilldata.config import DatabaseSettings
from skilldata.errors import ConfigurationError, NotFound, ServiceUnavailable
from skilldata.labels import next_label
from skilldata.models import ReadSkill, Record, Repository, RepositoryState, SkillState, Source

ACTOR = "crawler"


class DueRepository(Record):
    """A repository that waits for a probe; `crawled_oid` is the commit that the index reflects."""

    repository_id: int
    node_id: str
    owner: str
    name: str
    crawled_oid: str | None


class KnownSkill(Record):
    """What the index has of a skill, for a crawl that wants to skip the unchanged."""

    path: str
    slug: str | None
    tree_oid: str | None
    state: SkillState


class CrawlOutcome(Record):
    """What one crawl of one repository changed in the index; all zero where it changed nothing."""

    skills_added: int = 0
    versions_added: int = 0
    refused: int = 0
    gone: int = 0
    superseded: bool = False  # a newer head was seen meanwhile, so nothing was written


class SourceRow(NamedTuple):
    """A source with its health: `new`, `ok` or `failing`."""

    source_id: int
    kind: str
    target: str
    health: str
    error: str
    run_at: datetime | None
    succeeded_at: datetime | None
    repositories: int


class Failure(NamedTuple):
    """A repository whose last crawl failed, with the reason and the next try."""

    repository_id: int
    owner: str
    name: str
    attempts: int
    code: str
    message: str
    due_at: datetime


class Database:
    """The index. Safe to share between threads.

    Args:
        settings: Address and pool size.

    Raises:
        ConfigurationError: No address is set.
        ServiceUnavailable: Nothing answers there.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self.url = database_url(settings)
        self._pool = ConnectionPool(
            self.url,
            min_size=1,
            max_size=settings.pool_size,
            timeout=15,
            open=False,
            kwargs={"options": "-c TimeZone=UTC -c statement_timeout=600000"},
            check=ConnectionPool.check_connection,
        )

    def __enter__(self) -> Self:
        try:
            self._pool.open(wait=True, timeout=15)
        except PoolTimeout as error:
            self._pool.close()
            raise _unavailable(error) from None
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection[tuple[Any, ...]]]:
        """Give a connection in a transaction, for the modules of this package."""
        try:
            with self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise _unavailable(error) from error

    # -- sources

    def add_sources(self, sources: Iterable[Source]) -> None:
        """Make sure that every configured source has a row."""
        rows = [(source.kind, source.target, source.interval_seconds) for source in sources]
        with self.transaction() as connection, connection.cursor() as cursor:
            cursor.executemany(
                """
                INSERT INTO source (kind, target, interval_seconds) VALUES (%s, %s, %s)
                ON CONFLICT (kind, target) DO UPDATE SET interval_seconds = EXCLUDED.interval_seconds
                WHERE source.interval_seconds <> EXCLUDED.interval_seconds
                """,
                rows,
            )

    def sources(self) -> list[SourceRow]:
        """List all sources with their health and how many repositories each found."""
        query = """
            SELECT source_id, kind, target, health, error, run_at, succeeded_at, count(repository_id)
            FROM source LEFT JOIN source_repository USING (source_id) GROUP BY source_id ORDER BY kind, target
        """
        with self.transaction() as connection:
            return [SourceRow(*row) for row in connection.execute(query)]

    def record_discovery(self, source: Source, repositories: Sequence[Repository]) -> int:
        """Take what a source listed. Never removes: a repository that a source stops listing stays.

        Returns:
            How many repositories are new to the index.
        """
        with self.transaction() as connection:
            source_id = self._source_id(connection, source)
            connection.execute(
                """
                UPDATE source SET health = 'ok', error = '', run_at = now(), succeeded_at = now() WHERE source_id = %s
                """,
                (source_id,),
            )
            added = sum(_save_repository(connection, repository) == "added" for repository in repositories)
            with connection.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO source_repository VALUES (%s, %s) ON CONFLICT DO NOTHING",
                    [(source_id, repository.repository_id) for repository in repositories],
                )
            return added

    def record_source_failure(self, source: Source, error: str) -> None:
        """Note that a source could not be read, where its owner can see it."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE source SET health = 'failing', error = %s, run_at = now() WHERE source_id = %s",
                (error[:2000], self._source_id(connection, source)),
            )

    # -- the to-do list

    def make_due(self, sources: Sequence[Source] = (), *, full: bool = False) -> int:
        """Make repositories due now: those that the sources found, or all.

        Args:
            sources: Where they were found; empty for all.
            full: Forget which commit was read, so that everything is read again.

        Returns:
            How many are due.
        """
        values = _of_sources(sources)
        with self.transaction() as connection:
            if full:
                connection.execute(f"UPDATE repository SET crawled_oid = NULL WHERE {_OF_SOURCES}", values)
            query = f"UPDATE probe SET due_at = now(), attempts = 0 WHERE {_OF_SOURCES}"
            return connection.execute(query, values).rowcount

    def due(self, limit: int, *, before: datetime, sources: Sequence[Source] = ()) -> list[DueRepository]:
        """List repositories that were due before a time, the longest due first.

        Args:
            limit: How many at most.
            before: Time; what is recorded as done is due again only after it.
            sources: Only those that these found; empty for all.
        """
        query = f"""
            SELECT repository_id, node_id, owner, name, crawled_oid
            FROM probe JOIN repository USING (repository_id)
            WHERE due_at <= %(before)s AND {_OF_SOURCES} ORDER BY due_at, repository_id LIMIT %(limit)s
        """
        values = {**_of_sources(sources), "before": before, "limit": limit}
        with self.transaction() as connection, connection.cursor(row_factory=class_row(DueRepository)) as cursor:
            return cursor.execute(query, values).fetchall()

    def due_repository(self, repository_id: int) -> DueRepository:
        """Give one repository as `due` would.

        Raises:
            NotFound: It is not in the index.
        """
        query = "SELECT repository_id, node_id, owner, name, crawled_oid FROM repository WHERE repository_id = %s"
        with self.transaction() as connection, connection.cursor(row_factory=class_row(DueRepository)) as cursor:
            found = cursor.execute(query, (repository_id,)).fetchone()
        if found is None:
            raise _unknown(repository_id)
        return found

    def record_probe(
        self, repositories: Iterable[Repository], *, states: Iterable[tuple[int, RepositoryState]] = ()
    ) -> list[int]:
        """Take what a probe saw, and say what is to be fetched.

        Args:
            repositories: Repositories as they are now.
            states: Ids of those of which only the state was learnt; their heads have not moved.

        Returns:
            Ids of active repositories whose head is not the commit that the index reflects. They stay
            due until `record_crawl` or `record_failure`; all others are due again after their interval.
        """
        changed: list[int] = []
        with self.transaction() as connection:
            for repository in repositories:
                _save_repository(connection, repository)
                crawled = _one(
                    connection, "SELECT crawled_oid FROM repository WHERE repository_id = %s", repository.repository_id
                )
                if repository.state is RepositoryState.ACTIVE and repository.head_oid != crawled:
                    changed.append(repository.repository_id)
                else:
                    _finish_probe(connection, repository.repository_id, repository.pushed_at)
            for repository_id, state in states:
                _set_state(connection, repository_id, state)
                _finish_probe(connection, repository_id, None)
        return changed

    def record_failure(self, repository_id: int, code: str, message: str, *, retry_at: datetime) -> None:
        """Note that a repository could not be crawled, and when it is tried again."""
        with self.transaction() as connection:
            connection.execute(
                """
                UPDATE probe SET attempts = attempts + 1, error_code = %s, error = %s, due_at = %s, probed_at = now()
                WHERE repository_id = %s
                """,
                (code, _clean(message)[:2000], retry_at, repository_id),
            )

    def failures(self) -> list[Failure]:
        """List repositories whose last crawl failed."""
        query = """
            SELECT repository_id, owner, name, attempts, error_code, error, due_at
            FROM probe JOIN repository USING (repository_id) WHERE error_code <> '' ORDER BY owner, name
        """
        with self.transaction() as connection:
            return [Failure(*row) for row in connection.execute(query)]

    # -- repositories and skills

    def repository(self, repository_id: int) -> Repository:
        """Read one repository by its numeric id.

        Raises:
            NotFound: It is not in the index.
        """
        columns = ", ".join(Repository.model_fields)
        with self.transaction() as connection, connection.cursor(row_factory=class_row(Repository)) as cursor:
            found = cursor.execute(
                f"SELECT {columns} FROM repository WHERE repository_id = %s", (repository_id,)
            ).fetchone()
        if found is None:
            raise _unknown(repository_id)
        return found

    def find_repositories(self, owner: str, name: str | None = None) -> list[int]:
        """Find repository ids by owner, or by owner and name, without regard to case."""
        query = """
            SELECT repository_id FROM repository
            WHERE lower(owner) = lower(%(owner)s) AND (%(name)s::text IS NULL OR lower(name) = lower(%(name)s))
            ORDER BY repository_id
        """
        with self.transaction() as connection:
            return [row[0] for row in connection.execute(query, {"owner": owner, "name": name})]

    def licence_basis(self, repository_id: int) -> str:
        """Give what the repository's own licence was judged from at the last crawl; '' before the first."""
        with self.transaction() as connection:
            return str(_one(connection, "SELECT licence_basis FROM repository WHERE repository_id = %s", repository_id))

    def known_skills(self, repository_id: int) -> list[KnownSkill]:
        """List what the index has of a repository's skills, gone ones included."""
        query = "SELECT path, slug, tree_oid, state FROM skill WHERE repository_id = %s ORDER BY path"
        with self.transaction() as connection, connection.cursor(row_factory=class_row(KnownSkill)) as cursor:
            return cursor.execute(query, (repository_id,)).fetchall()

    def record_crawl(
        self,
        repository_id: int,
        *,
        revision: str,
        tree_oid: str,
        committed_at: datetime,
        skills: Iterable[ReadSkill],
        unchanged: Sequence[str] = (),
        licence_basis: str = "",
    ) -> CrawlOutcome:
        """Make the index reflect one revision of one repository, whole or not at all.

        Args:
            repository_id: Numeric id.
            revision: The commit that was read.
            tree_oid: Its tree.
            committed_at: Its committer date.
            skills: Every skill that was read.
            unchanged: Paths of skills whose folder is the one that the index has.
            licence_basis: What the repository's own licence was judged from; see `licence_basis`.

        Returns:
            What changed. Skills that are neither read nor unchanged are marked gone; nothing is deleted.
        """
        with self.transaction() as connection:
            # The lock makes simultaneous crawls of one repository take turns.
            head = connection.execute(
                "SELECT head_oid, pushed_at FROM repository WHERE repository_id = %s FOR UPDATE", (repository_id,)
            ).fetchone()
            if head is None:
                raise _unknown(repository_id)
            if head[0] != revision:
                return CrawlOutcome(superseded=True)
            writer = _CrawlWriter(connection, repository_id, revision, committed_at)
            paths = set(unchanged)
            # A slug may move from one skill to another within a crawl; the gone and renamed let go of it first.
            read = list(skills)
            paths.update(skill.path for skill in read)
            writer.mark_gone(paths)
            writer.release_slugs(read)
            for skill in read:
                writer.save(skill)
            connection.execute(
                """
                UPDATE repository SET crawled_oid = %(revision)s, crawled_tree = %(tree)s,
                       committed_at = %(committed)s, licence_basis = %(basis)s
                WHERE repository_id = %(id)s AND crawled_oid IS DISTINCT FROM %(revision)s
                """,
                {
                    "revision": revision,
                    "tree": tree_oid,
                    "committed": committed_at,
                    "basis": licence_basis,
                    "id": repository_id,
                },
            )
            _finish_probe(connection, repository_id, head[1])
            return writer.outcome()

    def counts(self) -> dict[str, int]:
        """Count the rows of the index, by the glossary's words."""
        query = """
            SELECT (SELECT count(*) FROM repository), (SELECT count(*) FROM skill WHERE state = 'listed'),
                   (SELECT count(*) FROM skill WHERE state = 'refused'),
                   (SELECT count(*) FROM skill WHERE state = 'gone'),
                   (SELECT count(*) FROM version), (SELECT count(*) FROM package),
                   (SELECT coalesce(sum(size), 0) FROM package), (SELECT count(*) FROM event)
        """
        names = ("repositories", "skills", "refused", "gone", "versions", "packages", "package_bytes", "events")
        with self.transaction() as connection:
            row = connection.execute(query).fetchone()
        return dict(zip(names, map(int, row or ()), strict=True))

    def _source_id(self, connection: Connection[tuple[Any, ...]], source: Source) -> int:
        connection.execute(
            "INSERT INTO source (kind, target, interval_seconds) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (source.kind, source.target, source.interval_seconds),
        )
        found = connection.execute(
            "SELECT source_id FROM source WHERE kind = %s AND target = %s", (source.kind, source.target)
        ).fetchone()
        assert found is not None  # noqa: S101 - the row was inserted above
        return int(found[0])


def database_url(settings: DatabaseSettings) -> str:
    """Give the address of the database.

    Raises:
        ConfigurationError: None is set.
    """
    if settings.url is None:
        raise ConfigurationError(
            "no database is configured: database.url is empty",
            remedy="Run `skillregistry up` for an embedded one, or set SKILLREGISTRY_DATABASE__URL.",
        )
    return settings.url.get_secret_value()


_OF_SOURCES = """
    (NOT %(named)s OR repository_id IN (
        SELECT repository_id FROM source_repository JOIN source USING (source_id)
        JOIN unnest(%(kinds)s::text[], %(targets)s::text[]) AS wanted (kind, target) USING (kind, target)))
"""


def _of_sources(sources: Sequence[Source]) -> dict[str, Any]:
    kinds, targets = [str(source.kind) for source in sources], [source.target for source in sources]
    return {"named": bool(sources), "kinds": kinds, "targets": targets}


class _CrawlWriter:
    """Writes the skills of one crawl, in the caller's transaction, and counts what changed."""

    def __init__(
        self, connection: Connection[tuple[Any, ...]], repository_id: int, revision: str, committed_at: datetime
    ) -> None:
        self._connection = connection
        self._repository_id = repository_id
        self._revision = revision
        self._committed_at = committed_at
        self._added = self._versions = self._refused = self._gone = 0

    def outcome(self) -> CrawlOutcome:
        return CrawlOutcome(
            skills_added=self._added, versions_added=self._versions, refused=self._refused, gone=self._gone
        )

    def mark_gone(self, present: set[str]) -> None:
        rows = self._connection.execute(
            """
            UPDATE skill SET state = 'gone', gone_at = now(), updated_at = now()
            WHERE repository_id = %s AND state <> 'gone' AND path <> ALL(%s) RETURNING skill_id, path
            """,
            (self._repository_id, sorted(present)),
        ).fetchall()
        for skill_id, path in rows:
            self._event("skill.gone", skill_id, {"path": path})
        self._gone += len(rows)

    def release_slugs(self, skills: Sequence[ReadSkill]) -> None:
        slugs = {skill.slug: skill.path for skill in skills if skill.slug is not None}
        self._connection.execute(
            """
            UPDATE skill SET slug = NULL FROM unnest(%s::text[], %s::text[]) AS taken (slug, path)
            WHERE repository_id = %s AND skill.slug = taken.slug AND skill.path <> taken.path
            """,
            (list(slugs), list(slugs.values()), self._repository_id),
        )

    def save(self, skill: ReadSkill) -> None:
        skill_id = self._save_row(skill)
        self._save_diagnostics(skill_id, skill)
        if skill.state is SkillState.LISTED:
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
            skill_id = _one(self._connection, _INSERT_SKILL, values)
            self._added += skill.state is SkillState.LISTED
        else:
            skill_id = old[0]
            self._connection.execute(_UPDATE_SKILL, {**values, "skill": skill_id})
        if old is None or old[1] != skill.state:
            rules = [found.rule for found in skill.diagnostics if found.level == "error"]
            kind = {SkillState.LISTED: "skill.listed", SkillState.REFUSED: "skill.refused"}[skill.state]
            self._event(kind, skill_id, {"path": skill.path, "slug": skill.slug, "rules": rules})
            self._refused += skill.state is SkillState.REFUSED
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
                        *_clean([found.file, found.line, found.message, found.remedy]),
                    )
                    for ordinal, found in enumerate(skill.diagnostics)
                ],
            )

    def _save_version(self, skill_id: int, skill: ReadSkill) -> None:
        package = skill.package
        assert package is not None  # noqa: S101 - a listed skill has one
        self._save_package(skill)
        earlier = self._connection.execute(
            "SELECT content_digest, label FROM version WHERE skill_id = %s ORDER BY ordinal", (skill_id,)
        ).fetchall()
        if package.content_digest not in {digest for digest, _ in earlier}:
            label = next_label((label for _, label in earlier), skill.metadata_version)
            self._connection.execute(_INSERT_VERSION, self._version_values(skill_id, skill, len(earlier) + 1, label))
            self._versions += 1
            self._event(
                "version.added",
                skill_id,
                {"path": skill.path, "label": label, "content": package.content_digest, "revision": self._revision},
            )
        self._connection.execute(_SET_CURRENT, {"skill": skill_id, "content": package.content_digest})
        self._connection.execute(_SET_LICENCE, self._version_values(skill_id, skill, 0, ""))

    def _save_package(self, skill: ReadSkill) -> None:
        package = skill.package
        assert package is not None  # noqa: S101 - a listed skill has one
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
                    "INSERT INTO file VALUES (%s, %s, %s, %s, %s)",
                    [(package.content_digest, file.path, file.mode, file.size, file.sha256) for file in package.files],
                )

    def _version_values(self, skill_id: int, skill: ReadSkill, ordinal: int, label: str) -> dict[str, Any]:
        assert skill.package is not None  # noqa: S101 - a listed skill has one
        return {
            "skill": skill_id,
            "ordinal": ordinal,
            "label": label,
            "content": skill.package.content_digest,
            "revision": self._revision,
            "committed": self._committed_at,
            "name": _clean(skill.name),
            "description": _clean(skill.description),
            "level": skill.level,
            "manifest": Jsonb(_clean(skill.manifest)),
            "text": _clean(skill.text),
            "licence": skill.licence.spdx,
            "evidence": _clean(skill.licence.evidence),
            "confidence": skill.licence.confidence,
            "redistributable": skill.redistributable,
        }

    def _event(self, kind: str, skill_id: int, evidence: dict[str, Any]) -> None:
        _add_event(self._connection, kind, self._repository_id, evidence, skill_id=skill_id)


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


def _save_repository(connection: Connection[tuple[Any, ...]], repository: Repository) -> str:
    """Insert or update a repository row; say `added`, `changed` or `same`."""
    values = repository.model_dump()
    for key in ("description", "owner", "name", "default_branch"):
        values[key] = _clean(values[key])
    values["topics"] = [_clean(topic) for topic in repository.topics]
    columns = list(values)
    old = connection.execute(
        "SELECT owner, name, state FROM repository WHERE repository_id = %s FOR UPDATE", (repository.repository_id,)
    ).fetchone()
    if old is None:
        names, places = ", ".join(columns), ", ".join(f"%({column})s" for column in columns)
        added = connection.execute(
            f"INSERT INTO repository ({names}) VALUES ({places}) ON CONFLICT DO NOTHING", values
        ).rowcount
        connection.execute(
            "INSERT INTO probe (repository_id) VALUES (%s) ON CONFLICT DO NOTHING", (repository.repository_id,)
        )
        if added:
            evidence = {"owner": repository.owner, "name": repository.name}
            _add_event(connection, "repository.added", repository.repository_id, evidence)
        return "added" if added else "same"
    # A listing does not tell the head; it must not wipe the one that a probe saw.
    kept = [column for column in columns if not (column in {"head_oid", "tree_oid"} and values[column] is None)]
    changed = connection.execute(
        f"""
        UPDATE repository SET {", ".join(f"{column} = %({column})s" for column in kept)}
        WHERE repository_id = %(repository_id)s
              AND ({", ".join(kept)}) IS DISTINCT FROM ({", ".join(f"%({column})s" for column in kept)})
        """,
        values,
    ).rowcount
    if (old[0], old[1]) != (repository.owner, repository.name):
        evidence = {"from": f"{old[0]}/{old[1]}", "to": f"{repository.owner}/{repository.name}"}
        _add_event(connection, "repository.renamed", repository.repository_id, evidence)
    if old[2] != repository.state:
        evidence = {"from": old[2], "to": repository.state}
        _add_event(connection, f"repository.{repository.state}", repository.repository_id, evidence)
    return "changed" if changed else "same"


def _set_state(connection: Connection[tuple[Any, ...]], repository_id: int, state: RepositoryState) -> None:
    old = connection.execute(
        "SELECT state FROM repository WHERE repository_id = %s FOR UPDATE", (repository_id,)
    ).fetchone()
    if old is None or old[0] == state:
        return
    connection.execute("UPDATE repository SET state = %s WHERE repository_id = %s", (state, repository_id))
    _add_event(connection, f"repository.{state}", repository_id, {"from": old[0], "to": state})


def _finish_probe(connection: Connection[tuple[Any, ...]], repository_id: int, pushed_at: datetime | None) -> None:
    """Note a finished look, and when the next is due."""
    connection.execute(
        """
        UPDATE probe SET probed_at = now(), due_at = now() + %s, attempts = 0, error_code = '', error = ''
        WHERE repository_id = %s
        """,
        (probe_interval(pushed_at, datetime.now(UTC)), repository_id),
    )


def probe_interval(pushed_at: datetime | None, now: datetime) -> timedelta:
    """How long a repository can wait: a tenth of the time it has been still, within an hour and a week."""
    if pushed_at is None:
        return timedelta(days=7)
    return min(max((now - pushed_at) / 10, timedelta(hours=1)), timedelta(days=7))


def _add_event(
    connection: Connection[tuple[Any, ...]],
    kind: str,
    repository_id: int,
    evidence: dict[str, Any],
    *,
    skill_id: int | None = None,
) -> None:
    connection.execute(
        "INSERT INTO event (kind, actor, repository_id, skill_id, evidence) VALUES (%s, %s, %s, %s, %s)",
        (kind, ACTOR, repository_id, skill_id, Jsonb(_clean(evidence))),
    )


def _one(connection: Connection[tuple[Any, ...]], query: str, values: Any) -> Any:
    row = connection.execute(query, values if isinstance(values, dict) else (values,)).fetchone()
    return None if row is None else row[0]


def _clean(value: Any) -> Any:
    """Replace what PostgreSQL's text cannot hold (NUL, lone surrogates), in texts at any depth."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_clean(key): _clean(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(inner) for inner in value]
    return value


def _unknown(repository_id: int) -> NotFound:
    return NotFound(
        f"repository {repository_id} is not in the index",
        remedy="Add a source that lists it: `skillregistry crawl OWNER/NAME`.",
    )


def _unavailable(error: Exception) -> ServiceUnavailable:
    return ServiceUnavailable(
        f"the database does not answer: {str(error).strip().splitlines()[0] if str(error) else type(error).__name__}",
        remedy="Run `skillregistry status`, then `skillregistry up`.",
    )
