"""A GitHub on this machine, for tests and the demo; never part of the wheel.

    with StandIn() as github:
        github.load_folder("tests/standin/samples")
        github.push("some-owner/some-repository", {"skills/x/SKILL.md": "…"})
        github.inject(path="/graphql", status=502, count=1)
        requests = github.wire_log()

`python -m tests.standin --help` serves it from a process of its own.
"""

from tests.standin.faults import Fault
from tests.standin.standin import DEFAULT_TOKEN, Options, StandIn
from tests.standin.store import File
from tests.standin.wire import Exchange, early
from tests.standin.world import App, StandInError

__all__ = ["DEFAULT_TOKEN", "App", "Exchange", "Fault", "File", "Options", "StandIn", "StandInError", "early"]
