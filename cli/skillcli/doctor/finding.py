"""What a check says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from skilldata.errors import RegistryError


class State(StrEnum):
    """How it stands: `WARN` works but wants a look, `FAIL` does not."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(NamedTuple):
    """One check: what was looked at, how it stands, what was seen, and what to do."""

    what: str
    state: State
    result: str
    remedy: str = ""


Check = Callable[[], Iterable[Finding]]


def examine(checks: Iterable[tuple[str, Check]]) -> Iterator[Finding]:
    """Run checks one after the other; what one raises is its finding, and the others go on."""
    for what, check in checks:
        try:
            yield from check()
        except RegistryError as error:
            yield Finding(what, State.FAIL, error.message.splitlines()[0], error.remedy)


def judged(what: str, well: bool, result: str, remedy: str = "", *, otherwise: State = State.FAIL) -> Finding:
    """Make a finding whose remedy is told only where it is needed."""
    return Finding(what, State.OK if well else otherwise, result, "" if well else remedy)
