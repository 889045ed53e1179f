"""Checks a finished site the way a strict visitor would.

Every page: well-formed and properly nested HTML, no id twice, a language, a title, one h1, its canonical
address, a label for each field; nothing inline that runs or styles, nothing loaded from elsewhere. Every
link inside the site leads to a file, and its fragment to an id.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

PARALLEL_FROM = 400  # pages, below which starting processes costs more than it saves
API = "api/"  # answered by the API beside the site, not by a file

_DATA_BLOCK = "application/ld+json"  # a script element that holds data and never runs

Attributes = list[tuple[str, str | None]]


class Problem(NamedTuple):
    """Something wrong with a page: its path, the line in it (0: the page as a whole), and what."""

    page: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.message}" if self.line else f"{self.page}: {self.message}"


def check_site(folder: Path, *, jobs: int | None = None) -> list[Problem]:
    """Check every HTML page below `folder`, the root of the site.

    Args:
        folder: A release, or the `live` link to it.
        jobs: Processes to use; default one for each core that this process may use.

    Returns:
        What is wrong, by page and line; empty for a site in order.
    """
    folder = folder.resolve()
    files = {_relative(folder, path) for path in _walk(folder)}
    pages = sorted(path for path in files if path.endswith(".html"))
    if "index.html" not in files:
        return [Problem("index.html", 0, "the site has no home page")]
    base = _read(folder, "index.html").canonical
    if not base.endswith("/"):
        return [Problem("index.html", 0, "home has no canonical address that ends in a slash")]
    facts = dict(zip(pages, _read_all(folder, pages, jobs), strict=True))
    problems = [problem for page in pages for problem in facts[page].problems]
    for page in pages:
        problems.extend(_whole_page(page, facts[page], base))
        problems.extend(_links(page, facts, files, base))
    return sorted(problems)


@dataclass
class PageFacts:
    """What the checks keep of a page."""

    canonical: str = ""
    language: str = ""
    title: str = ""
    h1: int = 0
    ids: set[str] = field(default_factory=set)
    links: list[tuple[int, str]] = field(default_factory=list)
    resources: list[tuple[int, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VOID = _words("area base br col embed hr img input link meta source track wbr")
_NOT_IN_P = _words(
    """address article aside blockquote details div dl fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr main
    menu nav ol p pre section table ul"""
)
_INTERACTIVE = _words("a button input select textarea label")
_REFUSED = _words("base embed frame iframe object style")
_FIELDS = _words("input select textarea")
_LISTS = _words("ul ol")
_LOADED_LINKS = _words("stylesheet icon preload modulepreload prefetch preconnect manifest dns-prefetch")
_LOADING_ATTRIBUTES = {
    "src": None,
    "srcset": None,
    "poster": None,
    "background": None,
    "data": frozenset({"object"}),
    "action": frozenset({"form"}),
    "formaction": None,
    "xlink:href": None,
}
_HEADS = {"html": None, "head": "html", "body": "html", "main": "body", "title": "head"}


class _Reader(HTMLParser):
    """Reads one page strictly: what browsers would mend is a problem here."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.facts = PageFacts()
        self._page = page
        self._open: list[str] = []
        self._text: list[str] | None = None
        self._data_block = False
        self._fields: list[tuple[int, str | None]] = []
        self._labelled: set[str] = set()

    def read(self, text: str) -> PageFacts:
        """Read the page; return what was seen."""
        if not text.lower().startswith("<!doctype html>"):
            self._problem("no doctype")
        self.feed(text)
        self.close()
        if self._open:
            self._problem(f"<{self._open[-1]}> is never closed")
        for line, identifier in self._fields:
            if identifier not in self._labelled:
                self.facts.problems.append(Problem(self._page, line, "a field has no label"))
        return self.facts

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        self._check_nesting(tag)
        self._check_attributes(tag, attrs)
        values = {name: value or "" for name, value in attrs}
        self._note(tag, values)
        if tag not in _VOID:
            self._open.append(tag)
        self._data_block = tag == "script" and values.get("type") == _DATA_BLOCK
        if tag == "title" or self._data_block:
            self._text = []

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        if tag not in _VOID and "svg" not in self._open:
            self._problem(f"<{tag}/> does not close itself in HTML")
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID or not self._open or self._open[-1] != tag:
            self._problem(f"</{tag}> closes nothing" + (f"; <{self._open[-1]}> is open" if self._open else ""))
            if tag in self._open:
                while self._open.pop() != tag:
                    pass
            return
        self._open.pop()
        if tag == "title" and "svg" not in self._open:
            self.facts.title = "".join(self._text or ()).strip()
        if tag == "script" and self._data_block:
            self._check_json("".join(self._text or ()))
        if tag in {"title", "script"}:
            self._text = None

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)
        elif self._open and self._open[-1] == "script" and data.strip():
            self._problem("inline script")

    def handle_decl(self, decl: str) -> None:
        if decl.lower() != "doctype html":
            self._problem(f"<!{decl[:40]}>")

    def handle_pi(self, data: str) -> None:
        self._problem(f"<?{data[:40]}> is not HTML")

    def unknown_decl(self, data: str) -> None:
        self._problem(f"<![{data[:40]}]> is not HTML")

    def _check_nesting(self, tag: str) -> None:
        if "p" in self._open and tag in _NOT_IN_P:
            self._problem(f"<{tag}> inside <p>")
        if tag in _INTERACTIVE and ("a" in self._open or "button" in self._open):
            self._problem(f"<{tag}> inside a link or button")
        if tag == "li" and (not self._open or self._open[-1] not in _LISTS):
            self._problem("<li> outside a list")
        if tag in {"dt", "dd"} and not {"dl", "div"} & set(self._open[-1:]):
            self._problem(f"<{tag}> outside <dl>")
        if self._open and self._open[-1] in _LISTS and tag not in {"li", "script"}:
            self._problem(f"<{tag}> directly inside a list")
        if tag == "form" and "form" in self._open:
            self._problem("a form inside a form")
        if _HEADS.get(tag) and "svg" not in self._open and self._open[-1:] != [_HEADS[tag]]:
            self._problem(f"<{tag}> is not in <{_HEADS[tag]}>")

    def _check_attributes(self, tag: str, attrs: Attributes) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self._problem(f"<{tag}> has an attribute twice")
        for name, value in attrs:
            if name.startswith("on"):
                self._problem(f"inline event handler {name}")
            elif name == "style":
                self._problem("inline style attribute")
            elif name in {"href", "src", "action"} and not _is_plain_address(value or ""):
                self._problem(f"address {(value or '')[:60]!r}")
            if name in _LOADING_ATTRIBUTES and tag in (_LOADING_ATTRIBUTES[name] or {tag}):
                self.facts.resources.append((self.getpos()[0], value or ""))

    def _note(self, tag: str, values: dict[str, str]) -> None:
        line = self.getpos()[0]
        if "id" in values:
            if values["id"] in self.facts.ids or not values["id"] or any(map(str.isspace, values["id"])):
                self._problem(f"id {values['id']!r} is empty, has white space or is there twice")
            self.facts.ids.add(values["id"])
        match tag:
            case "html":
                self.facts.language = values.get("lang", "")
            case "h1":
                self.facts.h1 += 1
            case "a" if "href" in values:
                self.facts.links.append((line, values["href"]))
            case "link":
                self._note_link(line, values)
            case "label":
                self._labelled.add(values.get("for", ""))
            case _ if tag in _FIELDS and values.get("type") not in {"hidden", "submit"} and "aria-label" not in values:
                self._fields.append((line, values.get("id")))
        self._refuse(tag, values)

    def _refuse(self, tag: str, values: dict[str, str]) -> None:
        if tag in _REFUSED:
            self._problem(f"<{tag}>")
        if tag == "script" and "src" not in values and values.get("type") != _DATA_BLOCK:
            self._problem("inline script")
        if tag == "img" and "alt" not in values:
            self._problem("a picture without alt")
        if tag == "meta" and values.get("http-equiv"):
            self._problem(f"meta http-equiv {values['http-equiv']}")

    def _note_link(self, line: int, values: dict[str, str]) -> None:
        relations = set(values.get("rel", "").split())
        if "canonical" in relations:
            self.facts.canonical = values.get("href", "")
        elif relations & _LOADED_LINKS:
            self.facts.resources.append((line, values.get("href", "")))
        else:
            self.facts.links.append((line, values.get("href", "")))

    def _check_json(self, text: str) -> None:
        try:
            json.loads(text)
        except ValueError:
            self._problem("a JSON-LD block that is not JSON")

    def _problem(self, message: str) -> None:
        self.facts.problems.append(Problem(self._page, self.getpos()[0], message))


