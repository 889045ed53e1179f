"""Where a symbolic link inside a repository leads, told from git objects alone.

Paths are walked as Linux does (`man 7 path_resolution`): part by part, every link on the way followed,
at most 40 of them. Nothing outside the repository exists here, so a link cannot read the machine's files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from skillcrawler.diagnostics import Rule
from skillcrawler.gitobjects import TreeEntry, decode_path
from skillcrawler.paths import MAX_PATH_BYTES
from skillcrawler.tree import RepositoryTree
from skilldata.models import DiagnosticLevel

MAX_HOPS = 40
MAX_TARGET_BYTES = MAX_PATH_BYTES

_POINT_INSIDE = "Let the link point at a file of the same repository by a relative path, or copy the file."


def _rule(name: str, meaning: str, remedy: str = _POINT_INSIDE) -> Rule:
    return Rule(f"link.{name}", DiagnosticLevel.WARNING, meaning, remedy)


ABSOLUTE = _rule("absolute", "The link has an absolute path; it is left out.")
OUTSIDE = _rule("outside", "The link leaves the repository; it is left out.")
BROKEN = _rule("broken", "The link leads to nothing; it is left out.")
LOOP = _rule("loop", "The link leads back to itself, or through more than 40 links; it is left out.")
IN_SUBMODULE = _rule("submodule", "The link leads into a submodule; it is left out.")

RULES: tuple[Rule, ...] = (ABSOLUTE, OUTSIDE, BROKEN, LOOP, IN_SUBMODULE)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A link that leads nowhere useful, by which rule."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class Unread:
    """A link that cannot be followed yet: the blob with this object id has to be fetched first."""

    oid: str


def resolve(tree: RepositoryTree, link: TreeEntry, texts: Mapping[str, bytes]) -> TreeEntry | Dropped | Unread:
    """Follow a link to the file or folder at its end.

    Args:
        tree: The tree the link is in.
        link: An entry of it that is a link.
        texts: What links say, by object id of their blobs; those that are absent are asked for.
    """
    here = link.folder
    ahead: list[str] = []  # parts still to walk, the next one last
    for _ in range(MAX_HOPS):
        target = _target(link, texts)
        if not isinstance(target, str):
            return target
        ahead += reversed(target.split("/"))
        end = _walk(tree, here, ahead)
        if isinstance(end, Dropped) or not end.is_link:
            return end
        link, here = end, end.folder
    return Dropped(LOOP)


def _target(link: TreeEntry, texts: Mapping[str, bytes]) -> str | Dropped | Unread:
    if link.size is not None and link.size > MAX_TARGET_BYTES:
        return Dropped(BROKEN)
    raw = texts.get(link.oid)
    if raw is None:
        return Unread(link.oid)
    if raw.startswith(b"/"):
        return Dropped(ABSOLUTE)
    if not raw or len(raw) > MAX_TARGET_BYTES or b"\0" in raw:
        return Dropped(BROKEN)
    return decode_path(raw)


def _walk(tree: RepositoryTree, here: str, ahead: list[str]) -> TreeEntry | Dropped:
    """Walk from the folder `here` to a file, to the next link, or to the end; uses up `ahead`."""
    while ahead:
        part = ahead.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            if not here:
                return Dropped(OUTSIDE)
            here = here.rpartition("/")[0]
            continue
        entry = tree.get(f"{here}/{part}" if here else part)
        if entry is None or (entry.is_file and ahead):
            return Dropped(BROKEN)
        if entry.is_submodule:
            return Dropped(IN_SUBMODULE)
        if not entry.is_folder:
            return entry
        here = entry.path
    return tree.get(here) or Dropped(BROKEN)
