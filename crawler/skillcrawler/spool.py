"""Skills that were read and wait to be recorded, on disk where they are many.

The slug of a skill depends on the names of all others, so that none can be recorded before the last one
was read.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Self

from skilldata.models import ReadSkill

IN_MEMORY = 1024 * 1024  # bytes, up to which no file is made


class Spool:
    """Keeps skills in the order they came in; may be iterated any number of times.

    Args:
        folder: Where a file goes if one is needed. It has no name there, so a killed process leaves none.
    """

    def __init__(self, folder: Path) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(folder))  # noqa: SIM115 - closed with the spool
        self.slugs: Mapping[str, str] = {}
        """By path; what is listed from here on has these."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def add(self, skill: ReadSkill) -> None:
        """Keep one more skill; its slug is not kept."""
        # Plain ASCII, as texts from repositories may hold what UTF-8 cannot.
        self._file.write(json.dumps(skill.model_dump()).encode("ascii") + b"\n")

    def __iter__(self) -> Iterator[ReadSkill]:
        self._file.seek(0)
        for line in self._file:
            skill = ReadSkill.model_validate(json.loads(line))
            slug = self.slugs.get(skill.path) if skill.package is not None else None
            yield skill.model_copy(update={"slug": slug})
