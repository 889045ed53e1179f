"""`python -m tests.contract [--seconds N]`: schemathesis, all checks, over the OpenAPI description of a served API.

Schemathesis makes requests from the description, right and wrong ones, and holds every answer against it: status,
headers, media type, schema, whether right values are taken and wrong ones refused. Status 1 where one does not hold.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skillapi.app import create_app
from skillapi.live import FolderSource
from skilldata.config import ApiSettings, OnDemandSettings, Settings
from skilldata.ondemand import RefreshRequest, RefreshState, refresh_id
from skilldata.search import build_search_index
from skilldata.snapshot import SEARCH, Snapshot
from tests.snapshots import make_snapshot
from tests.test_api import MemoryStore, serving
from tests.test_ondemand import SECRET
from tests.test_requests import Listener

PROGRAM = Path(sys.executable).with_name("schemathesis")
# What follows its description is refused all the same where it was taken down or may not be
# handed out, where nobody signed it, and where it was asked for too often; a query may be too long before it is wrong.
CONFIGURATION = """\
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 302, 400, 401, 403, 404, 410, 415, 416, 429, 451]
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 408, 409, 410, 413, 414, 415, 416, 422, 428, 429, 451, "5xx"]
"""


class Remembering(Listener):
    """A crawler that is still at what it was asked."""

    async def refresh(self, request: RefreshRequest) -> None:
        await super().refresh(request)
        self.states[refresh_id(request.repository)] = RefreshState()


def main() -> int:
    """Serve the samples and have them asked for; the status is that of schemathesis."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--seconds", type=int, default=600, help="how long (default: 600)")
    options = parser.parse_args()
    with served() as address:
        return run(address, "--max-time", str(options.seconds), "--generation-database", "none").returncode


@contextmanager
def served() -> Iterator[str]:
    """Serve the API over the sample skills, without a limit on reads; yields its address."""
    with tempfile.TemporaryDirectory() as folder:
        made = make_snapshot(Path(folder))
        with Snapshot(made) as snapshot:
            build_search_index(snapshot, made / SEARCH)
        settings = Settings().model_copy(
            update={"api": ApiSettings(reads_per_minute=0), "on_demand": OnDemandSettings(webhook_secret=SECRET)}
        )
        with serving(create_app(FolderSource(made), MemoryStore(), settings, crawler=Remembering())) as address:
            yield address


def run(address: str, *bounds: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
    """Run schemathesis on a served API within bounds, which are options of the program."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "schemathesis.toml").write_text(CONFIGURATION)
        where = f"{address}/api/v1/openapi.json"
        command = [str(PROGRAM), "run", where, "--checks", "all", *bounds]
        command += ["--no-color", "--continue-on-failure"]
        return subprocess.run(command, cwd=folder, capture_output=capture, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
