"""JSON that others wrote."""

from __future__ import annotations

import json
from typing import Any


def read_json(content: bytes) -> Any:
    """Read JSON; None where it is none, or is nested or has numbers beyond what Python reads."""
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
