"""The index as one object: a pool of connections, and a method for each thing that is asked or told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Self, TypeVar

import psycopg
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool, PoolTimeout

from skilldata.config import DatabaseSettings
from skilldata.database import todo
from skilldata.database.crawls import Crawled, record_crawl
from skilldata.database.events import add_event, clean
from skilldata.database.plugins import known_plugins
from skilldata.database.records import (
    CrawlOutcome,
    DueRepository,
    Failure,
    KnownSkill,
    Rewritten,
    SourceRow,
    StoredBlob,
)
from skilldata.database.repositories import release, save_repositories, set_state
from skilldata.errors import ConfigurationError, NotFound, ServiceUnavailable
from skilldata.intervals import DEFAULT_BOUNDS, Bounds
from skilldata.models import ReadSkill, Repository, RepositoryState, Source
from skilldata.plugins import KnownPlugin, ReadPlugins

RowT = TypeVar("RowT", DueRepository, Repository)

REASON = 2000  # characters of an error that are kept
DEADLOCKS = 5  # tries of a transaction that PostgreSQL ended for another's sake


class Database:
    """The index. Safe to share between threads.

    Every method is one transaction. What the crawler calls may be called again with the same arguments,
    by this or another worker, without a further effect.

    Args:
        settings: Address and pool size.
        bounds: The least and the most that a repository waits between two looks.

    Raises:
        ConfigurationError: No address is set.
        ServiceUnavailable: Nothing answers there.
    """

    def __init__(self, settings: DatabaseSettings, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self._bounds = bounds
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
        # The pool only says that it waited in vain; one plain connection says why.
        try:
            psycopg.connect(self.url, connect_timeout=10).close()
            self._pool.open(wait=True, timeout=15)
        except (psycopg.OperationalError, PoolTimeout) as error:
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

    def sources(self) -> list[SourceRow]:
        """List all sources with their health and how many repositories each found."""
        query = """
            SELECT source_id, kind, target, health, error, run_at, succeeded_at, count(repository_id)
            FROM source LEFT JOIN source_repository USING (source_id) GROUP BY source_id ORDER BY kind, target
        """
        with self.transaction() as connection:
            return [SourceRow(*row) for row in connection.execute(query)]

    # -- the to-do list

    def make_due(self, sources: Sequence[Source] = (), *, full: bool = False) -> int:
        """Make repositories due now: those that the sources found, or all.

        Args:
            sources: Where they were found; empty for all.
            full: Forget which commit was read, so that everything is read again.

        Returns:
            How many are due.
        """
        with self.transaction() as connection:
            return todo.make_due(connection, sources, full=full)

    def due(self, limit: int, *, before: datetime, sources: Sequence[Source] = ()) -> list[DueRepository]:
        """List repositories that were due before a time.

        Args:
            limit: How many at most.
            before: Time; what is recorded as done is due again only after it.
            sources: Only those that these found; empty for all.
        """
        with self.transaction() as connection:
            return todo.due(connection, limit, before, sources)

    def due_repository(self, repository_id: int) -> DueRepository:
        """Give one repository as `due` would.

        Raises:
            NotFound: It is not in the index.
        """
        return self._one(DueRepository, repository_id)

    def record_probe(
        self, repositories: Sequence[Repository], *, states: Iterable[tuple[int, RepositoryState]] = ()
    ) -> list[int]:
        """Take what a probe saw, and say what is to be fetched.

        Args:
            repositories: Repositories as they are now.
            states: Ids of those of which only the state was learnt; their heads have not moved.

        Returns:
            Ids of active repositories whose head is not the commit that the index reflects. They stay
            due until `record_crawl` or `record_failure`; all others are due again after their interval.
        """
        with self.transaction() as connection:
            save_repositories(connection, repositories)
            pushed = {repository.repository_id: repository.pushed_at for repository in repositories}
            for repository_id, state in states:
                set_state(connection, repository_id, state)
                pushed[repository_id] = None
            changed = connection.execute(
                """
                SELECT repository_id FROM repository
                WHERE repository_id = ANY(%s) AND state = 'active' AND head_oid IS DISTINCT FROM crawled_oid
                ORDER BY repository_id
                """,
                ([repository.repository_id for repository in repositories],),
            ).fetchall()
            ids = dict.fromkeys(row[0] for row in changed)
            unchanged = ((key, value) for key, value in pushed.items() if key not in ids)
            todo.finish_probes(connection, unchanged, bounds=self._bounds)
            return list(ids)

    def record_failure(self, repository_id: int, code: str, message: str, *, retry_at: datetime) -> None:
        """Note that a repository could not be crawled, and when it is tried again."""
        with self.transaction() as connection:
            todo.record_failure(connection, repository_id, code, clean(message)[:REASON], retry_at)

    def retry_failures(self) -> int:
        """Make every repository due whose last crawl failed; give how many those are."""
        query = "UPDATE probe SET due_at = now(), attempts = 0 WHERE error_code <> ''"
        with self.transaction() as connection:
            return connection.execute(query).rowcount

    def failures(self) -> list[Failure]:
        """List repositories whose last crawl failed."""
        with self.transaction() as connection:
            return todo.failures(connection)

    # -- repositories and skills

    def repository(self, repository_id: int) -> Repository:
        """Read one repository by its numeric id.

        Raises:
            NotFound: It is not in the index.
        """
        return self._one(Repository, repository_id)

    def release(self, repository_id: int, *, actor: str) -> bool:
        """Let a held repository be crawled; False where it was not held."""
        with self.transaction() as connection:
            return release(connection, repository_id, actor=actor)

    def licence_basis(self, repository_id: int) -> str:
        """Give what the repository's own licence was judged from at the last crawl; '' before the first."""
        query = "SELECT licence_basis FROM repository WHERE repository_id = %s"
        with self.transaction() as connection:
            row = connection.execute(query, (repository_id,)).fetchone()
        return row[0] if row else ""

    def known_skills(self, repository_id: int) -> list[KnownSkill]:
        """List what the index has of a repository's skills, gone ones included."""
        query = "SELECT path, slug, tree_oid, state FROM skill WHERE repository_id = %s ORDER BY path"
        with self.transaction() as connection, connection.cursor(row_factory=class_row(KnownSkill)) as cursor:
            return cursor.execute(query, (repository_id,)).fetchall()

    def known_plugins(self, repository_id: int) -> list[KnownPlugin]:
        """List the plugins of a repository that have a slug."""
        with self.transaction() as connection:
            return known_plugins(connection, repository_id)

    def stored_blobs(self, oids: Sequence[str]) -> list[StoredBlob]:
        """Find git blobs whose bytes are in a stored package, so that they need not be fetched again."""
        query = """
            SELECT DISTINCT ON (oid) oid, package_digest, path
            FROM file JOIN package USING (content_digest) WHERE oid = ANY(%s) ORDER BY oid, package_digest, path
        """
        with self.transaction() as connection:
            return [StoredBlob(*row) for row in connection.execute(query, (list(oids),))]

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
        rewritten: Rewritten | None = None,
        plugins: ReadPlugins | None = None,
    ) -> CrawlOutcome:
        """Make the index reflect one revision of one repository, whole or not at all.

        Args:
            repository_id: Numeric id.
            revision: The commit that was read.
            tree_oid: Its tree.
            committed_at: Its committer date.
            skills: Every skill that was read; iterated more than once, and never held in memory whole.
            unchanged: Paths of skills whose folder is the one that the index has.
            licence_basis: What the repository's own licence was judged from; see `licence_basis`.
            rewritten: That the history of the branch was, if it was.
            plugins: All that it says of plugins; None leaves those of the index as they are.

        Returns:
            What changed. Skills that are neither read nor unchanged are marked gone; nothing is deleted.
        """
        crawled = Crawled(
            repository_id, revision, tree_oid, committed_at, licence_basis, rewritten, plugins, self._bounds
        )
        outcome = self._record(crawled, skills, unchanged)
        if outcome is None:
            raise _unknown(repository_id)
        return outcome

    def _record(
        self, crawled: Crawled, skills: Iterable[ReadSkill], unchanged: Sequence[str], attempt: int = 1
    ) -> CrawlOutcome | None:
        try:
            with self.transaction() as connection:
                return record_crawl(connection, crawled, skills, unchanged)
        except ServiceUnavailable as error:
            # Two crawls that add the same packages can wait for each other; PostgreSQL ends one of them.
            if not isinstance(error.__cause__, psycopg.errors.DeadlockDetected) or attempt == DEADLOCKS:
                raise
        return self._record(crawled, skills, unchanged, attempt + 1)

    def record_event(self, kind: str, repository_id: int, evidence: dict[str, Any]) -> None:
        """Add an event of which nothing else in the index speaks, once for the same evidence."""
        with self.transaction() as connection:
            known = connection.execute(
                "SELECT FROM event WHERE repository_id = %s AND kind = %s AND evidence = %s LIMIT 1",
                (repository_id, kind, Jsonb(clean(evidence))),
            ).fetchone()
            if known is None:
                add_event(connection, kind, repository_id, evidence)

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

    def _one(self, model: type[RowT], repository_id: int) -> RowT:
        query = f"SELECT {', '.join(model.model_fields)} FROM repository WHERE repository_id = %s"
        with self.transaction() as connection, connection.cursor(row_factory=class_row(model)) as cursor:
            found = cursor.execute(query.encode(), (repository_id,)).fetchone()
        if found is None:
            raise _unknown(repository_id)
        return found


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


def _unknown(repository_id: int) -> NotFound:
    return NotFound(
        f"repository {repository_id} is not in the index",
        remedy="Add a source that lists it: `skillregistry crawl OWNER/NAME`.",
    )


def _unavailable(error: Exception) -> ServiceUnavailable:
    reason = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
    return ServiceUnavailable(
        f"the database does not answer: {reason}", remedy="Run `skillregistry status`, then `skillregistry up`."
    )
