"""Reads a snapshot in the order and the amounts that pages need: streams and batches, never row by row.

`Snapshot.details` asks six questions for one skill; a site asks for every skill, so here each question is
asked once for hundreds of them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, NamedTuple

from skilldata.authorfiles import NONE as NO_WISHES
from skilldata.authorfiles import AuthorWishes, wishes
from skilldata.copyrows import MOST, Origin
from skilldata.opinions import opinions_of
from skilldata.snapshot import (
    DiagnosticRow,
    FileRow,
    FindingRow,
    RepositoryRow,
    Skill,
    SkillSummary,
    Snapshot,
    VersionRow,
)
from skilldata.takedowns import Takedown

Key = tuple[int, str]  # repository id and folder: what a skill is known by


class SkillKey(NamedTuple):
    """A skill that has a page, and a fingerprint of all that the snapshot says about it."""

    repository_id: int
    path: str
    owner: str
    repository: str
    slug: str | None
    listed: bool
    updated_on: str  # ISO date
    fingerprint: str  # 64 hexadecimal digits


class OwnerKey(NamedTuple):
    """An owner, a fingerprint of its repositories and what is refused of them, and their ids."""

    owner: str
    fingerprint: str
    repositories: list[int]


class ListKey(NamedTuple):
    """One page of a list: the value its skills share ('' for none), its number from 1, the list's size, a digest.

    The digest is over all that the page shows of its skills.
    """

    value: str
    page: int
    total: int
    digest: str


class Tally(NamedTuple):
    """A value with how many listed skills have it."""

    value: str | None
    skills: int


@dataclass(frozen=True)
class RepositorySkills:
    """A repository with its skills by state. `refused` have their diagnostics beside them."""

    repository: RepositoryRow
    parent: RepositoryRow | None
    listed: list[SkillSummary]
    gone: list[SkillSummary]
    refused: list[tuple[SkillSummary, list[DiagnosticRow]]]
    author: AuthorWishes = NO_WISHES


# The fields by which skills are put into lists: expression over `skill`, and what to join for it.
LISTS = {
    "all": ("''", ""),
    "owner": ("owner", ""),
    "level": ("level", ""),
    "licence": ("coalesce(licence, '')", ""),
    "topic": (
        "topic",
        """JOIN (SELECT DISTINCT repository_id, unnest(from_json(topics, '["VARCHAR"]')) AS topic FROM repository)
           USING (repository_id)""",
    ),
    "category": (
        "category",
        """JOIN (SELECT DISTINCT repository_id, unnest(from_json(categories, '["VARCHAR"]')) AS category
                 FROM author_file) USING (repository_id)""",
    ),
    "verdict": ("verdict", ""),
}


def skill_keys(snapshot: Snapshot) -> list[SkillKey]:
    """List every skill that gets a page, listed or gone, in the order of their addresses."""
    return [SkillKey(*row) for row in snapshot.query(_SKILL_KEYS)]


def owner_keys(snapshot: Snapshot) -> list[OwnerKey]:
    """List every owner of a crawled repository, in the order of their names."""
    return [OwnerKey(*row) for row in snapshot.query(_OWNER_KEYS)]


def read_skills(snapshot: Snapshot, keys: Sequence[Key]) -> list[Skill]:
    """Read everything about a few hundred skills, in the order of `keys`."""
    summaries = {
        (row[0], row[1]): SkillSummary(*row) for row in _by_key(snapshot, "SELECT s.* FROM skill s {keys}", keys)
    }
    digests = sorted({summary.content_digest for summary in summaries.values() if summary.content_digest})
    repositories = _repositories(snapshot, sorted({repository_id for repository_id, _ in keys}))
    documents = {(row[0], row[1]): row[2:] for row in _by_key(snapshot, _DOCUMENTS, keys)}
    versions = _grouped(_by_key(snapshot, _VERSIONS, keys), 2)
    diagnostics = _grouped(_by_key(snapshot, _DIAGNOSTICS, keys), 2)
    findings = _grouped(_by_key(snapshot, _FINDINGS, keys), 2)
    files = _grouped(snapshot.query(_FILES, [digests]), 1)
    copies = _grouped(snapshot.query(_COPIES, [digests]), 1)
    origins = {(row[0], row[1]): Origin(*row[2:]) for row in _by_key(snapshot, _ORIGINS, keys)}
    counts = {(row[0], row[1]): row[2] for row in _by_key(snapshot, _COPY_COUNTS, keys)}
    similar = _grouped(_by_key(snapshot, _SIMILAR, keys), 2)
    opinions = opinions_of(snapshot.query, digests)
    downloads = _grouped(_by_key(snapshot, _DOWNLOADS, keys), 2)
    takedowns = {(row[0], row[1]): Takedown(*row[2:]) for row in _by_key(snapshot, _TAKEDOWNS, keys)}
    skills = []
    for key in keys:
        summary = summaries[key]
        manifest, text = documents.get(key, ("{}", ""))
        digest = (summary.content_digest,)
        skills.append(
            Skill(
                summary=summary,
                repository=repositories[key[0]],
                manifest=json.loads(manifest),
                text=text,
                versions=[VersionRow(*row) for row in versions[key]],
                files=[FileRow(*row) for row in files[digest]],
                diagnostics=[DiagnosticRow(*row) for row in diagnostics[key]],
                findings=[FindingRow(*row) for row in findings[key]],
                copies=[copy for row in copies[digest] if (copy := SkillSummary(*row)) and (row[0], row[1]) != key],
                takedown=takedowns.get(key),
                origin=origins.get(key),
                copy_count=counts.get(key, 0),
                similar=[Origin(*row) for row in similar[key][:MOST]],
                second_opinion=opinions.get(summary.content_digest or ""),
                downloads=dict(downloads[key]),
            )
        )
    return skills


def read_files(snapshot: Snapshot, digests: Collection[str]) -> dict[str, list[FileRow]]:
    """Read the files of contents, by content digest; in the order of their paths."""
    if not digests:
        return {}
    rows = _grouped(snapshot.query(_FILES, [sorted(digests)]), 1)
    return {digest: [FileRow(*row) for row in rows[digest,]] for digest in digests}


def list_keys(snapshot: Snapshot, by: str, *, per_page: int, most: int) -> list[ListKey]:
    """List the pages of the lists by a key of `LISTS`; each list has its `most` skills with the most stars."""
    expression, join = LISTS[by]
    query = _LIST_KEYS.format(ranked=_RANKED.format(expression=expression, join=join))
    return [ListKey(*row) for row in snapshot.query(query, [most, per_page])]


def list_rows(
    snapshot: Snapshot, by: str, wanted: Sequence[tuple[str, int]], *, per_page: int, most: int
) -> Iterator[tuple[str, int, list[SkillSummary]]]:
    """Read some pages of such lists: yields value, page and skills of each that is `wanted`, a value and a page."""
    if not wanted:
        return
    expression, join = LISTS[by]
    query = _LIST_ROWS.format(ranked=_RANKED.format(expression=expression, join=join))
    rows = snapshot.query(query, [most, per_page, [value for value, _ in wanted], [page for _, page in wanted]])
    for (value, page), group in groupby(rows, key=itemgetter(0, 1)):
        yield value, page, [SkillSummary(*row[2:]) for row in group]


def read_tallies(snapshot: Snapshot, by: str) -> list[Tally]:
    """Count listed skills by a key of `LISTS`, most first."""
    expression, join = LISTS[by]
    rows = snapshot.query(
        f"SELECT {expression} AS value, count(*) FROM skill {join} WHERE state = 'listed' "  # noqa: S608
        "GROUP BY value ORDER BY count(*) DESC, lower(value), value"
    )
    return [Tally(value or None, count) for value, count in rows]


def read_repositories(snapshot: Snapshot, owners: Sequence[str], *, batch: int = 200) -> Iterator[RepositorySkills]:
    """Stream the crawled repositories of some owners with their skills, in the order of owner and name."""
    rows = iter(_order(_rows_of(snapshot, owners)))
    while chunk := list(islice(rows, batch)):
        ids = [row.repository_id for row in chunk]
        skills: dict[int, list[SkillSummary]] = defaultdict(list)
        for summary in snapshot.summaries("repository_id IN (SELECT unnest(?))", [ids]):
            skills[summary.repository_id].append(summary)
        refused = [(s.repository_id, s.path) for group in skills.values() for s in group if s.state == "refused"]
        diagnostics = _grouped(_by_key(snapshot, _DIAGNOSTICS, refused), 2)
        parents = _repositories(snapshot, sorted({row.parent_id for row in chunk if row.parent_id}))
        authors = {row[0]: wishes(row[1:]) for row in snapshot.query(_AUTHORS, [ids])}
        for row in chunk:
            of = skills[row.repository_id]
            yield RepositorySkills(
                repository=row,
                parent=parents.get(row.parent_id or 0),
                listed=[summary for summary in of if summary.state == "listed"],
                gone=[summary for summary in of if summary.state == "gone"],
                refused=[
                    (summary, [DiagnosticRow(*values) for values in diagnostics[summary.repository_id, summary.path]])
                    for summary in of
                    if summary.state == "refused"
                ],
                author=authors.get(row.repository_id, NO_WISHES),
            )


def _rows_of(snapshot: Snapshot, owners: Sequence[str]) -> Iterator[RepositoryRow]:
    query = "SELECT * FROM repository WHERE owner IN (SELECT unnest(?))"
    return map(_repository_row, snapshot.query(query, [list(owners)]))


def _order(rows: Iterable[RepositoryRow]) -> list[RepositoryRow]:
    return sorted(rows, key=lambda row: (row.owner.lower(), row.owner, row.name.lower(), row.name))


def _grouped(rows: Iterable[tuple[Any, ...]], width: int) -> defaultdict[tuple[Any, ...], list[tuple[Any, ...]]]:
    """Group rows by their first `width` columns, which are left out of the values."""
    groups: defaultdict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        groups[row[:width]].append(row[width:])
    return groups


def _by_key(snapshot: Snapshot, sql: str, keys: Sequence[Key]) -> Iterator[tuple[Any, ...]]:
    condition = "JOIN (SELECT unnest(?) AS repository_id, unnest(?) AS path) USING (repository_id, path)"
    return snapshot.query(sql.format(keys=condition), [[key[0] for key in keys], [key[1] for key in keys]])


def _repositories(snapshot: Snapshot, ids: Sequence[int]) -> dict[int, RepositoryRow]:
    query = "SELECT * FROM repository WHERE repository_id IN (SELECT unnest(?))"
    return {row[0]: _repository_row(row) for row in snapshot.query(query, [ids])}


def _repository_row(row: tuple[Any, ...]) -> RepositoryRow:
    values = dict(zip(RepositoryRow.__slots__, row, strict=True))
    return RepositoryRow(**values | {"topics": json.loads(values["topics"])})


_DOCUMENTS = "SELECT d.repository_id, d.path, manifest, text FROM document d {keys}"
_ORIGINS = """
    SELECT c.repository_id, c.path, owner, repository, slug, identical, similarity, evidence
    FROM copy c {keys} JOIN skill o ON o.repository_id = origin_repository_id AND o.path = origin_path
