"""Whether a crawl that goes wrong ends in the same index: faults of GitHub, of the services and of workers.

Each run crawls the same repositories into a registry of its own. `tests/faultruns.py` says what goes wrong, and
how the index, the stored packages and the times of requests are compared with those of an undisturbed crawl.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from figures import Figure, main  # noqa: E402
from tests.faultruns import CASES, Case, World, make_world  # noqa: E402
from tests.standin import StandIn  # noqa: E402

from skillcli.services import EmbeddedServices  # noqa: E402


def measure(quick: bool) -> list[Figure]:
    """Run the undisturbed crawl and every case; the quick size leaves out those that wait or restart."""
    with tempfile.TemporaryDirectory() as folder, StandIn() as github:
        services = EmbeddedServices(Path(folder))
        services.up()
        try:
            world = make_world(Path(folder), github, Path(folder) / "registries")
            cases = [Case("undisturbed"), *(case for case in CASES if case.quick or not quick)]
            return [figure for case in cases for figure in run(world, case)]
        finally:
            services.down()


def run(world: World, case: Case) -> list[Figure]:
    """Run one case."""
    result = world.run(case)
    requests, hit = result.requests.total(), f", {result.hit} of them hit" if case.faults else ""
    return [
        Figure(f"{case.name}: tables that differ", len(result.different), "tables", 0),
        Figure(f"{case.name}: requests before the time told", result.early, "requests", 0),
        Figure(f"{case.name}: git requests that were under way when another was told", result.under_way, "requests"),
        Figure(f"{case.name}: requests{hit}", requests, "requests"),
        Figure(f"{case.name}: time", result.seconds, "s"),
    ]


if __name__ == "__main__":
    main((__doc__ or "").splitlines()[0], measure)
