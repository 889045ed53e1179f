"""A file as the rules see it: decoded, undisguised, in lower case, with line numbers.

Rules never run a pattern over a whole file. `View.find` looks for a signal's literal strings first
(`needles` finds out which a text has), then runs the pattern over the lines around them. So a 5 MiB file costs
little unless it is full of such strings, and every byte is still looked at. The work is metered: a
file made to exhaust the scanner ends with `WorkExceeded`, and its skill with the verdict `error`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import PurePosixPath

from skillcrawler.scan.normalise import PlainText, plain_text
from skillcrawler.scan.runs import Runs, one_byte_each
from skillcrawler.scan.signals import NEEDLES, Signal, merged, pairs
from skillcrawler.scan.table import set_of

WORK_LIMIT = 24_000_000  # characters that patterns may be run over in one skill, over all signals
_SPAN_COST = 64  # fixed cost of one stretch of text, in characters
_REACH = 1_000  # how far a stretch goes on one line to either side of the literal string
_OVERLAP = 400  # no pattern matches more than this
# Long runs of encoded bytes, in one line or many. Any short word is in them by chance and nothing that runs or reads as
# an order is, for want of blanks and punctuation, so signals are looked for at their edges; `decode` reads the inside.
_ENCODED = re.compile(r"(?<![a-z0-9+/=_-])(?:[a-z0-9+/=_-]{60,}+\n?)++")
_ENCODED_RUNS = Runs(string.ascii_lowercase + string.digits + "+/=_-", 60)
_ENCODED_LENGTH = 10_000

_PROSE = frozenset({".md", ".mdx", ".markdown", ".txt", ".rst", ".adoc", ".org"})
_SCRIPTS = set_of(
    ".sh .bash .zsh .fish .ksh .command .py .pyw .ipynb .js .mjs .cjs .ts .mts .cts .jsx .tsx .rb .pl .pm "
    ".php .lua .ps1 .psm1 .bat .cmd .vbs .vba .applescript .scpt .go .rs .java .kt .swift .c .cc .cpp .cs "
    ".r .jl .scala .groovy .awk .sql .mk .gradle .nix .tcl .exs .ex .dart"
)
_CONFIGURATION = set_of(
    ".json .jsonc .json5 .yaml .yml .toml .ini .cfg .conf .config .env .npmrc .pypirc .plist .service "
    ".timer .properties .lock .desktop .reg .tf .hcl"
)
_SCRIPT_NAMES = frozenset({"makefile", "dockerfile", "justfile", "rakefile", "gemfile", "jenkinsfile", "vagrantfile"})
_UTF16_SAMPLE = 2_048
_MARKS = (b"\xff\xfe", b"\xfe\xff")
_PLAIN_BYTES = bytes({0, 9, 10, 13, *range(0x20, 0x7F)})
_BINARY_SHARE = 0.2  # of other bytes, above which a file that is no UTF-8 is binary
# ASCII, and UTF-8 of two to four bytes; short runs stand in any binary file by chance.
_RUN = re.compile(rb"(?:[\t\n\r -~]|[\xc2-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}){6,}")


class Kind(StrEnum):
    """What a file is for, by name and first bytes."""

    PROSE = "prose"
    SCRIPT = "script"
    CONFIGURATION = "configuration"
    OTHER = "other"


class WorkExceeded(Exception):
    """A file needs more work than its share of `WORK_LIMIT`."""


class Meter:
    """Counts the work done for one file, in characters, so that results never depend on the clock.

    Attributes:
        spent: What was done so far, never more than the limit.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.spent = 0

    def spend(self, characters: int) -> None:
        """Count `characters` and a fixed cost; raises `WorkExceeded`."""
        cost = characters + _SPAN_COST
        if self.spent + cost > self._limit:
            self.spent = self._limit
            raise WorkExceeded
        self.spent += cost


