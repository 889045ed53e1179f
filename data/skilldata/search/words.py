"""How text becomes words, the same way for skills and for queries.

`csv-tools`, `csv tools`, `csvTools` and `CSV_Tools` must all find one another, and text in scripts
without spaces between words (Chinese, Japanese, Thai …) must be found at all.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator

# Scripts in which a word's limits are not written, or (Korean) endings stick to the word.
_UNSPACED = re.compile(
    "["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3040-\u30ff\u31f0-\u31ff"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"  # Hangul
    "\U00020000-\U0003ffff"  # Han, further planes
    "]+"
)
# The bytes that those characters begin with in UTF-8. Emoji and variation selectors share two of them.
_UNSPACED_BYTES = b"\xe0\xe1\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xed\xef\xf0"
_OTHER_BYTES = bytes(set(range(256)) - set(_UNSPACED_BYTES))
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W_]+")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.*)")
_MARKS = ("#", "`", "~")
_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n.*?^(?:---|\.\.\.)[ \t]*\r?$", re.DOTALL | re.MULTILINE)


def clean(text: str) -> str:
    """Bring text into one form: NFKC (full-width letters become ordinary ones), no lone surrogates."""
    return unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode())


def split_scripts(text: str) -> tuple[str, list[str]]:
    """Part text into what has words, and the runs of scripts that have none."""
    if not _may_have_unspaced(text):
        return text, []
    return _UNSPACED.sub(" ", text), _UNSPACED.findall(text)


def words(text: str) -> list[str]:
    """List the words of a text as written: `csv-tools v2` has three."""
    return _WORD.findall(text)


def camel_parts(word: str) -> list[str]:
    """Part a word where capitals begin: `csvTools` and `CSVTools` have two parts."""
    return _CAMEL.split(word)


def joined(text: str) -> str:
    """Write a name without separators, case and accents: the same for all ways to write it."""
    plain = unicodedata.normalize("NFKD", clean(text)).casefold()
    return "".join(character for character in plain if character.isalnum())


def name_words(name: str) -> str:
    """Write a name in all the ways it may be asked for.

    Returns:
        Its words, the parts of words with capitals inside, and each two neighbours in one.
    """
    plain = words(name)
    parts = [part for word in plain for part in camel_parts(word)]
    pairs = [left + right for left, right in itertools.pairwise(parts)]
    return " ".join([*plain, *(part for part in parts if part not in plain), *pairs])


def split_manifest(text: str) -> str:
    """Give a SKILL.md without its front matter."""
    return _FRONT_MATTER.sub("", text, count=1)


def headings(markdown: str) -> Iterator[str]:
    """Yield the text of the `#` headings of a Markdown document, those in fenced code left out."""
    fence = ""
    for line in markdown.splitlines():
        if line.lstrip(" ")[:1] not in _MARKS:  # nearly every line
            continue
        if found := _FENCE.match(line):
            mark = found[1]
            if not fence:
                fence = mark
            elif mark.startswith(fence):
                fence = ""
        elif not fence and (heading := _HEADING.match(line)):
            yield heading[1].rstrip("# \t")


def _may_have_unspaced(text: str) -> bool:
    """Rule out quickly what most texts do not have: bytes are looked through thirty times as fast as characters."""
    if text.isascii():
        return False
    data = text.encode().replace(b"\xf0\x9f", b"").replace(b"\xef\xb8", b"")
    return bool(data.translate(None, _OTHER_BYTES))
