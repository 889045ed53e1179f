"""The skills of the real repositories as samples of a snapshot."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from skilldata.names import assign_slugs
from tests.scan_cases.corpus import RealSkill, real_skills
from tests.snapshots import SampleRepository, SampleSkill, SampleVersion


def corpus_skills(folder: Path) -> list[SampleSkill]:
    """Read every skill that has a name and a description; stars are made up, from the repository's name."""
    found: list[SampleSkill] = []
    for full_name, group in itertools.groupby(real_skills(folder), key=_repository):
        owner, name = full_name.split("/")
        stars = int(1.2 ** (hashlib.sha256(full_name.encode()).digest()[0] % 60))
        found += _skills(SampleRepository(owner, name, stars=stars), list(group))
    return found


def _skills(repository: SampleRepository, skills: list[RealSkill]) -> Iterator[SampleSkill]:
    usable = [(_path(skill), skill) for skill in skills if _text(skill, "name") and _text(skill, "description")]
    slugs = assign_slugs([(path, _text(one, "name")) for path, one in usable], repository_name=repository.name)
    for path, skill in usable:
        data = next(file.data for file in skill.files if file.path.lower() == "skill.md")
        yield SampleSkill(
            repository,
            path,
            slugs[path],
            _text(skill, "name"),
            _text(skill, "description"),
            (SampleVersion("0.0.1", data.decode("utf-8", "replace").replace("\0", "")),),
            manifest=json.loads(json.dumps(skill.manifest, default=str)),
        )


def _repository(skill: RealSkill) -> str:
    return "/".join(skill.name.split("/", 2)[:2])


def _path(skill: RealSkill) -> str:
    return skill.name.split("/", 2)[2]


def _text(skill: RealSkill, key: str) -> str:
    value = skill.manifest.get(key)
    return value.strip() if isinstance(value, str) else ""
