"""Building the index of a snapshot."""

from __future__ import annotations

import itertools
import json
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import tantivy

from skilldata.errors import SnapshotError
from skilldata.search import said, words
from skilldata.search.copies import ALONE, marks
from skilldata.search.fields import create_index
from skilldata.search.model import NO_LICENCE, filter_value
from skilldata.search.ranking import prior
from skilldata.snapshot import Snapshot

# Above it tantivy writes a segment and goes on with another, at some 100,000 skills with bodies of 5 kB: a bound of
# memory. Skills of equal score come in the order of repositories, segment by segment.
HEAP_BYTES = 400_000_000
MAX_BODY = 100_000  # characters of a SKILL.md that are searched
MAX_NAME = 200
MAX_DESCRIPTION = 1024  # the specification's own limit
MAX_PLACES = 1000  # of a skill's copies, by which it is found


def build_search_index(snapshot: Snapshot, folder: Path, texts: Iterable[tuple[int, str, str]] = ()) -> None:
    """Index every listed skill of a snapshot.

    Args:
        snapshot: Where the skills come from.
        folder: Where the index goes; made where it is missing, must be empty.
        texts: What the snapshot does not hold: repository id, path and text, in the order of skills.

    Raises:
        SnapshotError: The folder is not empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise SnapshotError(f"{folder} is not empty", remedy="Build the search index into a new folder.")
    index = create_index(folder)
    # One thread: documents keep the order of rows.
    writer = index.writer(HEAP_BYTES, 1)
    with tempfile.TemporaryFile(dir=folder.parent) as spool:
        copies = _Copies(snapshot, spool)
        for skill in _skills(snapshot, iter(texts)):
            writer.add_document(_document(skill, copies.of(skill.row)))
    writer.commit()
    writer.wait_merging_threads()
    for lock in folder.glob(".tantivy-*.lock"):
        lock.unlink()


class _Skill(NamedTuple):
    """One row of `_SKILLS` with its document."""

    repository_id: int
    path: str
    row: int
    owner: str
    repository: str
    slug: str
    name: str
    description: str
    level: str
    licence: str | None
    redistributable: bool
    stars: int
    label: str
    updated_at: datetime
    content_digest: str
    by_stars: int
    by_updated: int
    topics: str
    verdict: str
    categories: str
    manifest: str
    text: str


_BY_STARS = _Skill._fields.index("by_stars")
_ADDRESS = "lower(skill.owner), skill.owner, lower(skill.repository), slug, path"
# All skills in the order of their rows, with their places in the lists of those that are listed. No texts: what is
# sorted would be several times as large.
_SKILLS = f"""
    WITH place AS (
        SELECT repository_id, path, row_number() OVER (ORDER BY stars DESC, {_ADDRESS}) - 1 AS by_stars,
               row_number() OVER (ORDER BY updated_at DESC, {_ADDRESS}) - 1 AS by_updated
        FROM skill WHERE state = 'listed'
    )
    SELECT repository_id, path, skill.rowid, skill.owner, skill.repository, slug, skill.name, skill.description, level,
           skill.licence, redistributable, skill.stars, label, updated_at, content_digest, by_stars, by_updated,
           topics, verdict, coalesce(categories, '[]')
    FROM skill JOIN repository USING (repository_id) LEFT JOIN author_file USING (repository_id)
         LEFT JOIN place USING (repository_id, path)
    ORDER BY skill.rowid
"""  # noqa: S608 - constants of this module
# In the order of rows, which is that of the skills: both come from PostgreSQL by repository and path.
_DOCUMENTS = f"SELECT repository_id, path, coalesce(manifest, '{{}}'), left(text, {MAX_BODY}) FROM document"  # noqa: S608
# A skill belongs to the original that it is a copy of, to itself if it has near copies, else to its content.
_COPIES = f"""
    WITH original AS (
        SELECT DISTINCT origin_repository_id AS repository_id, origin_path AS path FROM copy
    ), keyed AS (
        SELECT skill.*, skill.rowid AS row,
               CASE WHEN copy.path IS NOT NULL THEN origin_repository_id || ' ' || origin_path
                    WHEN original.path IS NOT NULL THEN skill.repository_id || ' ' || skill.path
                    ELSE content_digest END AS belongs
        FROM skill LEFT JOIN copy USING (repository_id, path) LEFT JOIN original USING (repository_id, path)
        WHERE state = 'listed'
    ), listed AS (SELECT *, count(*) OVER (PARTITION BY belongs, verdict) AS size FROM keyed)
    SELECT belongs || ' ' || verdict, row, skill.owner, skill.repository, slug, skill.licence, level,
           topics, coalesce(manifest, '{{}}'), coalesce(categories, '[]')
    FROM listed AS skill JOIN repository USING (repository_id) LEFT JOIN author_file USING (repository_id)
         LEFT JOIN document USING (repository_id, path)
    WHERE size > 1
    ORDER BY belongs, verdict, skill.stars DESC, skill.first_seen_at, {_ADDRESS}
