"""Writing into an empty index what a snapshot says: the part of `rebuild-index` that PostgreSQL does.

A snapshot leaves out what no reader needs: git ids of folders, texts of earlier versions, files of packages that are
not shown. What of that lies in packages comes from there; the rest is read again by the next crawl, for which every
repository is due. Numbers of rows are new; nothing that is published depends on them.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.types.json import Jsonb

from skilldata import takedowns
from skilldata.backup import tables
from skilldata.database import Database
from skilldata.database.events import clean
from skilldata.errors import RegistryError
from skilldata.models import PackagedFile
from skilldata.snapshot import Snapshot
from skilldata.stewardship.models import Action, Origin, Target
from skilldata.stewardship.rulings import Rulings

_Connection = Connection[tuple[Any, ...]]


class RebuildError(RegistryError):
    """The index cannot be made anew."""

    code = "rebuild"


class Content(NamedTuple):
    """A package of the snapshot, with what its bytes say; without files where the store has it no more."""

    content_digest: str
    package_digest: str
    size: int
    unpacked_size: int
    file_count: int
    files: tuple[PackagedFile, ...] = ()
    name: str = ""
    description: str = ""
    manifest: Mapping[str, Any] = MappingProxyType({})
    text: str = ""


class Written(NamedTuple):
    """How many rows were written."""

    repositories: int
    skills: int
    versions: int
    packages: int


def packages_of(snapshot: Snapshot) -> Iterator[Content]:
    """List every package of a snapshot, still without what its bytes say."""
    for row in snapshot.query(_PACKAGES):
        yield Content(*row)


def write_index(database: Database, snapshot: Snapshot, contents: Iterable[Content]) -> Written:
    """Write everything in one transaction, into an empty database.

    Args:
        database: The index; its schema is this program's.
        snapshot: What to write.
        contents: Every package of the snapshot.

    Raises:
        RebuildError: The database has rows.
    """
    with database.transaction() as connection:
        if not tables.is_empty(connection):
            raise RebuildError("the database is not empty", remedy="Rebuild into a new database.")
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute(_STAGES)
        rows = ((*row, node_id(row[0])) for row in snapshot.query(_REPOSITORIES))
        repositories = _fill(connection, "stage_repository", rows)
        skills = _fill(connection, "stage_skill", snapshot.query(_SKILLS))
        versions = _fill(connection, "stage_version", snapshot.query(_VERSIONS))
        packages = _write_contents(connection, contents)
        _fill(connection, "stage_diagnostic", snapshot.query(_DIAGNOSTICS))
        _fill(connection, "stage_event", map(_event, snapshot.query(_EVENTS)))
        _fill(connection, "download", snapshot.query(_DOWNLOADS))
        for statement in _FROM_STAGES:
            connection.execute(statement)
        tables.set_counters(connection)
    return Written(repositories, skills, versions, packages)


def node_id(repository_id: int) -> str:
    """Give the id by which GitHub's GraphQL is asked for a repository, which a snapshot leaves out.

    It is `R_` and the URL-safe base64 of the MessagePack array of 0 and the number, the latter always as uint32:
    nothing that GitHub promises, but what every repository has; a crawl writes over it what GitHub says.
    """
    packed = b"\x92\x00" + struct.pack(">BI", 0xCE, repository_id)
    return "R_" + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def write_rulings(database: Database, snapshot: Snapshot) -> int:
    """Put the maintainers' rulings back that the snapshot's events tell of; give how many are in force.

    Those of the policy file come back when that is applied. Whatever the snapshot hid and no event explains is hidden
    again, so that nothing is served that was taken down.
    """
    rulings = Rulings(database)
    standing: dict[str, tuple[dict[str, Any], str]] = {}
    for kind, actor, evidence in snapshot.query(_RULED):
        told = json.loads(evidence)
        if told.get("origin") == Origin.MAINTAINER:
            standing.pop(told["named"], None)
            if kind == "ruling.made":
                standing[told["named"]] = told, actor
    for named, (told, actor) in standing.items():
        _rule(rulings, named, Action(told["action"]), told["reason"], legal=bool(told.get("legal")), actor=actor)
    with database.transaction() as connection:
        known = {row[0] for row in connection.execute(takedowns.QUERIES["blocked"].encode())}
    for digest, legal, reason in snapshot.query("SELECT digest, legal, reason FROM blocked"):
        if digest not in known:
            rulings.make(Target(named=digest, digest=digest), Action.BLOCKED, reason=reason, actor=_ACTOR, legal=legal)
    with database.transaction() as connection:
        hidden = {tuple(row) for row in connection.execute(_HIDDEN)}
        ids = {(repository, path): skill for repository, path, skill in connection.execute(_IDS)}
    for repository_id, path, state, legal, reason in snapshot.query(_TAKEDOWNS):
        if (repository_id, path) not in hidden:
            target = Target(named=f"{repository_id}/{path}", skill_id=ids[repository_id, path])
            rulings.make(target, Action(state), reason=reason, actor=_ACTOR, legal=legal)
    return len(rulings.rulings())


def _rule(rulings: Rulings, named: str, action: Action, reason: str, *, legal: bool, actor: str) -> None:
    try:
        rulings.make(rulings.find(named), action, reason=reason, actor=actor, legal=legal)
    except RegistryError:
        return  # it was renamed since; what it hid is hidden by its folder


def _write_contents(connection: _Connection, contents: Iterable[Content]) -> int:
    count = 0
    with connection.cursor() as cursor:
        for one in contents:
            count += 1
            row = one.content_digest, one.package_digest, one.size, one.unpacked_size, one.file_count
            cursor.execute(_PACKAGE, row)
            cursor.execute(
                _TEXT, (*clean([*row[:1], one.name, one.description]), Jsonb(clean(dict(one.manifest))), one.text)
            )
            files = [(one.content_digest, clean(f.path), f.mode, f.size, f.sha256, f.oid) for f in one.files]
            cursor.executemany(_FILE, files)
    return count


def _fill(connection: _Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> int:
    count = 0
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def _event(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*row[:-1], Jsonb(json.loads(row[-1])))


_ACTOR = "rebuild-index"
_PACKAGES = "SELECT content_digest, package_digest, size, unpacked_size, file_count FROM package ORDER BY 1"
_RULED = """
    SELECT kind, actor, evidence FROM event WHERE kind IN ('ruling.made', 'ruling.lifted') ORDER BY rowid
