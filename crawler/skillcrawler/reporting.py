"""Diagnostics about files and folders: named so that any log can show them, and not too many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from skillcrawler.diagnostics import RULE_LIMIT, Rule
from skilldata.models import Diagnostic

SHOWN_CHARACTERS = 200


def about(rule: Rule, path: str, detail: str = "") -> Diagnostic:
    """Report that a rule applies to a file.

    Args:
        rule: The rule; its meaning makes the message.
        path: Path from the skill's folder, as git has it; made printable here.
        detail: What else there is to say, printable.
    """
    shown = printable(path)
    meaning = f"{rule.meaning[0].lower()}{rule.meaning[1:].removesuffix('.')}"
    return rule.diagnostic(f"'{shown}': {meaning}{detail and f'; {detail}'}", file=shown)


def printable(text: str) -> str:
    r"""Return text from a repository as one short line that any log, page or database can hold.

    Control characters, characters that don't show, and bytes that are not UTF-8 (which arrive as lone
    surrogates) become `\xNN` or `\uNNNN`; long text is cut in the middle, where paths differ least.
    """
    escaped = "".join(map(_shown, text))
    if len(escaped) <= SHOWN_CHARACTERS:
        return escaped
    half = SHOWN_CHARACTERS // 2
    return f"{escaped[: half - 1]}…{escaped[-half:]}"


def capped(diagnostics: Iterable[Diagnostic], limit: int = RULE_LIMIT) -> Iterator[Diagnostic]:
    """Yield at most `limit` diagnostics of a rule; the last one says how many more there were.

    A hostile folder can break one rule ten thousand times; the index has no use for that.
    """
    seen: Counter[str] = Counter()
    last: dict[str, Diagnostic] = {}
    for diagnostic in diagnostics:
        seen[diagnostic.rule] += 1
        if seen[diagnostic.rule] < limit:
            yield diagnostic
        else:
            last.setdefault(diagnostic.rule, diagnostic)
    for rule, diagnostic in last.items():
        more = seen[rule] - limit
        yield _with_rest(diagnostic, more) if more else diagnostic


def _with_rest(diagnostic: Diagnostic, more: int) -> Diagnostic:
    return diagnostic.model_copy(update={"message": f"{diagnostic.message}; and {more} more of the kind"})


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
