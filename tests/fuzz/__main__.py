"""Feed one target after the other: `python -m tests.fuzz [TARGET]... [--seconds N]`.

Each runs in a process of its own. An input that fails is kept in tests/fuzz/inputs/TARGET/, and the status is 1.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.fuzz import NAMES

HERE = Path(__file__).parent
CORPUS = HERE.parent.parent / "build" / "fuzz"  # inputs that lead to code that no other reached
MEMORY_MIB = 1024  # of a process, atheris and its counters included
SLOWEST_SECONDS = 10


def main() -> int:
    """Run what the command line asks for; the status is 1 where an input failed."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("target", nargs="*", default=[*NAMES], help=f"one of {', '.join(NAMES)}; default: all")
    parser.add_argument("--seconds", type=int, default=600, help="for each target (default: 600)")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.target) - set(NAMES):
        parser.error(f"no target {', '.join(sorted(unknown))}")
    if options.inside:
        _feed(options.target[0], options.seconds)
    failed = [name for name in options.target if not _runs_clean(name, options.seconds)]
    sys.stdout.write(f"failed: {', '.join(failed)}\n" if failed else "nothing failed\n")
    return 1 if failed else 0


def _runs_clean(name: str, seconds: int) -> bool:
    sys.stdout.write(f"== {name}, {seconds} s\n")
    sys.stdout.flush()
    command = [sys.executable, "-m", "tests.fuzz", name, "--seconds", str(seconds), "--inside"]
    return subprocess.run(command, cwd=HERE.parent.parent, check=False).returncode == 0


def _feed(name: str, seconds: int) -> None:
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore] # only where fuzzing is wanted

    # Counters in our own code alone: what libraries do is theirs, and putting them in takes minutes.
    with atheris.instrument_imports(include=["skillcrawler"]):
        from tests.fuzz.targets import TARGETS

    corpus, kept = CORPUS / name, HERE / "inputs" / name
    corpus.mkdir(parents=True, exist_ok=True)
    kept.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-rss_limit_mb={MEMORY_MIB}",
        f"-timeout={SLOWEST_SECONDS}",
        f"-artifact_prefix={kept}/",
        "-max_len=8192",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus), str(kept)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
