"""Which licence a skill is under, and whether its files may be handed out.

What is nearest names the licence: the front matter, then the nearest licence file from the skill's folder
up to the root, then GitHub's opinion of the repository. But the front matter and the nearest file must
both allow copies, known or not: an unknown text says no, whatever is written above it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from skillcrawler.diagnostics import Rule
from skillcrawler.licence import rules
from skillcrawler.licence.expressions import Expression, all_of, read_expression, read_policy
from skillcrawler.licence.files import LicenceFile
from skillcrawler.licence.statements import Statement, read_statement
from skillcrawler.licence.texts import TextCache, read_text
from skillcrawler.reporting import about, printable
from skilldata.models import Diagnostic, Licence

STATED, GITHUB, DISPUTED = 0.9, 0.8, 0.5  # confidence where no share of words says it


@dataclass(frozen=True, slots=True)
class LicenceEvidence:
    """Everything that is known about one skill's licence."""

    stated: str | None
    """The `license` key of the manifest, as written."""

    files: Sequence[LicenceFile] = ()
    """What `licence_files` lists, nearest first."""

    github: str | None = None
    """SPDX id of the repository, in GitHub's opinion of the licence file at the root."""

    folder: str = ""
    """The skill's folder; '' is the root."""

    manifest_file: str = "SKILL.md"
    """Name of the manifest, for diagnostics."""


class Judgement(NamedTuple):
    """A skill's licence, whether a policy lets the registry hand out its files, and what to tell its author."""

    licence: Licence
    redistributable: bool
    diagnostics: tuple[Diagnostic, ...]


def judge_licence(
    evidence: LicenceEvidence, *, redistributable: Collection[str], cache: TextCache | None = None
) -> Judgement:
    """Judge a skill's licence.

    Args:
        evidence: What is known.
        redistributable: SPDX ids of licences under which files may be handed out.
        cache: Texts that were recognised before, by git object id; texts are added to it.
    """
    witnesses = _Witnesses(evidence, {} if cache is None else cache)
    found = witnesses.all()
    if not found:
        licence = Licence(evidence="no licence was found")
        return Judgement(licence, False, (about(rules.MISSING, evidence.manifest_file),))
    allowed = all(_allows(one, found, read_policy(tuple(redistributable))) for one in found)
    disputes = [other for other in found[1:] if _disagree(found[0], other)]
    diagnostics = [diagnostic for one in found for diagnostic in one.diagnostics]
    licence = _licence(found)
    if disputes:
        says = "; ".join(_says(one) for one in (found[0], *disputes))
        diagnostics.append(about(rules.CONFLICT, evidence.manifest_file, says))
    elif licence.spdx and not allowed and not diagnostics:
        diagnostics.append(about(rules.NOT_REDISTRIBUTABLE, evidence.manifest_file, licence.spdx))
    return Judgement(licence, allowed, tuple(diagnostics))


@dataclass(frozen=True, slots=True)
class _Witness:
    """One that says which licence it is: `expression` is None where that cannot be told."""

    name: str
    expression: Expression | None
    confidence: float
    note: str = ""  # what a reader should know about it
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def shown(self) -> str:
        """How the evidence names it."""
        return f"{self.name} ({self.note})" if self.note else self.name


