"""One record for each repository and skill of a snapshot, in the order of their keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from skilldata.jsonindex.documents import RepositoryRecord, SkillRecord, VersionEntry, encode
from skilldata.jsonindex.trie import record_key
from skilldata.names import is_slug
from skilldata.objects import provenance_key
from skilldata.snapshot import Snapshot

MAX_NAME = 200
MAX_DESCRIPTION = 1024  # the specification's own limit
# GitHub's own rules; whatever else is no name of an owner or repository, and no part of a path.
_OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,98}[A-Za-z0-9])?")
_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")


class Line(NamedTuple):
    """A record as a line of a shard, with its key and its address in lower case."""

    key: bytes
    address: str
    data: bytes


def is_addressable(owner: str, repository: str, slug: str = "skill") -> bool:
    """Whether names can be parts of a path of the index."""
    return bool(_OWNER.fullmatch(owner) and _NAME.fullmatch(repository) and is_slug(slug))


def records(snapshot: Snapshot) -> Iterator[Line]:
    """Yield the records of all listed and yanked skills and their repositories.

    Where two repositories go by one name, which a rename can bring about until both are looked at again, the
    one with the smaller id is taken.
    """
    repositories = _repositories(snapshot)
    versions = _Groups(snapshot.query(_VERSIONS))
    shown: tuple[str, int] | None = None
    for row in snapshot.query(_SKILLS):
        repository_id, path, owner, name, slug, *_ = row
        entries = versions.of((repository_id, path))
        place = f"{owner}/{name}".lower()
        if (
            not entries
            or not is_addressable(owner, name, slug)
            or (shown and shown[0] == place and shown[1] != repository_id)
        ):
            continue
        if shown != (place, repository_id):
            shown = (place, repository_id)
            yield Line(record_key(owner, name), place, encode(_until(repositories, repository_id)))
        yield Line(record_key(owner, name, slug), f"{place}/{slug}", encode(_skill(row, entries)))


class _Groups:
    """Groups rows that come in the same order as those who ask for them; `of` skips what nobody asked for."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def of(self, identity: tuple[int, str]) -> list[tuple[Any, ...]]:
        """Give the rows of one skill."""
        group = []
        while self._next is not None and (self._next[0], self._next[1]) == identity:
            group.append(self._next)
            self._next = next(self._rows, None)
        return group


def _repositories(snapshot: Snapshot) -> Iterator[RepositoryRecord]:
    for row in snapshot.query(_REPOSITORIES):
        repository_id, owner, name, description, stars, licence, topics, archived, revision = row
        yield RepositoryRecord(
            repository=f"{owner}/{name}",
            repository_id=repository_id,
            description=description[:MAX_DESCRIPTION],
            stars=stars,
            licence=licence,
            topics=tuple(json.loads(topics)),
            archived=archived,
            revision=revision,
        )


def _until(repositories: Iterator[RepositoryRecord], repository_id: int) -> RepositoryRecord:
    return next(one for one in repositories if one.repository_id == repository_id)


def _skill(row: tuple[Any, ...], versions: list[tuple[Any, ...]]) -> SkillRecord:
    repository_id, path, owner, name, slug, title, description, level, licence, free, *rest = row
    first_seen, updated, label, content, verdict, yanked = rest
    return SkillRecord(
        skill=f"{owner}/{name}/{slug}",
        repository_id=repository_id,
        path=path,
        name=title[:MAX_NAME],
        description=description[:MAX_DESCRIPTION],
        level=level,
        licence=licence,
        redistributable=free,
        verdict=verdict,
        first_seen_at=first_seen,
        updated_at=updated,
        label=label,
        content_digest=content,
        yanked=yanked,
        downloads=sum(one[-1] for one in versions),
        versions=tuple(_version(one) for one in versions),
    )


def _version(row: tuple[Any, ...]) -> VersionEntry:
    repository_id, path, label, content, package, size, unpacked, files, revision, committed, *rest = row
    level, licence, free, verdict, downloads = rest
    return VersionEntry(
        label=label,
        content_digest=content,
        package_digest=package,
        size=size,
        unpacked_size=unpacked,
        files=files,
        revision=revision,
        committed_at=committed,
        level=level,
        licence=licence,
        redistributable=free,
        verdict=verdict,
        downloads=downloads,
        provenance=provenance_key(package, repository_id, path),
    )


# The same order in all three: by key (see `trie`), then by what tells equal keys apart.
_OWNER_HASH = "substr(sha256(lower(skill.owner)), 1, 8)"
_PLACE = "lower(skill.owner || '/' || skill.repository)"
_ORDER = f"{_OWNER_HASH}, substr(sha256({_PLACE}), 1, 8), {_PLACE}, skill.repository_id"
_SKILL_ORDER = f"{_ORDER}, substr(sha256({_PLACE} || '/' || slug), 1, 8), slug, skill.path"
_SERVED = "state IN ('listed', 'yanked')"
_SKILLS = f"""
    SELECT skill.repository_id, skill.path, skill.owner, skill.repository, slug, name, description, level, licence,
           redistributable, first_seen_at, updated_at, label, content_digest, verdict,
           state = 'yanked'
    FROM skill WHERE {_SERVED} ORDER BY {_SKILL_ORDER}
"""  # noqa: S608 - constants of this module
_VERSIONS = f"""
    SELECT skill.repository_id, skill.path, version.label, version.content_digest, package_digest, size, unpacked_size,
           file_count, revision, committed_at, version.level, version.licence, version.redistributable, version.verdict,
           coalesce(downloads, 0)
    FROM skill JOIN version USING (repository_id, path)
         JOIN package ON package.content_digest = version.content_digest
         LEFT JOIN (SELECT repository_id, path, content_digest, sum(downloads)::BIGINT AS downloads FROM download
                    GROUP BY ALL) AS counted
             ON (counted.repository_id, counted.path, counted.content_digest)
              = (version.repository_id, version.path, version.content_digest)
    WHERE {_SERVED} ORDER BY {_SKILL_ORDER}, ordinal DESC
"""  # noqa: S608
_REPOSITORIES = f"""
    SELECT skill.repository_id, repository.owner, repository.name, repository.description, repository.stars,
           repository.licence, topics, archived, revision
    FROM (SELECT DISTINCT repository_id, owner, repository FROM skill WHERE {_SERVED}) AS skill
         JOIN repository USING (repository_id)
    ORDER BY {_ORDER}
"""  # noqa: S608
