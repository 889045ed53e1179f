"""What a crawl costs: requests, points, bytes and seconds, from the local GitHub's wire log.

1. A re-crawl of many unchanged repositories: GraphQL points and other requests for each, the length of the
   workflows' histories and the worker's memory. 10,000 repositories are real ones; 100,000 share the objects of
   one, since only their heads are looked at.
2. A first crawl: git requests for each repository, bytes beside those of the tarballs, and the time beside
   a shell loop of `git clone --depth 1` and `zip` over the same skill folders.

The second part crawls the real repositories where a folder of them is named in SKILLREGISTRY_TEST_CORPUS or
lies at ../shared/corpus, and otherwise the samples.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from figures import Figure, main  # noqa: E402
from tests.standin import StandIn  # noqa: E402

from skillcli.services import EmbeddedServices  # noqa: E402
from skillcrawler.github import GitHub  # noqa: E402
from skillcrawler.worker import connect  # noqa: E402
from skilldata import migrate  # noqa: E402
from skilldata.config import Settings, load_settings  # noqa: E402
from skilldata.database import Database  # noqa: E402
from skilldata.models import Repository as Model  # noqa: E402

COMMAND = Path(sys.executable).with_name("skillregistry")
POINTS_PER_HOUR = 5_000  # of one token
HISTORY_EVENTS = 10_240  # Temporal warns from there on
SKILL = "---\nname: a\ndescription: Does a thing.\n---\n"
LOOP = r"""
set -e
for name in $NAMES; do
  git clone -q --depth 1 "$GITHUB/$name.git" "$OUT/$name"
  find "$OUT/$name" -iname SKILL.md -type f | while read -r file; do
    (cd "$(dirname "$file")" && zip -q -r - .) > "$OUT/package.zip"
  done
done
"""


class Registry:
    """A registry of the benchmark's own, on embedded services, beside a local GitHub."""

    def __init__(self, state: Path, github: StandIn) -> None:
        self.github = github
        self.environment = {
            **os.environ,
            "SKILLREGISTRY_STATE_DIRECTORY": str(state),
            "SKILLREGISTRY_GITHUB__API_URL": github.url,
            "SKILLREGISTRY_GITHUB__GIT_URL": github.url,
            "SKILLREGISTRY_GITHUB__TOKEN": github.token,
        }
        self.settings = load_settings(environment={k: v for k, v in self.environment.items() if "SKILLREGISTRY" in k})
        migrate.upgrade(self.settings.database)

    def crawl_watched(self, *arguments: str) -> tuple[dict[str, Any], float, list[int]]:
        """Crawl as `crawl` does; give besides how many bytes the worker had in memory, twice a second."""
        started = time.monotonic()
        command = [str(COMMAND), "crawl", "--wait", "--no-publish", "--json", *arguments]
        memory = []
        with subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            while process.poll() is None:
                memory.append(_memory(process.pid))
                time.sleep(0.5)
            output = process.stdout.read() if process.stdout else b""
        seconds = time.monotonic() - started
        return json.loads(output)["data"]["counters"], seconds, [size for size in memory if size]

    def crawl(self, *arguments: str) -> tuple[dict[str, Any], float]:
        """Crawl with the command; give its counters and the seconds it took."""
        started = time.monotonic()
        command = [str(COMMAND), "crawl", "--wait", "--no-publish", "--json", *arguments]
        done = subprocess.run(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
        )
        return json.loads(done.stdout)["data"]["counters"], time.monotonic() - started


def measure(quick: bool) -> list[Figure]:
    """Run all parts."""
    counts = (500, 4_000) if quick else (10_000, 100_000)
    return [*unchanged(counts[0], heads_only=False), *unchanged(counts[1], heads_only=True), *first(quick)]


