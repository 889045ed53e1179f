"""How long it takes from a push until everybody sees it: webhook, worker, API and site as real processes.

A registry of real repositories (where a folder of them is named in SKILLREGISTRY_TEST_CORPUS or lies at
../shared/corpus, and otherwise of samples) is given repositories that push: one after the other, and then all at
once. Each push is delivered as GitHub would, signed. The clock runs from the push until the API and the site show
its text. Where the time goes is read from Temporal's histories.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from figures import Figure, main  # noqa: E402
from tests.standin import StandIn  # noqa: E402

from skillcli.services import EmbeddedServices  # noqa: E402
from skillcrawler.worker import connect  # noqa: E402
from skilldata import migrate  # noqa: E402
from skilldata.config import Settings, load_settings  # noqa: E402

COMMAND = Path(sys.executable).with_name("skillregistry")
SECRET = "a secret for the benchmark"
BAR = 60.0  # seconds, at the 95th percentile
PATIENCE = 300.0
WORKFLOWS = "WorkflowType = '{}' AND StartTime > '{}'"


class Pusher:
    """Pushes, delivers and watches.

    Args:
        github: The local GitHub.
        address: Where API and site are served.
    """

    def __init__(self, github: StandIn, address: str) -> None:
        self._github = github
        self._address = address
        self._turn = 0

    def push(self, names: Sequence[str]) -> list[tuple[float, float]]:
        """Push to repositories at once; give the seconds until API and site show each."""
        self._turn += 1
        mark = f"turn {self._turn}"
        begun, waiting, seen = {}, set(), {}
        for name in names:
            self._github.push(name, {"a/SKILL.md": skill(mark)})
            begun[name] = time.monotonic()
            self._deliver(name)
            waiting |= {(name, "api"), (name, "site")}
        while waiting:
            for name, where in sorted(waiting):
                if mark in self._read(name, where):
                    seen[name, where] = time.monotonic() - begun[name]
            waiting -= seen.keys()
            if time.monotonic() - min(begun.values()) > PATIENCE:
                raise SystemExit(f"never seen: {sorted(waiting)}")
            time.sleep(0.1)
        return [(seen[name, "api"], seen[name, "site"]) for name in names]

    def _deliver(self, name: str) -> None:
        shown = next(one for one in self._github.repositories() if one["full_name"] == name)
        repository = {"id": shown["id"], "full_name": name, "default_branch": shown["default_branch"]}
        body = json.dumps({"ref": f"refs/heads/{shown['default_branch']}", "repository": repository}).encode()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
        }
        request = urllib.request.Request(f"{self._address}/api/v1/webhooks/github", body, headers)
        with urllib.request.urlopen(request) as answer:
            if answer.status != 202:
                raise SystemExit(f"the delivery was not accepted: {answer.read()!r}")

    def _read(self, name: str, where: str) -> str:
        path = f"/api/v1/skills/{name}/a" if where == "api" else f"/s/{name}/a.html"
        try:
            with urllib.request.urlopen(self._address + path) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError:
            return ""


def skill(mark: str) -> str:
    """Give a SKILL.md whose description says which push it is of."""
    return f"---\nname: a\ndescription: Does a thing, {mark}.\nlicense: MIT\n---\n\n# Body\n\n{mark}\n"


def measure(quick: bool) -> list[Figure]:
    """Push one after the other, and at once."""
    turns, crowd = (4, 5) if quick else (10, 10)
    with tempfile.TemporaryDirectory() as folder, StandIn() as github:
        github.set_secondary_limits(None, None, None)
        services = EmbeddedServices(Path(folder))
        services.up()
        try:
            return _measure(github, Path(folder), turns, crowd, quick)
        finally:
            services.down()


def _measure(github: StandIn, state: Path, turns: int, crowd: int, quick: bool) -> list[Figure]:
    environment = {
        **os.environ,
        "SKILLREGISTRY_STATE_DIRECTORY": str(state),
        "SKILLREGISTRY_GITHUB__API_URL": github.url,
        "SKILLREGISTRY_GITHUB__GIT_URL": github.url,
        "SKILLREGISTRY_GITHUB__TOKEN": github.token,
        "SKILLREGISTRY_ON_DEMAND__WEBHOOK_SECRET": SECRET,
    }
    settings = load_settings(environment={k: v for k, v in environment.items() if "SKILLREGISTRY" in k})
    migrate.upgrade(settings.database)
    names = [f"acme/fresh{number}" for number in range(crowd)]
    for name in names:
        github.add_repository(name, {"a/SKILL.md": skill("turn 0")})
    command = [str(COMMAND), "crawl", "--wait", "--json", *_load(github, quick), *names]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    skills = json.loads(done.stdout)["data"]["counters"]["skills_added"]
    with _running(environment, "worker"), _running(environment, "serve", "--port", "0") as address:
        pusher = Pusher(github, address)
        pusher.push(names[:1])  # the first pays for what a process loads once
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        alone = [pusher.push([names[turn % crowd]])[0] for turn in range(turns)]
        parts = asyncio.run(_parts(settings, started))
        together = pusher.push(names)
    return [
        *_figures(f"one by one, {turns} pushes, {skills:,} skills", alone),
        *(Figure(f"… of that, {part}", statistics.mean(values), "s (mean)") for part, values in parts.items()),
        *_figures(f"{crowd} repositories at once", together),
    ]


def _figures(what: str, seen: list[tuple[float, float]]) -> list[Figure]:
    api, site = ([one[place] for one in seen] for place in (0, 1))
    return [
        Figure(f"{what}: median, API", statistics.median(api), "s"),
        Figure("… 95th percentile, API", _p95(api), "s", BAR),
        Figure("… 95th percentile, site", _p95(site), "s", BAR),
    ]


def _p95(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


async def _parts(settings: Settings, since: str) -> dict[str, list[float]]:
    """Give the seconds of each part of each request, by the events of the workflows."""
    client = await connect(settings.temporal)
    found: dict[str, list[float]] = {"reading": [], "exporting": [], "site and pointer": []}
    async for one in client.list_workflows(WORKFLOWS.format("CrawlRepository", since)):
        if one.close_time:
            found["reading"].append((one.close_time - one.start_time).total_seconds())
    async for one in client.list_workflows(WORKFLOWS.format("PublishSnapshot", since)):
        history = await client.get_workflow_handle(one.id, run_id=one.run_id).fetch_history()
        times = {}
        for event in history.events:
            if event.HasField("activity_task_scheduled_event_attributes"):
                name = event.activity_task_scheduled_event_attributes.activity_type.name
                times[event.event_id] = (name, event.event_time.ToNanoseconds())
            if event.HasField("activity_task_completed_event_attributes"):
                name, begun = times[event.activity_task_completed_event_attributes.scheduled_event_id]
                part = "exporting" if name == "create_snapshot" else "site and pointer"
                found[part].append((event.event_time.ToNanoseconds() - begun) / 1e9)
    return {part: values for part, values in found.items() if values}


@contextmanager
def _running(environment: dict[str, str], *arguments: str) -> Iterator[str]:
    """Run a command for as long as the block lasts; yields the last word of its first line."""
    process = subprocess.Popen([str(COMMAND), *arguments], env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        first = process.stderr.readline()
        # Whatever else it says is taken from it, so that it never waits for a reader.
        threading.Thread(target=deque, args=(process.stderr, 0), daemon=True).start()
        yield first.split()[-1]
    finally:
        process.terminate()
        process.wait(timeout=60)


def _load(github: StandIn, quick: bool) -> list[str]:
    named = os.environ.get("SKILLREGISTRY_TEST_CORPUS")
    folder = Path(named) if named else ROOT.parent / "shared" / "corpus"
    files = sorted(folder.glob("*__*.json"), key=lambda path: path.stat().st_size)
    if quick or not files:
        return github.load_folder(ROOT / "tests" / "standin" / "samples")
    return [github.load_corpus_file(path, "last") for path in files]


if __name__ == "__main__":
    main(__doc__ or "", measure)
