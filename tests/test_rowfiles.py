"""Rows go out in pieces that end where a row ends, and come back in their order."""

from __future__ import annotations

from pathlib import Path

import pytest

from skilldata import rowfiles
from skilldata.rowfiles import row_files, write_rows


def test_pieces_are_whole_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rowfiles, "PIECE", 20)
    rows = [f'{number},"a\nb"\n'.encode() for number in range(100)]
    assert list(write_rows(tmp_path, "skill", rows)) == rows
    list(write_rows(tmp_path, "skill_more", rows))
    pieces = row_files(tmp_path, "skill")
    assert len(pieces) > 20
    assert all(piece.read_bytes().endswith(b'b"\n') for piece in pieces)
    assert b"".join(piece.read_bytes() for piece in pieces) == b"".join(rows)


def test_a_table_without_rows_has_a_file_and_one_that_was_not_exported_has_none(tmp_path: Path) -> None:
    assert list(write_rows(tmp_path, "empty", [])) == []
    assert len(row_files(tmp_path, "empty")) == 1
    assert row_files(tmp_path, "other") == []
