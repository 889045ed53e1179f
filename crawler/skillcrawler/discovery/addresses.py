"""Names of GitHub repositories in texts that others wrote: addresses of any form, and links in prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# First parts of github.com paths that are pages of GitHub's own, as far as texts link to them.
PAGES = frozenset({
    "about", "apps", "collections", "customer-stories", "enterprise", "events", "explore", "features", "login",
    "marketplace", "notifications", "orgs", "readme", "resources", "search", "security", "settings", "site",
    "solutions", "sponsors", "stars", "topics", "trending", "user-attachments", "users",
})  # fmt: skip
ADDRESS_LENGTH = 500  # characters; nothing longer is an address

_OWNER = r"(?P<owner>[A-Za-z0-9][A-Za-z0-9_-]{0,38})"
_NAME = r"(?P<name>[A-Za-z0-9._-]{1,100})"
_LINK = re.compile(rf"(?<![A-Za-z0-9._-])(?:www\.)?github\.com[/:]{_OWNER}/{_NAME}", re.IGNORECASE)
_ADDRESS = re.compile(
    rf"(?:(?:https?|git|ssh|git\+https|git\+ssh)://(?:git@)?|git@)?(?:www\.)?github\.com[/:]{_OWNER}/{_NAME}"
    r"(?:[/?#].*)?",
    re.IGNORECASE,
)
_SHORT = re.compile(rf"(?:github:)?{_OWNER}/{_NAME}")


class RepositoryName(NamedTuple):
    """`owner/name` as it was written; GitHub looks both up without regard to case."""

    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


def read_address(text: str) -> RepositoryName | None:
    """Read `owner/name`, `github:owner/name`, or the address of a page or a git remote on github.com.

    Returns:
        None where it is something else, such as a repository of another host.
    """
    text = text.strip()
    if len(text) > ADDRESS_LENGTH:
        return None
    return _named(_ADDRESS.fullmatch(text) or _SHORT.fullmatch(text))


def find_links(text: str) -> Iterator[RepositoryName]:
    """Find the repositories that a text links to, in its order, each once."""
    seen = set()
    for match in _LINK.finditer(text):
        found = _named(match)
        key = str(found).lower()
        if found is not None and key not in seen:
            seen.add(key)
            yield found


def _named(match: re.Match[str] | None) -> RepositoryName | None:
    if match is None or match["owner"].lower() in PAGES:
        return None
    # A full stop after a link belongs to the sentence.
    name = match["name"].rstrip(".").removesuffix(".git")
    return RepositoryName(match["owner"], name) if name.strip(".") else None
