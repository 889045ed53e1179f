"""Object ids are git's own, and damaged objects are refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from skillcrawler.gitobjects import (
    TreeEntry,
    blob_oid,
    decode_path,
    encode_path,
    object_oid,
    parse_tree,
    tree_oid,
    verify_object,
)
from skilldata.errors import IntegrityError

EMPTY_BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    command = ["git", "-c", "init.defaultBranch=main", *arguments]
    return subprocess.run(command, cwd=folder, input=stdin, capture_output=True, check=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of awkward names, with its files in the index."""
    git(tmp_path, "init", "--quiet")
    names = [b"a.txt", b"a/inside", b"a-b", b"na\xc3\xafve", b"bad\xff", b"run"]
    lines = []
    for name in names:
        oid = git(tmp_path, "hash-object", "-w", "--stdin", stdin=name).strip()
        lines.append(b"%s %s\t%s\0" % (b"100755" if name == b"run" else b"100644", oid, name))
    lines.append(b"120000 %s\tlink\0" % git(tmp_path, "hash-object", "-w", "--stdin", stdin=b"a").strip())
    git(tmp_path, "update-index", "-z", "--index-info", stdin=b"".join(lines))
    return tmp_path


def test_ids_of_empty_objects_are_the_well_known_ones() -> None:
    assert blob_oid(b"") == EMPTY_BLOB
    assert tree_oid([]) == EMPTY_TREE


def test_a_tree_written_by_git_is_read_and_named_as_git_does(repository: Path) -> None:
    oid = git(repository, "write-tree").decode().strip()
    raw = git(repository, "cat-file", "tree", oid)

    entries = parse_tree(raw)

    assert object_oid("tree", raw) == oid
    assert tree_oid(reversed(entries)) == oid
    listed = git(repository, "ls-tree", "-z", oid).rstrip(b"\0").split(b"\0")
    assert [encode_path(entry.path) for entry in entries] == [line.partition(b"\t")[2] for line in listed]
    kinds = {entry.path: entry for entry in entries}
    assert kinds["a"].is_folder
    assert kinds["link"].is_link
    assert kinds["run"].is_file
    assert kinds["run"].mode == 0o100755
    assert kinds["a.txt"].oid == blob_oid(b"a.txt")


def test_a_submodule_is_neither_file_nor_folder() -> None:
    entry = TreeEntry("vendor/x", 0o160000, EMPTY_BLOB)
    assert entry.is_submodule
    assert [entry.is_file, entry.is_folder, entry.is_link] == [False, False, False]
    assert (entry.folder, entry.name) == ("vendor", "x")


def test_bytes_that_are_not_utf8_survive_decoding() -> None:
    assert encode_path(decode_path(b"bad\xff\xfe")) == b"bad\xff\xfe"


def test_other_bytes_than_asked_for_are_refused() -> None:
    verify_object("blob", b"", EMPTY_BLOB)
    with pytest.raises(IntegrityError, match=EMPTY_BLOB):
        verify_object("blob", b"x", EMPTY_BLOB)


@pytest.mark.parametrize(
    "raw",
    [
        b"100644",
        b"100644 name",
        b"100644 name\0short",
        b"100648 name\0" + bytes(20),
        b" name\0" + bytes(20),
        b"+100644 name\0" + bytes(20),
        b"1_0_644 name\0" + bytes(20),
        b"1006440 name\0" + bytes(20),
        b"100644 name\0" + bytes(20) + b"rest",
    ],
)
def test_a_damaged_tree_is_refused(raw: bytes) -> None:
    with pytest.raises(IntegrityError, match="damaged at byte"):
        parse_tree(raw)
