"""The pictures that chats and social networks show beside a link (Open Graph, https://ogp.me).

One for the site, and one for each repository, which its skills share: a picture for each skill would take longer than
its page, and the title beside it names the skill anyway. Owner and repository are ASCII by GitHub's rules, so the font
that comes with Pillow has all their letters. Four shades, 600 by 315 pixels: some 2 KB.
"""

from __future__ import annotations

import io
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

CARD = "card.png"  # in the folder of a repository; the site's is at the root
WIDTH, HEIGHT = 600, 315

_SHADES = ((14, 17, 22), (62, 78, 104), (138, 180, 255), (232, 234, 238))
_PALETTE = [value for shade in _SHADES for value in shade]
_ACCENT, _BRIGHT = 2, 3
_TO_SHADES = [round(level / 85) for level in range(256)]


def draw_card(title: str, above: str, below: str) -> bytes:
    """Draw a card: PNG with a large title, a line above it and one below; all ASCII, cut where they are too long."""
    picture = _background(below).copy()
    pen = ImageDraw.Draw(picture)
    large = _fitting(title)
    pen.text((44, 64), _cut(above, 24, 520), font=_font(24), fill=_ACCENT * 85)
    pen.text((44, 112), _cut(title, large, 520), font=_font(large), fill=_BRIGHT * 85)
    shaded = picture.point(_TO_SHADES)
    shaded.putpalette(_PALETTE)
    data = io.BytesIO()
    shaded.save(data, "PNG", bits=2, compress_level=1)
    return data.getvalue()


@lru_cache(maxsize=4)
def _background(below: str) -> Image.Image:
    picture = Image.new("L", (WIDTH, HEIGHT), 0)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 11, HEIGHT), fill=_ACCENT * 85)
    pen.text((44, 250), _cut(below, 20, 520), font=_font(20), fill=_BRIGHT * 60)
    return picture


def _fitting(title: str) -> int:
    return next((size for size in (58, 48, 40, 32) if _font(size).getlength(title) <= 520), 26)


def _cut(text: str, size: int, width: int) -> str:
    font = _font(size)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):  # Pillow without FreeType: its wheels all have it
        raise TypeError("Pillow was built without FreeType")
    return font
