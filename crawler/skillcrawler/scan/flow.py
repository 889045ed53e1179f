"""Values on their way through a script: which names hold what came from a source, and where they are used.

A name holds it where it is assigned something that has the source in it, or another such name; loops, `with` and
tuples count. Lines are read in their order, once. Functions are not followed into, branches are all taken: enough
to tell `code = b64decode(…)`, `exec(code)` from a decoder that has nothing to do with what is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from skillcrawler.scan.view import View

_LONGEST = 200_000  # characters of a script that are looked at
_MOST = 5_000  # assignments
_ARGUMENTS = 300  # characters of a line behind a call
_NAMES = r"\(?\$?[a-z_]\w{0,40}\)?(?:[ ]?,[ ]?\$?[a-z_*]\w{0,40}){0,4}\)?"
_ASSIGNED = re.compile(
    rf"(?:^|[;({{])[ \t]*(?:(?:const|let|var|my|our|local|export|readonly)[ ]+)?({_NAMES})"
    rf"(?:[ ]?:[ ]?[\w\[\]., ]{{1,40}})?[ ]*(?::=|=)(?![=>~])([^\n;]{{1,400}})"
    rf"|\bfor[ ]*\(?(?:(?:const|let|var|my)[ ]+)?({_NAMES})[ ]+(?:in|of)[ ]+([^\n]{{1,300}})",
    re.MULTILINE,
)
# What is written into an open file is what its path holds; a handler is given what its object receives.
_WRITTEN = re.compile(
    r"\bopen\([ ]?([a-z_]\w{0,40})[^\n]{0,60}?\.write\(([^\n]{1,200})"
    r"|\b([a-z_]\w{0,40})\.write_(?:bytes|text)\(([^\n]{1,200})"
)
_HANDLED = re.compile(
    r"\b([a-z_]\w{0,40})\.on(?:message[ ]?=|data[ ]?=|\([\"'](?:message"
    r"|data)[\"'],)[ ]?(?:async[ ]?)?(?:function[ ]?)?\(?([a-z_]\w{0,40})"
)
_WITH = re.compile(r"\bwith[ ]+([^\n]{1,300}?)[ ]+as[ ]+([a-z_]\w{0,40})")
_NAME = re.compile(r"[a-z_]\w{0,40}")
_LITERAL = re.compile(r"\"[^\"{$#\n]{0,300}\"|'[^'{$#\n]{0,300}'")
_BARE = re.compile(
    r"[ \t\"'(\[]{0,4}\$?([a-z_]\w{0,40})[\"']?(?:\.(?:text|content|stdout|data|body|decode\([^)\n]{0,20}\)"
    r"|tostring\([^)\n]{0,20}\)))?[ ]*(?:[,);\n|]|$)"
)


class Use(NamedTuple):
    """A call that is handed a value: where the call is, and whether the value is all that it is handed first."""

    call: re.Match[str]
    is_bare: bool


def uses(view: View, sources: Sequence[re.Match[str]], calls: Iterable[re.Match[str]]) -> Iterator[Use]:
    """Find calls that are handed what came from a source.

    Args:
        view: A script.
        sources: Where values come from; a group that matched is the name of a variable that gets one.
        calls: Matches that end where their arguments begin.
    """
    calls = list(calls)
    if not sources or not calls:
        return
    held = _held(view, sources)
    for call in calls:
        end = view.low.find("\n", call.end())
        arguments = view.low[call.end() : min(call.end() + _ARGUMENTS, end if end >= 0 else len(view.low))]
        used = {name for name in _names(arguments) if held.get(name, len(view.low)) < call.start()}
        if used:
            bare = _BARE.match(arguments)
            yield Use(call, bare is not None and bare[1] in used)


def _held(view: View, sources: Sequence[re.Match[str]]) -> dict[str, int]:
    """The names that hold what came from a source, and where they are given it first."""
    low = view.low[:_LONGEST]
    view.spend(len(low))
    held: dict[str, int] = {}
    for source in sources:
        if source.lastindex:
            held.setdefault(source[source.lastindex], source.start())
    starts = [source.start() for source in sources]
    for names, first, last in islice(_assignments(low), _MOST):
        given = low[first:last]
        if any(first <= start < last for start in starts) or any(
            held.get(name, last) < first for name in _names(given)
        ):
            for name in _NAME.findall(names):
                held.setdefault(name, first)
    return held


def _assignments(low: str) -> Iterator[tuple[str, int, int]]:
    """What is assigned to, and where what is given to it starts and ends."""
    found = [
        (match.start(), match[1] or match[3], match.span(2 if match[1] else 4)) for match in _ASSIGNED.finditer(low)
    ]
    found += [(match.start(), match[2], match.span(1)) for match in _WITH.finditer(low)]
    found += [(match.start(), match[2], match.span(1)) for match in _HANDLED.finditer(low)]
    found += [
        (match.start(), match[1] or match[3], match.span(2 if match[1] else 4)) for match in _WRITTEN.finditer(low)
    ]
    for _, names, (first, last) in sorted(found):
        yield names, first, last


def _names(code: str) -> set[str]:
    """The names in a piece of code, without the words of literals that hold no names."""
    return set(_NAME.findall(_LITERAL.sub("", code)))
