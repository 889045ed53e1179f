"""A publisher that is killed leaves readers, signed and plain, with a whole index; going back gives the same bytes."""

from __future__ import annotations

from pathlib import Path

from tests.killing import run


def test_publishers_killed_at_seeded_points_tear_nothing(tmp_path: Path) -> None:
    outcome = run(tmp_path, skills=100, kills=3)
    assert outcome.torn == []
    assert outcome.killed == 3
    assert min(outcome.reads) > 0
    assert outcome.differing == []
    assert outcome.back < 5
