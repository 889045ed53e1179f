"""Archives within a skill: what they hold, and whether they are locked. Other rules see the members' texts."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from skillcrawler.scan.rule import Hit, Skill, skill_rule
from skillcrawler.scan.scanfile import ScanFile
from skillcrawler.scan.table import set_of
from skillcrawler.scan.unpack import Contents, kind_of_archive
from skilldata.models import Severity

_RATIO_LIMIT = 200
_BOMB_SIZE = 50_000_000
_DOCUMENTS = set_of(".docx .xlsx .pptx .dotx .xltx .potx .odt .ods .odp .epub .vsdx .sketch .pages .numbers .key")
_MACRO_DOCUMENTS = frozenset([".docm", ".xlsm", ".pptm", ".dotm", ".xltm", ".xlam", ".ppam"])
_ARCHIVE_SUFFIXES = set_of(
    ".zip .jar .whl .tar .tgz .gz .bz2 .xz .7z .rar .zst .apk .crx .vsix .egg .nupkg .skill .mcpb .dxt"
)
_PROGRAMS = set_of(
    ".exe .dll .so .dylib .scr .bat .cmd .ps1 .vbs .vbe .js .jse .wsf .hta .lnk .msi .pyc .com .pif .elf .app .command"
)
_SCRIPTS = frozenset({".sh", ".py", ".rb", ".pl", ".command", ".bash"})


@skill_rule(
    "archive-inside",
    Severity.HIGH,
    "An archive within the skill",
    explanation="What is packed is not seen in a review, and a locked or nested archive not by most scanners either.",
    remedy="Ship the files themselves.",
)
def archive_inside(skill: Skill) -> Iterator[Hit]:
    """Weigh archives by what they hold: locked members, programs, macros, further archives, bombs."""
    for file, contents in zip(skill.files, skill.contents, strict=True):
        kind = kind_of_archive(file.data)
        suffix = posixpath.splitext(file.path.lower())[1]
        if suffix in _MACRO_DOCUMENTS:
            yield Hit(Severity.HIGH, path=file.path, note="a document with macros")
        elif kind:
            yield from _weighed(file, contents, kind, suffix)


def _weighed(file: ScanFile, contents: Contents, kind: str, suffix: str) -> Iterator[Hit]:
    document = suffix in _DOCUMENTS
    names = [member.name.lower() for member in contents.members]
    endings = {posixpath.splitext(name)[1] for name in names}
    if any(member.locked for member in contents.members):
        yield Hit(Severity.HIGH, path=file.path, note=f"a {kind} archive locked with a password")
    if _is_bomb(len(file.data), contents.unpacked):
        yield Hit(Severity.HIGH, path=file.path, note=f"a {kind} archive that unpacks to far more than it seems")
    if any(name.endswith("vbaproject.bin") for name in names):
        yield Hit(Severity.HIGH, path=file.path, note="a document with macros")
    elif endings & _PROGRAMS or (document and endings & _SCRIPTS):
        shown = next(name for name in names if posixpath.splitext(name)[1] in _PROGRAMS | _SCRIPTS)
        yield Hit(
            Severity.HIGH if suffix not in {".jar", ".whl"} else Severity.MEDIUM,
            path=file.path,
            note=f"a {kind} archive with {shown}",
        )
    elif any(kind_of_archive(member.data) for member in contents.members) and not document:
        yield Hit(Severity.MEDIUM, path=file.path, note=f"an archive within a {kind} archive")
    elif kind in ("7z", "rar", "zstd"):
        yield Hit(Severity.MEDIUM, path=file.path, note=f"a {kind} archive that cannot be looked into")
    elif not document:
        innocent = suffix not in _ARCHIVE_SUFFIXES and suffix not in {"", ".bin"}
        yield Hit(
            Severity.HIGH if innocent else Severity.LOW,
            path=file.path,
            note=f"a {kind} archive" + (f" named {suffix}" if innocent else ""),
        )


def _is_bomb(packed: int, unpacked: int) -> bool:
    return unpacked > _BOMB_SIZE or unpacked > _RATIO_LIMIT * max(1, packed)


RULES = (archive_inside,)
