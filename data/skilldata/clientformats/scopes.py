"""Which skills a client is shown.

A client downloads every skill of the index that it is pointed at, so there is an index for every owner,
repository, skill and version, each below a path of its own:

    (root)                        the few that are featured
    r/acme                        an owner's
    r/acme/tools                  a repository's
    r/acme/tools@csv-tools        one skill, its newest version whenever a client asks
    r/acme/tools@csv-tools/1.2.0  one version, and never another
"""

from __future__ import annotations

import re
from typing import NamedTuple, Self

from skilldata.jsonindex.records import is_addressable

MAX_LABEL = 100
_PATH = re.compile(r"r/([^/@]+)(?:/([^/@]+)(?:@([^/@]+)(?:/([^/@]+))?)?)?")
# Labels are SemVer without build metadata (see `labels`): nothing that a path could not have.
_LABEL = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z.-]*[0-9A-Za-z])?")


class Scope(NamedTuple):
    """A part of the registry; what is '' is not narrowed down. Owner and repository are in lower case."""

    owner: str = ""
    repository: str = ""
    slug: str = ""
    label: str = ""

    @classmethod
    def parse(cls, path: str) -> Self | None:
        """Read a scope's path, in any case; None where no scope can have it."""
        if not path:
            return cls()
        found = _PATH.fullmatch(path)
        if found is None:
            return None
        owner, repository, slug, label = (part or "" for part in found.groups())
        made = cls(owner.lower(), repository.lower(), slug, label)
        return made if made.is_valid else None

    @property
    def is_valid(self) -> bool:
        """Whether all parts can be what they are said to be."""
        if not is_addressable(self.owner, self.repository or "any", self.slug or "any"):
            return False
        return not self.label or (bool(self.slug) and is_label(self.label))

    @property
    def path(self) -> str:
        """Folder below the registry's root, without a last slash; '' for the root."""
        if not self.owner:
            return ""
        place = "/".join(part for part in ("r", self.owner, self.repository) if part)
        skill = f"{place}@{self.slug}" if self.slug else place
        return f"{skill}/{self.label}" if self.label else skill

    @property
    def folder(self) -> str:
        """The same with a last slash, to put before a file's path."""
        return f"{self.path}/" if self.path else ""

    @property
    def depth(self) -> int:
        """Folders between the registry's root and this one."""
        return self.folder.count("/")


def is_label(label: str) -> bool:
    """Whether a version's label can be part of a path."""
    return len(label) <= MAX_LABEL and bool(_LABEL.fullmatch(label)) and ".." not in label


def skill_scope(address: str, label: str = "") -> Scope:
    """Give the scope of a skill, or of one of its versions, by `owner/repository/slug`."""
    owner, repository, slug = address.split("/")
    return Scope(owner.lower(), repository.lower(), slug, label)
