"""The licence whose text a file holds.

`licenseclassifier` matches patterns of whole licences word by word, as google/licensecheck does for
pkg.go.dev: a grant with a word changed is no match. What it leaves unmatched is counted here, since a
sentence added to a licence can take back what the licence gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, MutableMapping
from typing import NamedTuple

from licenseclassifier import LicenseIdentificationResult, identify_license

from skillcrawler.gitobjects import blob_oid
from skillcrawler.licence.expressions import Expression, all_of, read_expression

MAX_BYTES = 128 * 1024  # the longest text on the SPDX list has 46 kB
ADDED_WORDS = 10  # a title such as "The MIT License (MIT)" has four

# What stands in the licences' own texts outside of what the detector matches: preambles and instructions.
_OWN_WORDS = {
    **dict.fromkeys(("GPL-3.0", "LGPL-3.0"), 330),
    **dict.fromkeys(
        (f"CC-{kind}-4.0" for kind in ("BY", "BY-SA", "BY-NC", "BY-ND", "BY-NC-SA", "BY-NC-ND")),
        370,
    ),
}
# The detector takes quadratic time over runs without white space, such as `{#{#{#…`: these are broken up.
_LONG_RUN = re.compile(r"\S{128}")
_WORD = re.compile(r"[^\W_]+")
_NOTICE_WORDS = 25
_NOTICES = ("copyright", "(c)", "©", "all rights reserved")


class LicenceText(NamedTuple):
    """What was recognised in a text.

    `expression` is None where it is not the text of a licence. `added` counts words that the licence
    does not have; `confidence` is the share of the words that are the licence's, 0 to 1.
    """

    expression: Expression | None = None
    confidence: float = 0.0
    added: int = 0

    @property
    def unchanged(self) -> bool:
        """Whether it is a licence's text with nothing added to it."""
        return self.expression is not None and not self.added


TextCache = MutableMapping[str, LicenceText]
"""Recognised texts by git object id; a repository may hold one text a thousand times."""


def read_text(data: bytes | None, cache: TextCache | None = None) -> LicenceText:
    """Tell which licence's text a file holds.

    Args:
        data: Its bytes; None, like more than 128 KiB, counts as no licence.
        cache: Where to look first, and to keep the result.
    """
    if data is None or len(data) > MAX_BYTES:
        return LicenceText()
    if cache is None:
        return _recognise(data)
    oid = blob_oid(data)
    if oid not in cache:
        cache[oid] = _recognise(data)
    return cache[oid]


def _recognise(data: bytes) -> LicenceText:
    text = _LONG_RUN.sub(r"\g<0>\n", data.decode("utf-8", "replace").replace("\0", " "))
    matches = identify_license(text)
    ids = {match.id for match in matches}
    # The GPL ends with a notice to copy, which is a match of its own: `GPL-3.0` and `GPL-3.0-or-later`.
    bare = {spdx for spdx in ids if spdx.removesuffix("-only").removesuffix("-or-later") not in ids - {spdx}}
    expressions = [read_expression(spdx) for spdx in bare]
    known = [expression for expression in expressions if expression is not None]
    if not known or len(known) < len(expressions):
        return LicenceText()
    rest = _unmatched(text, matches)
    added = _added_words(rest) - max([ADDED_WORDS, *(_OWN_WORDS.get(spdx, 0) for spdx in ids)])
    confidence = 1 - len(_WORD.findall(rest)) / max(1, len(_WORD.findall(text)))
    return LicenceText(all_of(known), round(confidence, 3), _added_words(rest) if added > 0 else 0)


def _unmatched(text: str, matches: Iterable[LicenseIdentificationResult]) -> str:
    rest, end = [], 0
    for match in matches:
        rest.append(text[end : match.start])
        end = match.end
    return "\n".join([*rest, text[end:]])


def _added_words(rest: str) -> int:
    """Count words outside of copyright notices."""
    counts = ((line, len(_WORD.findall(line))) for line in rest.splitlines())
    return sum(count for line, count in counts if count > _NOTICE_WORDS or not _is_notice(line))


def _is_notice(line: str) -> bool:
    return line.lstrip(" \t#*>/-").casefold().startswith(_NOTICES)
