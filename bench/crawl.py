"""What a crawl costs: requests, points, bytes and seconds, from the local GitHub's wire log.

1. A re-crawl of many unchanged repositories: GraphQL points and other requests for each.
2. A first crawl: git requests for each repository, bytes beside those of the tarballs, and the time beside
   a shell loop of `git clone --depth 1` and `zip` over the same skill folders.

The second part crawls the real repositories where a folder of them is named in SKILLREGISTRY_TEST_CORPUS or
lies at ../shared/corpus, and otherwise the samples.
"""

from __future__ import annotations

import json
import os
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
from skilldata import migrate  # noqa: E402
from skilldata.config import load_settings  # noqa: E402
from skilldata.database import Database  # noqa: E402

COMMAND = Path(sys.executable).with_name("skillregistry")
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

    def crawl(self, *arguments: str) -> tuple[dict[str, Any], float]:
        """Crawl with the command; give its counters and the seconds it took."""
        started = time.monotonic()
        command = [str(COMMAND), "crawl", "--wait", "--no-publish", "--json", *arguments]
        done = subprocess.run(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
        )
        return json.loads(done.stdout)["data"]["counters"], time.monotonic() - started


def measure(quick: bool) -> list[Figure]:
    """Run both parts."""
    return [*unchanged(500 if quick else 10_000), *first(quick)]


def unchanged(count: int) -> list[Figure]:
    """Crawl many repositories of which none changed."""
    with registry() as made:
        for number in range(count):
            made.github.add_repository(f"owner{number // 100}/repo{number}", {"a/SKILL.md": SKILL})
        _know_all(made)
        made.github.reset_wire_log()
        counters, seconds = made.crawl("--due")
        if counters["probed"] != count or counters["changed"]:
            raise SystemExit(f"the crawl did not do what is measured: {counters}")
        kinds = Counter(exchange.kind for exchange in made.github.wire_log())
        # One query costs one point: see the formula in GitHub's documentation of GraphQL limits.
        return [
            Figure(f"unchanged: repositories, {count:,}", seconds, "s"),
            Figure("unchanged: GraphQL points for each repository", kinds["graphql"] / count, "points", 0.011),
            Figure("unchanged: REST requests for each repository", kinds["rest"] / count, "requests", 0),
            Figure("unchanged: git requests for each repository", kinds["git"] / count, "requests", 0),
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
    with Database(made.settings.database) as database, GitHub(made.settings.github) as github:
        nodes = [one["node_id"] for one in made.github.repositories()]
        for start in range(0, len(nodes), 100):
            database.record_probe(github.probe(nodes[start : start + 100]).repositories)
        with database.transaction() as connection:
            connection.execute("UPDATE repository SET crawled_oid = head_oid")
            connection.execute("UPDATE probe SET due_at = now()")


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
