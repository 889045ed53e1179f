"""The second scanner itself, where `make second-opinion` has installed it."""

from __future__ import annotations

from pathlib import Path

PYTHON = Path(__file__).resolve().parent.parent.parent / ".second-opinion" / "bin" / "python"
