"""The cheapest sufficient way to get what a crawl needs, from what is known before each request.

Each way costs requests and bytes, and what is known grows with them:

    nothing   the head is the one that was crawled: the probe has said so
    trees     two requests; every skill folder's tree id then tells whether it changed
    blobs     two more; the blobs that are missing here, by their own ids
    folders   the same two; folders of which everything is missing, by the ids of their trees, which lets
              git leave out files that are too large

An archive of everything is not among them: docs/adr/0011-ways-to-fetch.md has the figures.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from enum import StrEnum
from typing import NamedTuple


class Way(StrEnum):
    """How something is got."""

    NOTHING = "nothing"
    TREES = "trees"
    BLOBS = "blobs"
    FOLDERS = "folders"


class Wanted(NamedTuple):
    """One skill's folder: its tree, where that may be asked for, and its files."""

    tree_oid: str | None
    blobs: Sequence[str]


class Order(NamedTuple):
    """What one request asks for."""

    blobs: tuple[str, ...]
    trees: tuple[str, ...]

    @property
    def way(self) -> Way:
        """What that amounts to."""
        if self.trees:
            return Way.FOLDERS
        return Way.BLOBS if self.blobs else Way.NOTHING


def first_way(head: str | None, crawled: str | None) -> Way:
    """Choose before anything is fetched, from the head as it is and as it was crawled."""
    return Way.NOTHING if head is None or head == crawled else Way.TREES


def order(single: Sequence[str], folders: Sequence[Wanted], have: Container[str]) -> Order:
    """Choose how to get blobs once the trees are known.

    A folder is asked for whole only where nothing of it is here: what is stored is never fetched again,
    and a tree would bring it.

    Args:
        single: Blobs that are wanted by themselves.
        folders: Folders of which all files are wanted.
        have: Blobs that are here or in the store.
    """
    blobs = dict.fromkeys(oid for oid in single if oid not in have)
    trees: dict[str, None] = {}
    for folder in folders:
        missing = [oid for oid in folder.blobs if oid not in have]
        if folder.tree_oid is not None and missing and len(missing) == len(folder.blobs):
            trees[folder.tree_oid] = None
        else:
            blobs.update(dict.fromkeys(missing))
    return Order(tuple(blobs), tuple(trees))
