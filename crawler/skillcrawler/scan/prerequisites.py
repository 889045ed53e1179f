"""Helpers that a person or agent is told to install first: the commonest trap of 2026.

The campaigns that were described in public ("ClawHavoc", January 2026) have one shape: a section
called prerequisites says that the skill does not work without a tool, and the tool comes from a paste,
or from an archive with a password so that no scanner on the way can open it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillcrawler.scan.hosts import HostKind
from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal, near
from skillcrawler.scan.view import View
from skillcrawler.scan.vocabulary import host_kinds
from skilldata.models import Severity

_DOWNLOAD = Signal(
    ("download", "install", "get ", "grab", "visit", "copy", "fetch", "run ", "paste", "go to", "obtain"),
    r"\b(?:download|install|visit|copy|grab|fetch|paste|obtain|run|go\s+to|get)\b",
)
_LINK = Signal(("://",), r"(?:https?|ftp)://[^\s\"'`<>)\]]{4,300}")
_BINARY_END = re.compile(r"\.(?:zip|exe|dmg|pkg|msi|scr|jar|bat|7z|rar|iso|apk|deb|appimage|vbs|lnk)(?![\w.])")
_PROGRAM_END = re.compile(r"\.(?:exe|dmg|pkg|msi|scr|jar|bat|iso|apk|appimage|vbs|lnk)(?![\w.])")
_DEMAND = Signal(
    (
        "prerequisite",
        "require",
        "before ",
        "must ",
        "mandatory",
        "needed",
        "will not work",
        "won't work",
        "will not function",
        "won't function",
        "important",
        "necessary",
        "essential",
        "first",
        "setup",
        "does not work",
        "cannot work",
        "wichtig",
    ),
    r"\bprerequisites?\b|\brequire[ds]?\b|\bbefore\s+(?:using|you|running|first|proceeding|continuing|starting|any"
    r"|invoking)\b|\bmust\s+(?:be\s+|first\s+|have\s+)?(?:install|download|run|execute|start)|\bmandatory\b"
    r"|\b(?:will|does|can)\s?n[o']t\s+(?:work|function|run)\b|\bwon't\s+(?:work|function)\b|\bnecessary\b"
    r"|\bessential\b|\bneeded\b",
)
_INTO_TERMINAL = Signal(
    ("terminal", "powershell", "command prompt", "console", "cmd", "iterm", "shell"),
    r"\b(?:copy|paste|run|execute|enter)\b[^\n]{0,100}?\b(?:in|into|to|on)\s+(?:your\s+|the\s+|a\s+"
    r"|an\s+)?(?:\w+\s+)?(?:terminal|powershell|command\s+prompt|console|cmd|iterm|shell)\b",
)
_OPEN_IT = Signal(
    ("extract", "unzip", "launch", "run ", "execute", "double-click", "open ", "start "),
    r"\b(?:extract|unzip|launch|run|execute|double-click|open|start|unpack)\b",
)
_PASSWORD = Signal(
    ("pass", "pwd", "passwor"),
    r"\b(?:extract(?:ion)?[- ]?|archive[- ]?|zip[- ]?|unzip[- ]?)?pass(?:word|code|phrase"
    r"|wd)\b[^\w\n]{0,12}(?:is[^\w\n]{1,8}|[:=`][^\w\n]{0,8})[\w@#!$%.-]{3,40}"
    r"|\bpass(?:word|code)\s+[`\"'][\w@#!$%.-]{3,40}[`\"']",
)
_ARCHIVE_WORD = Signal(
    ("zip", "archive", "rar", ".7z", "extract", "7zip", "7-zip"),
    r"\b(?:zip|archive|rar|7-?z(?:ip)?|extract|unzip)\b|\.(?:zip|rar|7z)\b",
)
_UNPACK_WITH_PASSWORD = Signal(
    ("unzip", "7z ", "unrar", "7za ", "7zr ", "expand-archive", "setpassword", "pwd="),
    r"\bunzip[ ][^\n|;&]{0,80}?-p[ ]?[\"']?[\w$@#!{}.-]{2,60}|\b7z[ar]?[ ]+[xe][ "
    r"][^\n|;&]{0,80}?-p[\"']?[\w$@#!{}.-]{2,60}|\bunrar[ ]+[xe][ ][^\n|;&]{0,80}?-p[\"']?[\w$@#!{}.-]{2,60}"
    r"|extractall\([^\n]{0,80}?pwd[ ]{0,2}=[ ]{0,2}b?[\"'][^\"'\n]{2,40}[\"']|\.setpassword\(",
)


@view_rule(
    "fake-prerequisite",
    Severity.CRITICAL,
    "A helper from an odd place is said to be needed first",
    explanation="Skills that only work after running a program from a paste, a locked archive or an unknown download "
    "are how most malicious skills deliver their payload.",
    remedy="Depend on packages of a public registry with fixed versions, or ship the helper's source with the skill.",
)
def fake_prerequisite(view: View, skill: Skill) -> Iterator[Hit]:
    """Find demands to install something from a paste, a bare address or a locked archive."""
    for link in view.find(_LINK):
        severity = _weight_of(view, link)
        if severity is not None:
            yield hit(severity, view, link)


@view_rule(
    "password-archive",
    Severity.HIGH,
    "An archive is opened with a password that stands beside it",
    explanation="The password protects nothing; it keeps scanners from looking into the archive.",
    remedy="Ship the files as they are.",
)
def password_archive(view: View, skill: Skill) -> Iterator[Hit]:
    """Find passwords given together with an archive, and commands that unpack with one."""
    for match in view.find(_UNPACK_WITH_PASSWORD):
        secret_from_outside = "$" in match[0] or "{" in match[0]
        yield hit(Severity.LOW if secret_from_outside else Severity.HIGH, view, match)
    for archive, password in view.pairs(_ARCHIVE_WORD, _PASSWORD, within=80, ordered=False):
        if "\n\n" not in view.low[min(archive.start(), password.start()) : max(archive.end(), password.end())]:
            yield hit(Severity.HIGH, view, archive, password)


def _weight_of(view: View, link: re.Match[str]) -> Severity | None:
    kinds = {kind for _, kind in host_kinds(view, link.start(), link.end())}
    binary = _BINARY_END.search(link[0]) is not None
    if binary and near(link, view.find(_PASSWORD), before=300, after=300):
        return Severity.CRITICAL
    odd = any(kind.odd for kind in kinds)
    unknown = bool(kinds & {HostKind.ORDINARY, HostKind.PLAIN})
    if not (odd or binary or unknown) or not near(link, view.find(_DEMAND), before=1_500, after=600):
        return None
    return _weight_of_demanded(view, link, odd=odd, binary=binary, unknown=unknown)


def _weight_of_demanded(view: View, link: re.Match[str], *, odd: bool, binary: bool, unknown: bool) -> Severity | None:
    into_terminal = near(link, view.find(_INTO_TERMINAL), before=200, after=300)
    fetched = near(link, view.find(_DOWNLOAD), before=160, after=160)
    if odd and (into_terminal or binary):
        return Severity.CRITICAL
    if odd and fetched:
        return Severity.HIGH
    if unknown and into_terminal and "copy" in view.low[max(0, link.start() - 100) : into_terminal[-1].end()]:
        return Severity.HIGH
    if binary and fetched and near(link, view.find(_OPEN_IT), before=0, after=250):
        return Severity.HIGH if unknown and _PROGRAM_END.search(link[0]) else Severity.MEDIUM
    return None


RULES = (fake_prerequisite, password_archive)
