"""Files that are not what they seem: programs under other names, compiled code, padding."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from skillcrawler.scan.rule import Hit, Skill, skill_rule, view_rule
from skillcrawler.scan.scanfile import ScanFile
from skillcrawler.scan.table import set_of
from skillcrawler.scan.view import View
from skilldata.models import Severity

_PROGRAM_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x7fELF", "an ELF program"),
    (b"MZ", "a Windows program"),
    (b"\xcf\xfa\xed\xfe", "a Mach-O program"),
    (b"\xce\xfa\xed\xfe", "a Mach-O program"),
    (b"\xfe\xed\xfa\xcf", "a Mach-O program"),
    (b"\xfe\xed\xfa\xce", "a Mach-O program"),
    (b"\xca\xfe\xba\xbe", "a Mach-O or Java program"),
    (b"\x00asm", "a WebAssembly module"),
    (b"dex\n03", "an Android program"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "a Windows shortcut"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an OLE document or installer"),
)
_PROGRAM_SUFFIXES = set_of(
    ".exe .dll .so .dylib .o .a .bin .elf .wasm .class .dex .node .sys .com .scr .cpl .msi .lnk .pyd .ko .app .xbe"
)
_INNOCENT_SUFFIXES = set_of(
    ".png .jpg .jpeg .gif .bmp .webp .ico .svg .pdf .txt .md .csv .json .yaml .yml .xml .html .css .mp3 "
    ".mp4 .wav .ttf .otf .woff .woff2 .docx .xlsx .pptx .log .dat .rst .toml .ini .cfg .lock .tmp .bak"
)
_DOUBLE = re.compile(
    r"\.(?:png|jpe?g|gif|pdf|txt|md|csv|docx?|xlsx?|pptx?|mp[34]|html?|json)[ .]{0,40}\.(?:exe|scr|com|bat|cmd|js"
    r"|vbs|ps1|lnk|msi|app|sh|jar|pif|hta|wsf)$"
)
_OLE = b"\xd0\xcf\x11\xe0"
_PYC_NAMES = re.compile(rb"[A-Za-z_][A-Za-z0-9_]{3,40}")
_PYC_SUSPICIOUS = frozenset(
    b"system popen subprocess socket urlopen urllib requests httpx exec eval environ b64decode marshal ctypes "
    b"connect sendall "
    b"recv spawn Popen check_output urlretrieve smtplib paramiko".split()
)
_BLANK_LINES = re.compile(r"\n(?:[ \t]{0,200}\n){200}")
_BLANK_COLUMNS = re.compile(r"(?<=\S)[ \t\u00a0\u2003]{300}")


@skill_rule(
    "disguised-file",
    Severity.CRITICAL,
    "A program has the name of a harmless file",
    explanation="The name says picture or text, the bytes are a program or script: it is there to be run unseen.",
    remedy="Remove it, or give it its true name and say what it is for.",
)
def disguised_file(skill: Skill) -> Iterator[Hit]:
    """Compare names with first bytes; find double endings and direction controls in names."""
    for file in skill.files:
        name = file.path.rpartition("/")[2].lower()
        suffix = posixpath.splitext(name)[1]
        if any(0x202A <= ord(character) <= 0x202E or 0x2066 <= ord(character) <= 0x2069 for character in file.path):
            yield Hit(Severity.CRITICAL, path=file.path, note="direction controls in the file's name")
        if _DOUBLE.search(name):
            yield Hit(Severity.HIGH, path=file.path, note="a double ending hides the true one")
        if suffix in _INNOCENT_SUFFIXES:
            what = _program(file.data)
            if what and not (file.data.startswith(_OLE) and suffix in {".doc", ".xls", ".ppt", ".dat", ".tmp"}):
                yield Hit(Severity.CRITICAL, path=file.path, note=f"{what} named {suffix}")
            elif file.data[:2] == b"#!" and b"sh" in file.data[:40] and suffix not in _SCRIPTABLE:
                yield Hit(Severity.HIGH, path=file.path, note=f"a script named {suffix}")


@skill_rule(
    "compiled-code",
    Severity.HIGH,
    "Compiled code that nobody can review",
    explanation="A program cannot be checked without its source, and Python runs a cached .pyc in place of its source.",
    remedy="Ship source; delete __pycache__ and built files, and ignore them in version control.",
)
def compiled_code(skill: Skill) -> Iterator[Hit]:
    """Find programs, libraries and Python byte code."""
    for file in skill.files:
        suffix = posixpath.splitext(file.path.lower())[1]
        if suffix in (".pyc", ".pyo"):
            yield _byte_code(file, skill)
        elif suffix not in _INNOCENT_SUFFIXES:
            what = _program(file.data)
            if what:
                light = "WebAssembly" in what or "OLE" in what
                yield Hit(Severity.MEDIUM if light else Severity.HIGH, path=file.path, note=what)
            elif suffix in _PROGRAM_SUFFIXES - {".bin", ".app", ".com", ".a", ".o"}:
                yield Hit(Severity.MEDIUM, path=file.path, note=f"named as a program ({suffix})")


@view_rule(
    "padding",
    Severity.HIGH,
    "Content is pushed out of sight by blank space",
    explanation="Hundreds of blank lines or columns hide what follows from people, and from scanners that stop early.",
    remedy="Remove the blank space.",
)
def padding(view: View, skill: Skill) -> Iterator[Hit]:
    """Find long runs of blank lines or columns with content behind them."""
    if view.origin:
        return
    text = view.text
    match = _BLANK_LINES.search(text) if "\n\n" in text or " \n" in text else None
    if match and text[match.end() :].strip():
        yield Hit(
            Severity.HIGH,
            view,
            match.start(),
            match.end(),
            note="more than 200 blank lines before more text",
            firm=True,
            in_text=True,
        )
    match = _BLANK_COLUMNS.search(text) if " " * 300 in text or "\t" * 100 in text else None
    if match and text[match.end() : match.end() + 2_000].split("\n", 1)[0].strip():
        yield Hit(
            Severity.MEDIUM, view, match.start(), match.end(), note="300 blank columns before more text", in_text=True
        )


_SCRIPTABLE = frozenset({".txt", ".md", ".tmp", ".bak", ".dat", ".log"})


def _program(data: bytes) -> str:
    """What program the first bytes belong to; empty for none."""
    for magic, what in _PROGRAM_MAGIC:
        if data.startswith(magic):
            return "" if magic == b"MZ" and not _is_windows_program(data) else what
    return ""


def _is_windows_program(data: bytes) -> bool:
    """Whether the offset at byte 60 leads to a PE signature, or the DOS text is there."""
    offset = int.from_bytes(data[60:64], "little")
    return data[offset : offset + 4] == b"PE\x00\x00" or b"DOS mode" in data[:512]


def _byte_code(file: ScanFile, skill: Skill) -> Hit:
    """Weigh byte code by whether its source is there and names the same dangerous things."""
    folder, _, name = file.path.rpartition("/")
    module = name.split(".")[0] + ".py"
    candidates = [posixpath.join(posixpath.dirname(folder), module), posixpath.join(folder, module)]
    source = next((skill.by_path[path].data for path in candidates if path in skill.by_path), None)
    if source is None:
        return Hit(Severity.HIGH, path=file.path, note="byte code without its source")
    extra = (set(_PYC_NAMES.findall(file.data)) & _PYC_SUSPICIOUS) - set(_PYC_NAMES.findall(source))
    if extra:
        names = ", ".join(sorted(name.decode() for name in extra))
        return Hit(Severity.CRITICAL, path=file.path, note=f"byte code uses what its source does not: {names}")
    unchecked = file.data[4:8] == b"\x01\x00\x00\x00"
    return Hit(Severity.HIGH if unchecked else Severity.MEDIUM, path=file.path, note="byte code beside its source")


RULES = (disguised_file, compiled_code, padding)