"""
_COPY_COUNTS = """
    SELECT repository_id, path, count(*)
    FROM (SELECT origin_repository_id AS repository_id, origin_path AS path FROM copy) c {keys} GROUP BY ALL
"""
_SIMILAR = """
    SELECT repository_id, path, owner, repository, slug, identical, similarity, evidence
    FROM (SELECT origin_repository_id AS repository_id, origin_path AS path, owner, repository, slug, identical,
                 similarity, evidence, stars, copy.path AS folder
          FROM copy JOIN skill USING (repository_id, path) WHERE NOT identical) c {keys}
    ORDER BY similarity DESC, stars DESC, lower(owner), lower(repository), folder
"""
_AUTHORS = "SELECT * FROM author_file WHERE repository_id IN (SELECT unnest(?))"
_DOWNLOADS = """
    SELECT d.repository_id, d.path, content_digest, sum(downloads)::BIGINT FROM download d {keys} GROUP BY ALL
"""
_TAKEDOWNS = "SELECT t.repository_id, t.path, state, legal, reason, since FROM takedown t {keys}"
_VERSIONS = """
    SELECT v.repository_id, v.path, ordinal, label, content_digest, package_digest, size, unpacked_size, file_count,
           revision, committed_at, created_at, level, licence, licence_evidence, redistributable, verdict, rule_set
    FROM version v JOIN package USING (content_digest) {keys} ORDER BY ordinal DESC
