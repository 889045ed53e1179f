"""Paths that lead out of a package, or mean different files on different machines, are refused."""

from __future__ import annotations

import ntpath
import posixpath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skillcrawler import paths
from skillcrawler.archive import Refusal, SourceFile, build_package
from skillcrawler.gitobjects import decode_path
from skillcrawler.paths import check_folder, check_path, check_paths
from skilldata.config import PackageSettings
from skilldata.models import DiagnosticLevel

DEVICES = ["CON", "PRN", "AUX", "NUL", *(port + str(digit) for port in ("COM", "LPT") for digit in range(1, 10))]

HOSTILE: dict[str, list[str]] = {
    "path.empty": [""],
    "path.encoding": [
        decode_path(raw)
        for raw in (
            b"\xff", b"a/\xfe.md", b"..\xc0\xaf..\xc0\xafetc/passwd", b"\xc0\xae\xc0\xae/x", b"a\x80b",
            b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"caf\xe9.md",
        )
    ],
    "path.nul": ["\0", "a\0", "SKILL.md\0.png", "../x\0", "scripts/\0/run.sh"],
    "path.control-character": [
        *(f"a{chr(code)}b" for code in (1, 7, 8, 9, 10, 11, 12, 13, 27, 31, 127, 0x80, 0x85, 0x9B, 0x9F)),
        "scripts/run\n.sh", "\x1b[2Jx", "a\r\nb", "\t",
    ],
    "path.hidden-character": [
        "invoice\u202egpj.exe", "a\u200bb", "\ufeffSKILL.md", "a\u2066b\u2069", "x\u061cy", "a\u2028b", "a\u2029b",
        "a\u00adb", "a\u2060b", "\u200eabc", "a\U000e0041b", "scripts/\u202drun.sh", "a\u180eb", "a\ufff9b",
    ],
    "path.backslash": [
        "a\\b", "..\\..\\windows\\win.ini", "\\\\server\\share\\x", "C:\\x", "\\x", "a\\", "scripts\\..\\..\\x",
        "..\\", "\\??\\C:\\x", "./..\\x", "\\/x",
    ],
    "path.absolute": ["/etc/passwd", "/", "//etc/passwd", "C:/Windows/x", "c:x", "Z:", "/../x", "/SKILL.md"],
    "path.empty-segment": ["a//b", "a/", "scripts//", "a///b", "a/b/", "..//x"],
    "path.dot-segment": [
        "..", ".", "../x", "../../../../etc/passwd", "a/..", "a/../b", "a/../../b", "./x", "a/./b", "a/.", "./.",
        "a/b/../../../c", "../SKILL.md", ".././x", "scripts/../../x", "...../../x", ". /../x",
    ],
    "path.git-folder": [
        ".git", ".git/config", ".GIT/hooks/post-checkout", "a/.git/config", ".Git", "a/.gIT", ".git./config",
        ".git /config", ".git . ./x", "git~1/config", "GIT~1", ".g\u200cit/config", ".gi\u200dt/hooks/x", "sub/.git",
    ],
    "path.windows-character": [
        *(f"a{character}b" for character in '<>"|?*'), "ab:c", "scripts/a:stream", "SKILL.md::$DATA", "x?.md", "*",
        "a/CON:", "file:/etc/passwd", "aux:x",
    ],
    "path.windows-ending": ["a.", "a ", "a./b", "a /b", "scripts/run.sh.", "...", "a/... ", "x/ ", " ", "CON. "],
    "path.windows-name": [
        *DEVICES,
        *(f"{device.lower()}.md" for device in DEVICES),
        *(f"scripts/{device}.tar.gz" for device in DEVICES[:12]),
        "con/x.md", "a/NUL/b", "Aux.py", "COM\u00b9", "lpt\u00b2.txt", "CONIN$", "conout$.log", "con .txt", "nUl.a.b",
    ],
    "path.segment-too-long": ["a" * 256, "x/" + "é" * 128, "b" * 300 + "/c", "\U0001f600" * 64],
    "path.too-long": ["/".join(["a" * 200] * 6), "é/" * 400 + "x", "a" * 1025],
    "path.too-deep": ["/".join("a" * 65), "a/" * 64 + "b"],
}  # fmt: skip
CASES = [(rule, path) for rule, hostile in HOSTILE.items() for path in hostile]

