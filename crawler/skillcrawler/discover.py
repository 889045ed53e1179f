"""Where the skills of a repository are.

A skill is a folder with a file called SKILL.md. Finding them takes only the listing of a commit's tree;
what has to be fetched to read them (the manifests, and what links say) follows from the result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from skillcrawler.diagnostics import Rule
from skillcrawler.gitobjects import TreeEntry, encode_path
from skillcrawler.paths import check_folder
from skillcrawler.reporting import about, capped, printable
from skillcrawler.tree import RepositoryTree
from skilldata.models import Diagnostic, DiagnosticLevel

MANIFEST_FILE = "SKILL.md"

NOT_A_FILE = Rule(
    "skill.manifest-not-a-file",
    DiagnosticLevel.ERROR,
    "The manifest is a folder or a submodule.",
    "Make SKILL.md a file.",
)
SEVERAL_MANIFESTS = Rule(
    "skill.several-manifests",
    DiagnosticLevel.WARNING,
    "There are several files called SKILL.md, in different upper and lower case; this one is left out.",
    "Keep the one that is called exactly SKILL.md.",
)
NESTED = Rule(
    "skill.nested",
    DiagnosticLevel.INFO,
    "There are skills inside this one; they are packaged on their own.",
    "Move the inner skills beside this one if they do not belong inside.",
)
SUBMODULE = Rule(
    "skill.submodule",
    DiagnosticLevel.INFO,
    "This is a submodule; its files are not packaged.",
    "Copy the files into the skill if it needs them.",
)

RULES: tuple[Rule, ...] = (NOT_A_FILE, SEVERAL_MANIFESTS, NESTED, SUBMODULE)


@dataclass(frozen=True, slots=True)
class SkillFolder:
    """A skill as the tree shows it.

    `entries` are its files and links with their paths in the repository, without those of skills inside
    it. A skill at the repository's root has only its manifest there until `root.select_root` has chosen.
    """

    path: str  # '' is the root
    manifest: TreeEntry
    tree_oid: str | None
    entries: tuple[TreeEntry, ...]
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def manifest_file(self) -> str:
        """File name of the manifest as found."""
        return self.manifest.name

    @property
    def has_links(self) -> bool:
        """Whether any of its entries is a symbolic link."""
        return any(entry.is_link for entry in self.entries)

    def relative(self, path: str) -> str:
        """Return a path of the repository as seen from the skill's folder."""
        return path[len(self.path) + 1 :] if self.path else path


@dataclass(frozen=True, slots=True)
class Unusable:
    """A folder that would be a skill but cannot be read as one; `path` is made printable."""

    path: str
    manifest_file: str
    tree_oid: str | None
    diagnostic: Diagnostic


@dataclass(frozen=True, slots=True)
class Discovery:
    """Every SKILL.md of a tree: each is in a skill, in a skill's diagnostics, or unusable."""

    skills: tuple[SkillFolder, ...]
    unusable: tuple[Unusable, ...]

    @property
    def wanted(self) -> frozenset[str]:
        """Object ids to fetch first: the manifests, and what the links among all entries say."""
        manifests = {skill.manifest.oid for skill in self.skills}
        links = {entry.oid for skill in self.skills for entry in skill.entries if entry.is_link}
        return frozenset(manifests | links)


def find_skills(tree: RepositoryTree) -> Discovery:
    """Find every folder with a SKILL.md, whatever the case of its letters and wherever it lies.

    Files called exactly SKILL.md win over other spellings, and among those the first by its bytes.
    A skill inside another one keeps its files to itself.

    Returns:
        Skills and unusable folders, each sorted by the bytes of their paths.
    """
    skills: list[SkillFolder] = []
    unusable: list[Unusable] = []
    taken: set[str] = set()  # folders of skills, also of unusable ones: their files are nobody else's
    for folder, candidates in sorted(_manifests(tree).items(), key=lambda item: encode_path(item[0])):
        found = _judge(tree, folder, candidates)
        if isinstance(found, SkillFolder):
            skills.append(found)
            taken.add(folder)
        else:
            unusable.append(found)
            if found.diagnostic.rule != NOT_A_FILE.id:
                taken.add(folder)
    return Discovery(tuple(_with_entries(tree, skills, taken)), tuple(unusable))


def is_manifest_name(name: str) -> bool:
    """Whether a file of this name makes its folder a skill."""
    return len(name) == len(MANIFEST_FILE) and name.isascii() and name.lower() == "skill.md"


