"""What the scanner reads of archives, and that it says what it did not read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import time
import zipfile
from collections.abc import Callable

import pytest

from skillcrawler.scan import ScanFile, ScanReport, Verdict, scan_skill
from tests.scan_cases.malicious import RUN

FILLER = b"An ordinary line of text, of which there are many.\n"


def _scan(*files: tuple[str, bytes]) -> ScanReport:
    return scan_skill([ScanFile(path, 0o100644, data) for path, data in files])


def _zip(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def _tar(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def _padded(size: int) -> bytes:
    return FILLER * (size // len(FILLER)) + RUN.encode()


@pytest.mark.parametrize(
    "packed",
    [
        _zip({"a.txt": _padded(1_500_000)}),
        _zip({f"{number}.txt": _padded(900_000) for number in range(7)}),
        _tar({"a.txt": _padded(1_500_000)}),
        gzip.compress(_padded(5_000_000)),
        gzip.compress(b"first\n") + gzip.compress(RUN.encode()),
        bz2.compress(RUN.encode()),
        lzma.compress(_tar({"a.sh": RUN.encode()})),
        _zip({"inner.zip": _zip({"a.sh": RUN.encode()})}),
    ],
    ids=["zip", "zip of many", "tar", "gzip", "two streams", "bzip2", "xz", "nested"],
)
def test_what_is_far_down_in_an_archive_is_found(packed: bytes) -> None:
    assert _scan(("a.bin", packed)).verdict is Verdict.BLOCKED


def _locked() -> bytes:
    packed = bytearray(_zip({"a.txt": b"x"}))
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    return bytes(packed)


def _nested(depth: int) -> bytes:
    packed = _zip({"a.txt": b"x"})
    for _ in range(depth):
        packed = _zip({"inner.zip": packed})
    return packed


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: _zip({"a.txt": _padded(9_000_000)}), "more is packed than is read"),
        (lambda: _zip({f"{number}.txt": FILLER * 18_000 for number in range(10)}), "more is packed than is read"),
        (lambda: gzip.compress(_padded(9_000_000)), "more is packed than is read"),
        (lambda: _tar({str(number): b"" for number in range(2_001)}), "it has more than 2000 members"),
        (lambda: _zip({str(number): b"" for number in range(2_001)}), "it has more than 2000 members"),
        (lambda: _zip({"a.txt": b"x"})[:40], "the zip archive is damaged"),
        (lambda: gzip.compress(FILLER * 50)[:-20], "the gzip archive is damaged"),
        (lambda: b"Rar!\x1a\x07\x00" + b"\0" * 30, "rar archives cannot be opened"),
        (_locked, "members are locked with a password"),
        (lambda: _nested(3), "archives are nested too deeply"),
    ],
    ids=[
        "member",
        "total",
        "gzip",
        "tar of many",
        "zip of many",
        "damaged zip",
        "damaged gzip",
        "rar",
        "locked",
        "deep",
    ],
)
def test_what_is_left_unread_makes_the_scan_incomplete(make: Callable[[], bytes], problem: str) -> None:
    report = _scan(("a.zip", make()))
    assert (report.verdict, report.problem) == (Verdict.ERROR, f"a.zip was not read to its end: {problem}")


def test_a_member_with_a_wrong_checksum_does_not_hide_the_others() -> None:
    packed = bytearray(_zip({"a.txt": b"x", "b.sh": RUN.encode()}))
    packed[packed.index(b"PK\x03\x04") + 14 : packed.index(b"PK\x03\x04") + 18] = b"\0\0\0\0"
    packed[packed.index(b"PK\x01\x02") + 16 : packed.index(b"PK\x01\x02") + 20] = b"\0\0\0\0"
    report = _scan(("a.zip", bytes(packed)))
    assert report.verdict is Verdict.BLOCKED
    assert "damaged" in report.problem


def test_many_archives_that_unpack_to_much_end_in_time() -> None:
    bomb = gzip.compress(b" " * 7_000_000, 9)
    started = time.process_time()
    report = _scan(*((f"{number}.gz", bomb) for number in range(30)))
    assert time.process_time() - started < 6
    assert report.verdict is Verdict.ERROR
    assert report.problem.endswith("and 23 more")
