"""What goes into a skill's package: its files, with links replaced by what they point at.

Everything is told from the listing and from what links say. Which of those have to be fetched first is
part of the answer, so a caller asks, fetches and asks again until nothing is unread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from skillcrawler import links
from skillcrawler.archive import SourceFile, check_sizes
from skillcrawler.diagnostics import Rule
from skillcrawler.discover import SUBMODULE, SkillFolder, is_skill_folder
from skillcrawler.gitobjects import TreeEntry, verify_object
from skillcrawler.paths import LONG_PATH, MAX_PATH_BYTES, check_paths
from skillcrawler.reporting import about, capped
from skillcrawler.tree import RepositoryTree
from skilldata.config import PackageSettings
from skilldata.errors import IntegrityError
from skilldata.models import Diagnostic, DiagnosticLevel

VISITS_PER_FILE = 4

MANIFEST_LINK = Rule(
    "link.manifest",
    DiagnosticLevel.ERROR,
    "The manifest is a link that does not lead to a file of the repository.",
    "Replace the link by the file, or let it point at one by a relative path.",
)
RECURSIVE = Rule(
    "link.recursive",
    DiagnosticLevel.WARNING,
    "The link leads to a folder that holds the link itself; it is left out.",
    "Point the link at a folder beside it, or remove it.",
)
OTHER_SKILL = Rule(
    "link.other-skill",
    DiagnosticLevel.INFO,
    "The link leads to another skill, which is packaged on its own; it is left out.",
    "Name the other skill in the text; a copy of it inside this one would grow stale.",
)
TOO_MANY = Rule(
    "link.too-many",
    DiagnosticLevel.ERROR,
    "Links to folders lead to far more files than a package may hold.",
    "Link to single files, or to smaller folders.",
)

RULES: tuple[Rule, ...] = (*links.RULES, MANIFEST_LINK, RECURSIVE, OTHER_SKILL, TOO_MANY)


class Member(NamedTuple):
    """One file of a package to be: where it goes, and which blob it is."""

    path: str  # from the skill's folder
    mode: int
    oid: str
    size: int | None
    origin: str  # path in the repository; differs from the skill's own where a link was followed


@dataclass(frozen=True, slots=True)
class Members:
    """The files of one skill, as far as they can be told.

    `unread` are object ids of links to fetch before asking again; the rest is final when it is empty.
    """

    files: tuple[Member, ...]
    manifest: Member | None
    diagnostics: tuple[Diagnostic, ...]
    unread: frozenset[str]

    @property
    def refused(self) -> bool:
        """Whether no package can be made; `diagnostics` say why."""
        return any(diagnostic.level is DiagnosticLevel.ERROR for diagnostic in self.diagnostics)


def resolve_members(
    tree: RepositoryTree, skill: SkillFolder, texts: Mapping[str, bytes], limits: PackageSettings
) -> Members:
    """Tell which files a skill's package will hold.

    Links are replaced by the file or folder they lead to, under the link's own path. Paths are judged,
    and sizes where the listing has them, so that nothing is fetched for a skill that is refused anyway.

    Args:
        tree: The whole tree of the commit.
        skill: One of its skills; a root skill after `root.select_root`.
        texts: What links say, by object id.
        limits: The most a package may hold.
    """
    expansion = _Expansion(tree, skill, texts, VISITS_PER_FILE * limits.max_files)
    expansion.run()
    files = tuple(expansion.files)
    found = [
        *skill.diagnostics,
        *expansion.diagnostics,
        *check_paths(member.path for member in files),
        *check_sizes(((member.path, member.size) for member in files), limits),
    ]
    manifest = next((member for member in files if member.path == skill.manifest_file), None)
    return Members(files, manifest, tuple(capped(found)), frozenset(expansion.unread))


def needed_links(
    tree: RepositoryTree, skills: Iterable[SkillFolder], texts: Mapping[str, bytes], limits: PackageSettings
) -> frozenset[str]:
    """Return object ids of links that have to be fetched before all members of these skills are known."""
    with_links = (skill for skill in skills if skill.has_links)
    return frozenset().union(*(resolve_members(tree, skill, texts, limits).unread for skill in with_links))


def read_links(
    tree: RepositoryTree,
    skills: Collection[SkillFolder],
    fetch: Callable[[frozenset[str]], Mapping[str, bytes]],
    limits: PackageSettings,
) -> dict[str, bytes]:
    """Fetch what links say until every skill's members are known, in two rounds at most.

    The first round asks for the links that are seen in skills. Where those lead to further links, the
    second asks for all links of the tree, since a hostile chain could otherwise need a round for each.

    Args:
        tree: The whole tree of the commit.
        skills: Skills of the tree.
        fetch: Returns the bytes of blobs by object id; it may leave out what is larger than
            `links.MAX_TARGET_BYTES`, which then counts as a broken link.
        limits: The most a package may hold.

    Raises:
        IntegrityError: `fetch` gave other bytes than it was asked for.
    """
    texts: dict[str, bytes] = {}
    wanted = needed_links(tree, skills, texts, limits)
    while wanted:
        fetched = fetch(wanted)
        texts |= {oid: _verified(oid, fetched[oid]) if oid in fetched else b"" for oid in wanted}
        further = needed_links(tree, skills, texts, limits)
        wanted = frozenset(entry.oid for entry in tree.leaves if entry.is_link) - texts.keys() if further else further
    return texts


def source_files(members: Iterable[Member], blobs: Mapping[str, bytes]) -> list[SourceFile]:
    """Put fetched bytes to the files of a package, verified against the ids they were asked for by.

    Raises:
        IntegrityError: A blob is missing or has other bytes.
    """
    return [SourceFile(member.path, member.mode, _blob(member.oid, blobs)) for member in members]


def _blob(oid: str, blobs: Mapping[str, bytes]) -> bytes:
    if oid not in blobs:
        raise IntegrityError(f"blob {oid} was asked for and did not arrive", remedy="Fetch it again.")
    return _verified(oid, blobs[oid])


def _verified(oid: str, data: bytes) -> bytes:
    verify_object("blob", data, oid)
    return data


class _Visit(NamedTuple):
    """Something to look at: under which path it will be packaged, and through links in which folders."""

    shown: str
    entry: TreeEntry
    through: tuple[str, ...]


class _Expansion:
    """One walk over a skill's entries and all that its links lead to.

    Links to folders that hold links to folders multiply, so a skill may cause `budget` visits beyond its
    own entries. There is no recursion for the same reason.
    """

    def __init__(self, tree: RepositoryTree, skill: SkillFolder, texts: Mapping[str, bytes], budget: int) -> None:
        self.files: list[Member] = []
        self.diagnostics: list[Diagnostic] = []
        self.unread: set[str] = set()
        self._tree = tree
        self._skill = skill
        self._texts = texts
        self._budget = budget
        self._waiting: list[_Visit] = []

    def run(self) -> None:
        """Visit everything, or stop at the first sign that it never ends."""
        own = (_Visit(self._skill.relative(entry.path), entry, ()) for entry in self._skill.entries)
        self._waiting = list(own)
        self._waiting.reverse()
        while self._waiting and self._budget >= 0:
            self._visit(self._waiting.pop())
        if self._budget < 0:
            self.diagnostics.append(about(TOO_MANY, self._skill.manifest_file))

    def _visit(self, visit: _Visit) -> None:
        entry = visit.entry
        if entry.is_file:
            self.files.append(Member(visit.shown, entry.mode, entry.oid, entry.size, entry.path))
        elif len(visit.shown) > MAX_PATH_BYTES:  # also ends chains of links before they grow costly
            self._report(LONG_PATH, visit)
        elif entry.is_link:
            self._follow(visit)
        elif entry.is_submodule:
            self._report(SUBMODULE, visit)
        elif is_skill_folder(self._tree, entry.path):
            self._report(OTHER_SKILL, visit)
        else:
            self._enter(visit, entry.path)

    def _follow(self, visit: _Visit) -> None:
        end = links.resolve(self._tree, visit.entry, self._texts)
        if isinstance(end, links.Unread):
            self.unread.add(end.oid)
        elif visit.shown == self._skill.manifest_file and not _is_file(end):
            self._report(MANIFEST_LINK, visit)
        elif isinstance(end, links.Dropped):
            self._report(end.rule, visit)
        else:
            self._go(visit, end)

    def _go(self, visit: _Visit, end: TreeEntry) -> None:
        through = (*visit.through, visit.entry.folder)
        # Entering a folder above any link on the way here would come by that link again, for ever.
        if end.is_folder and any(_is_inside(folder, end.path) for folder in through):
            self._report(RECURSIVE, visit)
            return
        self._budget -= 1
        self._waiting.append(_Visit(visit.shown, end, through))

    def _enter(self, visit: _Visit, folder: str) -> None:
        children = self._tree.children(folder)
        self._budget -= len(children)
        if self._budget >= 0:
            self._waiting += (
                _Visit(f"{visit.shown}/{child.name}", child, visit.through) for child in reversed(children)
            )

    def _report(self, rule: Rule, visit: _Visit) -> None:
        self.diagnostics.append(about(rule, visit.shown))


def _is_file(end: TreeEntry | links.Dropped) -> bool:
    return isinstance(end, TreeEntry) and end.is_file


def _is_inside(folder: str, outer: str) -> bool:
    return not outer or folder == outer or folder.startswith(f"{outer}/")
