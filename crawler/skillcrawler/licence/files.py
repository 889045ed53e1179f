"""Which files of a repository are licences, and which of them speak about a skill."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from importlib.metadata import version
from typing import NamedTuple

from skillcrawler.gitobjects import TreeEntry, encode_path
from skillcrawler.tree import RepositoryTree

MAX_FILES = 16  # licence files of one folder that are looked at
DETECTORS = ("licenseclassifier", "licenselynx", "license-expression")

_FAMILY = (
    r"(?:0bsd|agpl|apache|artistic|blueoak|bsd|bsl|busl|cc|cecill|ecl|epl|eupl|gpl|isc|lgpl|mit|mpl|ms|ncsa|ofl|osl"
    r"|polyform|postgresql|psf|sspl|unlicense|upl|w3c|wtfpl|zlib)[\w.+-]{0,40}"
)
# As GitHub and pkg.go.dev find them: LICENSE, licence.md, COPYING.LESSER, LICENSE-MIT, MIT-LICENSE.txt. Lists of
# third parties' licences and NOTICE files are about other works.
_NAME = re.compile(
    rf"(?:{_FAMILY}[-_])?(?:(?:un)?licen[cs]e|copying)"
    rf"(?:[-_.](?:{_FAMILY}|code|docs|lesser|\d[\d.]{{0,8}}))?(?:\.(?:adoc|markdown|md|rst|txt))?",
    re.IGNORECASE | re.ASCII,
)


class LicenceFile(NamedTuple):
    """A licence file: its path from the repository's root, and its bytes, None where there are too many."""

    path: str
    data: bytes | None

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """Folder that holds it; '' is the root."""
        return self.path.rpartition("/")[0]


def is_licence_name(name: str) -> bool:
    """Whether a file of this name holds a licence for what is beside and below it."""
    return _NAME.fullmatch(name) is not None


def licence_files(tree: RepositoryTree, folder: str) -> list[TreeEntry]:
    """List the files that may say which licence a skill is under, nearest first.

    They are those of the nearest folder that has any, from the skill's own up, and those of the root. A
    link counts as what it leads to, so its blob says nothing until it is followed.

    Args:
        tree: The whole tree of the commit.
        folder: The skill's folder; '' is the root.

    Returns:
        Files and links, at most 16 of a folder, sorted by name within one.
    """
    nearest = next((found for place in _upwards(folder) if (found := _of_folder(tree, place))), [])
    return nearest if nearest and not nearest[0].folder else nearest + _of_folder(tree, "")


def licence_basis(
    tree: RepositoryTree, folders: Iterable[str], github: str | None, *, redistributable: Collection[str]
) -> str:
    """Digest everything that skills' licences are judged from and that is not in their own folders.

    While it stays the same, a skill whose folder did not change keeps its judgement. It covers licence
    files above the skills, GitHub's opinion, the policy, and the detectors' versions.
    """
    lines = {f"detector {name} {version(name)}".encode() for name in DETECTORS}
    lines |= {f"policy {spdx}".encode("utf-8", "replace") for spdx in redistributable}
    lines.add(f"github {github or ''}".encode("utf-8", "replace"))
    for folder in folders:
        outside = (entry for entry in licence_files(tree, folder) if entry.folder != folder or not folder)
        lines.update(b"file %s %s" % (entry.oid.encode(), encode_path(entry.path)) for entry in outside)
    return hashlib.sha256(b"\n".join(sorted(lines))).hexdigest()


def _upwards(folder: str) -> Iterable[str]:
    yield folder
    while folder:
        folder = folder.rpartition("/")[0]
        yield folder


def _of_folder(tree: RepositoryTree, folder: str) -> list[TreeEntry]:
    found = tree.holding(_may_be_licence).get(folder, ())
    return sorted(found, key=lambda entry: encode_path(entry.path))[:MAX_FILES]


def _may_be_licence(entry: TreeEntry) -> bool:
    return (entry.is_file or entry.is_link) and is_licence_name(entry.name)