"""  # noqa: S608


class _Copy(NamedTuple):
    """What a skill with copies has besides its own row."""

    marks: list[str]
    copies: int
    places: list[str]  # owner and repository of its copies, the most canonical ones, and its own
    slugs: list[str]
    labels: dict[str, list[str]]  # of any of them


class _Copies:
    """What the skills with copies have, by row. It lies in a file: of a million copies it would be gigabytes."""

    def __init__(self, snapshot: Snapshot, spool: BinaryIO) -> None:
        self._spool = spool
        self._offsets = array("q")  # where the part of a row and that of its group begin; 0 for a skill without copies
        spool.write(b"\n")
        for _, rows in itertools.groupby(snapshot.query(_COPIES), key=lambda row: row[0]):
            self._write([row[1:] for row in rows])

    def of(self, row: int) -> _Copy | None:
        """Give what a row has; None for a skill without copies."""
        own, shared = self._offsets[2 * row : 2 * row + 2] or (0, 0)
        if not own:
            return None
        marked, place, slug = self._read(own)
        count, places, slugs, labels = self._read(shared)
        return _Copy(
            marked,
            count - 1,
            places if place in places else [*places, place],
            slugs if slug in slugs else [*slugs, slug],
            labels,
        )

    def _write(self, group: list[tuple[Any, ...]]) -> None:
        values = [_filters(row[1], row[2], row[4], row[5], _topics(row[6])) for row in group]
        places = [f"{row[1]} {row[2]}" for row in group]
        slugs = [row[3] for row in group]
        labels = _merged(_labels(json.loads(row[7]), json.loads(row[8])) for row in group)
        shared = self._put((len(group), places[:MAX_PLACES], slugs[:MAX_PLACES], labels))
        for row, own, place, slug in zip(group, marks(values), places, slugs, strict=True):
            missing = 2 * (row[0] + 1) - len(self._offsets)
            self._offsets.extend(itertools.repeat(0, max(0, missing)))
            self._offsets[2 * row[0]] = self._put((own, place, slug))
            self._offsets[2 * row[0] + 1] = shared

    def _put(self, content: object) -> int:
        at = self._spool.tell()
        self._spool.write(json.dumps(content).encode() + b"\n")
        return at

    def _read(self, at: int) -> Any:
        self._spool.seek(at)
        return json.loads(self._spool.readline())


def _skills(snapshot: Snapshot, texts: Iterator[tuple[int, str, str]]) -> Iterator[_Skill]:
    documents = snapshot.query(_DOCUMENTS)
    following, apart = next(documents, None), next(texts, None)
    for row in snapshot.query(_SKILLS):
        manifest, text = "{}", ""
        if following is not None and following[:2] == row[:2]:
            manifest, text = following[2:]
            following = next(documents, None)
        if apart is not None and apart[:2] == row[:2]:
            text, apart = apart[2], next(texts, None)
        if row[_BY_STARS] is not None:
            yield _Skill._make((*row, manifest, text))
    if lost := following or apart:
        raise SnapshotError(
            f"the text of {lost[1]} has no skill in its place", remedy="Make the snapshot anew, or report this."
        )


def _document(skill: _Skill, copy: _Copy | None) -> tantivy.Document:
    topics = _topics(skill.topics)
    manifest = json.loads(skill.manifest)
    document = tantivy.Document()
    _add_text(document, skill, [*topics, *said.tags(manifest)], copy)
    _add_exact(document, skill, copy)
    for name, values in _filters(skill.owner, skill.repository, skill.licence, skill.level, topics).items():
        for value in values:
            document.add_text("filter", f"{name}={value}")
    document.add_text("filter", f"verdict={skill.verdict}")
    labels = copy.labels if copy else _labels(manifest, json.loads(skill.categories))
    for name, values in labels.items():
        for value in values:
            document.add_text("filter", f"{name}={value}")
            document.add_text(name, value)
    for one in copy.marks if copy else [ALONE]:
        document.add_text("fold", one)
    document.add_text("owner", skill.owner)
    document.add_text("licence", skill.licence or NO_LICENCE)
    document.add_text("level", skill.level)
    document.add_text("verdict", skill.verdict)
    for topic in topics:
        document.add_text("topic", topic)
    # tantivy multiplies with log2(2 + value).
    document.add_float("prior", 2.0 ** prior(skill.stars, skill.level) - 2)
    document.add_unsigned("by_stars", skill.by_stars)
    document.add_unsigned("by_updated", skill.by_updated)
    document.add_integer("updated", int(skill.updated_at.timestamp()))
    document.add_bytes("card", _card(skill, copy.copies if copy else 0))
    return document


def _topics(stored: str) -> list[str]:
    return list(dict.fromkeys(words.clean(topic) for topic in json.loads(stored)))


def _labels(manifest: object, categories: Iterable[str]) -> dict[str, list[str]]:
    """Give what the author sorts a skill by, in the form of filters."""
    found = {
        "tag": said.tags(manifest),
        "category": [*said.categories(manifest), *categories],
        "client": said.clients(manifest),
    }
    return {name: sorted({filter_value(value) for value in values} - {""}) for name, values in found.items()}


def _merged(labels: Iterable[dict[str, list[str]]]) -> dict[str, list[str]]:
    merged: dict[str, set[str]] = {}
    for one in labels:
        for name, values in one.items():
            merged.setdefault(name, set()).update(values)
    return {name: sorted(values) for name, values in merged.items()}


def _filters(
    owner: str, repository: str, licence: str | None, level: str, topics: Iterable[str]
) -> dict[str, list[str]]:
    return {
        "owner": [filter_value(owner)],
        "repository": [filter_value(f"{owner}/{repository}")],
        "licence": [filter_value(licence or NO_LICENCE)],
        "level": [filter_value(level)],
        "topic": sorted(set(map(filter_value, topics))),
    }


def _add_text(document: tantivy.Document, skill: _Skill, tags: list[str], copy: _Copy | None) -> None:
    name = words.clean(f"{skill.slug} {skill.name[:MAX_NAME]}")
    description = words.clean(skill.description[:MAX_DESCRIPTION])
    body = words.clean(words.split_manifest(skill.text))
    labels = words.clean(" ".join(tags))
    # A copy is found by its own place as well, though its origin is what is shown.
    places = " ".join(copy.places if copy else [f"{skill.owner} {skill.repository}"])
    title, title_runs = words.split_scripts(f"{name} {labels} {description}")
    _, body_runs = words.split_scripts(body)
    document.add_text("name", words.split_scripts(words.name_words(name))[0])
    document.add_text("tags", words.split_scripts(labels)[0])
    document.add_text("description", words.split_scripts(description)[0])
    document.add_text("place", places)
    document.add_text("headings", words.split_scripts("\n".join(words.headings(body)))[0])
    document.add_text("body", words.split_scripts(body)[0])
    document.add_text("words", title)
    document.add_text("title", f"{words.split_scripts(words.name_words(name))[0]} {title} {places}")
    for run in title_runs:
        document.add_text("title_grams", run)
    for run in body_runs:
        document.add_text("body_grams", run)


def _add_exact(document: tantivy.Document, skill: _Skill, copy: _Copy | None) -> None:
    slugs = copy.slugs if copy else [skill.slug]
    for one in sorted({words.joined(text) for text in [skill.name[:MAX_NAME], *slugs]} - {""}):
        document.add_text("exact", one)
    owner, repository = skill.owner.lower(), skill.repository.lower()
    document.add_text("exact", f"{owner}/{repository}/{skill.slug}")
    document.add_text("exact", f"{owner}/{skill.slug}")


def _card(skill: _Skill, copies: int) -> bytes:
    """What a hit shows, so that no table is read for it."""
    card = {
        "owner": skill.owner,
        "repository": skill.repository,
        "slug": skill.slug,
        "name": skill.name[:MAX_NAME],
        "description": skill.description[:MAX_DESCRIPTION],
        "level": skill.level,
        "licence": skill.licence,
        "redistributable": skill.redistributable,
        "stars": skill.stars,
        "version": skill.label,
        "verdict": skill.verdict,
        "updated_at": skill.updated_at.isoformat(),
        "copies": copies,
    }
    return json.dumps(card).encode()
