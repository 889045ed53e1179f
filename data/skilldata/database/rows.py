"""What becomes of a read skill in the tables, and batches of them that fit into memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from psycopg.types.json import Jsonb

from skilldata.database.events import clean
from skilldata.models import Diagnostic, ReadSkill

BATCH_SKILLS = 500
BATCH_CHARACTERS = 8 * 1024 * 1024  # of their texts; one skill's may be larger by itself


def in_batches(skills: Iterable[ReadSkill]) -> Iterator[list[ReadSkill]]:
    """Cut skills into batches, by their number and by the length of their texts."""
    batch: list[ReadSkill] = []
    characters = 0
    for skill in skills:
        if batch and (len(batch) == BATCH_SKILLS or characters + len(skill.text) > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(skill)
        characters += len(skill.text)
    if batch:
        yield batch


def skill_row(repository_id: int, skill: ReadSkill) -> dict[str, Any]:
    """Give the values of a skill's own row."""
    return {
        "repository": repository_id,
        "path": skill.path,
        "file": skill.manifest_file,
        "slug": skill.slug,
        "state": skill.state,
        "level": skill.level,
        "tree": skill.tree_oid,
    }


def version_row(skill_id: int, skill: ReadSkill) -> dict[str, Any]:
    """Give the values of the version that a skill is at, apart from its place among the others."""
    assert skill.package is not None  # noqa: S101 - what has a version has one
    return {
        "skill": skill_id,
        "content": skill.package.content_digest,
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


def diagnostic_rows(skill_id: int, diagnostics: Sequence[Diagnostic]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a skill's diagnostics."""
    for ordinal, found in enumerate(diagnostics):
        told = clean([found.file, found.line, found.message, found.remedy])
        yield (skill_id, ordinal, found.rule, found.level, *told)
