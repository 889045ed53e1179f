"""Publishers that are killed at seeded points while readers loop, and going back to the snapshot before.

One reader follows every kind of reference there is from `entry.json`; the other holds the first root and takes
nothing that the signed metadata does not vouch for. A publisher ends itself with SIGKILL before, within or after one
of its writes. What is published is a folder; `tests/killing.py` has the machinery, and a test of a few points.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from figures import Figure, main  # noqa: E402
from tests.killing import run  # noqa: E402


def measure(quick: bool) -> list[Figure]:
    """Kill and look; a smaller index and fewer points are quicker."""
    kills, skills = (6, 400) if quick else (40, 2000)
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(Path(folder), skills=skills, kills=kills)
    for problem in outcome.torn[:5]:
        print(f"torn: {problem}", file=sys.stderr)
    for path in outcome.differing[:5]:
        print(f"other bytes: {path}", file=sys.stderr)
    plain, signed = outcome.reads
    return [
        Figure(f"killed: of {kills} publishers, within {outcome.writes:,} writes", outcome.killed, "killed"),
        Figure(f"killed: torn reads, of {plain:,} plain and {signed:,} signed", len(outcome.torn), "reads", 0),
        Figure("go back: the JSON index and its signatures", outcome.back, "s", 5),
        Figure("go back: files with other bytes than before", len(outcome.differing), "files", 0),
    ]


if __name__ == "__main__":
    main(__doc__ or "", measure)
