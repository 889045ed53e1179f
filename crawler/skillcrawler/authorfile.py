"""What authors ask for in a file of their own: `.skillregistry.yaml` at the root of a repository.

    exclude: [examples, "**/drafts/*"]   # folders of skills that are not to be listed
    include: [skills]                    # only these are; what is excluded is not, included or not
    categories: [documents]
    maintainers: [octocat]

A pattern is matched against a skill's folder and every folder above it, from the root: `*` and `?` stand for
anything within one name, `**` for any number of folders. `exclude: "**"` takes the whole repository.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import yaml

from skillcrawler.diagnostics import Findings, Rule
from skillcrawler.discover import Discovery, SkillFolder, Unusable
from skillcrawler.gitobjects import TreeEntry
from skillcrawler.reporting import about
from skillcrawler.tree import RepositoryTree
from skillcrawler.yamlevents import Value, quoted, scan
from skilldata.models import Diagnostic, DiagnosticLevel, Level, ReadSkill

AUTHOR_FILE = ".skillregistry.yaml"
MAX_BYTES = 64 * 1024
MAX_ENTRIES = 100  # of one key
MAX_LENGTH = 200  # characters of one entry

EXCLUDED = Rule(
    "author.excluded",
    DiagnosticLevel.ERROR,
    f"The author keeps the skill out of the registry, in {AUTHOR_FILE}.",
    f"Change {AUTHOR_FILE} at the repository's root if the skill is to be listed.",
)
UNREADABLE = Rule(
    "author.unreadable",
    DiagnosticLevel.WARNING,
    f"{AUTHOR_FILE} is too large, or is not YAML with keys; nothing in it counts.",
    "Write `exclude:`, `include:`, `categories:` or `maintainers:`, each with a list of texts.",
)
KEY = Rule(
    "author.key",
    DiagnosticLevel.INFO,
    f"{AUTHOR_FILE} has a key that the registry does not know.",
    "Delete it, or write `exclude`, `include`, `categories` or `maintainers`.",
)
VALUE = Rule(
    "author.value",
    DiagnosticLevel.WARNING,
    f"{AUTHOR_FILE} has an entry that is not what its key takes; it is left out.",
    "Write a list of texts: patterns of folders, words in lower case with hyphens, or names of accounts on GitHub.",
)

RULES: tuple[Rule, ...] = (EXCLUDED, UNREADABLE, KEY, VALUE)

_CATEGORY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_ACCOUNT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")


@dataclass(frozen=True, slots=True)
class AuthorFile:
    """What an author asks for; without a file, nothing. `diagnostics` are about the file itself."""

    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    maintainers: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    def excludes(self, folder: str) -> bool:
        """Whether a skill is to be left out; '' is the folder of one at the root."""
        if self.include and not any(_matches(pattern, folder) for pattern in self.include):
            return True
        return any(_matches(pattern, folder) for pattern in self.exclude)

    def apply(self, discovery: Discovery) -> tuple[Discovery, list[ReadSkill]]:
        """Take out what is excluded.

        Returns:
            The rest, and the excluded skills as they are recorded: refused, because their author says so.
        """
        if not self.exclude and not self.include:
            return discovery, []
        every: tuple[SkillFolder | Unusable, ...] = (*discovery.skills, *discovery.unusable)
        out = {one.path: one for one in every if self.excludes(one.path)}
        left = Discovery(
            skills=tuple(skill for skill in discovery.skills if skill.path not in out),
            unusable=tuple(one for one in discovery.unusable if one.path not in out),
        )
        return left, [_excluded(one.path, one.manifest_file, one.tree_oid) for one in out.values()]


def author_file(tree: RepositoryTree) -> TreeEntry | None:
    """Find the author's file in a tree; a link is not followed."""
    entry = tree.get(AUTHOR_FILE)
    return entry if entry is not None and entry.is_file else None


def read_author_file(data: bytes | None) -> AuthorFile:
    """Read an author's file, whatever it holds.

    Args:
        data: Its bytes; None where there are too many.
    """
    findings = Findings(AUTHOR_FILE)
    values = _values(data, findings)
    read: dict[str, tuple[str, ...]] = {}
    for key, value in values.items():
        if key in _KEYS:
            read[key] = tuple(dict.fromkeys(_entries(key, value, findings)))
        else:
            findings.add(KEY, f"{quoted(key)} is not known")
    return AuthorFile(**read, diagnostics=findings.diagnostics())


def _values(data: bytes | None, findings: Findings) -> dict[str, Value]:
    if data is None or len(data) > MAX_BYTES:
        findings.add(UNREADABLE, f"the file is larger than {MAX_BYTES} bytes")
        return {}
    noted = Findings(AUTHOR_FILE)  # what is unusual in its YAML is the author's own affair
    try:
        document = scan(data.decode("utf-8-sig"), 1, noted)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        findings.add(UNREADABLE, "the file is not YAML", None if line is None else line + 1)
        return {}
    if noted.level is Level.BROKEN:
        first = next(one for one in noted.diagnostics() if one.level is DiagnosticLevel.ERROR)
        findings.add(UNREADABLE, first.message, first.line)
        return {}
    return document.values


def _entries(key: str, value: Value, findings: Findings) -> Iterable[str]:
    given = value if isinstance(value, list) else [value]
    if len(given) > MAX_ENTRIES:
        findings.add(VALUE, f"`{key}` has more than {MAX_ENTRIES} entries; the rest does not count")
    for entry in given[:MAX_ENTRIES]:
        if isinstance(entry, str) and len(entry) <= MAX_LENGTH and _KEYS[key](entry):
            yield entry
        elif entry != "":  # a key without a value asks for nothing
            findings.add(VALUE, f"`{key}` has {quoted(str(entry)[:MAX_LENGTH])}")


def _is_pattern(text: str) -> bool:
    return bool(text.strip()) and text.isprintable() and ".." not in text.split("/")


_KEYS: dict[str, Callable[[str], object]] = {
    "exclude": _is_pattern,
    "include": _is_pattern,
    "categories": _CATEGORY.fullmatch,
    "maintainers": _ACCOUNT.fullmatch,
}


def _matches(pattern: str, folder: str) -> bool:
    """Whether a pattern stands for a folder or one above it."""
    wanted = [part for part in pattern.split("/") if part not in ("", ".")]
    names = folder.split("/") if folder else []
    if not wanted:  # `.` and `/` are the root, and so a skill that lies there
        return not names
    # reached[n]: the first n names can stand for the part of the pattern read so far. No backtracking.
    reached = [True] + [False] * len(names)
    for part in wanted:
        if part == "**":
            first = reached.index(True) if True in reached else len(reached)
            reached = [number >= first for number in range(len(reached))]
        else:
            steps = [reached[n] and fnmatchcase(name, part) for n, name in enumerate(names)]
            reached = [False, *steps]
    return any(reached)


def _excluded(path: str, manifest_file: str, tree_oid: str | None) -> ReadSkill:
    return ReadSkill(
        path=path,
        manifest_file=manifest_file,
        tree_oid=tree_oid,
        level=Level.BROKEN,
        diagnostics=(about(EXCLUDED, manifest_file),),
    )
