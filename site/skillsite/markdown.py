"""The body of a SKILL.md as HTML that is safe to show.

Two walls, each of which would do: comrak in safe mode shows raw HTML as text and empties dangerous addresses,
and one pass over its output turns images into links and gives headings ids of our own; then every `<` of the
result must begin one of the few tags that are written here, attribute for attribute. A text that has another one
is shown as written. Nothing remote is ever loaded by the result. Why no sanitiser runs behind it: ADR 0029.

The dialect is GitHub Flavored Markdown (tables, autolinks, strikethrough, task lists).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from html import escape, unescape
from urllib.parse import quote, unquote, urlsplit

import comrak
from markupsafe import Markup

from skillsite.visible import show_hidden

Html = Markup

MAX_BYTES = 256 * 1024
ID_PREFIX = "md-"  # keeps ids of a document apart from those of the page around it
REL = "nofollow ugc noopener noreferrer"

# Above these, renderers need minutes: browsers with depth, comrak's autolinks with the number of '@'.
_MAX_DEPTH = 100
_MAX_ADDRESSES = 2000
_MAX_OUTPUT = 8 * MAX_BYTES  # markup that swells more than that was written to swell

_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\r?\n(?:.*?\r?\n)?(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_NESTING = re.compile(r"<(/?)(?:blockquote|ul|ol|li|em|strong|del)\b")
_OPENINGS = ("<blockquote>", "<ul>", "<ol", "<li>", "<em>", "<strong>", "<del>")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_HIDDEN_MARK = re.compile(r"<[^>]*>|(⟦U\+[0-9A-F]{4,6}⟧)")
# What comrak writes and we write differently. Text has no bare '<' in safe mode, so these are its own tags.
_HEADING = r"h(?P<level>[1-6])>(?P<heading>.*?)</h(?P=level)>"
_LINK = r'a href="(?P<href>[^"]*)"'
_OTHERS = (
    r'code(?P<code> class="[^"]*")>|(?P<line>[bh]r) />|(?P<cell>t[hd]) align="(?P<align>left|center|right)">'
    r'|input type="checkbox"(?P<checked> checked="")?[^>]*/> ?'
)
_IMAGE = r'img src="(?P<source>[^"]*)" alt="(?P<alt>[^"]*)"[^>]*/>'
_REWRITTEN = re.compile(f"<(?:{_HEADING}|{_LINK}|{_OTHERS})", re.DOTALL)
_WITH_IMAGES = re.compile(f"<(?:{_HEADING}|{_LINK}|{_IMAGE}|(?P<closed>/a)>|{_OTHERS})", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_FRAGMENT = re.compile(r'<a href="#([^"]*)"')
# Every '<' of what is shown begins one of these, or the text is not laid out. Addresses have one of the schemes, or
# lead to a heading or a page here.
_ADDRESS = r'(?:(?i:https?|mailto):|\#|/(?!/))[^"<>\s]*'
_FOREIGN = re.compile(
    rf'''<(?!
        /?(?:p|code|strong|li|em|ul|ol|pre|t[dhr]|a|span|del|blockquote|table|thead|tbody|mark|h[2-6])>|[bh]r>
        |a(?:\ href="{_ADDRESS}"(?:\ rel="{REL}")?)?(?:\ title="[^"<>]*")?>
        |a\ class="anchor"\ href="\#[^"<>\s]*"\ aria-label="[^"<>]*">
        |a\ class="image"\ href="{_ADDRESS}"\ rel="{REL}">
        |h[2-6]\ id="{ID_PREFIX}[^"<>\s]*">|ol\ start="[0-9]+">|span\ class="image">
        |t[hd]\ class="(?:left|center|right)">
    )'''.replace(REL, REL.replace(" ", r"\ ")),
    re.VERBOSE,
)
_NOT_IN_SLUG = re.compile(r"[^\w\- ]+")


def render(text: str, *, source_url: str, raw_url: str, folder: str = "", internal: bool = False) -> Html:
    """Render the body of a SKILL.md.

    Args:
        text: The whole file; front matter is left out.
        source_url: Address that shows a file of the repository at the commit, up to and with the slash
            before the file's path, such as `https://github.com/o/r/blob/<commit>/`. Relative links go there.
        raw_url: The same for a file's bytes; images are linked there.
        folder: The skill's folder in the repository; relative links start from it.
        internal: Whether `source_url` is of this site: a fragment behind a file's path then leads to a heading there.

    Returns:
        Well-formed HTML. Headings start at h2 and have ids that start with `ID_PREFIX`; a link to a heading
        that is not there has no href. A text above `MAX_BYTES`, or one made to overload renderers, says so at its top.
    """
    body, cut = _cut(split_front_matter(text)[1])
    body = show_hidden(body)
    if "\r" in body:
        body = body.replace("\r\n", "\n").replace("\r", "\n")
    html = comrak.render_markdown(
        body, extension_options=_extensions(body, source_url, folder, internal), render_options=_render_options()
    )
    if _too_deep(html) or len(html := _Rewriter(raw_url, folder).rewrite(html)) > _MAX_OUTPUT:
        return _as_written(body)
    if "⟦U+" in html:
        html = _HIDDEN_MARK.sub(lambda match: f"<mark>{match[1]}</mark>" if match[1] else match[0], html)
    if _FOREIGN.search(html):
        return _as_written(body)
    # Wide tables and code scroll inside their box; the box takes the keyboard's focus, so that keys scroll it.
    html = html.replace("<table>", '<div class="scroll" tabindex="0"><table>').replace("</table>", "</table></div>")
    html = html.replace("<pre>", '<pre tabindex="0">')
    return (_NOTICE_CUT if cut else Markup("")) + Markup(html)  # noqa: S704  no tag but those of `_FOREIGN`


def split_front_matter(text: str) -> tuple[str, str]:
    """Split a SKILL.md into its front matter, with the lines that enclose it ('' where it has none), and its body."""
    found = _FRONT_MATTER.match(text)
    return (found[0], text[found.end() :]) if found else ("", text)


_NOTICE_CUT = Markup(
    '<p class="notice">This text is longer than 256 KiB. Only its start is shown; the source has all of it.</p>\n'
)
_NOTICE_PLAIN = Markup(
    '<p class="notice">This text is nested too deeply, or has too much markup, to be laid out. '
    "It is shown as written.</p>\n"
)


def _as_written(body: str) -> Html:
    return _NOTICE_PLAIN + Markup('<pre tabindex="0">{}</pre>').format(body)


@cache
def _render_options() -> comrak.RenderOptions:
    options = comrak.RenderOptions()
    options.escape = True
    options.unsafe_ = False
    return options


def _extensions(body: str, source_url: str, folder: str, internal: bool) -> comrak.ExtensionOptions:
    options = comrak.ExtensionOptions()
    options.table = options.strikethrough = options.tasklist = True
    options.autolink = body.count("@") <= _MAX_ADDRESSES
    options.link_url_rewriter = _relative_to(source_url, folder, internal)
    return options


def _relative_to(base: str, folder: str, internal: bool) -> Callable[[str], str]:
    if not internal:
        return lambda url: resolve(url, base, folder)
    return lambda url: resolve(url.replace(".md#", f".md#{ID_PREFIX}"), base, folder)


def resolve(url: str, base: str, folder: str) -> str:
    """Make an address from a document absolute; '' for one with a scheme that is not let through.

    A relative one stays below `base`, however many `..` it has. A bare fragment points into the document.
    """
    url = _CONTROLS.sub("", url).strip()
    if url.startswith("#"):
        return "#" + ID_PREFIX + unquote(url[1:]).lower()
    if url.startswith("//"):
        return "https:" + url
    if match := _SCHEME.match(url):
        return url if match[1].lower() in {"http", "https", "mailto"} else ""
    path, hash_sign, fragment = url.partition("#")
    path = unquote(path.partition("?")[0])
    steps = [] if path.startswith("/") else [part for part in folder.split("/") if part]
    for step in path.split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in {"", "."}:
            steps.append(step)
    return base + quote("/".join(steps)) + hash_sign + quote(fragment, safe="%-_.~:")


def _cut(text: str) -> tuple[str, bool]:
    if len(text) * 4 <= MAX_BYTES:
        return text, False
    data = text.encode(errors="replace")
    if len(data) <= MAX_BYTES:
        return text, False
    head = data[:MAX_BYTES].decode(errors="ignore")
    return head[: head.rfind("\n") + 1] or head, True


def _too_deep(html: str) -> bool:
    if sum(map(html.count, _OPENINGS)) <= _MAX_DEPTH:
        return False
    depth = 0
    for match in _NESTING.finditer(html):
        depth += -1 if match[1] else 1
        if depth > _MAX_DEPTH:
            return True
    return False


@dataclass
class _Rewriter:
    """One pass over comrak's HTML: headings, images, links, check boxes, cell alignment."""

    raw_url: str
    folder: str
    pattern: re.Pattern[str] = _REWRITTEN
    inside_link: bool = False
    ids: dict[str, int] = field(default_factory=dict)  # id -> how often its text came

    def rewrite(self, html: str) -> str:
        self.pattern = _WITH_IMAGES if "<img " in html else _REWRITTEN
        html = self.pattern.sub(self._replace, html)
        if '<a href="#' not in html:
            return html
        return _FRAGMENT.sub(lambda match: match[0] if unquote(unescape(match[1])) in self.ids else "<a", html)

    def _replace(self, match: re.Match[str]) -> str:
        kind = match.lastgroup
        if kind == "heading":
            return self._heading(int(match["level"]), match["heading"])
        if kind == "alt":
            return self._image(unescape(match["source"]), match["alt"])
        if kind == "align":
            return f'<{match["cell"]} class="{match["align"]}">'
        self.inside_link = kind == "href" or (self.inside_link and kind != "closed")
        if kind == "href":
            return _link(match["href"])
        # The language of code is left out: nothing here uses it.
        return {"code": "<code>", "closed": "</a>", "line": f"<{match['line']}>", "checked": "☑ "}.get(kind or "", "☐ ")

    def _heading(self, level: int, content: str) -> str:
        level = min(level + 1, 6)
        inner, plain = content, content
        if "<" in content:
            inner = self.pattern.sub(self._replace, content)
            plain = _TAG.sub("", inner)
        plain = unescape(plain)
        identifier = self._unique(ID_PREFIX + _NOT_IN_SLUG.sub("", plain.lower()).strip().replace(" ", "-"))
        label = escape(f"Link to “{plain}”" if plain.strip() else "Link to this heading")
        anchor = f'<a class="anchor" href="#{escape(quote(identifier))}" aria-label="{label}"></a>'
        return f'<h{level} id="{escape(identifier)}">{inner}{anchor}</h{level}>'

    def _unique(self, identifier: str) -> str:
        while identifier in self.ids:
            self.ids[identifier] += 1
            identifier = f"{identifier}-{self.ids[identifier] - 1}"
        self.ids[identifier] = 1
        return identifier

    def _image(self, source: str, alt: str) -> str:
        name = alt or escape(posixpath.basename(unquote(urlsplit(source).path))) or "image"
        url = "" if self.inside_link else resolve(source, self.raw_url, self.folder)
        if not url or url.startswith("#"):
            return f'<span class="image">{name}</span>'
        return f'<a class="image" href="{escape(url)}" rel="{REL}">{name}</a>'


def _link(href: str) -> str:
    if not href:
        return "<a"
    return f'<a href="{href}"' if href.startswith("#") else f'<a href="{href}" rel="{REL}"'
