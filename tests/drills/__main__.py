"""`python -m tests.drills [NAME]... [--quick] [--json]`: run drills, and print what was injected, checked and measured.

Exit status 1 where one does not pass.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from skillcli.services import EmbeddedServices
from tests.drills import crawl, loss, network, newcomer, serving, update
from tests.drills.drill import Done, Drill, Stage
from tests.faultruns import make_world
from tests.standin import StandIn

DRILLS = (*crawl.DRILLS, *serving.DRILLS, *update.DRILLS, *network.DRILLS, *newcomer.DRILLS, *loss.DRILLS)


def perform(drill: Drill, stage: Stage) -> Done:
    """Do one drill; what it raises is what is wrong."""
    try:
        return drill.act(stage)
    except Exception as error:  # the next drill is done all the same
        return Done("", {}, [f"{type(error).__name__}: {str(error)[:500]}"])


def main() -> int:
    """Run those that are named, or all; `--quick` makes them small and leaves out the long ones."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description="Hurt a registry on purpose.")
    parser.add_argument("name", nargs="*", help="part of a drill's name; default: all")
    parser.add_argument("--quick", action="store_true", help="small sizes, and the short ones only")
    parser.add_argument("--json", action="store_true", dest="as_json", help="write JSON")
    asked = parser.parse_args()
    chosen = [one for one in DRILLS if not asked.name or any(name in one.name for name in asked.name)]
    chosen = [one for one in chosen if one.short or asked.name or not asked.quick]
    failed, told = 0, []
    with tempfile.TemporaryDirectory() as folder, StandIn() as github:
        services = EmbeddedServices(Path(folder) / "services")
        services.up()
        try:
            world = make_world(Path(folder) / "services", github, Path(folder))
            stage = Stage(Path(folder) / "services", github, Path(folder), world, asked.quick)
            for drill in chosen:
                begun = time.monotonic()
                done = perform(drill, stage)
                failed += bool(done.wrong)
                told.append({"drill": drill.name, "injected": drill.injected, **done._asdict()})
                if not asked.as_json:
                    _print(drill, done, time.monotonic() - begun)
        finally:
            services.down()
    if asked.as_json:
        sys.stdout.write(json.dumps(told) + "\n")
    return 1 if failed else 0


def _print(drill: Drill, done: Done, seconds: float) -> None:
    state = "WRONG" if done.wrong else "ok"
    sys.stdout.write(f"{state:5}  {drill.name} ({seconds:.1f} s)\n       injected: {drill.injected}\n")
    sys.stdout.write(f"       checked:  {done.checked}\n")
    measured = ", ".join(f"{name} {value:g}" for name, value in done.measured.items())
    sys.stdout.write(f"       measured: {measured}\n" + "".join(f"       wrong:    {one}\n" for one in done.wrong))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
