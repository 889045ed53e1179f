"""The other scanner as the registry sees it: a package in, an opinion out, whatever becomes of its process."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from skillcrawler.paths import check_paths
from skillcrawler.secondopinion.process import Broken, ScannerProcess
from skilldata.config import SecondOpinionSettings
from skilldata.errors import RegistryError
from skilldata.models import EVIDENCE_LIMIT, Severity
from skilldata.names import safe_text
from skilldata.opinions import FILE_LIMIT, MOST_FINDINGS, NAME_LIMIT, Opinion, OpinionFinding

# To start takes seconds, so a process sees several contents; what one of them does to it reaches no farther.
CONTENTS_PER_PROCESS = 20


class SecondOpinionUnavailable(RegistryError):
    """The other scanner is not set up, or does not start."""

    code = "second-opinion-unavailable"


class Identity(NamedTuple):
    """Who gives the opinion."""

    scanner: str
    version: str


class SecondScanner:
    """Asks the other scanner; a process that breaks is ended and replaced.

    Args:
        settings: Its interpreter and limits.

    Raises:
        SecondOpinionUnavailable: No interpreter is set.
    """

    def __init__(self, settings: SecondOpinionSettings) -> None:
        if settings.python is None:
            raise SecondOpinionUnavailable(
                "no second scanner is configured: second_opinion.python is empty",
                remedy="Run `make second-opinion`, and name its Python: docs/scanner.md.",
            )
        self._python = settings.python
        self._settings = settings
        self._process: ScannerProcess | None = None
        self._identity = Identity("", "")
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End its process."""
        if self._process is not None:
            self._process.end()
            self._process = None

    @property
    def identity(self) -> Identity:
        """Name and version of the scanner; starts it where it does not run.

        Raises:
            SecondOpinionUnavailable: It does not start, or is something else.
        """
        self._running()
        return self._identity

    def opinion(self, package: bytes) -> Opinion:
        """Ask about one package.

        Args:
            package: The zip, of our own making.

        Returns:
            What it says; that it said nothing, and why, is an opinion too.

        Raises:
            SecondOpinionUnavailable: It does not start.
        """
        process = self._running()
        self._seen += 1
        folder = process.folder / "skill"
        try:
            _unpack(package, folder)
            said = process.ask(str(folder), self._settings.timeout_seconds)
            return self._said(said.replace(str(folder).encode(), b"the skill"))
        except (Broken, OSError, zipfile.BadZipFile) as error:
            self.close()
            return self._opinion(problem=_cut(str(error), EVIDENCE_LIMIT))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _running(self) -> ScannerProcess:
        if self._process is not None and self._seen >= CONTENTS_PER_PROCESS:
            self.close()
        if self._process is None:
            try:
                self._process = ScannerProcess(self._python, self._settings.max_memory_bytes)
                hello = _Hello.model_validate_json(self._process.ask("", self._settings.timeout_seconds))
            except (OSError, Broken, ValidationError) as error:
                self.close()
                reason = str(error).splitlines()[0]
                raise SecondOpinionUnavailable(
                    f"the second scanner does not start with {self._python}: {safe_text(reason, limit=200)}",
                    remedy="Run `make second-opinion`, or leave second_opinion.python empty.",
                ) from None
            self._identity = Identity(_name(hello.scanner), _name(hello.version))
            self._seen = 0
        return self._process

    def _said(self, line: bytes) -> Opinion:
        try:
            answer = _Answer.model_validate_json(line)
        except ValidationError:
            raise Broken("its answer is not what was agreed on") from None
        if answer.problem is not None:
            return self._opinion(problem=_cut(answer.problem, EVIDENCE_LIMIT))
        found = sorted(map(_finding, answer.findings), key=lambda one: -one.severity.rank)
        return self._opinion(
            highest=found[0].severity if found else None,
            findings=tuple(found[:MOST_FINDINGS]),
            more=max(0, answer.more) + len(found[MOST_FINDINGS:]),
        )

    def _opinion(self, **said: Any) -> Opinion:
        return Opinion(scanner=self._identity.scanner, version=self._identity.version, **said)


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Hello(_Message):
    scanner: str
    version: str


class _Found(_Message):
    rule: str
    severity: Severity
    file: str
    line: int | None
    text: str


class _Answer(_Message):
    findings: list[_Found] = []
    more: int = 0
    problem: str | None = None


def _finding(found: _Found) -> OpinionFinding:
    line = found.line if found.line is not None and 0 < found.line < 1 << 31 else None
    return OpinionFinding(
        rule=_name(found.rule),
        severity=found.severity,
        file=_cut(found.file, FILE_LIMIT),
        line=line,
        text=_cut(found.text, EVIDENCE_LIMIT),
    )


def _name(text: str) -> str:
    return _cut(text, NAME_LIMIT)


def _cut(text: str, limit: int) -> str:
    """Make a stranger's text safe; spelt-out characters make it longer, so it is cut after that too."""
    return safe_text(text, limit=limit - 1)[:limit]


def _unpack(package: bytes, folder: Path) -> None:
    """Write a package's files. Its sizes were checked when it was made, its paths are checked once more."""
    folder.mkdir(mode=0o700)
    with zipfile.ZipFile(io.BytesIO(package)) as members:
        names = [member.filename for member in members.infolist()]
        if refused := next(check_paths(names), None):
            raise Broken(f"the package has a path that is not to be written: {refused.rule}")
        for member in members.infolist():
            path = folder / member.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(members.read(member))
