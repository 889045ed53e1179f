"""How values are written on pages: dates, sizes, numbers, and texts with what is hidden in them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from markupsafe import Markup, escape

from skillsite.visible import show_hidden

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


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


@lru_cache(maxsize=4096)
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
