"""What can be said to an author about a skill's licence.

All of it is for information: the specification leaves the licence open, so none of it makes a skill less
than `strict`, and a skill without a licence is listed, only not handed out.
"""

from __future__ import annotations

from skillcrawler.diagnostics import Rule
from skilldata.models import DiagnosticLevel


def _rule(name: str, meaning: str, remedy: str) -> Rule:
    return Rule(f"licence.{name}", DiagnosticLevel.INFO, meaning, remedy)


MISSING = _rule(
    "missing",
    "Nothing says which licence the skill is under, so its files are not handed out.",
    "Write an SPDX id such as MIT as `license:` in the front matter, or add a LICENSE file.",
)
NOT_SPDX = _rule(
    "not-spdx",
    "The front matter has a licence that is no SPDX expression, no licence's name and no licence file.",
    "Write an SPDX id such as MIT as `license:`, or the name of a licence file beside SKILL.md.",
)
FILE_MISSING = _rule(
    "file-missing",
    "The front matter names a licence file that is neither in the skill's folder nor above it.",
    "Add the licence file to the skill's folder, or write an SPDX id as `license:`.",
)
UNKNOWN_TEXT = _rule(
    "unknown-text",
    "The file is not the text of a licence that is known, so its terms cannot be told.",
    "Replace the file by the unchanged text of a licence from spdx.org/licenses.",
)
ADDED_TERMS = _rule(
    "added-terms",
    "The file has more in it than the licence, which may change its terms.",
    "Keep only the licence's text and the copyright notice in the file.",
)
CONFLICT = _rule(
    "conflict",
    "The front matter, the licence file and GitHub do not agree; the files are handed out only if each allows it.",
    "Put the licence file of this skill into its folder, and name the same licence as `license:`.",
)
NOT_REDISTRIBUTABLE = _rule(
    "not-redistributable",
    "The licence is not one under which the registry hands out files; readers are sent to the source.",
    "Choose a licence that lets others pass copies on if the files are to be downloaded here.",
)

RULES: tuple[Rule, ...] = (
    MISSING,
    NOT_SPDX,
    FILE_MISSING,
    UNKNOWN_TEXT,
    ADDED_TERMS,
    CONFLICT,
    NOT_REDISTRIBUTABLE,
)