"""
_DIAGNOSTICS = """
    SELECT d.repository_id, d.path, rule, level, file, line, message, remedy FROM diagnostic d {keys} ORDER BY ordinal
"""
_FINDINGS = """
    SELECT f.repository_id, f.path, rule, severity, file, line, evidence, explanation, remedy
    FROM finding f {keys} ORDER BY ordinal
"""
_FILES = """
    SELECT content_digest, path, mode, size, sha256 FROM file WHERE content_digest IN (SELECT unnest(?))
    ORDER BY content_digest, path
"""
_COPIES = """
    SELECT content_digest, * FROM skill WHERE state = 'listed' AND content_digest IN (SELECT unnest(?))
    ORDER BY stars DESC, lower(owner), lower(repository), slug, path
"""
_RANKED = """
    SELECT {expression} AS value, skill.*, count(*) OVER (PARTITION BY value) AS total, row_number() OVER (
        PARTITION BY value ORDER BY stars DESC, lower(owner), owner, lower(repository), repository, slug, path
    ) AS place
    FROM skill {join} WHERE state = 'listed' QUALIFY place <= ?
"""
# What a row of a list shows: stars above a thousand are shown in hundreds.
_LIST_KEYS = """
    WITH ranked AS ({ranked}), paged AS (SELECT *, (place - 1) // ? + 1 AS page FROM ranked)
    SELECT value, page, any_value(total), sha256(string_agg(md5(concat_ws(chr(31), name, owner,
           repository, coalesce(slug, path), description, level, coalesce(licence, ''), verdict,
           CASE WHEN stars < 1000 THEN stars ELSE stars // 100 END, updated_at::DATE)), '' ORDER BY place))
    FROM paged GROUP BY value, page ORDER BY lower(value), value, page
"""
_LIST_ROWS = """
    WITH ranked AS ({ranked}), paged AS (SELECT *, (place - 1) // ? + 1 AS page FROM ranked)
    SELECT value, page, paged.* EXCLUDE (value, page, total, place)
    FROM paged JOIN (SELECT unnest(?) AS value, unnest(?) AS page) USING (value, page) ORDER BY value, page, place
"""

# All that the pages of an owner and of its repositories show besides its listed and gone skills.
_OWNER_KEYS = """
    WITH refused AS (
        SELECT repository_id, sha256(string_agg(s::VARCHAR, chr(30) ORDER BY path)) AS rows
        FROM skill s WHERE state = 'refused' GROUP BY ALL
    ), said AS (
        SELECT repository_id, sha256(string_agg(d::VARCHAR, chr(30) ORDER BY path, ordinal)) AS rows
        FROM diagnostic d SEMI JOIN (FROM skill WHERE state = 'refused') USING (repository_id, path) GROUP BY ALL
    )
    SELECT r.owner, sha256(string_agg(concat_ws(chr(29), r::VARCHAR, coalesce(p.owner || '/' || p.name, ''),
           coalesce(a::VARCHAR, ''), coalesce(refused.rows, ''), coalesce(said.rows, '')), chr(30)
           ORDER BY lower(r.name), r.name)), list(r.repository_id ORDER BY lower(r.name), r.name)
    FROM repository r LEFT JOIN repository p ON p.repository_id = r.parent_id
    LEFT JOIN author_file a ON a.repository_id = r.repository_id
    LEFT JOIN refused ON refused.repository_id = r.repository_id LEFT JOIN said ON said.repository_id = r.repository_id
    GROUP BY r.owner ORDER BY lower(r.owner), r.owner
"""

# One digest over all rows of a skill. Its files follow from the content digest; which other skills have the same
# content does not, so that is a part of its own. Where a gone and a listed skill share an address, the listed one
# comes first and gets the page.
_SKILL_KEYS = """
    WITH version_rows AS (
        SELECT repository_id, path, string_agg(v::VARCHAR, chr(30) ORDER BY ordinal) AS rows
        FROM (SELECT version.*, package_digest, size, unpacked_size, file_count
              FROM version JOIN package USING (content_digest)) v GROUP BY ALL
    ), diagnostic_rows AS (
        SELECT repository_id, path, string_agg(d::VARCHAR, chr(30) ORDER BY ordinal) AS rows
        FROM diagnostic d GROUP BY ALL
    ), finding_rows AS (
        SELECT repository_id, path, string_agg(f::VARCHAR, chr(30) ORDER BY ordinal) AS rows
        FROM finding f GROUP BY ALL
    ), copy_rows AS (
        SELECT content_digest, string_agg(s::VARCHAR, chr(30) ORDER BY repository_id, path) AS rows
        FROM (SELECT content_digest, repository_id, path, owner, repository, slug, stars
              FROM skill WHERE state = 'listed') s
        GROUP BY content_digest HAVING count(*) > 1
    ), near_rows AS (
        SELECT origin_repository_id AS repository_id, origin_path AS path, count(*) || ' ' || bit_xor(hash(n)) AS rows
        FROM (SELECT origin_repository_id, origin_path, owner, repository, slug, identical, similarity, stars
              FROM copy JOIN skill USING (repository_id, path)) n GROUP BY ALL
    ), origin_rows AS (
        SELECT c.repository_id, c.path, concat_ws(' ', owner, repository, slug, identical, similarity, evidence) AS rows
        FROM copy c JOIN skill o ON o.repository_id = origin_repository_id AND o.path = origin_path
    ), download_rows AS (
        SELECT repository_id, path, string_agg(d::VARCHAR, chr(30) ORDER BY content_digest) AS rows
        FROM (SELECT repository_id, path, content_digest, sum(downloads) FROM download GROUP BY ALL) d GROUP BY ALL
    )
    SELECT repository_id, path, s.owner, repository, slug, s.state = 'listed',
           strftime(s.updated_at, '%Y-%m-%d'),
           sha256(concat_ws(chr(29), s::VARCHAR, r::VARCHAR, coalesce(v.rows, ''), coalesce(d.rows, ''),
                            coalesce(f.rows, ''), coalesce(c.rows, ''), document.manifest::VARCHAR,
                            length(document.text), t::VARCHAR, n.rows, o.rows, said::VARCHAR, counted.rows))
    FROM skill s JOIN repository r USING (repository_id)
    LEFT JOIN version_rows v USING (repository_id, path) LEFT JOIN diagnostic_rows d USING (repository_id, path)
    LEFT JOIN finding_rows f USING (repository_id, path)
    LEFT JOIN copy_rows c USING (content_digest) LEFT JOIN document USING (repository_id, path)
    LEFT JOIN takedown t USING (repository_id, path) LEFT JOIN near_rows n USING (repository_id, path)
    LEFT JOIN origin_rows o USING (repository_id, path) LEFT JOIN second_opinion said USING (content_digest)
    LEFT JOIN download_rows counted USING (repository_id, path)
    WHERE s.state <> 'refused'
    ORDER BY lower(s.owner), s.owner, lower(repository), repository, slug, s.state = 'listed' DESC, path
"""
