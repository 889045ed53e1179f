"""Long runs of certain characters, found without a pattern: one translation of bytes and a search for one string."""

from __future__ import annotations

from collections.abc import Iterator


class Runs:
    """Runs of at least so many of certain characters.

    Args:
        characters: ASCII.
        length: Of the shortest run.
    """

    def __init__(self, characters: str, length: int) -> None:
        self._run = b"x" * length
        self._marked = bytes(0x78 if chr(code) in characters else 0x20 for code in range(256))

    def within(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield where each run starts and ends; `data` is a text with one byte a character."""
        marked = data.translate(self._marked)
        at = marked.find(self._run)
        while at >= 0:
            end = marked.find(b" ", at)
            end = len(marked) if end < 0 else end
            yield at, end
            at = marked.find(self._run, end)


def one_byte_each(text: str) -> bytes:
    """A text as ASCII of the same length, with question marks for what is none."""
    return text.encode("ascii", "replace")
