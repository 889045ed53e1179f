"""Markdown from strangers: whatever they write, nothing of it runs, loads or leaves its place."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import comrak
import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillsite.markdown import ID_PREFIX, MAX_BYTES, render

SOURCE = "https://github.com/acme/tools/blob/abc/"
RAW = "https://github.com/acme/tools/raw/abc/"
SCHEMES = (
    "javascript:",
    "JaVaScRiPt:",
    "java\tscript:",
    "java&#10;script:",
    "&#x6A;avascript:",
    "vbscript:",
    "data:text/html,",
    "file:///",
)
PLACES = (
    "[x]({0}alert(1))",
    '[x]({0}alert(1) "title")',
    "![x]({0}alert(1))",
    "<{0}alert(1)>",
    "[x]: {0}alert(1)\n\n[x]",
    "[![x]({0}a)]({0}alert(1))",
)
RAW_HTML = (
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.invalid/x.js></sCrIpT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src='https://evil.invalid/p.gif'>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<iframe src=https://evil.invalid></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<link rel=stylesheet href=https://evil.invalid/x.css>",
    "<style>@import 'https://evil.invalid/x.css';</style>",
    "<base href=https://evil.invalid/>",
    "<meta http-equiv=refresh content='0;url=https://evil.invalid'>",
    "<form action=https://evil.invalid><input name=p><button>x</button></form>",
    "<body onload=alert(1)>",
    "<div style='background:url(https://evil.invalid)'>x</div>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='https://ok.invalid' onclick=alert(1)>x</a>",
    "<details open ontoggle=alert(1)>x</details>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><script>alert(1)</script>",
    "<x onclick=alert(1)>x</x>",
    "<input autofocus onfocus=alert(1)>",
    "<select onfocus=alert(1) autofocus>",
    "<textarea></textarea><script>alert(1)</script>",
    "<p id=search>clobbers</p>",
    "<img name=getElementById>",
    "<button form=f formaction=javascript:alert(1)>x</button>",
)
MARKDOWN = (
    "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "    <script>alert(1)</script>",
    "# <img src=x onerror=alert(1)>",
    "| <script>alert(1)</script> | b |\n|---|---|\n| <img src=x onerror=alert(1)> | c |",
    "> <script>alert(1)</script>",
    "- <svg onload=alert(1)>",
    "[<img src=x onerror=alert(1)>](https://ok.invalid)",
    '[x](https://ok.invalid "\\" onmouseover=alert(1) \\"")',
    '[x](https://ok.invalid/"onmouseover=alert(1))',
    '!["onerror="alert(1)](x.png)',
    "![x](https://evil.invalid/pixel.gif)",
    "![x][p]\n\n[p]: https://evil.invalid/p.gif",
    "https://evil.invalid/<script>alert(1)</script>",
    'www.evil.invalid/"><script>alert(1)</script>',
    'a@b.invalid"><script>',
    "[x](//evil.invalid/x)",
    "[x](\\\\evil.invalid\\x)",
    "[x](../../../../../../etc/passwd)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "~~<script>alert(1)</script>~~",
    "- [ ] <script>alert(1)</script>",
    "<javascript:alert(1)>",
)
VECTORS = [place.format(scheme) for place, scheme in product(PLACES, SCHEMES)] + [*RAW_HTML, *MARKDOWN]
ALLOWED_ATTRIBUTES = {"href", "title", "aria-label", "rel", "start", "id", "class", "tabindex"}
NEVER = {"script", "style", "img", "iframe", "object", "embed", "link", "meta", "base", "form", "svg", "math", "video"}


class Reader(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in NEVER:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            if name not in ALLOWED_ATTRIBUTES:
                self.faults.append(f"{tag}@{name}")
            if name == "id" and not str(value).startswith(ID_PREFIX):
                self.faults.append(f"id={value}")
            if name == "href":
                self.links.append(str(value))
                if not str(value).startswith("#") and urlsplit(str(value)).scheme not in {"http", "https", "mailto"}:
                    self.faults.append(f"href={value}")


OUR_TAGS = {"a", "blockquote", "br", "code", "del", "div", "em", "hr", "li", "mark", "ol", "p", "pre", "span", "strong"}
OUR_TAGS |= {"h2", "h3", "h4", "h5", "h6", "table", "tbody", "td", "th", "thead", "tr", "ul"}
# A sanitiser that shares no code with ours. What it would take away, we must not have written.
ORACLE = nh3.Cleaner(
    tags=OUR_TAGS,
    attributes={"a": {"href", "title", "aria-label", "rel"}, "ol": {"start"}, "pre": {"tabindex"}, "div": {"tabindex"}}
    | {f"h{level}": {"id"} for level in range(2, 7)},
    allowed_classes={
        "a": {"anchor", "image"},
        "span": {"image"},
        "div": {"scroll"},
        "p": {"notice"},
        "td": {"left", "center", "right"},
        "th": {"left", "center", "right"},
    },
    url_schemes={"http", "https", "mailto"},
    link_rel=None,
)


class Events(HTMLParser):
    """What a parser sees: tags with their attributes, and texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[Any] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, sorted(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(tag)

    def handle_data(self, data: str) -> None:
        if self.seen and isinstance(self.seen[-1], list):
            data = self.seen.pop()[0] + data
        self.seen.append([data])

    def handle_comment(self, data: str) -> None:
        self.seen.append(("comment", data))


def takes_nothing_away(html: str) -> bool:
    return Events(ORACLE.clean(html)).seen == Events(html).seen


def html_of(text: str, folder: str = "skills/a") -> str:
    return str(render(text, source_url=SOURCE, raw_url=RAW, folder=folder))


def test_there_are_enough_vectors() -> None:
    assert len(set(VECTORS)) >= 100


@pytest.mark.parametrize("vector", VECTORS)
def test_nothing_runs_and_nothing_is_loaded(vector: str) -> None:
    assert Reader(html_of(vector)).faults == []
    assert Reader(html_of(f"text\n\n{vector}\n\n{vector}")).faults == []
    assert takes_nothing_away(html_of(f"{vector}\n\n{vector}"))


@given(st.text(alphabet=st.sampled_from("<>[]()!\"'`#*_-|&;:=/\\ \n\tabscriptonhref{}"), max_size=200))
def test_no_mixture_of_markup_gets_through(text: str) -> None:
    assert Reader(html_of(text)).faults == []
    assert takes_nothing_away(html_of(text))


@pytest.mark.parametrize(
    "tag",
    [
        "<script>",
        "<img src=x>",
        '<a href="javascript:alert(1)">',
        '<a href="//evil.invalid">',
        '<a href="https://a.invalid" onclick="alert(1)">',
        '<p onclick="alert(1)">',
        '<h2 id="search">',
        "<P>",
        "</script>",
        "<!-- -->",
        "<p/onclick=alert(1)>",
    ],
)
def test_a_tag_that_is_not_ours_is_never_shown(monkeypatch: pytest.MonkeyPatch, tag: str) -> None:
    monkeypatch.setattr(comrak, "render_markdown", lambda *_, **__: f"<p>one</p>{tag}")
    assert "shown as written" in html_of("one")


def test_raw_html_is_shown_as_the_agent_reads_it() -> None:
    assert "&lt;task&gt;" in html_of("<task>do it</task>")


def test_relative_links_go_to_the_commit_and_never_above_the_repository() -> None:
    links = Reader(html_of("[a](b.md) [c](../x/y.md#z) [d](/top.md) [e](../../../../up.md)")).links
    assert links[:3] == [f"{SOURCE}skills/a/b.md", f"{SOURCE}skills/x/y.md#z", f"{SOURCE}top.md"]
    assert all(link.startswith(SOURCE) for link in links)


def test_an_image_becomes_a_link() -> None:
    html = html_of("![a *diagram*](flow.png)")
    assert f"{RAW}skills/a/flow.png" in html
    assert "<img" not in html


def test_headings_begin_below_the_page_and_can_be_linked_to() -> None:
    html = html_of("# One\n\n## Two words\n\n[jump](#two-words)")
    assert re.search(rf'<h2 id="{ID_PREFIX}one"', html)
    assert re.search(rf'<h3 id="{ID_PREFIX}two-words"', html)
    assert f"#{ID_PREFIX}two-words" in Reader(html).links


def test_hidden_characters_are_shown() -> None:
    html = html_of("a\u202eb\u200bc\U000e0041d")
    assert not {"\u202e", "\u200b", "\U000e0041"} & set(html)
    assert all(f"U+{code}" in html for code in ("202E", "200B", "E0041"))


def test_a_link_to_a_heading_that_is_not_there_is_no_link() -> None:
    assert Reader(html_of("[a](#nowhere)")).links == []


def test_an_image_inside_a_link_does_not_nest_links() -> None:
    html = html_of("[![badge](https://ok.invalid/b.svg)](https://ok.invalid)")
    assert Reader(html).links == ["https://ok.invalid"]
    assert "badge" in html


def test_headings_with_the_same_words_have_ids_of_their_own() -> None:
    html = html_of("# Same\n\n# Same\n\n# Same-1\n")
    found = re.findall(r' id="([^"]*)"', html)
    assert len(set(found)) == 3


def test_front_matter_is_left_out() -> None:
    assert "secret-key" not in html_of("---\nname: secret-key\n---\n\nbody")


def test_a_very_long_text_says_that_it_is_cut() -> None:
    html = html_of("word " * (MAX_BYTES // 2))
    assert "256 KiB" in html
    assert len(html) < 2 * MAX_BYTES


@pytest.mark.parametrize(
    "bomb",
    [
        "<div>" * 50_000,
        "> " * 20_000,
        ">" * 250_000,
        "- " * 20_000,
        "[" * 50_000,
        "*a " * 50_000,
        "a@b " * 30_000,
        "a@b.example " * 20_000,
        "# a\n" * 60_000,
        "|a" * 10_000 + "|\n" + "|-" * 10_000 + "|\n" + "|b" * 10_000 + "|\n",
    ],
    ids=lambda bomb: bomb[:8].strip(),
)
@pytest.mark.timeout(20)
def test_a_text_made_to_overload_the_renderer_does_not(bomb: str) -> None:
    assert Reader(html_of(bomb)).faults == []