"""
_TAKEDOWNS = "SELECT repository_id, path, state, legal, reason FROM takedown ORDER BY repository_id, path"
_HIDDEN = "SELECT repository_id, path FROM skill_takedown JOIN skill USING (skill_id)"
_IDS = "SELECT repository_id, path, skill_id FROM skill"

_REPOSITORIES = """
    SELECT repository_id, owner, name, default_branch, description, stars, forks, CAST(topics AS VARCHAR), licence,
           is_fork, parent_id, archived, pushed_at, state, committed_at,
           first_seen_at
    FROM repository
"""
_SKILLS = """
    SELECT repository_id, path, manifest_file, slug, state, level, content_digest, first_seen_at,
           updated_at, gone_at
    FROM skill
"""
_VERSIONS = """
    SELECT repository_id, path, ordinal, label, content_digest, revision, committed_at,
           created_at, level, licence, licence_evidence, redistributable, verdict
    FROM version
"""
_DIAGNOSTICS = "SELECT repository_id, path, ordinal, rule, level, file, line, message, remedy FROM diagnostic"
_DOWNLOADS = "SELECT repository_id, path, content_digest, day, downloads FROM download"
_EVENTS = """
    SELECT rowid, happened_at, kind, actor, repository_id, path, CAST(evidence AS VARCHAR)
    FROM event ORDER BY rowid
"""

_STAGES = b"""
    CREATE TEMP TABLE stage_repository (
        repository_id bigint, owner text, name text, default_branch text, description text, stars integer,
        forks integer, topics jsonb, licence text, is_fork boolean, parent_id bigint, archived boolean,
        pushed_at timestamptz, state text, committed_at timestamptz, first_seen_at timestamptz, node_id text)
        ON COMMIT DROP;
    CREATE TEMP TABLE stage_skill (
        repository_id bigint, path text, manifest_file text, slug text, state text, level text, content_digest text,
        first_seen_at timestamptz, updated_at timestamptz, gone_at timestamptz) ON COMMIT DROP;
    CREATE TEMP TABLE stage_version (
        repository_id bigint, path text, ordinal integer, label text, content_digest text, revision text,
        committed_at timestamptz, created_at timestamptz, level text, licence text, licence_evidence text,
        redistributable boolean, verdict text) ON COMMIT DROP;
    CREATE TEMP TABLE stage_text (
        content_digest text PRIMARY KEY, name text, description text, manifest jsonb, text text) ON COMMIT DROP;
    CREATE TEMP TABLE stage_diagnostic (
        repository_id bigint, path text, ordinal integer, rule text, level text, file text, line integer,
        message text, remedy text) ON COMMIT DROP;
    CREATE TEMP TABLE stage_event (
        number bigint, at timestamptz, kind text, actor text, repository_id bigint, path text, evidence jsonb)
        ON COMMIT DROP;