def _is_plain_address(value: str) -> bool:
    scheme, colon, _ = value.partition(":")
    if not colon or any(sign in scheme for sign in "/?#"):
        return True
    return scheme.lower() in {"http", "https", "mailto"}


def _whole_page(page: str, facts: PageFacts, base: str) -> Iterator[Problem]:
    if not facts.language:
        yield Problem(page, 0, "no language")
    if not facts.title:
        yield Problem(page, 0, "no title")
    if facts.h1 != 1:
        yield Problem(page, 0, f"{facts.h1} h1 headings")
    expected = base + (page.removesuffix("index.html") if page.rsplit("/", maxsplit=1)[-1] == "index.html" else page)
    if facts.canonical != expected:
        yield Problem(page, 0, f"canonical address {facts.canonical!r}, not {expected!r}")
    for line, address in facts.resources:
        if _inside(address, page, base) is None:
            yield Problem(page, line, f"loads {address[:120]!r} from elsewhere")


def _links(page: str, facts: dict[str, PageFacts], files: set[str], base: str) -> Iterator[Problem]:
    for line, address in facts[page].links + facts[page].resources:
        target = _inside(address, page, base)
        if target is None or target[0].startswith(API):
            continue
        path, fragment = target
        file = path + "index.html" if path.endswith("/") or not path else path
        if file not in files:
            yield Problem(page, line, f"link to {address[:120]!r}, which is not there")
        elif fragment and file in facts and fragment not in facts[file].ids:
            yield Problem(page, line, f"link to {address[:120]!r}, which has no such id")