class View:
    """One text of a skill: a file, or what was decoded from within a file.

    Attributes:
        path: The file's path in the skill.
        kind: What it is for.
        text: As decoded, with line feeds as line ends.
        plain: `text` without disguises.
        low: `plain` in lower case, of the same length.
        origin: How this text was hidden in its parent ('base64'…); empty for the file itself.
        parent: The view that it was hidden in.
        parent_position: Where in the parent's `plain` it was.
        has_lines: Whether lines mean anything in it: not so for the texts of a binary file.
    """

    def __init__(
        self,
        path: str,
        text: str,
        *,
        kind: Kind,
        meter: Meter,
        origin: str = "",
        parent: View | None = None,
        parent_position: int = 0,
        has_lines: bool = True,
    ) -> None:
        self.path = path
        self.kind = kind
        self.text = text
        self.origin = origin
        self.parent = parent
        self.parent_position = parent_position
        self.has_lines = has_lines
        self._meter = meter
        self._plain: PlainText = plain_text(text)
        self.plain = self._plain.text
        self.low = self.plain.lower()
        self._stretches = _without_encoded(self.low)
        self._needles: frozenset[str] | None = None
        self._found: dict[Signal, tuple[re.Match[str], ...]] = {}

    def line(self, position: int, *, in_text: bool = False) -> int | None:
        """The file's line, from 1, of a position in `plain` or `text`; what was decoded has its parent's line."""
        if self.parent:
            return self.parent.line(self.parent_position)
        if not self.has_lines:
            return None
        return self.text.count("\n", 0, position) + 1 if in_text else self._plain.line(position)

    def spend(self, characters: int) -> None:
        """Count work that a rule does by itself; raises `WorkExceeded`."""
        self._meter.spend(characters)

    def has(self, *needles: str) -> bool:
        """Whether any of these lower-case strings is in the text."""
        return any(needle in self.low for needle in needles)

    def has_needle(self, needle: str) -> bool:
        """Whether one of `signals.NEEDLES` is in the text; quicker than `has`."""
        return needle in self._possible_needles() and needle in self.low

    def find(self, signal: Signal) -> tuple[re.Match[str], ...]:
        """All matches of a signal, in order; remembered."""
        found = self._found.get(signal)
        if found is None:
            likely = self._possible_needles().intersection(signal.needles)
            found = self._found[signal] = tuple(self._search(signal, likely)) if likely else ()
        return found

    def any(self, *signals: Signal) -> bool:
        """Whether at least one of the signals is found."""
        return any(self.find(signal) for signal in signals)

    def pairs(
        self, first: Signal, second: Signal, *, within: int, ordered: bool = True, one_line: bool = False
    ) -> Iterator[tuple[re.Match[str], re.Match[str]]]:
        """Every match of `second` with the nearest match of `first` before it; see `signals.pairs`.

        Args:
            first: Looked for first: without it the other is not looked for at all.
            second: The other.
            within: Greatest distance in characters.
            ordered: Whether `first` must come first.
            one_line: Whether no line may end between the start of the first and the start of the second.
        """
        if not self.find(first):
            return
        for one, other in pairs(self.find(first), self.find(second), within=within, ordered=ordered):
            if not one_line or "\n" not in self.low[one.start() : other.start()]:
                yield one, other

    def _possible_needles(self) -> frozenset[str]:
        """The needles of any signal that may be outside of long encoded runs."""
        if self._needles is None:
            texts = (self.low[start:end] for start, end in self._stretches)
            self._needles = frozenset().union(*map(NEEDLES.possible, texts))
        return self._needles

    def _search(self, signal: Signal, needles: Iterable[str]) -> list[re.Match[str]]:
        spans: list[tuple[int, int]] = []
        for needle in needles:
            for first, last in self._stretches:
                self._collect_spans(needle, signal.lines, first, last, spans)
        text = self.plain if signal.cased else self.low
        found: list[re.Match[str]] = []
        for start, end in merged(spans):
            found.extend(signal.compiled.finditer(text, start, end))
        return found

    def _collect_spans(self, needle: str, lines: int, first: int, last: int, spans: list[tuple[int, int]]) -> None:
        low = self.low
        at = low.find(needle, first, last)
        while at >= 0:
            start, end, cut = self._around(at, at + len(needle), lines)
            self._meter.spend(end - start)
            spans.append((start, end))
            at = low.find(needle, max(at + 1, end - _OVERLAP if cut else end), last)

    def _around(self, start: int, end: int, lines: int) -> tuple[int, int, bool]:
        """The lines around a stretch, at most `_REACH` to either side, and whether the end was cut."""
        low = self.low
        floor, ceiling = max(0, start - _REACH), min(len(low), end + _REACH)
        for _ in range(lines + 1):
            start = low.rfind("\n", floor, max(floor, start))
            if start < 0:
                start = floor
                break
        for _ in range(lines + 1):
            stop = low.find("\n", min(end, ceiling), ceiling)
            if stop < 0:
                return start, ceiling, ceiling < len(low)
            end = stop + 1
        return start, end, False


def _without_encoded(low: str) -> list[tuple[int, int]]:
    """The stretches of a text outside long encoded runs, whose first and last `_REACH` characters belong to them."""
    stretches: list[tuple[int, int]] = []
    start = 0
    is_likely = len(low) >= _ENCODED_LENGTH and any(_ENCODED_RUNS.within(one_byte_each(low)))
    for match in _ENCODED.finditer(low) if is_likely else ():
        if match.end() - match.start() >= _ENCODED_LENGTH:
            stretches.append((start, match.start() + _REACH))
            start = match.end() - _REACH
    return [*stretches, (start, len(low))]


def kind_of(path: str, data: bytes) -> Kind:
    """Tell what a file is for by its name, and by its first line where the name says nothing."""
    name = PurePosixPath(path.lower())
    if name.suffix in _PROSE:
        return Kind.PROSE
    if name.suffix in _SCRIPTS or name.name in _SCRIPT_NAMES or data[:2] == b"#!":
        return Kind.SCRIPT
    if name.suffix in _CONFIGURATION or name.name.startswith(".env") or name.name in {".npmrc", ".pypirc", ".yarnrc"}:
        return Kind.CONFIGURATION
    return Kind.PROSE if not name.suffix and b"\x00" not in data[:_UTF16_SAMPLE] else Kind.OTHER


def decode(data: bytes) -> str:
    """Decode any bytes to text with line feeds: UTF-8, UTF-16 by its mark or zero bytes, else Latin-1.

    Of a binary file come the runs of characters that a program could take for text, each on a line.
    """
    return _decoded(data).replace("\r\n", "\n").replace("\r", "\n")


def is_binary(data: bytes) -> bool:
    """Whether the bytes are no text in any encoding that `decode` knows."""
    if len(data.translate(None, _PLAIN_BYTES)) <= _BINARY_SHARE * len(data) or data[:2] in _MARKS:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _decoded(data: bytes) -> str:
    if is_binary(data):
        return b"\n".join(_RUN.findall(data)).decode("utf-8", "replace")
    if data[:2] in _MARKS:
        # Both readings: a shell skips the mark and runs the rest as it is.
        return data.decode("utf-16", "replace") + "\n" + data.decode("latin-1")
    sample = data[:_UTF16_SAMPLE]
    if b"\x00" in sample:
        for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
            half = sample[offset::2]
            if half.count(0) > 0.9 * len(half) and sample[1 - offset :: 2].count(0) < 0.1 * len(half):
                return data.decode(encoding, "replace")
        return data.decode("latin-1")
    return data.decode("utf-8", "replace")
