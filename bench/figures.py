"""How a benchmark shows its figures: a table for people, the same as data for machines, and a status.

Every benchmark has `--json` and `--quick`, and ends with status 1 where a figure misses its bar.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import NamedTuple


class Figure(NamedTuple):
    """One measured figure. `most` is its bar: it holds where the value is not above; None is only told."""

    figure: str
    value: float
    unit: str
    most: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the bar is kept."""
        return self.most is None or self.value <= self.most


def main(description: str, measure: Callable[[bool], list[Figure]]) -> None:
    """Run a benchmark as a program; `measure` is told whether the quick size is wanted."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="write the figures as JSON")
    parser.add_argument("--quick", action="store_true", help="a smaller size, within 50 seconds")
    options = parser.parse_args()
    figures = measure(options.quick)
    if options.json:
        rows = [{**one._asdict(), "bar": one.most, "holds": one.holds} for one in figures]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    else:
        for one in figures:
            bar = "" if one.most is None else f"at most {one.most:g}: {'holds' if one.holds else 'MISSED'}"
            sys.stdout.write(f"{one.figure:64} {one.value:12,.4g} {one.unit:16} {bar}\n")
    sys.exit(0 if all(one.holds for one in figures) else 1)
