"""The demo: from repositories to a checked site, through all the real services.

`make demo` crawls the sample repositories of the local GitHub, `make demo CORPUS=DIR` real ones at two
commits of their history. Everything that a maintainer would run is run as its command.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from skilldata.config import load_settings
from skilldata.database import Database
from skilldata.objects import ObjectStore
from skilldata.snapshot import Snapshot
from skilldata.store import SnapshotStore
from skillsite.check import check_site
from tests import corpus_count
from tests.standin import StandIn

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "tests" / "standin" / "samples"
COMMAND = Path(sys.executable).with_name("skillregistry")


class Demo:
    """One state directory, one local GitHub, and the `skillregistry` command between them."""

    def __init__(self, state: Path, github: StandIn) -> None:
        self.state = state
        self.github = github
        self.finished = state / "demo-finished"
        self._environment = {
            **os.environ,
            "SKILLREGISTRY_CONFIG": str(state / "registry.yaml"),
            "SKILLREGISTRY_STATE_DIRECTORY": str(state),
            "SKILLREGISTRY_GITHUB__API_URL": github.url,
            "SKILLREGISTRY_GITHUB__GIT_URL": github.url,
            "SKILLREGISTRY_GITHUB__TOKEN": github.token,
        }

    def sign(self) -> None:
        """Make the keys that sign what is published, the first time; those of a real registry are kept offline."""
        keys = self.state / "keys"
        if not keys.exists():
            self.run("trust", "init", "--keys", str(keys), "--bins", "4")
        self._environment["SKILLREGISTRY_TRUST__ONLINE_KEY_FILE"] = str(keys / "online.pem")

    def configure(self, repositories: list[str]) -> None:
        """Write the registry.yaml of the demo: every repository by name."""
        self.state.mkdir(parents=True, exist_ok=True)
        sources = [{"kind": "repository", "target": name} for name in repositories]
        (self.state / "registry.yaml").write_text(yaml.safe_dump({"sources": sources}), encoding="utf-8")

    def run(self, *arguments: str) -> str:
        """Run a command of the registry; its progress is shown, its output returned."""
        say(f"$ skillregistry {' '.join(arguments)}")
        done = subprocess.run(
            [COMMAND, *arguments], env=self._environment, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"demo: `skillregistry {' '.join(arguments)}` failed with status {done.returncode}")
        return done.stdout

    def crawl(self) -> dict[str, Any]:
        """Crawl everything and say what it took."""
        self.github.reset_wire_log()
        before, started = self.counts(), time.monotonic()
        report = json.loads(self.run("crawl", "--wait", "--json"))["data"]
        seconds = time.monotonic() - started
        after = self.counts()
        requests = Counter(exchange.kind for exchange in self.github.wire_log())
        done = report["counters"]
        say(f"  repositories  {done['probed']} looked at, {done['changed']} changed, {done['failed']} failed")
        for name in ("skills", "refused", "gone", "versions", "packages", "package_bytes"):
            say(f"  {name:13} {after[name]:,} ({after[name] - before[name]:+,})")
        listed = ", ".join(f"{count} {kind}" for kind, count in sorted(requests.items()))
        say(f"  requests      {listed}")
        say(f"  seconds       {seconds:.1f}")
        if done["failed"]:
            sys.stdout.write(self.run("crawl", "failures"))
            sys.exit("demo: repositories failed, see above")
        return dict(report)

    def counts(self) -> dict[str, int]:
        """Count the rows of the index."""
        with Database(self.settings().database) as database:
            return database.counts()

    def settings(self) -> Any:
        """Read the configuration as the commands do."""
        return load_settings(
            environment={key: value for key, value in self._environment.items() if "SKILLREGISTRY" in key}
        )

    def check(self) -> None:
        """Check every page, and that every listed package is stored."""
        site = self.state / "site" / "live"
        problems = check_site(site)
        for problem in problems[:20]:
            say(f"  {problem}")
        if problems:
            sys.exit(f"demo: the site has {len(problems)} problems")
        self.run("trust", "verify")
        pages = sum(1 for _ in site.rglob("*.html"))
        say(f"  site          {pages:,} pages, every link and anchor leads somewhere")

    def compare(self, corpus: Path, number: int) -> None:
        """Hold the index against a count that was made apart from it."""
        expected = corpus_count.manifests(corpus, number)
        settings = self.settings()
        store = SnapshotStore(settings.state_directory / "snapshots", ObjectStore(settings.s3))
        found: dict[str, set[str]] = {name: set() for name in expected}
        with Snapshot(store.current()) as snapshot:
            unexplained = 0
            for skill in snapshot.summaries("state IN ('listed', 'refused')"):
                found[f"{skill.owner}/{skill.repository}"].add(skill.path)
                if skill.state == "refused":
                    unexplained += not any(one.level == "error" for one in snapshot.details(skill).diagnostics)
        wrong = [name for name in expected if expected[name] != found[name]]
        for name in wrong:
            missing, extra = expected[name] - found[name], found[name] - expected[name]
            say(f"  {name}: missing {sorted(missing)[:5]}, too many {sorted(extra)[:5]}")
        if wrong or unexplained:
            sys.exit(f"demo: {len(wrong)} repositories differ from the count, {unexplained} refusals have no reason")
        total = sum(map(len, expected.values()))
        say(
            f"  count         {total:,} folders with a SKILL.md in the JSON, the same {total:,} listed or with a reason"
        )


def samples(demo: Demo) -> None:
    """Crawl the sample repositories."""
    demo.configure(demo.github.load_folder(SAMPLES))
    demo.run("up")
    demo.sign()
    report = demo.crawl()
    demo.check()
    _conclude(demo, report)


def corpus(demo: Demo, folder: Path) -> None:
    """Crawl the real repositories at their first commit, push the second, and crawl again."""
    again = demo.finished.exists()
    demo.configure(demo.github.load_corpus(folder, snapshot="last" if again else "first"))
    demo.run("up")
    demo.sign()
    if not again:
        demo.crawl()
        demo.compare(folder, 0)
        moved = demo.github.push_all_snapshots()
        say(f"pushed the second commit of {len(moved)} repositories")
    report = demo.crawl()
    demo.compare(folder, -1)
    demo.check()
    _conclude(demo, report)


def say(text: str) -> None:
    """Show a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__)
    parser.add_argument("--corpus", type=Path, help="folder of real repositories as data")
    parser.add_argument("--state", type=Path, help="where services, snapshots and the site are kept")
    options = parser.parse_args()
    started = time.monotonic()
    state = (options.state or ROOT / "var" / ("demo-corpus" if options.corpus else "demo")).resolve()
    with StandIn() as github:
        demo = Demo(state, github)
        try:
            corpus(demo, options.corpus) if options.corpus else samples(demo)
        finally:
            demo.run("down")
    say(f"\ndone in {time.monotonic() - started:.1f} s. Look at it:")
    place = state.relative_to(ROOT) if state.is_relative_to(ROOT) else state
    say(f"  make serve STATE={place}    then open http://127.0.0.1:8080/")
    say(f"  {place / 'site' / 'live'}   the site as files")


def _conclude(demo: Demo, report: dict[str, Any]) -> None:
    published = report["published"]
    if published["changed"]:
        written, pages = published["files_written"], published["pages"]
        say(f"  published     snapshot {published['snapshot']}: {pages} pages, {written} files written")
    else:
        say(f"  published     nothing changed; snapshot {published['snapshot']} stays live")
    demo.finished.touch()


if __name__ == "__main__":
    main()