"""
_PACKAGE = """
    INSERT INTO package (content_digest, package_digest, size, unpacked_size, file_count) VALUES (%s, %s, %s, %s, %s)
"""
_FILE = "INSERT INTO file (content_digest, path, mode, size, sha256, oid) VALUES (%s, %s, %s, %s, %s, %s)"
_TEXT = "INSERT INTO stage_text VALUES (%s, %s, %s, %s, %s)"
_FROM_STAGES: tuple[bytes, ...] = (
    b"""
    INSERT INTO repository (repository_id, node_id, owner, name, default_branch, description, stars, forks, topics,
                            licence, is_fork, parent_id, archived, pushed_at, state, committed_at, first_seen_at)
    SELECT repository_id, node_id, owner, name, default_branch, description, stars, forks,
           ARRAY(SELECT jsonb_array_elements_text(topics)), licence, is_fork, parent_id, archived, pushed_at, state,
           committed_at, first_seen_at
    FROM stage_repository
    """,
    b"INSERT INTO probe (repository_id) SELECT repository_id FROM stage_repository",
    b"""
    INSERT INTO repository_name (name, repository_id, seen_at)
    SELECT lower(owner || '/' || name), repository_id, first_seen_at FROM stage_repository WHERE state <> 'held'
    """,
    # A ruling's state is laid over it again; whether the skill is still upstream, the next crawl sees.
    b"""
    INSERT INTO skill (repository_id, path, manifest_file, slug, state, level, first_seen_at, updated_at, gone_at)
    SELECT repository_id, path, manifest_file, slug,
           CASE WHEN state IN ('listed', 'refused', 'gone') THEN state WHEN gone_at IS NULL THEN 'listed'
                ELSE 'gone' END,
           level, first_seen_at, updated_at, gone_at
    FROM stage_skill
    """,
    b"""
    INSERT INTO version (skill_id, ordinal, label, content_digest, revision, committed_at, name, description, level,
                         manifest, text, licence, licence_evidence, licence_confidence, redistributable, created_at)
    SELECT skill_id, ordinal, label, content_digest, revision, committed_at, coalesce(found.name, ''),
           coalesce(found.description, ''), stage_version.level, coalesce(found.manifest, '{}'),
           coalesce(found.text, ''), licence, licence_evidence, 1, redistributable, created_at
    FROM stage_version JOIN skill USING (repository_id, path) LEFT JOIN stage_text AS found USING (content_digest)
    ORDER BY created_at, skill_id, ordinal
    """,
    b"""
    UPDATE skill SET current_version_id = (
        SELECT version_id FROM version LEFT JOIN stage_skill AS now
            ON now.repository_id = skill.repository_id AND now.path = skill.path
        WHERE version.skill_id = skill.skill_id
        ORDER BY version.content_digest IS NOT DISTINCT FROM now.content_digest DESC, ordinal DESC LIMIT 1)
    """,
    # Verdicts hold until the packages are scanned again, which their missing rule set asks for.
    b"""
    UPDATE package SET verdict = found.verdict
    FROM (SELECT content_digest, max(verdict) AS verdict FROM stage_version GROUP BY 1) AS found
    WHERE found.content_digest = package.content_digest
    """,
    b"""
    INSERT INTO diagnostic (skill_id, ordinal, rule, level, file, line, message, remedy)
    SELECT skill_id, ordinal, rule, stage_diagnostic.level, file, line, message, remedy
    FROM stage_diagnostic JOIN skill USING (repository_id, path)
    """,
    b"""
    INSERT INTO event (at, kind, actor, repository_id, skill_id, evidence)
    SELECT at, kind, actor, stage_event.repository_id, skill_id, evidence
    FROM stage_event LEFT JOIN skill ON skill.repository_id = stage_event.repository_id
                                    AND skill.path = stage_event.path
    ORDER BY number
    """,
)
