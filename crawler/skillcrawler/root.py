"""Which files belong to a skill whose SKILL.md lies at the root of a repository.

Anywhere else the folder is the skill. At the root it would be the whole repository, with its tests,
workflows and whatever else lives there. So a root skill has what its SKILL.md tells a reader to open, and
what the specification reserves for it; docs/adr/0005-root-skills.md says why.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from urllib.parse import unquote

from skillcrawler.diagnostics import Rule
from skillcrawler.discover import SkillFolder, files_below, is_manifest_name, is_skill_folder
from skillcrawler.gitobjects import TreeEntry, encode_path
from skillcrawler.reporting import about
from skillcrawler.tree import RepositoryTree
from skilldata.models import DiagnosticLevel

SPECIFIED_FOLDERS = ("assets", "references", "scripts")
MAX_NAMED_FOLDER_FILES = 50

SELECTION = Rule(
    "skill.root-selection",
    DiagnosticLevel.INFO,
    "The skill lies at the repository's root and takes only the files that belong to it.",
    "To add a file, name it in SKILL.md or put it into scripts/, references/ or assets/.",
)

RULES: tuple[Rule, ...] = (SELECTION,)

_LICENCE = re.compile(r"(?:licen[cs]e|copying|notice)(?:[.-][\w.-]{1,40})?", re.IGNORECASE | re.ASCII)
_MARKDOWN_LINK = re.compile(r"\]\([ \t]{0,8}<?([^()<>\n]{1,1024})")
_INLINE_CODE = re.compile(r"`([^`\n]{1,1024})`")
_WORD = re.compile(r"[^\s`'\"()\[\]<>{}|,;*=]{1,1024}")


def select_root(tree: RepositoryTree, skill: SkillFolder, text: str) -> SkillFolder:
    """Choose the entries of a root skill.

    They are SKILL.md itself; licence and notice files beside it; everything in scripts/, references/ and
    assets/; and the files that the text names by a path that exists. A folder that is named with a slash
    at the end, or linked to, is taken where it holds at most 50 files: more is a code base. What lies in
    other skills' folders stays theirs.

    Args:
        tree: The whole tree of the commit.
        skill: The skill that `find_skills` found at the path ''.
        text: Its SKILL.md, decoded.
    """
    chosen = {skill.manifest.path: skill.manifest}
    chosen.update((entry.path, entry) for entry in tree.children("") if _is_licence(entry))
    for folder in SPECIFIED_FOLDERS:
        chosen.update((entry.path, entry) for entry in _folder(tree, folder))
    for path in _named_paths(text):
        chosen.update((entry.path, entry) for entry in _named(tree, path))
    entries = tuple(chosen[path] for path in sorted(chosen, key=encode_path) if not chosen[path].is_submodule)
    note = about(SELECTION, skill.manifest_file, f"{len(entries)} of {len(tree)} files")
    return replace(skill, entries=entries, diagnostics=(*skill.diagnostics, note))


def _is_licence(entry: TreeEntry) -> bool:
    return not entry.is_folder and _LICENCE.fullmatch(entry.name) is not None


def _folder(tree: RepositoryTree, folder: str) -> Iterator[TreeEntry]:
    """Yield what is in a folder of the root, or the link that stands for it."""
    entry = tree.get(folder)
    if entry is not None and entry.is_link:
        yield entry
    elif not _is_in_skill(tree, folder):
        yield from files_below(tree, folder)


def _named(tree: RepositoryTree, path: str) -> list[TreeEntry]:
    bare = path.rstrip("/")
    entry = tree.get(bare)
    if entry is None or entry.is_submodule or is_manifest_name(bare) or _is_in_skill(tree, bare):
        return []
    if not entry.is_folder:
        return [entry]
    if not path.endswith("/"):
        return []
    below = list(islice(files_below(tree, bare), MAX_NAMED_FOLDER_FILES + 1))
    return below if len(below) <= MAX_NAMED_FOLDER_FILES else []


def _is_in_skill(tree: RepositoryTree, path: str) -> bool:
    while path:
        if is_skill_folder(tree, path):
            return True
        path = path.rpartition("/")[0]
    return False


def _named_paths(text: str) -> frozenset[str]:
    """Return everything in a text that may be a path, from the root, folders with a slash at the end."""
    named: set[str] = set()
    for target in _MARKDOWN_LINK.findall(text):
        bare = unquote(re.split(r"[#?]| [\"']", target, maxsplit=1)[0].strip())
        named |= {bare, f"{bare}/"}
    named.update(code.strip() for code in _INLINE_CODE.findall(text))
    for word in _WORD.findall(text):
        bare = word.rstrip(".:!?").partition("#")[0]
        named.add(bare)
        if bare.startswith("$"):  # $SKILL_DIR/scripts/run.py
            named.add(bare.partition("/")[2])
    return frozenset(filter(None, map(_normal, named)))


def _normal(path: str) -> str:
    """Return a path without detours; '' where it is the root, leaves it or is an address."""
    if "://" in path or "\0" in path:
        return ""
    # A leading slash is what remains of a placeholder: `{baseDir}/scripts/run.py`.
    normal = posixpath.normpath(path.replace("\\", "/").lstrip("/") or ".")
    if normal == ".." or normal.startswith("../") or normal == ".":
        return ""
    return f"{normal}/" if path.endswith("/") else normal
