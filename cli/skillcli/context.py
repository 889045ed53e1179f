"""What all commands share: the configuration, and how results and progress are shown."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skilldata.config import Settings, load_settings
from skilldata.names import safe_text

_config: Path | None = None
_debug = False


def configure(config: Path | None, *, debug: bool) -> None:
    """Keep the options that stand before the command."""
    global _config, _debug
    _config, _debug = config, debug


def debug() -> bool:
    """Whether tracebacks are wanted."""
    return _debug


def settings(*, embedded: bool = True) -> Settings:
    """Read the configuration anew, as services may have been started since.

    Args:
        embedded: Whether embedded services stand in for those that are not configured.
    """
    return load_settings(_config, embedded=embedded)


def show(data: Any, *, as_json: bool, text: str) -> None:
    """Write a result to standard output: as one JSON object `{"ok", "data"}`, or as text."""
    if as_json:
        sys.stdout.write(json.dumps({"ok": True, "data": data}, ensure_ascii=False, default=str) + "\n")
    elif text:
        sys.stdout.write("\n".join(safe_text(line) for line in text.split("\n")) + "\n")


def table(rows: Sequence[Sequence[object]], headings: tuple[str, ...]) -> str:
    """Lay rows out in columns."""
    texts = [headings, *(tuple("" if cell is None else str(cell) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in texts
    )


class Progress:
    """Progress on standard error: one line that is rewritten on a terminal, else a line every few seconds."""

    def __init__(self, *, every_seconds: float = 5) -> None:
        self._terminal = sys.stderr.isatty()
        self._every = 0.2 if self._terminal else every_seconds
        self._shown_at = -every_seconds
        self._last = ""

    def step(self, text: str) -> None:
        """Show a state, if it is news and not too soon."""
        now = time.monotonic()
        if text == self._last or now - self._shown_at < self._every:
            return
        self._last, self._shown_at = text, now
        self._write(text)

    def note(self, text: str) -> None:
        """Show a line that stays."""
        if self._terminal and self._last:
            sys.stderr.write("\r\x1b[K")
        sys.stderr.write(safe_text(text) + "\n")
        sys.stderr.flush()
        self._last = ""

    def _write(self, text: str) -> None:
        line = safe_text(text)
        sys.stderr.write(f"\r\x1b[K{line}" if self._terminal else f"{line}\n")
        sys.stderr.flush()