class _Witnesses:
    """Hears the front matter, the nearest licence files, and GitHub."""

    def __init__(self, evidence: LicenceEvidence, cache: TextCache) -> None:
        self._evidence = evidence
        self._cache = cache
        self._statement = read_statement(evidence.stated) if evidence.stated else Statement(silent=True)
        self._github = read_expression(evidence.github) if evidence.github else None

    def all(self) -> list[_Witness]:
        """List who has something to say, the nearest to the skill first."""
        stated = [] if self._statement.silent else [self._front_matter()]
        if self._statement.file is not None:
            file = self._named_file(self._statement.file)
            return [*stated, self._missing_file() if file is None else self._texts([file])]
        nearest = [file for file in self._evidence.files if file.folder == self._evidence.files[0].folder]
        if not nearest:
            return stated + self._opinion()
        texts = self._texts(nearest)
        # GitHub judges the root's file: where it is the nearest and we know it, GitHub is a second reader.
        second = self._opinion() if not nearest[0].folder and texts.expression is not None else []
        return [*stated, texts, *(one for one in second if _disagree(texts, one))]

    def _front_matter(self) -> _Witness:
        expression = self._statement.expression
        if expression is not None:
            return _Witness("front matter", expression, STATED)
        text = printable(" ".join((self._evidence.stated or "").split()))
        finding = about(rules.NOT_SPDX, self._evidence.manifest_file, f"it says '{text}'")
        return _Witness("front matter", None, 0, "not understood", (finding,))

    def _opinion(self) -> list[_Witness]:
        return [] if self._github is None else [_Witness("GitHub", self._github, GITHUB)]

    def _named_file(self, path: str) -> LicenceFile | None:
        """Find the file that the front matter names: by its path, else by its name, the nearest first."""
        wanted = posixpath.normpath(posixpath.join(self._evidence.folder, path)).casefold()
        name = path.rpartition("/")[2].casefold()
        by_path = (file for file in self._evidence.files if file.path.casefold() == wanted)
        by_name = (file for file in self._evidence.files if file.name.casefold() == name)
        return next(by_path, None) or next(by_name, None)

    def _missing_file(self) -> _Witness:
        path = printable(self._statement.file or "")
        finding = about(rules.FILE_MISSING, self._evidence.manifest_file, f"it names '{path}'")
        return _Witness("front matter", None, 0, f"{path} is missing", (finding,))

    def _texts(self, files: Sequence[LicenceFile]) -> _Witness:
        """Take what several files of one folder say together: each of them applies."""
        read = [self._text(file) for file in files]
        expressions = [one.expression for one in read if one.expression is not None]
        return _Witness(
            self._place(files),
            all_of(expressions) if len(expressions) == len(read) else None,
            min(one.confidence for one in read),
            ", ".join(dict.fromkeys(one.note for one in read if one.note)),
            tuple(diagnostic for one in read for diagnostic in one.diagnostics),
        )

    def _text(self, file: LicenceFile) -> _Witness:
        text = read_text(file.data, self._cache)
        if text.unchanged:
            return _Witness(file.name, text.expression, text.confidence)
        if text.expression is not None:
            spdx = text.expression.spdx
            finding = self._finding(rules.ADDED_TERMS, file, f"{text.added} words are not of {spdx}")
            return _Witness(file.name, None, 0, f"{spdx} with added terms", (finding,))
        if self._github is not None and self._is_read_by_github(file):
            return _Witness(file.name, self._github, GITHUB, "known to GitHub")
        return _Witness(file.name, None, 0, "unknown text", (self._finding(rules.UNKNOWN_TEXT, file),))

    def _is_read_by_github(self, file: LicenceFile) -> bool:
        """Whether GitHub's opinion is about this text: the root's only licence file, or a copy of it."""
        root = [one for one in self._evidence.files if not one.folder]
        return len(root) == 1 and (file == root[0] or (file.data is not None and file.data == root[0].data))

    def _place(self, files: Sequence[LicenceFile]) -> str:
        folder, names = files[0].folder, printable(", ".join(file.name for file in files))
        if not folder:
            return f"repository: {names}"
        return f"skill folder: {names}" if folder == self._evidence.folder else f"{printable(folder)}: {names}"

    def _finding(self, rule: Rule, file: LicenceFile, detail: str = "") -> Diagnostic:
        return about(rule, posixpath.relpath(f"/{file.path}", f"/{self._evidence.folder}"), detail)


def _allows(one: _Witness, found: Sequence[_Witness], policy: Collection[str]) -> bool:
    if one.expression is None:
        return False
    first = found[0].expression
    # A text of one of the stated licences leaves the choice that was stated: `MIT OR Apache-2.0`.
    return one.expression.allowed(policy) or (
        first is not None and first.covers(one.expression) and first.allowed(policy)
    )


def _disagree(one: _Witness, other: _Witness) -> bool:
    """Whether two name different licences; part of the same choice is no disagreement."""
    if one.expression is None or other.expression is None:
        return False
    return not one.expression.covers(other.expression) and not other.expression.covers(one.expression)


def _licence(found: Sequence[_Witness]) -> Licence:
    nearest, *others = found
    spdx = nearest.expression.spdx if nearest.expression is not None else None
    evidence = "; ".join([nearest.shown, *(_says(one) if _disagree(nearest, one) else one.shown for one in others)])
    doubted = any(one.expression is None or _disagree(nearest, one) for one in others)
    confidence = DISPUTED if doubted else max(one.confidence for one in found)
    return Licence(spdx=spdx, evidence=evidence, confidence=confidence if spdx else 0.0)


def _says(one: _Witness) -> str:
    return one.shown if one.expression is None else f"{one.shown} says {one.expression.spdx}"
