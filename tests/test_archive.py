"""The same files give the same package, whatever the order, the clock and the Python; bad ones give none."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import deflate
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import skillcrawler
from skillcrawler import zipformat
from skillcrawler.archive import (
    BuiltPackage,
    Refusal,
    SourceFile,
    build_package,
    check_sizes,
    content_digest,
)
from skillcrawler.paths import check_path, check_paths
from skilldata.config import PackageSettings
from skilldata.models import DiagnosticLevel

LIMITS = PackageSettings()
FILE, RUN = 0o100644, 0o100755

SAMPLE = [
    SourceFile("scripts/run.sh", RUN, b"#!/bin/sh\necho hello\n"),
    SourceFile("SKILL.md", FILE, b"---\nname: sample\ndescription: A sample.\n---\n\nSay hello.\n" * 40),
    SourceFile("references/na\u00efve.md", 0o100664, "Ça va ? 日本語\n".encode() * 9),
    SourceFile("assets/noise.bin", FILE, hashlib.shake_256(b"noise").digest(5_000)),
    SourceFile("assets/empty", FILE, b""),
    SourceFile("assets/table.csv", FILE, "".join(f"{n},{n * n % 977},{n % 13}\n" for n in range(9_000)).encode()),
]
# One figure for every machine and Python. Another compressor, or another release of it, changes the
# package's and never the content's: docs/adr/0007-pinned-compressor.md says what to do then.
SAMPLE_PACKAGE = "sha256:9c48b2b6c173c0650e20aafc26601c6757e76e74d61921e013b316f4a983cf52"
SAMPLE_CONTENT = "sha256:eec25b59f343079f96647b2e4b1c2570d7fe3de2b9ad2046d1922aaab8bfbbc5"


def build(*files: SourceFile, limits: PackageSettings = LIMITS, manifest: str = "SKILL.md") -> BuiltPackage:
    built = build_package(files, limits, manifest_file=manifest)
    assert isinstance(built, BuiltPackage), built
    return built


def refusal(*files: SourceFile, limits: PackageSettings = LIMITS, manifest: str = "SKILL.md") -> set[str]:
    refused = build_package(files, limits, manifest_file=manifest)
    assert isinstance(refused, Refusal)
    return {found.rule for found in refused.diagnostics if found.level is DiagnosticLevel.ERROR}


def opened(data: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(data))


def manifest(data: bytes = b"x") -> SourceFile:
    return SourceFile("SKILL.md", FILE, data)


# -- the bytes


def test_the_sample_has_the_same_bytes_everywhere() -> None:
    built = build(*SAMPLE)
    assert built.package.package_digest == SAMPLE_PACKAGE
    assert built.package.content_digest == SAMPLE_CONTENT
    assert built.package.package_digest == f"sha256:{hashlib.sha256(built.data).hexdigest()}"


def test_the_order_of_the_files_does_not_matter() -> None:
    assert build(*SAMPLE) == build(*reversed(SAMPLE))


def test_no_clock_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    before = build(*SAMPLE).data

    def asked(*_: object) -> None:
        raise AssertionError("packaging asked for the time")

    with monkeypatch.context() as patched:
        for name in ("time", "time_ns", "localtime", "gmtime"):
            patched.setattr(time, name, asked)
        patched.setenv("TZ", "Pacific/Kiritimati")
        patched.setenv("SOURCE_DATE_EPOCH", "1")
        after = build(*SAMPLE).data
    assert after == before


def interpreters() -> list[str]:
    """This Python, and every other one of a supported version that is on the machine."""
    found = [sys.executable]
    for minor in (11, 12, 13):
        candidates = [shutil.which(f"python3.{minor}")]
        candidates += map(str, Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python3.{minor}"))
        found += [python for python in candidates if python and _runs(python, minor)][-1:]
    return found


def _runs(python: str, minor: int) -> bool:
    asked = subprocess.run(
        [python, "-c", "import sys; print(sys.version_info[1])"], capture_output=True, text=True, check=False
    )
    return asked.returncode == 0 and asked.stdout.strip() == str(minor)


@pytest.mark.parametrize("python", interpreters(), ids=lambda python: Path(python).name)
def test_another_python_makes_the_same_bytes(python: str, tmp_path: Path) -> None:
    # The compressor's extension is of the stable ABI: one file for all supported versions.
    for package in (deflate, skillcrawler):
        folder = Path(str(package.__file__)).parent
        (tmp_path / folder.name).symlink_to(folder)
    ordered = sorted(((file.path, 0o755 if file.mode == RUN else 0o644, file.data) for file in SAMPLE), key=_bytewise)
    program = (
        "import hashlib\nfrom skillcrawler.zipformat import write_zip\n"
        f"print('sha256:' + hashlib.sha256(write_zip({ordered!r})).hexdigest())"
    )
    made = subprocess.run(
        [python, "-B", "-E", "-s", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout.strip() == SAMPLE_PACKAGE


def _bytewise(member: tuple[str, int, bytes]) -> bytes:
    return member[0].encode()


# -- the format


def test_every_unzip_reads_it(tmp_path: Path) -> None:
    data = build(*SAMPLE).data
    with opened(data) as archive:
        assert archive.testzip() is None
        assert archive.comment == b""
        assert {name: archive.read(name) for name in archive.namelist()} == {f.path: f.data for f in SAMPLE}
    unzip = shutil.which("unzip")
    if unzip is not None:
        path = tmp_path / "sample.zip"
        path.write_bytes(data)
        told = subprocess.run([unzip, "-t", str(path)], capture_output=True, text=True, check=True)
        assert "No errors detected" in told.stdout
        subprocess.run([unzip, "-q", str(path), "-d", str(tmp_path / "out")], check=True, capture_output=True)
        assert os.access(tmp_path / "out/scripts/run.sh", os.X_OK)
        assert not os.access(tmp_path / "out/SKILL.md", os.X_OK)
        assert (tmp_path / "out/references/naïve.md").read_bytes() == SAMPLE[2].data


def test_nothing_about_a_member_depends_on_where_it_was_made() -> None:
    with opened(build(*SAMPLE).data) as archive:
        for member in archive.infolist():
            assert member.date_time == (1980, 1, 1, 0, 0, 0)
            assert member.create_system == 3
            assert member.flag_bits == 0x800
            assert member.extra == b""
            assert member.comment == b""
            assert member.create_version == member.extract_version == 20
            assert member.compress_type in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
            assert member.internal_attr == 0
            assert stat.S_ISREG(member.external_attr >> 16)
            assert not member.is_dir()


def test_members_are_sorted_by_the_bytes_of_their_paths() -> None:
    names = ["SKILL.md", "a-b", "a/b", "a0", "Z", "é", "y", "\U0001f600", "\uffee"]
    with opened(build(*(SourceFile(name, FILE, b"x") for name in names)).data) as archive:
        assert archive.namelist() == sorted(names, key=str.encode)


@pytest.mark.parametrize(
    ("mode", "permissions"),
    [(0o100644, 0o644), (0o100664, 0o644), (0o100600, 0o644), (0o100755, 0o755), (0o100775, 0o755), (0o104711, 0o755)],
)
def test_of_the_mode_only_the_executable_bit_is_kept(mode: int, permissions: int) -> None:
    built = build(manifest(), SourceFile("x", mode, b"x"))
    with opened(built.data) as archive:
        assert archive.getinfo("x").external_attr >> 16 == stat.S_IFREG | permissions
    assert built.package.files[1].mode == permissions


def test_what_does_not_shrink_is_stored() -> None:
    with opened(build(*SAMPLE).data) as archive:
        stored = {m.filename for m in archive.infolist() if m.compress_type == zipfile.ZIP_STORED}
    assert stored == {"assets/noise.bin", "assets/empty", "scripts/run.sh"}


def test_the_package_lists_what_is_in_it() -> None:
    package = build(*SAMPLE).package
    assert package.unpacked_size == sum(len(file.data) for file in SAMPLE)
    assert package.size == len(build(*SAMPLE).data)
    listed = {file.path: (file.size, file.sha256) for file in package.files}
    assert listed == {f.path: (len(f.data), hashlib.sha256(f.data).hexdigest()) for f in SAMPLE}


def test_a_zip_that_would_need_another_format_is_never_written(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="65536 files"):
        zipformat.write_zip((str(n), 0o644, b"") for n in range(65_536))
    monkeypatch.setattr(zipformat, "MAX_BYTES", 100)
    with pytest.raises(ValueError, match="do not fit"):
        zipformat.write_zip([("a", 0o644, hashlib.shake_256(b"a").digest(200))])


# -- the content digest


def test_the_content_digest_is_what_its_description_says() -> None:
    built = build(SourceFile("b/x", RUN, b"1"), manifest(b"2"), SourceFile("é", FILE, b"3"))
    lines = b"".join(
        b"%s %s %s\n" % (mode, hashlib.sha256(data).hexdigest().encode(), path.encode())
        for mode, data, path in ((b"644", b"2", "SKILL.md"), (b"755", b"1", "b/x"), (b"644", b"3", "é"))
    )
    assert built.package.content_digest == f"sha256:{hashlib.sha256(lines).hexdigest()}"
    assert content_digest(reversed(built.package.files)) == built.package.content_digest


@pytest.mark.parametrize(
    "changed",
    [SourceFile("a", FILE, b"2"), SourceFile("b", FILE, b"1"), SourceFile("a", RUN, b"1")],
    ids=["bytes", "path", "mode"],
)
def test_any_change_of_content_changes_both_digests(changed: SourceFile) -> None:
    before, after = build(manifest(), SourceFile("a", FILE, b"1")), build(manifest(), changed)
    assert before.package.content_digest != after.package.content_digest
    assert before.package.package_digest != after.package.package_digest


def test_compression_does_not_touch_the_content_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = build(*SAMPLE).package
    monkeypatch.setattr(zipformat, "COMPRESSION_LEVEL", 1)
    after = build(*SAMPLE).package
    assert before.package_digest != after.package_digest
    assert before.content_digest == after.content_digest


SEGMENT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=8)
PATH = st.lists(SEGMENT, min_size=1, max_size=4).map("/".join).filter(lambda path: check_path(path) is None)
CONTENT = st.binary(max_size=400) | st.binary(max_size=20).map(lambda data: data * 50)
FILES = st.dictionaries(PATH, st.tuples(st.sampled_from([FILE, RUN]), CONTENT), max_size=8)


@given(FILES, st.randoms(use_true_random=False))
def test_any_set_of_files_comes_back_from_its_zip(
    given_files: dict[str, tuple[int, bytes]], random: st.DataObject
) -> None:
    given_files["SKILL.md"] = (FILE, b"x")
    assume(not list(check_paths(given_files)))
    files = [SourceFile(path, mode, data) for path, (mode, data) in given_files.items()]
    built = build(*files)
    random.shuffle(files)  # type: ignore[attr-defined]

    assert build(*files) == built
    with opened(built.data) as archive:
        assert archive.testzip() is None
        again = [
            SourceFile(member.filename, member.external_attr >> 16, archive.read(member))
            for member in archive.infolist()
        ]
    assert {file.path: (file.mode, file.data) for file in again} == given_files
    assert build(*again) == built


# -- the manifest's name


@pytest.mark.parametrize("name", ["skill.md", "SKILL.MD", "Skill.md"])
def test_the_manifest_is_always_called_skill_md(name: str) -> None:
    built = build(SourceFile(name, FILE, b"x"), manifest=name)
    assert [file.path for file in built.package.files] == ["SKILL.md"]
    [diagnostic] = built.diagnostics
    assert (diagnostic.rule, diagnostic.level, diagnostic.file) == ("package.manifest-renamed", "info", name)
    assert built.data == build(manifest()).data


def test_renaming_never_hides_another_file() -> None:
    assert "path.duplicate" in refusal(manifest(), SourceFile("skill.md", FILE, b"y"), manifest="skill.md")


def test_a_package_without_a_manifest_is_refused() -> None:
    assert refusal(SourceFile("x/SKILL.md", FILE, b"x")) == {"package.no-manifest"}
    assert refusal() == {"package.no-manifest"}


# -- the limits


SMALL = PackageSettings(max_bytes=100, max_file_bytes=60, max_files=3)


@pytest.mark.parametrize(
    ("sizes", "rules"),
    [
        ([1, 2, 3], set()),
        ([60, 40], set()),
        ([61], {"package.file-too-large"}),
        ([60, 41], {"package.too-large"}),
        ([0, 0, 0, 0], {"package.too-many-files"}),
        ([61, 61, 61, 61], {"package.file-too-large", "package.too-large", "package.too-many-files"}),
    ],
)
def test_limits_are_kept_before_and_after_fetching(sizes: list[int], rules: set[str]) -> None:
    names = ["SKILL.md", "a", "b", "c"]
    files = [SourceFile(name, FILE, b"x" * size) for name, size in zip(names, sizes, strict=False)]
    assert {f.rule for f in check_sizes(zip(names, sizes, strict=False), SMALL)} == rules
    if rules:
        assert refusal(*files, limits=SMALL) == rules
    else:
        build(*files, limits=SMALL)


def test_unknown_sizes_are_not_guessed() -> None:
    assert list(check_sizes([("a", None), ("b", 60)], SMALL)) == []
    assert [found.file for found in check_sizes([("a", None), ("b", 61)], SMALL)] == ["b"]


def test_limits_beyond_the_format_are_cut_to_it() -> None:
    boundless = PackageSettings(max_bytes=2**40, max_file_bytes=2**40, max_files=10**6)
    assert [found.rule for found in check_sizes([("a", 2**32)], boundless)] == ["package.too-large"]
    many = ((str(n), 0) for n in range(70_000))
    assert [found.rule for found in check_sizes(many, boundless)] == ["package.too-many-files"]


def test_a_hundred_thousand_hostile_files_are_refused_in_a_few_words() -> None:
    files = [SourceFile(f"../{n}", FILE, b"") for n in range(100_000)]
    refused = build_package(files, LIMITS)
    assert isinstance(refused, Refusal)
    assert len(refused.diagnostics) == 1


# -- what is only said


def test_a_pointer_of_git_lfs_is_kept_and_said() -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 123456\n"
    built = build(manifest(), SourceFile("model.bin", FILE, pointer), SourceFile("about.md", FILE, b"see " + pointer))
    assert [(found.rule, found.level, found.file) for found in built.diagnostics] == [
        ("package.lfs-pointer", "warning", "model.bin")
    ]


def test_a_long_text_about_lfs_is_no_pointer() -> None:
    text = b"version https://git-lfs.github.com/spec/v1\n" + b"x" * 2_000
    assert build(manifest(), SourceFile("a", FILE, text)).diagnostics == ()


# -- what it does not do


AUDIT = """
import sys
from skillcrawler import archive, discover, gitobjects, members, provenance, root, tree
from skilldata.config import PackageSettings

