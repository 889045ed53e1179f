"""The small documents: one for each skill, repository and owner, at paths that can be guessed.

A skill's document is its record, byte for byte as in its shard. None of them names a snapshot or a time of
publishing, so they change when their skill does and at no other time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from skilldata.jsonindex.documents import (
    OwnedRepository,
    OwnerDocument,
    RepositoryDocument,
    RepositoryRecord,
    SkillLink,
    SkillRecord,
    encode,
)
from skilldata.jsonindex.records import Line
from skilldata.jsonindex.tree import Change, IndexTree, parse


class Small(NamedTuple):
    """A document to write, or to delete where there is no data."""

    path: str
    data: bytes | None


def skill_path(address: str) -> str:
    """Give the path of a skill's document by its address in lower case."""
    return f"skills/{address}.json"


def small_documents(index: IndexTree, found: Iterable[Change]) -> Iterator[Small]:
    """Yield every small document that may differ, given the records that do.

    Args:
        index: The snapshot that the documents are to show.
        found: Records that changed, in the order of keys.
    """
    for owner, group in groupby(found, key=lambda change: change.address.split("/")[0]):
        repositories = set()
        for change in group:
            repositories.add("/".join(change.address.split("/")[:2]))
            if change.address.count("/") == 2:
                yield Small(skill_path(change.address), change.new)
        yield from _of_owner(index, owner, repositories)


def _of_owner(index: IndexTree, owner: str, repositories: set[str]) -> Iterator[Small]:
    """Yield the documents of an owner and of some of its repositories; all its records are read."""
    lines = (line for line in index.near(f"{owner}/", 32) if line.address.split("/")[0] == owner)
    owned: list[OwnedRepository] = []
    name = owner
    for place, group in groupby(lines, key=lambda line: "/".join(line.address.split("/")[:2])):
        document = _repository(list(group))
        name = document.repository.repository.split("/")[0]
        if place in repositories:
            repositories.discard(place)
            yield Small(f"repositories/{place}.json", encode(document))
        owned.append(
            OwnedRepository(
                repository=document.repository.repository,
                stars=document.repository.stars,
                skills=tuple(skill.slug for skill in document.skills),
            )
        )
    for place in sorted(repositories):
        yield Small(f"repositories/{place}.json", None)
    owned.sort(key=lambda one: one.repository.lower())
    data = encode(OwnerDocument(owner=name, repositories=tuple(owned))) if owned else None
    yield Small(f"owners/{owner}.json", data)


def _repository(lines: list[Line]) -> RepositoryDocument:
    record = parse(RepositoryRecord, lines[0].data, lines[0].address)
    skills = [parse(SkillRecord, line.data, line.address) for line in lines[1:]]
    links = sorted((_link(skill) for skill in skills if not skill.yanked), key=lambda link: link.slug)
    return RepositoryDocument(repository=record, skills=tuple(links))


def _link(skill: SkillRecord) -> SkillLink:
    now = next(one for one in skill.versions if one.content_digest == skill.content_digest)
    return SkillLink(
        slug=skill.skill.rsplit("/", 1)[1],
        name=skill.name,
        description=skill.description,
        label=now.label,
        content_digest=now.content_digest,
        package_digest=now.package_digest,
    )
