"""A snapshot: one immutable export of the index, and the pointer to the live one.

A snapshot is a folder, named by its id:

    snapshot.json   id, as_of, format, counts, digests of the other files
    index.json      every listed skill in one document, for scripts
    json/           the JSON index: shards, directories and the tree that lists them
    parquet/        the tables below, one file each
    index.duckdb    the tables below
    search/         the search index
    built.json      digests of the files of search/, whose bytes differ from build to build

The id is the second of the last change in the index and the first 12 hexadecimal digits of the SHA-256
over its rows, so that the same index gives the same id, and the same bytes but for the last two
(docs/adr/0017-which-bytes-are-reproducible.md). Rows are keyed by repository id and folder path;
no column depends on the order in which a crawler happened to work.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import duckdb

from skilldata import authorfiles, copyrows, downloads, opinions, plugintables, takedowns
from skilldata.errors import NotFound, SnapshotError
from skilldata.takedowns import Takedown

FORMAT = 1
MANIFEST = "snapshot.json"
BUILT = "built.json"
DATABASE = "index.duckdb"
LISTING = "index.json"
SEARCH = "search"
JSON_INDEX = "json"

# The tables of index.duckdb, in load order. Every TIMESTAMP is UTC.
TABLES: dict[str, str] = {
    "repository": """
        repository_id BIGINT PRIMARY KEY, owner VARCHAR NOT NULL, name VARCHAR NOT NULL, description VARCHAR NOT NULL,
        default_branch VARCHAR NOT NULL, revision VARCHAR, committed_at TIMESTAMP, stars INTEGER NOT NULL,
        forks INTEGER NOT NULL, topics JSON NOT NULL, licence VARCHAR, is_fork BOOLEAN NOT NULL, parent_id BIGINT,
        archived BOOLEAN NOT NULL, pushed_at TIMESTAMP, state VARCHAR NOT NULL, first_seen_at TIMESTAMP NOT NULL
    """,
    "skill": """
        repository_id BIGINT NOT NULL, path VARCHAR NOT NULL, owner VARCHAR NOT NULL, repository VARCHAR NOT NULL,
        slug VARCHAR, state VARCHAR NOT NULL, level VARCHAR NOT NULL, name VARCHAR NOT NULL,
        description VARCHAR NOT NULL, manifest_file VARCHAR NOT NULL, label VARCHAR, content_digest VARCHAR,
        licence VARCHAR, redistributable BOOLEAN NOT NULL, stars INTEGER NOT NULL, first_seen_at TIMESTAMP NOT NULL,
        updated_at TIMESTAMP NOT NULL, gone_at TIMESTAMP, verdict VARCHAR NOT NULL,
        PRIMARY KEY (repository_id, path)
    """,
    "version": """
        repository_id BIGINT NOT NULL, path VARCHAR NOT NULL, ordinal INTEGER NOT NULL, label VARCHAR NOT NULL,
        content_digest VARCHAR NOT NULL, revision VARCHAR NOT NULL, committed_at TIMESTAMP NOT NULL,
        created_at TIMESTAMP NOT NULL, level VARCHAR NOT NULL, licence VARCHAR, licence_evidence VARCHAR NOT NULL,
        redistributable BOOLEAN NOT NULL, verdict VARCHAR NOT NULL, rule_set VARCHAR NOT NULL,
        PRIMARY KEY (repository_id, path, ordinal)
    """,
    "package": """
        content_digest VARCHAR PRIMARY KEY, package_digest VARCHAR NOT NULL, size BIGINT NOT NULL,
        unpacked_size BIGINT NOT NULL, file_count INTEGER NOT NULL
    """,
    "file": """
        content_digest VARCHAR NOT NULL, path VARCHAR NOT NULL, mode INTEGER NOT NULL, size BIGINT NOT NULL,
        sha256 VARCHAR NOT NULL, PRIMARY KEY (content_digest, path)
    """,
    "document": """
        repository_id BIGINT NOT NULL, path VARCHAR NOT NULL, manifest JSON NOT NULL, text VARCHAR NOT NULL,
        PRIMARY KEY (repository_id, path)
    """,
    "diagnostic": """
        repository_id BIGINT NOT NULL, path VARCHAR NOT NULL, ordinal INTEGER NOT NULL, rule VARCHAR NOT NULL,
        level VARCHAR NOT NULL, file VARCHAR NOT NULL, line INTEGER, message VARCHAR NOT NULL,
        remedy VARCHAR NOT NULL, PRIMARY KEY (repository_id, path, ordinal)
    """,
    "finding": """
        repository_id BIGINT NOT NULL, path VARCHAR NOT NULL, ordinal INTEGER NOT NULL, rule VARCHAR NOT NULL,
        severity VARCHAR NOT NULL, file VARCHAR NOT NULL, line INTEGER, evidence VARCHAR NOT NULL,
        explanation VARCHAR NOT NULL, remedy VARCHAR NOT NULL, PRIMARY KEY (repository_id, path, ordinal)
    """,
    # History has no key of its own: several things can happen at one time.
    "event": """
        happened_at TIMESTAMP NOT NULL, kind VARCHAR NOT NULL, actor VARCHAR NOT NULL, repository_id BIGINT,
        path VARCHAR, evidence JSON NOT NULL
    """,
    **plugintables.TABLES,
    **takedowns.TABLES,
    **authorfiles.TABLES,
    **copyrows.TABLES,
    **opinions.TABLES,
    **downloads.TABLES,
}

# What analysts ask for most, over those tables.
VIEWS: dict[str, str] = {
    "listed": """
        SELECT owner || '/' || repository || '/' || slug AS address, skill.*, package_digest, size, unpacked_size,
               file_count
        FROM skill LEFT JOIN package USING (content_digest) WHERE state = 'listed'
    """,
    "copies": """
        SELECT content_digest, count(*) AS skills, list(owner || '/' || repository || '/' || slug ORDER BY stars DESC)
               AS addresses
        FROM skill WHERE state = 'listed' GROUP BY content_digest HAVING count(*) > 1
    """,
    "licences": """
        SELECT coalesce(licence, 'none') AS licence, count(*) AS skills, bool_and(redistributable) AS redistributable
        FROM skill WHERE state = 'listed' GROUP BY ALL
    """,
}


@dataclass(frozen=True, slots=True)
class SnapshotInfo:
    """What snapshot.json says. `counts` has skills, repositories, versions, packages, refused, gone."""

    id: str
    as_of: datetime
    format: int
    counts: dict[str, int]
    files: dict[str, str]  # file name -> sha256: digest


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file of a package; `size` in bytes, `mode` POSIX permission bits."""

    path: str
    mode: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DiagnosticRow:
    """One diagnostic of a skill."""

    rule: str
    level: str
    file: str
    line: int | None
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One security finding about a skill's current version."""

    rule: str
    severity: str
    file: str
    line: int | None
    evidence: str
    explanation: str
    remedy: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a skill with the package that holds it. `sizes` in bytes."""

    ordinal: int
    label: str
    content_digest: str
    package_digest: str
    size: int
    unpacked_size: int
    file_count: int
    revision: str
    committed_at: datetime
    created_at: datetime
    level: str
    licence: str | None
    licence_evidence: str
    redistributable: bool
    verdict: str
    rule_set: str  # the rules that gave the verdict


@dataclass(frozen=True, slots=True)
class SkillSummary:
    """One row of a list of skills. `label` and digests are of the current version; None where refused."""

    repository_id: int
    path: str
    owner: str
    repository: str
    slug: str | None
    state: str
    level: str
    name: str
    description: str
    manifest_file: str
    label: str | None
    content_digest: str | None
    licence: str | None
    redistributable: bool
    stars: int
    first_seen_at: datetime
    updated_at: datetime
    gone_at: datetime | None
    verdict: str  # of the current version

    @property
    def address(self) -> str:
        """`owner/repo/slug`; the folder stands for the slug of a skill that has none."""
        return f"{self.owner}/{self.repository}/{self.slug or self.path}"


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    """One repository as last crawled."""

    repository_id: int
    owner: str
    name: str
    description: str
    default_branch: str
    revision: str | None
    committed_at: datetime | None
    stars: int
    forks: int
    topics: list[str]
    licence: str | None
    is_fork: bool
    parent_id: int | None
    archived: bool
    pushed_at: datetime | None
    state: str
    first_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Skill:
    """Everything that a snapshot knows of one skill.

    `text` is its whole SKILL.md; '' where refused, and where its licence does not allow handing it out.
    `versions` are newest first, `files` those of the current version, `copies` the other listed skills
    with the same content. Of one that maintainers took down, `takedown` says why. A copy has
    an `origin`; an origin has `copy_count` copies, identical or nearly, of which `similar` are some of the latter.
    """

    summary: SkillSummary
    repository: RepositoryRow
    manifest: dict[str, Any]
    text: str
    versions: list[VersionRow]
    files: list[FileRow]
    diagnostics: list[DiagnosticRow]
    findings: list[FindingRow]
    copies: list[SkillSummary]
    takedown: Takedown | None = None
    origin: copyrows.Origin | None = None
    copy_count: int = 0
    similar: list[copyrows.Origin] = field(default_factory=list)
    second_opinion: opinions.Opinion | None = None  # another scanner's, advisory
    downloads: dict[str, int] = field(default_factory=dict)  # of each version, by content digest

    @property
    def current(self) -> VersionRow | None:
        """The version that the summary describes; None for a skill that was never listed."""
        digest = self.summary.content_digest
        return next((version for version in self.versions if version.content_digest == digest), None)


class Snapshot:
    """A snapshot folder, opened for reading. Safe to share between threads.

    Args:
        folder: The snapshot.
        memory: What DuckDB may use at most, as `1GB`; what does not fit goes to disk. None: most of the machine's.

    Raises:
        SnapshotError: The folder is not a snapshot, or of a format this code does not know.
    """

    def __init__(self, folder: Path, *, memory: str | None = None) -> None:
        self.folder = folder
        self.info = read_info(folder)
        bounds = {"memory_limit": memory, "temp_directory": str(folder / ".spill"), "threads": "1"} if memory else {}
        self._connection = duckdb.connect(str(folder / DATABASE), read_only=True, config=dict(bounds))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    def bound(self, memory: str) -> None:
        """Let DuckDB use no more than `memory` (as `1GB`) from now on; what does not fit goes to disk."""
        self._connection.execute("SET temp_directory = ?", [str(self.folder / ".spill")])
        self._connection.execute("SET memory_limit = ?", [memory])

    def summaries(self, where: str = "state = 'listed'", parameters: Sequence[object] = ()) -> Iterator[SkillSummary]:
        """Yield skills in the order of owner, repository, slug.

        Args:
            where: A condition of our own making over the columns of `skill`; values go in `parameters`.
            parameters: Values for the `?` of the condition.
        """
        query = f"SELECT * FROM skill WHERE {where} ORDER BY lower(owner), owner, lower(repository), slug, path"
        for row in self._rows(query, parameters):
            yield SkillSummary(*row)

    def repositories(self) -> Iterator[RepositoryRow]:
        """Yield every repository that was crawled, in the order of owner and name."""
        for row in self._rows("SELECT * FROM repository ORDER BY lower(owner), lower(name)"):
            yield _repository(row)

    def skill(self, owner: str, repository: str, slug: str) -> Skill:
        """Read one skill by its public address. Owner and repository compare without case, as on GitHub.

        Raises:
            NotFound: No skill but a refused one goes by that address.
        """
        found = list(
            self.summaries(
                "lower(owner) = lower(?) AND lower(repository) = lower(?) AND slug = ? AND state <> 'refused'",
                (owner, repository, slug),
            )
        )
        if not found:
            raise NotFound(f"no skill {owner}/{repository}/{slug}", remedy="Search for it by a word of its name.")
        return self.details(found[0])

    def details(self, summary: SkillSummary) -> Skill:
        """Read everything about a skill that `summaries` gave."""
        key = (summary.repository_id, summary.path)
        documents = list(self._rows("SELECT manifest, text FROM document WHERE repository_id = ? AND path = ?", key))
        manifest, text = documents[0] if documents else ("{}", "")
        digest = summary.content_digest
        count, similar = copyrows.similar_to(self.query, *key, copyrows.MOST)
        return Skill(
            summary=summary,
            repository=_repository(next(iter(self._rows("SELECT * FROM repository WHERE repository_id = ?", key[:1])))),
            manifest=json.loads(manifest),
            text=text,
            versions=self.versions(*key),
            files=[FileRow(*row) for row in self._rows(_FILES, (digest,))] if digest else [],
            diagnostics=[DiagnosticRow(*row) for row in self._rows(_DIAGNOSTICS, key)],
            findings=[FindingRow(*row) for row in self._rows(_FINDINGS, key)],
            copies=list(
                self.summaries(
                    "state = 'listed' AND content_digest = ? AND NOT (repository_id = ? AND path = ?)",
                    (digest, *key),
                )
            )
            if digest
            else [],
            takedown=takedowns.skill_takedown(self.query, *key),
            origin=copyrows.origin_of(self.query, *key),
            copy_count=count,
            similar=similar,
            second_opinion=opinions.opinions_of(self.query, [digest]).get(digest) if digest else None,
            downloads=downloads.downloads_by_content(self.query, *key),
        )

    def author_wishes(self, repository_id: int) -> authorfiles.AuthorWishes:
        """Read what the author's file of a repository asks for."""
        query = "SELECT * EXCLUDE (repository_id) FROM author_file WHERE repository_id = ?"
        return authorfiles.wishes(next(self._rows(query, (repository_id,)), None))

    def blocked(self, digest: str) -> Takedown | None:
        """Find out whether a `sha256:` digest, of a content or a package, is blocked."""
        return takedowns.blocked(self.query, digest)

    def versions(self, repository_id: int, path: str) -> list[VersionRow]:
        """List the versions of a skill, newest first."""
        return [VersionRow(*row) for row in self._rows(_VERSIONS, (repository_id, path))]

    def package(self, digest: str) -> tuple[SkillSummary, VersionRow]:
        """Find a package by `sha256:` digest of its zip, with one skill and version that have it.

        A version that may be redistributed is preferred.

        Raises:
            NotFound: No skill has or had that package.
        """
        rows = list(self._rows(_PACKAGE, (digest,)))
        if not rows:
            raise NotFound(f"no package {digest}", remedy="Take the digest from a skill's page or /api/v1/skills.")
        repository_id, path, ordinal = rows[0]
        summary = next(self.summaries("repository_id = ? AND path = ?", (repository_id, path)))
        version = next(row for row in self.versions(repository_id, path) if row.ordinal == ordinal)
        return summary, version

    def served_packages(self) -> Iterator[tuple[Any, ...]]:
        """Yield `sha256:` digest and size in bytes of every package that may be downloaded, in the order of digests."""
        return self._rows(_SERVED)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Run a query of our own making over the tables of `TABLES`."""
        return self._rows(sql, parameters)

    def _rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        # A cursor of its own per query: DuckDB connections must not be shared between threads.
        with self._connection.cursor() as cursor:
            cursor.execute(sql, list(parameters))
            moments = [
                place for place, column in enumerate(cursor.description or ()) if str(column[1]).startswith("TIMESTAMP")
            ]
            while rows := cursor.fetchmany(1000):
                yield from [_in_utc(row, moments) for row in rows] if moments else rows


def _in_utc(row: tuple[Any, ...], moments: Sequence[int]) -> tuple[Any, ...]:
    """Give the moments in some columns their time zone: they are stored in UTC, without saying so."""
    values = list(row)
    for place in moments:
        if values[place] is not None:
            values[place] = values[place].replace(tzinfo=UTC)
    return tuple(values)


_FILES = "SELECT path, mode, size, sha256 FROM file WHERE content_digest = ? ORDER BY path"
_DIAGNOSTICS = """
    SELECT rule, level, file, line, message, remedy FROM diagnostic
    WHERE repository_id = ? AND path = ? ORDER BY ordinal
