#!/usr/bin/env python3
"""Prints one line per column of a CSV file: type, empty cells, distinct and most frequent values."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path

DELIMITERS = ",;\t|"  # the one that the header has most of


def guess(values: Counter[str]) -> str:
    """Name the narrowest type that every value has."""
    for name, convert in (("integer", int), ("number", float)):
        try:
            for value in values:
                convert(value)
        except ValueError:
            continue
        return name
    return "text"


def main(path: Path) -> None:
    """Read the file once and print what its columns hold."""
    with path.open(newline="", encoding="utf-8-sig") as stream:
        first = stream.readline()
        stream.seek(0)
        rows = csv.reader(stream, delimiter=max(DELIMITERS, key=first.count))
        header = next(rows)
        columns: list[Counter[str]] = [Counter() for _ in header]
        count, uneven = 0, []
        for row in rows:
            count += 1
            if len(row) != len(header):
                uneven.append(rows.line_num)
            for column, cell in zip(columns, row, strict=False):
                column[cell.strip()] += 1
    for name, column in zip(header, columns, strict=True):
        empty = column.pop("", 0)
        top = ", ".join(value for value, _ in column.most_common(3))
        share = empty / max(1, count)
        print(f"{name}: {guess(column)}, {share:.1%} empty, {len(column)} distinct; most frequent: {top}")
    print(f"{count} rows, {len(uneven)} uneven{': lines ' if uneven else ''}{str(uneven[:10]).strip('[]')}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
