"""Jinja2 as this site uses it: everything is escaped, and a name that is missing is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from skillsite.addresses import Addresses
from skillsite.pages import Page, Twins
from skillsite.pieces import Rows, command, level_tag, level_word, stars
from skillsite.visible import one_line
from skillsite.words import count, day, size, visible

REPORT = "about/#report"  # where reports go unless the settings say otherwise
TEMPLATES = Path(__file__).parent / "templates"


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
        # Filters and not functions: Jinja calls them straight, and those over constants once for all pages.
        self._environment.filters.update(
            day=day,
            count=count,
            size=size,
            visible=visible,
            one_line=one_line,
            link=addresses.link,
            canonical=addresses.canonical,
            command=command,
            level_tag=level_tag,
            level_word=level_word,
            stars=stars,
            skill_rows=Rows(addresses),
        )
        self._environment.globals.update(site_title=look.title, report=look.report_url or addresses.link(REPORT))

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
