"""What the front matter says about the licence: an SPDX expression, a licence's name, or a file to look into.

The specification asks for a licence's name or a reference to a bundled file
(https://agentskills.io/specification); people write `MIT license` and `Complete terms in LICENSE.txt`.
"""

from __future__ import annotations

from typing import NamedTuple

from licenselynx.licenselynx import LicenseLynx  # type: ignore[import-untyped]

from skillcrawler.licence.expressions import MAX_LENGTH, Expression, read_expression
from skillcrawler.licence.files import is_licence_name

# Words around a licence or a file's name that say nothing but "this is it" and "look there".
_SAYING_NOTHING = """
    a and are at be bundled can complete contained contains detail details distributed file folder for found full
    governed has have in included information is its licence license licensed located of please project provided
    read refer released repo repository root see skill terms text the this to under with
"""
_FILLERS = frozenset(_SAYING_NOTHING.split())
_PUNCTUATION = " .,;:!()[]<>\"'`*"
_QUOTES = " .,;:!\"'`*"
_SUFFIXES = (" license", " licence")


class Statement(NamedTuple):
    """What was understood.

    `expression` is None where no licence was, and `file` is a path as it was written. `silent` tells that
    nothing but the file was named, so that the file alone counts.
    """

    expression: Expression | None = None
    file: str | None = None
    silent: bool = False


def read_statement(stated: str) -> Statement:
    """Read the `license` key of a manifest."""
    text = " ".join(stated.split())
    if len(text) > MAX_LENGTH:
        return Statement()
    words = text.split(" ")
    if expression := _licence(text) or _licence(_trimmed(words)):
        return Statement(expression)
    # The last one: npm's way to put it is `SEE LICENSE IN COPYING`.
    file = next((path for word in reversed(words) if (path := _path(word)) is not None), None)
    rest = _trimmed([word for word in words if _path(word) is None])
    return Statement(_licence(rest), file, silent=file is not None and not rest)


def _licence(text: str) -> Expression | None:
    """Read an expression, else look for a licence of that name."""
    for name in _spellings(text.strip(_QUOTES)):
        found = LicenseLynx.map(name)
        named = found.id if found is not None and found.is_spdx_identifier() else name
        if expression := read_expression(named):
            return expression
    return None


def _spellings(text: str) -> tuple[str, ...]:
    bare = text[4:] if text.casefold().startswith("the ") else text
    if bare.casefold().endswith(_SUFFIXES):
        return (text, bare, bare[: -len(_SUFFIXES[0])])
    return (text, bare, f"{bare} License")


def _path(word: str) -> str | None:
    """Return the path of a licence file that a word is; plain `license` is only a word."""
    path = word.lstrip(_PUNCTUATION.replace(".", "")).rstrip(_PUNCTUATION)
    name = path.rpartition("/")[2]
    if "://" in path or not is_licence_name(name):
        return None
    return path if "/" in path or "." in name or name.isupper() else None


def _trimmed(words: list[str]) -> str:
    """Join words without the fillers before and after."""
    telling = [at for at, word in enumerate(words) if word.strip(_PUNCTUATION).casefold() not in _FILLERS]
    return " ".join(words[telling[0] : telling[-1] + 1]) if telling else ""