def unchanged(count: int, *, heads_only: bool) -> list[Figure]:
    """Crawl many repositories of which none changed."""
    with registry() as made:
        if heads_only:
            made.github.add_heads("owner", count - 1, {"a/SKILL.md": SKILL})
        else:
            for number in range(count):
                made.github.add_repository(f"owner{number // 100}/repo{number}", {"a/SKILL.md": SKILL})
        _know_all(made)
        made.github.reset_wire_log()
        points = made.github.points("graphql")
        counters, seconds, memory = made.crawl_watched("--due")
        points = made.github.points("graphql") - points
        if counters["probed"] != count or counters["changed"]:
            raise SystemExit(f"the crawl did not do what is measured: {counters}")
        kinds = Counter(exchange.kind for exchange in made.github.wire_log())
        histories = asyncio.run(_histories(made.settings))
        name = f"unchanged, {count:,}"
        return [
            Figure(f"{name}: time", seconds, "s"),
            Figure(f"{name}: GraphQL points in all", points, "points", POINTS_PER_HOUR),
            Figure(f"{name}: GraphQL points for each repository", points / count, "points", 0.011),
            Figure(f"{name}: REST requests for each repository", kinds["rest"] / count, "requests", 0),
            Figure(f"{name}: git requests for each repository", kinds["git"] / count, "requests", 0),
            Figure(f"{name}: workflow runs", len(histories), "runs"),
            Figure(f"{name}: longest history of a run", max(histories), "events", HISTORY_EVENTS),
            Figure(f"{name}: worker's memory", max(memory) / (1 << 20), "MiB"),
            Figure(f"{name}: … at the end beside the middle", memory[-1] / memory[len(memory) // 2], "ratio", 1.2),
        ]


def first(quick: bool) -> list[Figure]:
    """Crawl repositories for the first time."""
    with registry() as made:
        names = _load(made.github, quick)
        made.github.reset_wire_log()
        counters, seconds = made.crawl(*names)
        log = made.github.wire_log()
        kinds = Counter(exchange.kind for exchange in log)
        content = sum(1 for exchange in log if exchange.kind == "rest") - len(names)  # one each is the source itself
        fetched = sum(exchange.bytes_out for exchange in log if exchange.kind == "git")
        tarballs = sum(_tarball(made.github, name) for name in names)
        shell = _shell_loop(made.github, names)
        return [
            Figure(f"first: repositories, {len(names)}, skills, {counters['skills_added']}", seconds, "s"),
            Figure("first: REST requests for contents", content, "requests", 0),
            Figure("first: git requests for each repository", kinds["git"] / len(names), "requests", 5),
            Figure("first: bytes beside the tarballs'", fetched / tarballs, "ratio", 0.6),
            Figure("first: seconds of a shell loop (clone, zip)", shell, "s"),
            Figure("first: seconds beside the shell loop's", seconds / shell, "ratio"),
        ]


def _memory(process: int) -> int:
    """Give the bytes that a process has in memory (proc(5), statm)."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0
    return pages * resource.getpagesize()


@contextmanager
def registry() -> Iterator[Registry]:
    """Give an empty registry and an empty local GitHub."""
    with tempfile.TemporaryDirectory() as folder, StandIn() as github:
        github.set_secondary_limits(None, None, None)
        services = EmbeddedServices(Path(folder))
        services.up()
        try:
            yield Registry(Path(folder), github)
        finally:
            services.down()


def _know_all(made: Registry) -> None:
    """Put every repository into the index as one that was read at its present head."""
    found = made.github.repositories()
    with Database(made.settings.database) as database, GitHub(made.settings.github) as github:
        database.record_probe(github.probe([found[0]["node_id"]]).repositories)
        varying = ["repository_id", "node_id", "owner", "name", "head_oid"]
        same = [name for name in Model.model_fields if name not in varying]
        columns = ", ".join([*varying, *same])
        insert = f"""
            INSERT INTO repository ({columns})
            SELECT wanted.*, {", ".join(f"one.{name}" for name in same)}
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[]) AS wanted, repository AS one
            WHERE one.repository_id = %s ON CONFLICT DO NOTHING
        """
        names = [one["full_name"].partition("/") for one in found]
        values = (
            [one["id"] for one in found],
            [one["node_id"] for one in found],
            [owner for owner, _, _ in names],
            [name for _, _, name in names],
            [one["head"] for one in found],
            found[0]["id"],
        )
        with database.transaction() as connection:
            connection.execute(insert.encode(), values)
            connection.execute(
                "INSERT INTO probe (repository_id) SELECT repository_id FROM repository ON CONFLICT DO NOTHING"
            )
        # A second look takes in what differs from the first repository, such as trees and times.
        _look_again(made, database, github, [one["node_id"] for one in found])


def _look_again(made: Registry, database: Database, github: GitHub, nodes: list[str]) -> None:
    sample = nodes[:: max(1, len(nodes) // 100)][:100]
    seen = github.probe(sample).repositories
    with database.transaction() as connection:
        connection.execute("UPDATE repository SET crawled_oid = head_oid")
        connection.execute("UPDATE probe SET due_at = now()")
    if database.record_probe(seen):
        raise SystemExit("the index was not set up as one that has read every repository")
    with database.transaction() as connection:
        connection.execute("UPDATE probe SET due_at = now()")


async def _histories(settings: Settings) -> list[int]:
    """List the numbers of events of all runs of all workflows."""
    client = await connect(settings.temporal)
    return [run.history_length or 0 async for run in client.list_workflows()]


def _load(github: StandIn, quick: bool) -> list[str]:
    named = os.environ.get("SKILLREGISTRY_TEST_CORPUS")
    folder = Path(named) if named else ROOT.parent / "shared" / "corpus"
    files = sorted(folder.glob("*__*.json"), key=lambda path: path.stat().st_size)
    if not files:
        return github.load_folder(ROOT / "tests" / "standin" / "samples")
    return [github.load_corpus_file(path, "last") for path in (files[:12] if quick else files)]


def _tarball(github: StandIn, name: str) -> int:
    with urllib.request.urlopen(f"{github.url}/codeload/{name}/tar.gz/HEAD") as answer:
        return sum(len(chunk) for chunk in iter(lambda: answer.read(1 << 20), b""))


def _shell_loop(github: StandIn, names: list[str]) -> float:
    with tempfile.TemporaryDirectory() as out:
        variables = {
            **os.environ,
            "NAMES": " ".join(names),
            "GITHUB": github.url,
            "OUT": out,
            "GIT_TERMINAL_PROMPT": "0",
        }
        started = time.monotonic()
        subprocess.run(["bash", "-c", LOOP], env=variables, check=True, stderr=subprocess.DEVNULL)
        return time.monotonic() - started


if __name__ == "__main__":
    main(__doc__ or "", measure)
