"""What it costs an agent to load a skill, in tokens.

An estimate: one token for four bytes of UTF-8, rounded up. It is about right for English prose; code, tables and names
cost more, and each model counts in its own way. Clients load a skill in three steps
(https://agentskills.io/specification, progressive disclosure): name and description of every skill at the start, the
body of SKILL.md when the skill is used, the other files when the body leads to them.
"""

from __future__ import annotations

import json
import posixpath
from typing import NamedTuple

from skilldata.snapshot import Skill
from skillsite.markdown import split_front_matter

BYTES_PER_TOKEN = 4
# Endings of files that are not loaded as text.
_BINARY = frozenset(
    """7z avif bin bmp bz2 class dll docx dylib eot exe flac gif gz heic icns ico jar jpeg jpg m4a mov mp3 mp4 o odt ogg
    otf parquet pdf png pptx pyc so tar tgz tif tiff ttf wasm wav webm webp woff woff2 xls xlsx xz zip""".split()  # noqa: SIM905
)


class LoadCost(NamedTuple):
    """Estimated tokens of the front matter, of the body of SKILL.md, and of all text files together."""

    front_matter: int
    body: int
    whole: int


def load_cost(skill: Skill) -> LoadCost:
    """Estimate what a skill costs.

    Where its text is not handed out, its front matter is as long as the values in it, and the body is the rest.
    """
    file_name = skill.summary.manifest_file
    if skill.text:
        first, body = map(_bytes, split_front_matter(skill.text))
    else:
        first = _bytes(json.dumps(skill.manifest, ensure_ascii=False))
        body = max(0, sum(file.size for file in skill.files if file.path == file_name) - first)
    rest = sum(file.size for file in skill.files if file.path != file_name and not _is_binary(file.path))
    return LoadCost(_tokens(first), _tokens(body), _tokens(first + body + rest))


def _is_binary(path: str) -> bool:
    return posixpath.splitext(path)[1].removeprefix(".").lower() in _BINARY


def _bytes(text: str) -> int:
    return len(text.encode(errors="replace"))


def _tokens(size: int) -> int:
    return -(-size // BYTES_PER_TOKEN)