def _inside(address: str, page: str, base: str) -> tuple[str, str] | None:
    """Path from the site's root and fragment of an address on `page`; None where it leads elsewhere."""
    home, parts = urlsplit(base), urlsplit(address)
    if parts.netloc and (parts.scheme or home.scheme, parts.netloc) != (home.scheme, home.netloc):
        return None
    if parts.scheme and not parts.netloc:
        return None
    fragment = unquote(parts.fragment)
    if not parts.path and not parts.netloc:
        return page, fragment
    if not parts.path.startswith(home.path):
        return None
    return unquote(parts.path[len(home.path) :]), fragment


def _read_all(folder: Path, pages: Sequence[str], jobs: int | None) -> Iterator[PageFacts]:
    read = partial(_read, folder)
    jobs = jobs or len(os.sched_getaffinity(0))
    if jobs == 1 or len(pages) < PARALLEL_FROM:
        yield from map(read, pages)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(read, pages, chunksize=50)


def _read(folder: Path, page: str) -> PageFacts:
    try:
        text = (folder / page).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return PageFacts(problems=[Problem(page, 0, "not UTF-8")])
    return _Reader(page).read(text)


def _walk(folder: Path) -> Iterator[str]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield f"{parent}/{name}"


def _relative(folder: Path, path: str) -> str:
    return path[len(str(folder)) + 1 :]