FINE = [
    "SKILL.md",
    "scripts/run.sh",
    ".gitignore",
    ".github/workflows/x.yml",
    "..hidden",
    "a..b",
    "...a",
    "naïve/日本語.md",
    "👩‍💻.md",
    "a b.md",
    " lead",
    "~/x",
    "console.md",
    "com0",
    "COM10.txt",
    "nully",
    "a~1",
    "%2e%2e/x",
    "a" * 255,
    "-rf",
    "$HOME",
    "'quoted'",
]


def test_there_are_two_hundred_of_them() -> None:
    assert len({path for _, path in CASES}) >= 200


@pytest.mark.parametrize(("rule", "path"), CASES, ids=[f"{n}-{rule}" for n, (rule, _) in enumerate(CASES)])
def test_a_hostile_path_is_refused_and_never_packed(rule: str, path: str) -> None:
    diagnostic = check_path(path)
    assert diagnostic is not None
    assert diagnostic.rule == rule
    assert diagnostic.level is DiagnosticLevel.ERROR
    assert diagnostic.remedy.endswith(".")
    assert (diagnostic.message + diagnostic.file).isprintable()

    files = [SourceFile("SKILL.md", 0o100644, b"x"), SourceFile(path, 0o100644, b"x")]
    refusal = build_package(files, PackageSettings())

    assert isinstance(refusal, Refusal)
    assert rule in {found.rule for found in refusal.diagnostics}


@pytest.mark.parametrize("path", FINE)
def test_an_ordinary_path_is_accepted(path: str) -> None:
    assert check_path(path) is None


@given(st.text(max_size=40))
@example("a/..")
@example("c:x")
def test_what_is_accepted_stays_inside_on_every_system(path: str) -> None:
    if check_path(path) is None:
        assert posixpath.normpath(posixpath.join("/root", path)).startswith("/root/")
        assert ntpath.normpath(ntpath.join("C:\\root", path)).startswith("C:\\root\\")
        path.encode()


@pytest.mark.parametrize(
    ("given_paths", "rule"),
    [
        (["A.md", "a.md"], "path.case-collision"),
        (["Docs/A.md", "docs/a.md"], "path.case-collision"),
        (["straße", "STRASSE"], "path.case-collision"),
        (["caf\u00e9.md", "cafe\u0301.md"], "path.unicode-collision"),
        (["Ångström", "A\u030angstro\u0308m"], "path.unicode-collision"),
        (["a\u200db", "ab"], "path.case-collision"),
        (["x", "x"], "path.duplicate"),
        (["a", "a/b"], "path.file-and-folder"),
        (["A", "a/b"], "path.file-and-folder"),
        (["b", "B/c/d"], "path.file-and-folder"),
        (["é/x", "e\u0301"], "path.file-and-folder"),
    ],
)
def test_paths_that_are_one_file_on_some_disk_are_refused(given_paths: list[str], rule: str) -> None:
    assert [found.rule for found in check_paths(given_paths)] == [rule]
    assert list(check_paths(given_paths)) == list(check_paths(reversed(given_paths)))


def test_folders_that_differ_in_case_alone_merge_without_loss_and_are_accepted() -> None:
    assert list(check_paths(["Docs/a.md", "docs/b.md", "SKILL.md"])) == []


def test_every_refused_path_is_reported_once() -> None:
    found = list(check_paths(["fine", "../a", "CON", "xx:y", "\udcff"]))
    assert sorted(diagnostic.rule for diagnostic in found) == [
        "path.dot-segment",
        "path.encoding",
        "path.windows-character",
        "path.windows-name",
    ]


def test_lone_surrogates_of_no_file_system_are_refused_too() -> None:
    assert [found.rule for found in check_paths(["\ud800", "a"])] == ["path.encoding"]


@pytest.mark.parametrize("folder", ["", "skills/x", "skills/a:b", "aux", "skills/ends."])
def test_a_skill_may_lie_in_a_folder_that_only_windows_dislikes(folder: str) -> None:
    assert check_folder(folder) is None


@pytest.mark.parametrize("folder", ["a/../b", "\udcff", "a\nb", "x/.git/y", "a\\b", "x//y", "a\u202eb"])
def test_a_skill_may_not_lie_in_a_folder_that_misleads(folder: str) -> None:
    assert check_folder(folder) is not None


def test_the_table_of_rules_is_complete_and_unambiguous() -> None:
    ids = [rule.id for rule in paths.RULES]
    assert len(ids) == len(set(ids))
    assert set(HOSTILE) < set(ids)
