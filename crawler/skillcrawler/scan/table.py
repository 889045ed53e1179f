"""Tables of words, written as plain text so that a person can read and sort them."""

from __future__ import annotations


def words_of(text: str) -> tuple[str, ...]:
    """The words of `text`, in order."""
    return tuple(text.split())


def set_of(text: str) -> frozenset[str]:
    """The words of `text`, for look-ups."""
    return frozenset(text.split())
