"""The twins of pages that are not a skill's: what they list, as JSON and as Markdown, and JSON-LD.

A twin lies beside its page, under the same name with another ending.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from skillsite.addresses import Addresses
from skillsite.pages import Entry, Page, SkillRow
from skillsite.templating import Renderer
from skillsite.visible import one_line

HTML = ".html"
JSON = ".json"
MARKDOWN = ".md"


def page_files(page: Page, renderer: Renderer) -> tuple[str, dict[str, bytes]]:
    """Make a page and its twins: the name of the entry, and what goes to each ending of it."""
    addresses = renderer.addresses
    if page.json_ld is None:
        page = replace(page, json_ld=page_json_ld(page, addresses, renderer.look.title))
    contents = {HTML: renderer.render(page)}
    if page.twin:
        contents |= {JSON: json_twin(page, addresses), MARKDOWN: markdown_twin(page, addresses)}
    return page.path.removesuffix(HTML), contents


def json_twin(page: Page, addresses: Addresses) -> bytes:
    """What a page lists, as one JSON object."""
    content: dict[str, Any] = {
        "title": page.title,
        "description": page.description,
        "url": addresses.canonical(page.path),
        **page.facts,
    }
    if pager := page.context.get("pager"):
        content |= {"page": pager.number, "pages": pager.last, "total": pager.total}
        content["next"] = addresses.canonical(_twin(pager.next, JSON)) if pager.next else None
    for name, rows in _lists(page):
        content[name] = [_as_json(row, addresses) for row in rows]
    return json.dumps(content, ensure_ascii=False).encode(errors="replace") + b"\n"


def markdown_twin(page: Page, addresses: Addresses) -> bytes:
    """What a page lists, as Markdown for agents."""
    lines = [f"# {one_line(page.title)}", "", one_line(page.description), ""]
    lines += [f"- {name}: {one_line(str(value))}" for name, value in page.facts.items() if _is_plain(value)]
    for name, rows in _lists(page):
        lines += ["", f"## {name.replace('_', ' ').capitalize()}", ""]
        lines += [_as_markdown(row, addresses) for row in rows]
    if (pager := page.context.get("pager")) and pager.next:
        lines += ["", f"More: {addresses.canonical(_twin(pager.next, MARKDOWN))}"]
    return "\n".join(lines).encode(errors="replace") + b"\n"


def page_json_ld(page: Page, addresses: Addresses, site_title: str) -> dict[str, Any]:
    """What a page is, in the vocabulary of https://schema.org."""
    facts: dict[str, Any] = {"@context": "https://schema.org"}
    if page.path == "index.html":
        target = f"{addresses.canonical('search/index.html')}?q={{query}}"
        action = {"@type": "SearchAction", "target": target, "query-input": "required name=query"}
        return facts | {
            "@type": "WebSite",
            "name": site_title,
            "url": addresses.base_url,
            "potentialAction": action,
        }
    steps = [(crumb.text, crumb.path) for crumb in page.crumbs] + [(page.title, page.path)]
    items = [
        {"@type": "ListItem", "position": number, "name": one_line(name, 120), "item": addresses.canonical(path)}
        for number, (name, path) in enumerate(steps, 1)
    ]
    return facts | {
        "@type": "CollectionPage" if any(True for _ in _lists(page)) else "WebPage",
        "name": page.title,
        "description": page.description,
        "url": addresses.canonical(page.path),
        "isPartOf": {"@type": "WebSite", "name": site_title, "url": addresses.base_url},
        "breadcrumb": {"@type": "BreadcrumbList", "itemListElement": items},
    }


def _lists(page: Page) -> Iterator[tuple[str, list[Any]]]:
    """The lists of skills and names in a page's context, by the name they have there."""
    for name, value in page.context.items():
        if isinstance(value, list) and value and isinstance(value[0], SkillRow | Entry):
            yield {"rows": "skills", "entries": "names"}.get(name, name), value


def _twin(path: str, ending: str) -> str:
    return path.removesuffix(HTML) + ending


def _as_json(row: SkillRow | Entry, addresses: Addresses) -> Mapping[str, Any]:
    url = addresses.canonical(row.path) if row.path else None
    if isinstance(row, Entry):
        return {"name": row.name, "url": url, "skills": row.skills}
    return {
        "name": row.name,
        "owner": row.owner,
        "repository": row.repository,
        "url": url,
        "description": row.description,
        "level": row.level,
        "licence": row.licence,
        "verdict": row.verdict,
    }


def _as_markdown(row: SkillRow | Entry, addresses: Addresses) -> str:
    name = one_line(row.name).replace("[", "(").replace("]", ")")
    if row.path:
        name = f"[{name}]({addresses.canonical(_twin(row.path, MARKDOWN) if row.path.endswith(HTML) else row.path)})"
    if isinstance(row, Entry):
        return f"- {name}: {row.skills}"
    return f"- {name} ({row.owner}/{row.repository}): {one_line(row.description)}"


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float)
