"""What a rule is: a function over one view, or over the whole skill, that yields hits."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from skillcrawler.scan.scanfile import ScanFile
from skillcrawler.scan.unpack import Contents
from skillcrawler.scan.view import View
from skilldata.models import Severity


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a rule struck.

    Attributes:
        severity: How heavy it is here.
        view: The text that it was found in; None where it concerns a file, or the skill, as a whole.
        start: First character in `view.plain` (in `view.text` if `in_text`).
        end: One past the last character.
        note: What was seen, where the text alone does not say it; shown before the text.
        path: The file concerned where there is no view.
        firm: The surroundings (documentation, warnings) do not make it lighter.
        in_text: The positions are in `view.text`.
    """

    severity: Severity
    view: View | None = None
    start: int = 0
    end: int = 0
    note: str = ""
    path: str = ""
    firm: bool = False
    in_text: bool = False


@dataclass(frozen=True, slots=True)
class Skill:
    """What rules may look at beside the text at hand.

    Attributes:
        files: All files.
        contents: For each of `files`, what it holds if it is an archive.
        manifest: The front matter as read.
        popular: Names of popular skills.
        about_security: Whether the skill says that it is about security.
        by_path: `files` by their paths.
    """

    files: tuple[ScanFile, ...]
    contents: tuple[Contents, ...]
    manifest: Mapping[str, Any]
    popular: Collection[str]
    about_security: bool = False
    by_path: Mapping[str, ScanFile] = field(default_factory=dict)


OfView = Callable[[View, Skill], Iterable[Hit]]
OfSkill = Callable[[Skill], Iterable[Hit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        id: Kebab-case name, stable for ever.
        severity: The heaviest that it can give.
        title: What it finds, a few words.
        explanation: Why that matters, one or two sentences for the reader of a page.
        remedy: What the author can do, one sentence.
        of_view: Looks at one text; None if it looks at the whole skill only.
        of_skill: Looks at the names, first bytes and manifest of the whole skill; None if it looks at texts only.
    """

    id: str
    severity: Severity
    title: str
    explanation: str
    remedy: str
    of_view: OfView | None = None
    of_skill: OfSkill | None = None


def view_rule(
    id: str,  # noqa: A002  the word of the glossary
    severity: Severity,
    title: str,
    *,
    explanation: str,
    remedy: str,
) -> Callable[[OfView], Rule]:
    """Make a rule of a function over one view."""

    def make(function: OfView) -> Rule:
        return Rule(id, severity, title, explanation, remedy, of_view=function)

    return make


def skill_rule(
    id: str,  # noqa: A002  the word of the glossary
    severity: Severity,
    title: str,
    *,
    explanation: str,
    remedy: str,
) -> Callable[[OfSkill], Rule]:
    """Make a rule of a function over the whole skill."""

    def make(function: OfSkill) -> Rule:
        return Rule(id, severity, title, explanation, remedy, of_skill=function)

    return make


def hit(severity: Severity, view: View, *matches: re.Match[str], note: str = "", firm: bool = False) -> Hit:
    """A hit from the start of the first of `matches` to the end of the last, by position."""
    start = min(match.start() for match in matches)
    end = max(match.end() for match in matches)
    return Hit(severity, view, start, end, note=note, firm=firm)
