"""Badges: a small picture that authors put into a README, and the lines that put it there.

Two boxes, as on https://github.com/badges/shields/blob/master/spec/SPECIFICATION.md: what it is, and what is known.
It never turns green: nothing here is reviewed.
"""

from __future__ import annotations

from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from skilldata.models import Verdict
from skilldata.snapshot import Skill, SkillSummary
from skillsite.addresses import Addresses

BADGE = ".svg"  # behind the path of a skill
_LABEL = "agent skill"
_PLAIN, _WARN, _OUT = "#0b57d0", "#8a5300", "#545b66"
_WORDS = {
    Verdict.PENDING: ("not scanned", _OUT),
    Verdict.NO_FINDINGS: ("no findings", _PLAIN),
    Verdict.FINDINGS: ("findings", _WARN),
    Verdict.BLOCKED: ("blocked", _OUT),
    Verdict.ERROR: ("scan incomplete", _WARN),
}


class Snippet(NamedTuple):
    """A text to copy, and what it is for."""

    title: str
    text: str


def skill_badge(skill: Skill) -> bytes:
    """Draw the badge of a skill: its version and what the scanner says, or that it is no longer there."""
    summary = skill.summary
    if summary.state != "listed":
        return _draw(_LABEL, summary.state, _OUT)
    words, colour = _WORDS[Verdict(summary.verdict)]
    return _draw(_LABEL, f"{summary.label} · {words}" if summary.label else words, colour)


def snippets(summary: SkillSummary, path: str, addresses: Addresses) -> list[Snippet]:
    """The lines for a README and for a web page; `path` is the skill's, without its ending."""
    page, badge = addresses.canonical(path + ".html"), addresses.canonical(path + BADGE)
    name = f"{summary.slug} on {addresses.host}"
    return [
        Snippet("Markdown", f"[![{name}]({badge})]({page})"),
        Snippet("HTML", f'<a href="{page}"><img src="{badge}" alt="{name}" height="20"></a>'),
    ]


def _draw(label: str, message: str, colour: str) -> bytes:
    # No text is measured: each box is as wide as its letters at most, and textLength makes them fit.
    left, right = (round(10 + 6.6 * len(text)) for text in (label, message))
    title = f"{label}: {message}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f"aria-label={quoteattr(title)}><title>{escape(title)}</title>"
        f'<rect width="{left + right}" height="20" rx="3" fill="{colour}"/>'
        f'<path d="M3 0h{left - 3}v20H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z" fill="#30363d"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="5" y="14" textLength="{left - 10}">{escape(label)}</text>'
        f'<text x="{left + 5}" y="14" textLength="{right - 10}">{escape(message)}</text></g></svg>\n'
    ).encode()
