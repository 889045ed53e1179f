"""Jinja2 as this site uses it: everything is escaped, and a name that is missing is an error."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup, escape

from skillsite.addresses import Addresses
from skillsite.pages import Page, Twins
from skillsite.visible import one_line, show_hidden

REPORT = "about/#report"  # where reports go unless the settings say otherwise
TEMPLATES = Path(__file__).parent / "templates"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Look(NamedTuple):
    """What every page is rendered with: where it is, what the site is called, where people report a skill."""

    addresses: Addresses
    title: str
    report_url: str = ""


class Renderer:
    """Turns pages into HTML."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.addresses = addresses = look.addresses
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update(
            day=day, count=count, rounded=rounded, size=size, visible=visible, one_line=one_line
        )
        self._environment.globals.update(
            link=addresses.link,
            canonical=addresses.canonical,
            site_title=look.title,
            report=look.report_url or addresses.link(REPORT),
        )

    def render(self, page: Page) -> bytes:
        """Render a page to UTF-8."""
        template = self._environment.get_template(page.template)
        values: dict[str, Any] = {
            "path": page.path,
            "title": page.title,
            "description": page.description,
            "crumbs": page.crumbs,
            "hide": page.hide,
            "feed": page.feed,
            "card": page.card,
            "twins": twins_of(page),
            "json_ld": page.json_ld,
        }
        return template.render(values | page.context).encode()


def twins_of(page: Page) -> Twins | None:
    """Where the twins of a page are that are made from its lists."""
    stem = page.path.removesuffix(".html")
    return Twins(stem + ".json", stem + ".md") if page.twin else None


def visible(text: str) -> str | Markup:
    """Text with its hidden characters as highlighted marks."""
    shown = show_hidden(text)
    if "⟦U+" not in shown:
        return shown
    parts = [escape(part) for part in shown.split("⟦")]
    # What follows a bracket up to the closing one is the mark; without a closing one it is plain text.
    marked = [Markup("⟦") + part if "⟧" not in part else _marked(part) for part in parts[1:]]
    return Markup("").join([parts[0], *marked])


def _marked(part: Markup) -> Markup:
    code, _, rest = part.partition("⟧")
    return Markup("<mark>⟦{}⟧</mark>{}").format(code, rest)


def day(moment: datetime) -> Markup:
    """A date as `<time>`, such as 9 Mar 2026, in UTC."""
    date = moment.astimezone(UTC).date()
    return Markup(f'<time datetime="{date}">{date.day} {_MONTHS[date.month - 1]} {date.year}</time>')  # noqa: S704


def count(number: int) -> str:
    """A number with separators: 12,345."""
    return f"{number:,}"


def rounded(number: int) -> str:
    """A number above a thousand in tenths of thousands: 1.2k. So a page does not change with every star."""
    return str(number) if number < 1000 else f"{number // 100 / 10:.1f}k"


def size(number: int) -> str:
    """Bytes in the largest fitting unit: 512 B, 4.1 KB, 12 MB (powers of 1000)."""
    value = float(number)
    for unit in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
