"""References in crawled repositories to other repositories: lock files and marketplaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from skillcrawler.discovery.addresses import RepositoryName
from skillcrawler.discovery.lockfiles import LOCK_FILE, read_lock_file
from skillcrawler.discovery.marketplace import read_marketplace
from skillcrawler.plugins.marketplace import MARKETPLACE_FILE

MAX_FILE_BYTES = 1024 * 1024


def read_references(path: str, content: bytes) -> Sequence[RepositoryName]:
    """Read which repositories a file of `REFERENCE_FILES` names; none where it is too large or says nothing."""
    return REFERENCE_FILES[path](content) if len(content) <= MAX_FILE_BYTES else ()


def _marketplace(content: bytes) -> Sequence[RepositoryName]:
    marketplace = read_marketplace(content)
    return marketplace.repositories if marketplace else ()


# Paths from the root of a repository.
REFERENCE_FILES: Mapping[str, Callable[[bytes], Sequence[RepositoryName]]] = {
    LOCK_FILE: read_lock_file,
    MARKETPLACE_FILE: _marketplace,
}
