"""Evidence that is harmless to show: one short line, invisible characters spelled out, secrets cut."""

from __future__ import annotations

import re
import unicodedata

from skilldata.models import EVIDENCE_LIMIT

_SPELLED_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_HANGUL_FILLERS = "\u115f\u1160\u3164\uffa0"
_CONTEXT = 60

# What follows a well-known prefix or an assignment to a secret's name; the prefix stays readable.
_SECRETS = re.compile(
    r"\b(?P<prefix>AKIA|ASIA|gh[pousr]_|github_pat_|sk-(?:ant-|proj-)?|sk_live_|rk_live_|xox[abprs]-|glpat-|AIza|npm_|"
    r"hf_|pypi-|SG\.|eyJ)(?P<secret>[\w\-.]{8,255})"
    r"|(?P<name>(?:password|passwd|secret|token|api_?key|private_?key)\w{0,20}[\"']?\s{0,3}[:=]\s{0,3}[\"']?)"
    r"(?P<value>[^\s\"'`,;<>{}$()]{6,255})",
    re.IGNORECASE,
)
_WORD_EDGE = re.compile(r"[^\w.\-+/=]")
_BOT_TOKEN = re.compile(r"\bbot\d{6,12}:[\w-]{20,60}")


def excerpt(text: str, start: int, end: int) -> str:
    """The line around `text[start:end]`, cut to `EVIDENCE_LIMIT` characters and made visible.

    Args:
        text: The text that was searched.
        start: First character of what was found.
        end: One past its last character.
    """
    left = _left_edge(text, start)
    stop = min(len(text), max(end, start) + EVIDENCE_LIMIT)
    line_end = text.find("\n", start, stop)
    right = line_end if line_end >= 0 else stop
    return shown(text[left : max(right, min(end, left + EVIDENCE_LIMIT))])


def shown(text: str) -> str:
    """`text` on one line without secrets, control or invisible characters, at most `EVIDENCE_LIMIT` long."""
    redacted = _BOT_TOKEN.sub("bot[redacted]", _SECRETS.sub(_redacted, text[: 4 * EVIDENCE_LIMIT]))
    visible = "".join(map(_visible, redacted.strip()))
    return visible if len(visible) <= EVIDENCE_LIMIT else visible[: EVIDENCE_LIMIT - 1] + "…"


def _left_edge(text: str, start: int) -> int:
    """Where the shown line begins: never inside a word, which could be the tail of a secret."""
    lowest = max(0, start - _CONTEXT)
    line_start = text.rfind("\n", lowest, start) + 1
    if line_start or lowest == 0:
        return max(line_start, lowest)
    edge = _WORD_EDGE.search(text, lowest, start)
    return edge.end() if edge else start


def _redacted(match: re.Match[str]) -> str:
    return f"{match['prefix'] or match['name']}[redacted]"


def _visible(character: str) -> str:
    if character in "\n\t":
        return " "
    hidden = unicodedata.category(character) in _SPELLED_CATEGORIES or character in _HANGUL_FILLERS
    selector = 0xFE00 <= ord(character) <= 0xFE0F or 0xE0100 <= ord(character) <= 0xE01EF
    return f"U+{ord(character):04X}" if hidden or selector else character
