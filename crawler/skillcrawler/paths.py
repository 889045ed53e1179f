"""Which paths a package may hold: those that every client can unpack in its own folder and nowhere else.

A path is accepted when it means the same file on Linux, macOS and Windows. The reserved names and
characters are those of Microsoft's "Naming Files, Paths, and Namespaces"; the disguises of `.git` are
those that git itself refuses on checkout (`core.protectHFS`, `core.protectNTFS`); two names are the same
on a case-insensitive disk under Unicode's canonical caseless matching (Unicode Standard, D145).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator

from skillcrawler.diagnostics import Rule
from skillcrawler.gitobjects import encode_path
from skillcrawler.reporting import about, printable
from skilldata.models import Diagnostic, DiagnosticLevel

MAX_SEGMENT_BYTES = 255
MAX_PATH_BYTES = 1024
MAX_SEGMENTS = 64

_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {port + digit for port in ("com", "lpt") for digit in "123456789¹²³"}
)
_WINDOWS_CHARACTERS = frozenset('<>:"|?*')
# Characters that change how the rest of a name is shown, or that show as nothing at all.
_HIDDEN = frozenset(
    map(
        chr,
        (
            0xAD, 0x61C, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x2028, 0x202F),
            *range(0x2060, 0x2070), 0xFEFF, *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080),
        ),
    )
)  # fmt: skip
_JOINERS: dict[int, None] = dict.fromkeys(
    (0x200C, 0x200D)
)  # kept in names (emoji, Persian), but a disk may ignore them


def _rule(name: str, meaning: str, remedy: str) -> Rule:
    return Rule(f"path.{name}", DiagnosticLevel.ERROR, meaning, remedy)


EMPTY = _rule("empty", "The path is empty.", "Give the file a name.")
ENCODING = _rule("encoding", "The path is not UTF-8.", "Rename the file so that its path is valid UTF-8.")
NUL = _rule("nul", "There is a NUL byte in the path.", "Rename the file without the NUL byte.")
CONTROL = _rule(
    "control-character",
    "There is a control character in the path.",
    "Rename the file without tabs, line breaks and the like.",
)
HIDDEN = _rule(
    "hidden-character",
    "There is a character in the path that does not show, or that turns the text around.",
    "Rename the file with characters that show.",
)
BACKSLASH = _rule(
    "backslash",
    "There is a backslash in the path, which separates folders on Windows.",
    "Rename the file without the backslash.",
)
ABSOLUTE = _rule("absolute", "The path starts at a root or a drive.", "Use a path from the skill's folder.")
EMPTY_SEGMENT = _rule(
    "empty-segment",
    "The path has an empty part.",
    "Write exactly one slash between two parts and none at the end.",
)
DOT_SEGMENT = _rule("dot-segment", "The path has a part `.` or `..`.", "Use a path without them.")
GIT_FOLDER = _rule(
    "git-folder",
    "The path has a part that git or a disk takes for `.git`.",
    "Rename the file or folder that is called like git's own.",
)
WINDOWS_CHARACTER = _rule(
    "windows-character",
    "There is a character in the path that Windows does not allow.",
    'Rename the file without any of < > : " | ? *.',
)
WINDOWS_ENDING = _rule(
    "windows-ending",
    "A part of the path ends in a dot or a space, which Windows cuts off.",
    "Rename the file or folder without the dot or space at its end.",
)
WINDOWS_NAME = _rule(
    "windows-name",
    "A part of the path is the name of a device on Windows, such as CON, NUL or COM1.",
    "Rename the file or folder that is called like a device.",
)
LONG_SEGMENT = _rule(
    "segment-too-long",
    f"A part of the path is longer than {MAX_SEGMENT_BYTES} bytes.",
    "Give the file or folder a shorter name.",
)
LONG_PATH = _rule(
    "too-long",
    f"The path is longer than {MAX_PATH_BYTES} bytes.",
    "Put the file into fewer or shorter folders.",
)
TOO_DEEP = _rule("too-deep", f"The path has more than {MAX_SEGMENTS} parts.", "Put the file into fewer folders.")
DUPLICATE = _rule("duplicate", "The path is there twice.", "Keep one of the two files.")
UNICODE_COLLISION = _rule(
    "unicode-collision",
    "The path differs from another one only in how its accents are encoded.",
    "Rename one of the two files.",
)
CASE_COLLISION = _rule(
    "case-collision",
    "The path differs from another one only in upper and lower case.",
    "Rename one of the two files.",
)
FILE_AND_FOLDER = _rule(
    "file-and-folder", "The path is a file where another one needs a folder.", "Rename the file or the folder."
)


def check_path(path: str) -> Diagnostic | None:
    """Judge one path, relative to the root of a package.

    Args:
        path: As `gitobjects.decode_path` returns it.

    Returns:
        The first rule it breaks, or None where it is fine.
    """
    return _first(path, _FOLDER_CHECKS) or _first(path, _DISK_CHECKS)


def check_folder(path: str) -> Diagnostic | None:
    """Judge the path of a skill's own folder in its repository; '' is the root.

    It is an identity and part of addresses, and never unpacked, so what only troubles a disk is allowed.
    """
    return _first(path, _FOLDER_CHECKS) if path else None


def check_paths(paths: Iterable[str]) -> Iterator[Diagnostic]:
    """Judge all paths of a package, each by itself and against the others.

    Yields:
        One diagnostic for every path that is refused. Of two that collide the later one is, in order of
        their bytes, so the result does not depend on the order given.
    """
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in sorted(paths, key=lambda path: path.encode("utf-8", "surrogatepass")):
        diagnostic = check_path(path) or _collision(path, files, folders)
        if diagnostic is not None:
            yield diagnostic


def _first(path: str, checks: Iterable[tuple[Rule, Callable[[str], bool]]]) -> Diagnostic | None:
    for rule, breaks in checks:
        if breaks(path):
            return about(rule, path)
    return None


def _collision(path: str, files: dict[str, str], folders: dict[str, str]) -> Diagnostic | None:
    """Compare with the paths seen before, and add this one to them."""
    key = _same_on_disk(path)
    other, rule = folders.get(key), FILE_AND_FOLDER
    if other is None and key in files:
        other = files[key]
        rule = _how_alike(path, other)
    parents = [path[:cut] for cut, character in enumerate(path) if character == "/"]
    for parent in parents:
        parent_key = _same_on_disk(parent)
        if parent_key in files:
            other, rule = files[parent_key], FILE_AND_FOLDER
        folders.setdefault(parent_key, path)
    files.setdefault(key, path)
    return None if other is None else about(rule, path, f"the other is '{printable(other)}'")


def _how_alike(path: str, other: str) -> Rule:
    if path == other:
        return DUPLICATE
    normal = unicodedata.normalize("NFC", path) == unicodedata.normalize("NFC", other)
    return UNICODE_COLLISION if normal else CASE_COLLISION


def _same_on_disk(path: str) -> str:
    if path.isascii():
        return path.lower()
    folded = unicodedata.normalize("NFD", path.translate(_JOINERS)).casefold()
    return unicodedata.normalize("NFD", folded)


def _is_git_folder(segment: str) -> bool:
    # HFS+ ignores joiners; NTFS cuts trailing dots and spaces off and knows .git by a short name too.
    return segment.translate(_JOINERS).casefold().rstrip(". ") in {".git", "git~1"}


def _is_device(segment: str) -> bool:
    return segment.partition(".")[0].rstrip(" ").lower() in _DEVICES


def _any_segment(test: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda path: any(map(test, path.split("/")))


def _starts_at_root(path: str) -> bool:
    return path.startswith("/") or (path[1:2] == ":" and path[0].isascii() and path[0].isalpha())


def _is_not_utf8(path: str) -> bool:
    return not path.isascii() and any("\ud800" <= character <= "\udfff" for character in path)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc"


def _is_long(path: str) -> bool:
    return len(encode_path(path)) > MAX_SEGMENT_BYTES


# In order: what makes a path unreadable, then what makes it lead elsewhere, then what a disk cannot hold.
_FOLDER_CHECKS: tuple[tuple[Rule, Callable[[str], bool]], ...] = (
    (EMPTY, lambda path: not path),
    (ENCODING, _is_not_utf8),
    (NUL, lambda path: "\0" in path),
    (CONTROL, lambda path: not path.isprintable() and any(map(_is_control, path))),
    (HIDDEN, lambda path: not path.isprintable() and not _HIDDEN.isdisjoint(path)),
    (BACKSLASH, lambda path: "\\" in path),
    (ABSOLUTE, _starts_at_root),
    (EMPTY_SEGMENT, _any_segment(lambda segment: not segment)),
    (DOT_SEGMENT, _any_segment(lambda segment: segment in {".", ".."})),
    (GIT_FOLDER, _any_segment(_is_git_folder)),
    (LONG_PATH, lambda path: len(encode_path(path)) > MAX_PATH_BYTES),
)
_DISK_CHECKS: tuple[tuple[Rule, Callable[[str], bool]], ...] = (
    (WINDOWS_CHARACTER, lambda path: not _WINDOWS_CHARACTERS.isdisjoint(path)),
    (WINDOWS_ENDING, _any_segment(lambda segment: segment.endswith((".", " ")))),
    (WINDOWS_NAME, _any_segment(_is_device)),
    (LONG_SEGMENT, _any_segment(_is_long)),
    (TOO_DEEP, lambda path: path.count("/") >= MAX_SEGMENTS),
)

RULES: tuple[Rule, ...] = (
    *(rule for rule, _ in _FOLDER_CHECKS + _DISK_CHECKS),
    DUPLICATE,
    UNICODE_COLLISION,
    CASE_COLLISION,
    FILE_AND_FOLDER,
)
