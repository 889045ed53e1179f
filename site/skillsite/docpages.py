"""The documentation as pages of the site: the same files that the repository's reader sees, below `docs/`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup

from skillsite import markdown
from skillsite.addresses import Addresses
from skillsite.pages import Crumb, Page

DOCS = Crumb("Documentation", "docs/")
# In a wheel beside this module, else where the repository has them.
_FOLDERS = (Path(__file__).parent / "docs", Path(__file__).parents[2] / "docs")
_ORDER = ("index", "quickstart", "concepts", "install", "authors", "diagnostics", "scanner", "formats", "operations")
_DECISIONS = "adr/"
_TITLE = re.compile(r"\A# (.+)\n")
_MARKDOWN_LINK = re.compile(r'(href="[^"#]*?)(/index)?\.md(?=["#])')


def doc_pages(addresses: Addresses) -> Iterator[Page]:
    """Yield a page for each file of the documentation; none where it is not there."""
    folder = next((one for one in _FOLDERS if (one / "index.md").is_file()), None)
    if folder is None:
        return
    files = sorted(folder.rglob("*.md"), key=lambda file: _place(file.relative_to(folder).as_posix()))
    texts = {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in files}
    entries = [(name, _title(text, name), doc_path(name)) for name, text in texts.items()]
    contents = [entry[1:] for entry in entries if not entry[0].startswith(_DECISIONS)]
    decisions = [entry[1:] for entry in entries if entry[0].startswith(_DECISIONS)]
    for name, text in texts.items():
        title = _title(text, name)
        yield Page(
            doc_path(name),
            "doc.html",
            title,
            f"{title}: documentation of this registry.",
            {"body": _render(text, name, addresses), "contents": contents, "decisions": decisions},
            (DOCS,) if name != "index.md" else (),
            twin=False,
        )


def doc_path(name: str) -> str:
    """File of a document's page: `docs/adr/0001-x/index.html` for `adr/0001-x.md`."""
    stem = name.removesuffix(".md")
    return f"{DOCS.path}index.html" if stem == "index" else f"{DOCS.path}{stem}/index.html"


def _render(text: str, name: str, addresses: Addresses) -> Markup:
    base = addresses.link(DOCS.path)
    html = markdown.render(
        _TITLE.sub("", text), source_url=base, raw_url=base, folder=name.rpartition("/")[0], internal=True
    )
    return Markup(_MARKDOWN_LINK.sub(_to_page, html))  # noqa: S704  of our own documents, and sanitised


def _to_page(match: re.Match[str]) -> str:
    return f"{match[1]}/"


def _title(text: str, name: str) -> str:
    found = _TITLE.match(text)
    return found[1].replace("`", "") if found else name


def _place(name: str) -> tuple[int, str]:
    stem = name.removesuffix(".md")
    return (_ORDER.index(stem) if stem in _ORDER else len(_ORDER) + ("/" in stem), name)