def everything():
    files = {"x/SKILL.md": b"s", "x/a": b"a" * 5000, "shared": b"shared", "SKILL.md": b"see `shared`"}
    link = b"../shared"
    blobs = {gitobjects.blob_oid(data): data for data in (*files.values(), link)}
    listing = [gitobjects.TreeEntry(p, 0o100644, gitobjects.blob_oid(d)) for p, d in files.items()]
    listing.append(gitobjects.TreeEntry("x/link", 0o120000, gitobjects.blob_oid(link)))
    whole = tree.RepositoryTree(listing)
    for skill in discover.find_skills(whole).skills:
        if not skill.path:
            skill = root.select_root(whole, skill, "see `shared`")
        limits = PackageSettings()
        texts = members.read_links(whole, [skill], lambda oids: {oid: blobs[oid] for oid in oids}, limits)
        found = members.resolve_members(whole, skill, texts, limits)
        built = archive.build_package(members.source_files(found.files, blobs), limits)
        assert len(built.package.files) >= 2
        origin = provenance.Origin(1, "a/b", "0" * 40, None, skill.path)
        provenance.canonical_json(provenance.provenance_statement("x.zip", built.package, origin, version="0"))

everything()  # imports what is imported on first use
seen = []
sys.addaudithook(lambda event, arguments: seen.append(event))
everything()
events = sorted(set(seen))
print("\\n".join(events))
"""
FORBIDDEN = ("open", "os.", "subprocess.", "socket.", "exec", "compile", "import", "shutil.", "tempfile.", "glob.")


def test_packaging_opens_no_file_and_starts_no_process() -> None:
    made = subprocess.run([sys.executable, "-c", AUDIT], capture_output=True, text=True, check=True)
    events = made.stdout.split()
    assert [event for event in events if event.startswith(FORBIDDEN)] == []


def test_the_audit_would_notice() -> None:
    spied = AUDIT.replace("everything()\nevents", "everything(); open('/dev/null').close()\nevents")
    made = subprocess.run([sys.executable, "-c", spied], capture_output=True, text=True, check=True)
    assert "open" in made.stdout.split()