"""
_FINDINGS = """
    SELECT rule, severity, file, line, evidence, explanation, remedy FROM finding
    WHERE repository_id = ? AND path = ? ORDER BY ordinal
"""
_VERSIONS = """
    SELECT ordinal, label, content_digest, package_digest, size, unpacked_size, file_count, revision, committed_at,
           created_at, level, licence, licence_evidence, redistributable, verdict, rule_set
    FROM version JOIN package USING (content_digest)
    WHERE repository_id = ? AND path = ? ORDER BY ordinal DESC
"""
_PACKAGE = """
    SELECT repository_id, path, ordinal
    FROM version JOIN package USING (content_digest) JOIN skill USING (repository_id, path)
    WHERE package_digest = ? AND state <> 'refused'
    ORDER BY version.redistributable DESC, repository_id, path, ordinal DESC LIMIT 1
"""
_SERVED = """
    SELECT DISTINCT package_digest, size
    FROM version JOIN package USING (content_digest) JOIN skill USING (repository_id, path)
    WHERE version.redistributable AND state <> 'refused' ORDER BY package_digest
"""


def read_info(folder: Path) -> SnapshotInfo:
    """Read snapshot.json of a snapshot's folder.

    Raises:
        SnapshotError: There is none, it cannot be read, or its format is newer than this code.
    """
    try:
        content = json.loads((folder / MANIFEST).read_bytes())
        info = SnapshotInfo(
            id=content["id"],
            as_of=datetime.fromisoformat(content["as_of"]),
            format=content["format"],
            counts=content["counts"],
            files={**content["files"], **_built(folder)},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SnapshotError(
            f"{folder} is not a snapshot: {error}", remedy="Run `skillregistry publish` to make one."
        ) from None
    if info.format > FORMAT:
        raise SnapshotError(
            f"snapshot {info.id} has format {info.format}, this program reads up to {FORMAT}",
            remedy="Update the program.",
        )
    return info


def _built(folder: Path) -> dict[str, str]:
    path = folder / BUILT
    return dict(json.loads(path.read_bytes())["files"]) if path.exists() else {}


def _repository(row: tuple[Any, ...]) -> RepositoryRow:
    values = list(row)
    values[9] = json.loads(values[9])
    return RepositoryRow(*values)
