"""Pieces that stand on most pages many times, as markup: rows of skills, commands, levels, stars.

They are functions and not macros, because a build makes a million of them: a macro costs ten times as much. What goes
in is escaped here, piece by piece, and what comes out is markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from markupsafe import Markup, escape

from skillsite.addresses import Addresses
from skillsite.pages import SkillRow
from skillsite.words import day, rounded, visible

_LEVEL_MARKS = {"strict": "✓", "loadable": "◐", "broken": "✕"}
_KEPT_ROWS = 4096  # a skill's row stands in the lists by level, licence, topic, one soon after the other


class Rows:
    """Lays out lists of skills."""

    def __init__(self, addresses: Addresses) -> None:
        self._link = addresses.link
        self._row = lru_cache(maxsize=_KEPT_ROWS)(self._lay_out)

    def __call__(self, rows: Iterable[SkillRow], *, repository: bool = True, wide: bool = False) -> Markup:
        """Lay out a list; `repository` says whether each row names its own, `wide` gives it the whole page."""
        laid_out = "".join([self._row(row, repository) for row in rows])
        return Markup(f'<ul class="rows{" wide" if wide else ""}">\n{laid_out}</ul>')  # noqa: S704  escaped in `_lay_out`

    def _lay_out(self, row: SkillRow, repository: bool) -> str:
        name, address = escape(visible(row.name)), escape(f"{row.owner}/{row.repository}")
        if row.path:
            head = f'<a href="{escape(self._link(row.path))}" dir="auto">{name}</a>'
        else:
            head = f'<b dir="auto">{name}</b>'
        if repository:
            if row.repository_path:
                address = Markup('<a href="{}">{}</a>').format(self._link(row.repository_path), address)
            head += f' <span class="row-from">{address}</span>'
        text = f'<p class="row-text" dir="auto">{escape(visible(row.description))}</p>\n' if row.description else ""
        findings = ' <span class="tag warning">! findings</span>' if row.verdict == "findings" else ""
        return (
            f'<li>\n<p class="row-name">{head}</p>\n{text}<p class="row-facts">{level_tag(row.level)}{findings} '
            f'<span class="licence">{escape(row.licence or "no licence")}</span> {stars(row.stars)} '
            f"<span>{day(row.updated_at)}</span></p>\n</li>\n"
        )


def command(text: str, label: str) -> Markup:
    """A text to be copied, with a label for those who do not see it."""
    return Markup(  # noqa: S704  both are escaped
        f'<div class="command"><pre tabindex="0" aria-label="{escape(label)}"><code>{escape(text)}</code></pre></div>'
    )


@lru_cache(maxsize=64)
def level_tag(level: str) -> Markup:
    """A level as a tag."""
    return Markup('<span class="tag {}">{}</span>').format(level, level_word(level))


@lru_cache(maxsize=64)
def level_word(level: str) -> str:
    """A level with its mark."""
    return f"{_LEVEL_MARKS.get(level, '')} {level}"


@lru_cache(maxsize=4096)
def stars(number: int) -> Markup:
    """Stars on GitHub, rounded."""
    return Markup(
        '<span class="stars" title="Stars on GitHub"><span aria-hidden="true">★</span> {}'
        '<span class="unseen"> stars</span></span>'
    ).format(rounded(number))
