"""Names made to be mistaken for others."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from skillcrawler.scan.normalise import fold
from skillcrawler.scan.rule import Hit, Skill, skill_rule
from skillcrawler.scan.table import set_of
from skilldata.models import Severity

POPULAR = set_of(
    "algorithmic-art brand-guidelines canvas-design doc-coauthoring frontend-design internal-comms "
    "mcp-builder skill-creator slack-gif-creator theme-factory web-artifacts-builder webapp-testing "
    "claude-api agent-browser find-skills systematic-debugging test-driven-development writing-plans "
    "executing-plans brainstorming using-superpowers react-best-practices web-design-guidelines "
    "remotion-best-practices supabase-postgres-best-practices vercel-react-best-practices "
    "composition-patterns code-review humanizer openclaw clawhub moltbook obsidian-markdown json-canvas "
    "playwright-skill"
)
"""Skills that many people know by name (counted from public install figures in 2026): the default list."""

_SHORTEST = 6  # shorter names are within one edit of each other by chance
_DIGITS = str.maketrans("0135", "oles")


@skill_rule(
    "name-confusion",
    Severity.MEDIUM,
    "The name is nearly that of a popular skill",
    explanation="One letter away from a well-known name, a skill is easily installed in its place.",
    remedy="Choose a name of its own.",
)
def name_confusion(skill: Skill) -> Iterator[Hit]:
    """Compare the manifest's name with popular names: one edit, look-alike letters or other separators."""
    name = skill.manifest.get("name")
    if not isinstance(name, str) or not name or name in skill.popular:
        return
    for other in sorted(skill.popular):
        if confusable(name, other):
            yield Hit(Severity.MEDIUM, path="SKILL.md", note=f"{name} is easily taken for {other}")
            return


def confusable(name: str, other: str) -> bool:
    """Whether two different names are one edit apart, or alike once look-alikes and separators are folded."""
    if name == other or abs(len(name) - len(other)) > 4:
        return False
    if _skeleton(name) == _skeleton(other):
        return True
    return min(len(name), len(other)) >= _SHORTEST and one_edit(name.lower(), other.lower())


def one_edit(left: str, right: str) -> bool:
    """Whether one insertion, deletion, substitution or swap of neighbours turns one into the other."""
    if abs(len(left) - len(right)) > 1 or left == right:
        return False
    if len(left) > len(right):
        left, right = right, left
    at = next((index for index, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), len(left))
    if len(left) < len(right):
        return left[at:] == right[at + 1 :]
    swapped = left[at + 1 : at + 2] + left[at : at + 1] + left[at + 2 :]
    return left[at + 1 :] == right[at + 1 :] or swapped == right[at:]


def _skeleton(name: str) -> str:
    plain = re.sub(r"[\s_.-]", "", fold(name).lower()).replace("rn", "m").replace("vv", "w").translate(_DIGITS)
    return plain.replace("i", "l")


def popular_names(extra: Collection[str]) -> frozenset[str]:
    """The default list and the caller's."""
    return POPULAR | frozenset(extra)


RULES = (name_confusion,)