def is_skill_folder(tree: RepositoryTree, folder: str) -> bool:
    """Whether a folder has a manifest that is a file or a link."""
    return folder in tree.holding(_may_be_manifest)


def files_below(tree: RepositoryTree, folder: str) -> Iterator[TreeEntry]:
    """Yield the files, links and submodules anywhere below a folder, leaving out skills inside it."""
    waiting = [folder]
    while waiting:
        for entry in tree.children(waiting.pop()):
            if not entry.is_folder:
                yield entry
            elif not is_skill_folder(tree, entry.path):
                waiting.append(entry.path)


def _may_be_manifest(entry: TreeEntry) -> bool:
    return (entry.is_file or entry.is_link) and is_manifest_name(entry.name)


def _manifests(tree: RepositoryTree) -> dict[str, list[TreeEntry]]:
    """Group everything that is called SKILL.md by its folder."""
    found: dict[str, list[TreeEntry]] = {}
    for entry in tree:
        if is_manifest_name(entry.name):
            found.setdefault(entry.folder, []).append(entry)
    return found


def _judge(tree: RepositoryTree, folder: str, candidates: list[TreeEntry]) -> SkillFolder | Unusable:
    candidates.sort(key=lambda entry: (not _may_be_manifest(entry), entry.name != MANIFEST_FILE, entry.name))
    chosen, *others = candidates
    oid = tree.folder_oid(folder)
    bad_path = check_folder(folder)
    if bad_path is not None:
        diagnostic = bad_path.model_copy(update={"file": printable(chosen.name)})
        return Unusable(printable(folder), chosen.name, oid, diagnostic)
    if not _may_be_manifest(chosen):
        diagnostic = about(NOT_A_FILE, chosen.name)
        return Unusable(folder, chosen.name, oid, diagnostic)
    diagnostics = tuple(about(SEVERAL_MANIFESTS, other.name) for other in others if other.name != chosen.name)
    return SkillFolder(folder, chosen, oid, (chosen,), diagnostics)


def _with_entries(tree: RepositoryTree, skills: Iterable[SkillFolder], taken: set[str]) -> Iterator[SkillFolder]:
    """Give each leaf of the tree to the nearest skill above it."""
    owners = _Owners(taken)
    entries: dict[str, list[TreeEntry]] = {}
    for entry in tree.leaves:
        owner = owners.of(entry.folder)
        if owner:  # a skill at the root does not own the rest of the repository
            entries.setdefault(owner, []).append(entry)
    nested = Counter(owners.of(path.rpartition("/")[0]) for path in taken if path)
    for skill in skills:
        own = [skill.manifest] if not skill.path else entries[skill.path]
        yield _complete(skill, own, nested[skill.path] if skill.path else 0)


def _complete(skill: SkillFolder, own: list[TreeEntry], nested: int) -> SkillFolder:
    diagnostics = list(skill.diagnostics)
    if nested:
        diagnostics.append(about(NESTED, skill.manifest_file, f"{nested} of them"))
    submodules = [entry for entry in own if entry.is_submodule]
    diagnostics += (about(SUBMODULE, skill.relative(entry.path)) for entry in submodules)
    left_out = {entry.path for entry in submodules}
    if skill.diagnostics:
        left_out |= {entry.path for entry in own if _is_shadowed(skill, entry)}
    entries = tuple(entry for entry in own if entry.path not in left_out)
    return replace(skill, entries=entries, diagnostics=tuple(capped(diagnostics)))


def _is_shadowed(skill: SkillFolder, entry: TreeEntry) -> bool:
    """Whether it is another spelling of the manifest beside it."""
    return is_manifest_name(entry.name) and entry.name != skill.manifest_file and entry.folder == skill.path


class _Owners:
    """The nearest folder above any path that is in a given set; None where there is none."""

    def __init__(self, folders: set[str]) -> None:
        self._known: dict[str, str | None] = {"": "" if "" in folders else None}
        self._known.update((folder, folder) for folder in folders)

    def of(self, folder: str) -> str | None:
        passed: list[str] = []
        while folder not in self._known:  # no recursion: a hostile tree may be thousands deep
            passed.append(folder)
            folder = folder.rpartition("/")[0]
        owner = self._known[folder]
        self._known.update(dict.fromkeys(passed, owner))
        return owner
