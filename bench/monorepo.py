"""What one repository of 61,000 skills and 129,000 files costs, from the first look to the rows in the index.

The skills are made up, small and all different, in one flat folder beyond what GitHub's tree listing gives. The
crawl is the command's own, with Temporal, S3 and PostgreSQL; then one skill changes, and it is crawled again.
Memory is the largest that the crawling process or a git of its own ever had.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from crawl import COMMAND, Registry, registry  # noqa: E402
from figures import Figure, main  # noqa: E402
from tests.monorepo import NAME, add_monorepo, skill_path, skill_text  # noqa: E402

MIB = 1024 * 1024


class Crawl(NamedTuple):
    """What one crawl took: wall seconds, CPU seconds and MiB of the crawling process with its git, requests."""

    counters: dict[str, Any]
    seconds: float
    cpu: float
    memory: float
    requests: Counter[str]
    fetched: int


def measure(quick: bool) -> list[Figure]:
    """Crawl it, change one skill, crawl it again."""
    skills, second_files = (1_000, 1_100) if quick else (61_000, 67_999)
    with registry() as made:
        files = add_monorepo(made.github, skills, second_files=second_files)
        first = _crawl(made)
        _expect(first.counters, skills_added=skills, failed=0)
        made.github.push(NAME, {f"{skill_path(7)}/SKILL.md": skill_text(7, more="more\n")})
        again = _crawl(made)
        _expect(again.counters, versions_added=1, skills_added=0, failed=0)
    git = "… git requests (a fifth where there is over 1 MiB of ids to ask for)"
    size = f"{skills:,} skills in {files:,} files"
    return [
        Figure(f"first crawl of {size}", first.seconds, "s"),
        Figure("… skills a second", skills / first.seconds, "skills/s"),
        Figure("… CPU of the crawling process for each skill", first.cpu / skills * 1000, "ms"),
        Figure("… memory at most", first.memory, "MiB", 700),
        Figure(git, first.requests["git"], "requests", 5),
        Figure("… REST requests for contents", first.requests["rest"] - 1, "requests", 0),
        Figure("… bytes from git for each skill", first.fetched / skills, "bytes"),
        Figure("crawl after one skill changed", again.seconds, "s"),
        Figure("… CPU of the crawling process, beside the first's", again.cpu / first.cpu, "ratio", 0.6),
        Figure("… memory at most", again.memory, "MiB", 700),
        Figure("… git requests", again.requests["git"], "requests", 4),
        Figure("… bytes from git, beside the first's", again.fetched / first.fetched, "ratio", 0.5),
    ]


def _crawl(made: Registry) -> Crawl:
    made.github.reset_wire_log()
    command = [str(COMMAND), "crawl", "--wait", "--no-publish", "--json", NAME]
    started = time.monotonic()
    process = subprocess.Popen(command, env=made.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    with process.stdout as output:
        said = output.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the crawl failed with status {process.returncode}")
    log = made.github.wire_log()
    return Crawl(
        counters=json.loads(said)["data"]["counters"],
        seconds=time.monotonic() - started,
        cpu=used.ru_utime + used.ru_stime,
        memory=used.ru_maxrss * 1024 / MIB,
        requests=Counter(one.kind for one in log),
        fetched=sum(one.bytes_out for one in log if one.kind == "git"),
    )


def _expect(counters: dict[str, Any], **wanted: int) -> None:
    if any(counters[key] != value for key, value in wanted.items()):
        raise SystemExit(f"the crawl did not do what is measured: {counters}")


if __name__ == "__main__":
    main(__doc__ or "", measure)
