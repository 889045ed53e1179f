"""Lock files of the `skills` command, `skills-lock.json`: which repositories a project's skills came from.

Format, as the published client writes it: `{"skills": {NAME: {"source": "owner/repo", "sourceType": "github",
"sourceUrl": …}}}`. Skills from elsewhere have another `sourceType`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from skillcrawler.discovery.addresses import RepositoryName, read_address
from skillcrawler.discovery.hostile import read_json

LOCK_FILE = "skills-lock.json"
MAX_SKILLS = 1000


def read_lock_file(content: bytes) -> list[RepositoryName]:
    """Read the repositories that a lock file names, each once; none where it is no lock file."""
    data = read_json(content)
    skills = data.get("skills") if isinstance(data, Mapping) else None
    if not isinstance(skills, Mapping):
        return []
    found = {str(name).lower(): name for skill in islice(skills.values(), MAX_SKILLS) for name in _sources(skill)}
    return list(found.values())


def _sources(skill: Any) -> Iterator[RepositoryName]:
    if not isinstance(skill, Mapping) or skill.get("sourceType") not in ("github", "git"):
        return
    for key in ("source", "sourceUrl"):
        value = skill.get(key)
        name = read_address(value) if isinstance(value, str) else None
        if name is not None:
            yield name
            return
