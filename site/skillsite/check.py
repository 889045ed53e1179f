"""Checks a finished site the way a strict visitor would.

Every page: well-formed and properly nested HTML, no id twice, a language, a title, one h1, its canonical
address, a label for each field; nothing inline that runs or styles, nothing loaded from elsewhere. Every
link inside the site leads to a file, and its fragment to an id.

Our pages keep to a strict subset of HTML: lower-case tags, attributes in double quotes, every element
closed. What does not, is a problem, even where a browser would mend it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache, partial
from html import unescape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

PARALLEL_FROM = 400  # pages, below which starting processes costs more than it saves
API = "api/"  # answered by the API beside the site, not by a file


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
    """What the checks keep of a page. Links and resources have the line where they are first."""

    canonical: str = ""
    language: str = ""
    title: str = ""
    h1: int = 0
    ids: set[str] = field(default_factory=set)
    links: dict[str, int] = field(default_factory=dict)
    resources: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DATA_BLOCK = "application/ld+json"  # a script element that holds data and never runs
_VOID = _words("area base br col embed hr img input link meta source track wbr")
_NOT_IN_P = _words(
    """address article aside blockquote details div dl fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr main
    menu nav ol p pre section table ul"""
)
_INTERACTIVE = _words("a button input select textarea label")
_REFUSED = _words("base embed frame iframe math object style template")
_FIELDS = _words("input select textarea")
_LISTS = _words("ul ol")
_LOADED_LINKS = _words("stylesheet icon preload modulepreload prefetch preconnect manifest dns-prefetch")
_ADDRESSES = _words("href src action formaction data poster background srcset xlink:href ping")
_PARENTS = {"li": _LISTS, "dt": _words("dl div"), "dd": _words("dl div"), "td": _words("tr"), "th": _words("tr")}
_PARENTS |= {"tr": _words("thead tbody"), "head": _words("html"), "body": _words("html"), "main": _words("body")}
_CHILDREN = {"ul": _words("li"), "ol": _words("li"), "dl": _words("div dt dd"), "table": _words("thead tbody")}

_TOKEN = re.compile(r'<[^<>"]*(?:"[^"]*"[^<>"]*)*>|<')
_TAG = re.compile(r'<(/?)([a-z][a-z0-9]*)((?: [A-Za-z][A-Za-z:-]*(?:="[^"]*")?)*)(/?)>')
_ATTRIBUTE = re.compile(r' ([A-Za-z][A-Za-z:-]*)(?:="([^"]*)")?')


class _Tag(NamedTuple):
    """A tag as written. `wrong` is what is wrong with it wherever it stands."""

    name: str
    closes: bool
    empty: bool
    attributes: dict[str, str]
    wrong: tuple[str, ...]


@lru_cache(maxsize=20_000)
def _parse(token: str) -> _Tag | None:
    """Read a tag; None for what is none of ours."""
    match = _TAG.fullmatch(token)
    if match is None:
        return None
    slash, name, rest, empty = match.groups()
    pairs = [(key, unescape(value or "")) for key, value in _ATTRIBUTE.findall(rest)]
    wrong = [f"inline event handler {key}" for key, _ in pairs if key.lower().startswith("on")]
    wrong += ["inline style attribute" for key, _ in pairs if key.lower() == "style"]
    wrong += [
        f"address {value[:60]!r}" for key, value in pairs if key.lower() in _ADDRESSES and not _is_plain_address(value)
    ]
    attributes = dict(pairs)
    if len(attributes) != len(pairs):
        wrong.append(f"<{name}> has an attribute twice")
    if name in _REFUSED:
        wrong.append(f"<{name}>")
    if name == "script" and not slash and "src" not in attributes and attributes.get("type") != _DATA_BLOCK:
        wrong.append("inline script")
    if name == "img" and "alt" not in attributes:
        wrong.append("a picture without alt")
    if name == "meta" and "http-equiv" in attributes:
        wrong.append("meta http-equiv")
    return _Tag(name, bool(slash), bool(empty) or name in _VOID, attributes, tuple(wrong))


class _Reader:
    """Reads one page."""

    def __init__(self, page: str, text: str) -> None:
        self.facts = PageFacts()
        self._page = page
        self._text = text
        self._line = 1
        self._open: list[str] = []
        self._opened_at = 0  # where the content of the innermost element starts, for title and data
        self._fields: list[tuple[int, str]] = []
        self._labelled: set[str] = set()

    def read(self) -> PageFacts:
        """Read the page; return what was seen."""
        start = len("<!doctype html>")
        if not self._text.startswith("<!doctype html>"):
            self._problem("does not start with its doctype")
            start = 0
        seen = 0
        for match in _TOKEN.finditer(self._text, start):
            self._line += self._text.count("\n", seen, match.start())
            seen = match.start()
            tag = _parse(match.group())
            if tag is None:
                self._problem(f"{match.group()[:60]!r} is no tag of ours")
            elif tag.closes:
                self._close(tag.name, match.start())
            else:
                self._begin(tag, match.end())
        for name in self._open:
            self._problem(f"<{name}> is never closed")
        for line, identifier in self._fields:
            if identifier not in self._labelled:
                self.facts.problems.append(Problem(self._page, line, "a field has no label"))
        return self.facts

    def _begin(self, tag: _Tag, end: int) -> None:
        for message in tag.wrong:
            self._problem(message)
        self._check_place(tag.name)
        if tag.attributes:
            self._note(tag)
        if tag.name == "h1":
            self.facts.h1 += 1
        if not tag.empty:
            self._open.append(tag.name)
            self._opened_at = end

    def _close(self, name: str, start: int) -> None:
        if not self._open or self._open[-1] != name:
            self._problem(f"</{name}> closes nothing; open: {' '.join(self._open[-3:])}")
            if name in self._open:
                while self._open.pop() != name:
                    pass
            return
        self._open.pop()
        if name == "title" and self._open[-1:] == ["head"]:
            self.facts.title = unescape(self._text[self._opened_at : start]).strip()
        if name == "script":
            self._check_data(self._text[self._opened_at : start])

    def _check_data(self, text: str) -> None:
        if not text:
            return
        try:
            json.loads(text)
        except ValueError:
            self._problem("a script element whose content is not JSON")

    def _check_place(self, name: str) -> None:
        parent = self._open[-1] if self._open else ""
        if name in _NOT_IN_P and "p" in self._open:
            self._problem(f"<{name}> inside <p>")
        if name in _INTERACTIVE and ("a" in self._open or "button" in self._open):
            self._problem(f"<{name}> inside a link or button")
        if name in _PARENTS and parent not in _PARENTS[name]:
            self._problem(f"<{name}> inside <{parent}>")
        if parent in _CHILDREN and name not in _CHILDREN[parent]:
            self._problem(f"<{name}> directly inside <{parent}>")
        if name == "form" and "form" in self._open:
            self._problem("a form inside a form")

    def _note(self, tag: _Tag) -> None:
        values = tag.attributes
        if "id" in values:
            identifier = values["id"]
            if identifier in self.facts.ids or not identifier or any(map(str.isspace, identifier)):
                self._problem(f"id {identifier!r} is empty, has white space or is there twice")
            self.facts.ids.add(identifier)
        if tag.name == "a" and "href" in values:
            self.facts.links.setdefault(values["href"], self._line)
        elif tag.name == "link":
            self._note_link(values)
        else:
            for name in _ADDRESSES & values.keys():
                self.facts.resources.setdefault(values[name], self._line)
        if tag.name == "html":
            self.facts.language = values.get("lang", "")
        if tag.name == "label":
            self._labelled.add(values.get("for", ""))
        if tag.name in _FIELDS and values.get("type") not in {"hidden", "submit"} and "aria-label" not in values:
            self._fields.append((self._line, values.get("id", "")))

    def _note_link(self, values: dict[str, str]) -> None:
        relations = set(values.get("rel", "").split())
        address = values.get("href", "")
        if "canonical" in relations:
            self.facts.canonical = address
        elif relations & _LOADED_LINKS:
            self.facts.resources.setdefault(address, self._line)
        else:
            self.facts.links.setdefault(address, self._line)

    def _problem(self, message: str) -> None:
        self.facts.problems.append(Problem(self._page, self._line, message))


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
    for address, line in facts.resources.items():
        if _inside(address, base) is None:
            yield Problem(page, line, f"loads {address[:120]!r} from elsewhere")


def _links(page: str, facts: dict[str, PageFacts], files: set[str], base: str) -> Iterator[Problem]:
    for address, line in (facts[page].links | facts[page].resources).items():
        target = _inside(address, base)
        if target is None or target[0].startswith(API):
            continue
        path, fragment = target
        file = page if address.startswith("#") else path + "index.html" if path.endswith("/") or not path else path
        if file not in files:
            yield Problem(page, line, f"link to {address[:120]!r}, which is not there")
        elif fragment and file in facts and fragment not in facts[file].ids:
            yield Problem(page, line, f"link to {address[:120]!r}, which has no such id")


@lru_cache(maxsize=200_000)
def _inside(address: str, base: str) -> tuple[str, str] | None:
    """Path from the site's root, and fragment, of an address; None where it leads elsewhere."""
    home, parts = urlsplit(base), urlsplit(address)
    if parts.netloc and (parts.scheme or home.scheme, parts.netloc) != (home.scheme, home.netloc):
        return None
    if parts.scheme and not parts.netloc:
        return None
    if not address.startswith("#") and not parts.path.startswith(home.path):
        return None
    return unquote(parts.path[len(home.path) :]), unquote(parts.fragment)


def _read_all(folder: Path, pages: Sequence[str], jobs: int | None) -> Iterator[PageFacts]:
    read = partial(_read, folder)
    jobs = jobs or len(os.sched_getaffinity(0))
    if jobs == 1 or len(pages) < PARALLEL_FROM:
        yield from map(read, pages)
        return
    # Not a fork: the caller may have threads, and a fork would copy their locks as they are.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(read, pages, chunksize=50)


def _read(folder: Path, page: str) -> PageFacts:
    try:
        text = (folder / page).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return PageFacts(problems=[Problem(page, 0, "not UTF-8")])
    return _Reader(page, text).read()


def _walk(folder: Path) -> Iterator[str]:
    # The folders of owners are links to trees that releases share.
    for parent, _, names in os.walk(folder, followlinks=True):
        for name in names:
            yield f"{parent}/{name}"


def _relative(folder: Path, path: str) -> str:
    return path[len(str(folder)) + 1 :]
