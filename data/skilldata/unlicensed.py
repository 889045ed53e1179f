"""Texts that are searched but never handed out: SKILL.md files whose licence does not allow it.

They go past the tables of a snapshot, which are public, straight into its search index. That has the stems of a text's
words, but not the text.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from skilldata.rowfiles import row_files
from skilldata.search.build import MAX_BODY

# Every skill with something to show, and its current version.
SHOWN = """
    FROM skill JOIN version ON version_id = current_version_id JOIN package USING (content_digest)
         LEFT JOIN skill_takedown AS ruled ON ruled.skill_id = skill.skill_id
    WHERE verdict <> 'blocked' AND coalesce(ruled.state, 'yanked') = 'yanked'
"""
_TABLE = "unlicensed_text"
QUERIES = {
    _TABLE: f"""
        SELECT repository_id, path, left(text, {MAX_BODY}) {SHOWN}
          AND NOT redistributable AND text <> '' ORDER BY repository_id, path
    """
}


def take_texts(folder: Path) -> Iterator[tuple[int, str, str]]:
    """Read the exported rows of `QUERIES`, and delete their files.

    Args:
        folder: Where `skilldata.rowfiles.write_rows` put them.

    Yields:
        Repository id, path and text, in the order of skills.
    """
    csv.field_size_limit(2**31 - 1)
    for file in row_files(folder, _TABLE):
        with file.open(encoding="utf-8", newline="") as rows:
            for repository_id, path, text in csv.reader(rows):
                yield int(repository_id), path, text
        file.unlink()
