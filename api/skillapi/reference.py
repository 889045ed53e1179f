"""The addresses of the API as Markdown, from the table that makes the routes: `python -m skillapi.reference`."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

from skillapi.action import Action
from skillapi.app import ACTIONS, ENDPOINTS
from skillapi.endpoint import Endpoint
from skillapi.problems import PROBLEMS

Row = Endpoint[Any] | Action[Any]


def reference_markdown(endpoints: Sequence[Endpoint[Any]] = ENDPOINTS, actions: Sequence[Action[Any]] = ACTIONS) -> str:
    """Give a section for each address and a table of problems: the second part of docs/api.md."""
    sections = [_section("GET", one) for one in endpoints] + [_section(one.method, one) for one in actions]
    rows = [f"| `{code}` | {kind.status} | {kind.meaning} |" for code, kind in PROBLEMS.items()]
    problems = ["## Problems", "", "| code | status | meaning |", "|---|---|---|", *rows]
    return "\n\n".join([*sections, "\n".join(problems)]) + "\n"


def _section(method: str, row: Row) -> str:
    lines = [f"### `{method} {row.path}`", "", f"{row.summary}. {_answer(row)}"]
    in_path = set(re.findall(r"{(\w+)}", row.path))
    given = [
        f"| `{name}` | {_default(field)} | {field.description or ''} |"
        for name, field in row.parameters.model_fields.items()
        if name not in in_path
    ]
    if given:
        lines += ["", "| parameter | default | meaning |", "|---|---|---|", *given]
    if row.problems:
        lines += ["", "Problems: " + ", ".join(f"`{code}`" for code in row.problems) + "."]
    return "\n".join(lines)


def _answer(row: Row) -> str:
    return f"Answers `{row.answer}`." if isinstance(row.answer, str) else f"Answers `{row.answer.__name__}`."


def _default(field: Any) -> str:
    value = field.default
    return "" if value is None or value == "" else f"`{getattr(value, 'value', value)}`"


if __name__ == "__main__":
    sys.stdout.write(reference_markdown())
