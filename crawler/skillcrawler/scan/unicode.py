"""Characters that a reader does not see, or sees in another order than the machine.

Benign uses stay silent: byte order marks, emoji with joiners and selectors, flags of subdivisions
(UTS 51), joiners in Persian and Indic words, direction marks beside Arabic or Hebrew.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from skillcrawler.scan.normalise import LOOKALIKES, fold
from skillcrawler.scan.rule import Hit, Skill, view_rule
from skillcrawler.scan.view import Kind, View
from skilldata.models import Severity

_TAGS = re.compile("[\U000e0001-\U000e007f]+")
_FLAG = "\U0001f3f4"  # a black flag starts the tag sequence of a subdivision's flag, which U+E007F ends
_LONGEST_FLAG = 8
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}|[\U000e0100-\U000e01ef]")
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")
_ZERO_WIDTH = re.compile("[\u200b\u200c\u200d\u2060-\u2064\u180e\ufeff\u00ad\u115f\u1160\u3164\uffa0\u034f]+")
_HIDDEN = re.compile(  # any of the three above
    "[\ufe00-\ufe0f\u200b\u200c\u200d\u2060-\u2064\u180e\ufeff\u00ad\u115f\u1160\u3164\uffa0\u034f"
    "\U000e0001-\U000e007f\U000e0100-\U000e01ef]"
)
_STEGANOGRAPHY = 8  # so many zero-width characters in a row carry data
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_MIXED_WORD = re.compile(r"[A-Za-z\u0370-\u03ff\u0400-\u052f]{3,60}")
_NON_LATIN = re.compile(r"[\u0370-\u03ff\u0400-\u052f]")
_ESCAPES = re.compile(r"\x1b\[(?:8|[0-9;]{0,10}8)m|\x1b\[\d{0,3}[ABDGHJK]|\x1b\]8;|[\x08]{2,}")


@view_rule(
    "hidden-characters",
    Severity.CRITICAL,
    "Invisible characters carry text",
    explanation="The agent reads these characters, a person does not: they hide orders or split words for scanners.",
    remedy="Delete them; an editor that shows invisible characters finds them.",
)
def hidden_characters(view: View, skill: Skill) -> Iterator[Hit]:
    """Find tag characters, runs of variation selectors, zero-width characters in words, terminal tricks."""
    text = view.text
    if view.kind is Kind.OTHER and not view.has_lines:
        return  # a picture or other binary file: nobody reads it as text
    for match in _ESCAPES.finditer(text) if "\x1b" in text or "\x08" in text else ():
        yield Hit(Severity.MEDIUM, view, match.start(), match.end(), note="terminal control:", in_text=True)
    if text.isascii() or view.origin or not _HIDDEN.search(text):
        return
    for match in _TAGS.finditer(text):
        if not _is_flag(text, match):
            severity = Severity.CRITICAL if len(match[0]) >= 4 else Severity.HIGH
            yield Hit(
                severity,
                view,
                match.start(),
                match.end(),
                note=f"says {_untagged(match[0])!r}:",
                firm=True,
                in_text=True,
            )
    for match in _SELECTORS.finditer(text):
        if len(match[0]) >= 4 or not _after_ideograph(text, match.start()):
            severity = (
                Severity.CRITICAL if len(match[0]) >= 8 else Severity.HIGH if len(match[0]) >= 3 else Severity.LOW
            )
            yield Hit(severity, view, match.start(), match.end(), firm=True, in_text=True)
    for match in _ZERO_WIDTH.finditer(text):
        zero_width = _weight_of_zero_width(text, match)
        if zero_width:
            yield Hit(zero_width, view, match.start(), match.end(), firm=True, in_text=True)


@view_rule(
    "bidirectional-text",
    Severity.HIGH,
    "Direction controls reorder what is shown",
    explanation="With these characters a line reads differently from what runs ('Trojan Source', CVE-2021-42574).",
    remedy="Delete them; right-to-left text needs no overrides.",
)
def bidirectional_text(view: View, skill: Skill) -> Iterator[Hit]:
    """Find embeddings, overrides and isolates outside lines of right-to-left text."""
    if view.text.isascii() or not view.has_lines:
        return
    for match in _OVERRIDES.finditer(view.text):
        start, end = _line_around(view.text, match.start())
        right_to_left = any(
            unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in view.text[start:end]
        )
        override = match[0] in "\u202d\u202e"
        if override or not right_to_left:
            severity = Severity.MEDIUM if right_to_left else Severity.HIGH
            yield Hit(severity, view, match.start(), match.end(), firm=True, in_text=True)


@view_rule(
    "mixed-scripts",
    Severity.MEDIUM,
    "A word mixes letters of several alphabets",
    explanation="A Cyrillic or Greek letter in a Latin word looks the same and is another name, command or address.",
    remedy="Write the word in one alphabet.",
)
def mixed_scripts(view: View, skill: Skill) -> Iterator[Hit]:
    """Find words of Latin letters with a look-alike from another alphabet."""
    if view.text.isascii() or not view.has_lines or not _NON_LATIN.search(view.text):
        return
    for match in _MIXED_WORD.finditer(view.text):
        word = match[0]
        foreign = [character for character in word if not character.isascii()]
        if (
            0 < len(foreign) < len(word)
            and all(character in LOOKALIKES for character in foreign)
            and fold(word).isascii()
        ):
            yield Hit(
                Severity.MEDIUM,
                view,
                match.start(),
                match.end(),
                note=f"written as if it were {fold(word)!r}:",
                in_text=True,
            )


def _is_flag(text: str, match: re.Match[str]) -> bool:
    return (
        text[match.start() - 1 : match.start()] == _FLAG
        and match[0][-1] == "\U000e007f"
        and len(match[0]) <= _LONGEST_FLAG
    )


def _untagged(tags: str) -> str:
    return "".join(chr(ord(tag) - 0xE0000) for tag in tags[:80])


def _after_ideograph(text: str, position: int) -> bool:
    return position > 0 and unicodedata.category(text[position - 1]) == "Lo"


def _weight_of_zero_width(text: str, match: re.Match[str]) -> Severity | None:
    run = match[0]
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    if match.start() == 0 and run == "\ufeff":
        return None
    if len(run) >= _STEGANOGRAPHY:
        return Severity.HIGH
    if before.isascii() and after.isascii() and before.isalpha() and after.isalpha() and "\u00ad" not in run:
        return Severity.MEDIUM
    return None


def _line_around(text: str, position: int) -> tuple[int, int]:
    start = text.rfind("\n", max(0, position - 300), position) + 1
    end = text.find("\n", position, position + 300)
    return max(start, position - 300), end if end >= 0 else min(len(text), position + 300)


RULES = (hidden_characters, bidirectional_text, mixed_scripts)
