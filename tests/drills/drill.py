"""What a drill says, and the registry that it is done to."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import Registry, new_registry
from tests.faultruns import COMMAND, World
from tests.standin import StandIn
from tests.test_end_to_end import environment, run


class Done(NamedTuple):
    """What came of a drill: what was checked, what was measured, and what does not hold (nothing where it passed)."""

    checked: str
    measured: dict[str, float]
    wrong: list[str]


class Stage(NamedTuple):
    """Where drills are done: running services, a local GitHub, and the undisturbed crawl to compare with."""

    services: Path
    github: StandIn
    scratch: Path
    world: World
    quick: bool


class Drill(NamedTuple):
    """One drill, and whether it takes seconds only."""

    name: str
    injected: str
    act: Callable[[Stage], Done]
    short: bool = False


@contextmanager
def registry_of(stage: Stage) -> Iterator[Registry]:
    """Make a registry for one drill."""
    with new_registry(stage.services, stage.github, stage.scratch / uuid.uuid4().hex) as made:
        yield made


@contextmanager
def process(registry: Registry, *command: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command beside the block; it is killed at the end."""
    with (registry.settings.state_directory / "drill.log").open("ab") as log:
        made = subprocess.Popen(
            [COMMAND, *command], env={**environment(registry), **variables}, stderr=log, start_new_session=True
        )
    try:
        yield made
    finally:
        kill(made)


def kill(victim: subprocess.Popen[bytes]) -> None:
    """Kill a process and what it started, at once."""
    with suppress(ProcessLookupError):
        os.killpg(victim.pid, signal.SIGKILL)
    victim.wait()


def fsck(registry: Registry) -> list[str]:
    """Run `skillregistry fsck`; give what does not agree."""
    done = subprocess.run(
        [COMMAND, "fsck", "--json"], env=environment(registry), capture_output=True, text=True, check=False
    )
    return [] if done.returncode == 0 else [f"fsck: {done.stdout[-500:]}{done.stderr[-300:]}"]


def published(registry: Registry, *names: str) -> Any:
    """Crawl and publish; give the report."""
    return run(registry, "crawl", "--wait", *names)


@contextmanager
def timed(measured: dict[str, float], name: str) -> Iterator[None]:
    """Measure the seconds of a block."""
    begun = time.monotonic()
    yield
    measured[name] = round(time.monotonic() - begun, 2)
