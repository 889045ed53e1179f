"""What an author wrote of a skill to sort it by: tags, categories, and the clients that it is for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

MAX_SAID = 30  # of each that count
MAX_LENGTH = 200

# How authors name the clients, in `compatibility` or as a key under `metadata` with what one client wants to know.
_CLIENTS = {
    "claude-code": r"claude[ -]?code|anthropic",
    "codex": r"codex",
    "copilot": r"copilot|vs ?code",
    "cursor": r"cursor",
    "gemini": r"gemini[ -]?cli",
    "openclaw": r"openclaw|clawdbot|moltbot|clawhub",
    "opencode": r"opencode",
}
CLIENTS = tuple(_CLIENTS)
_NAMED = re.compile("|".join(rf"(?P<{name.replace('-', '_')}>\b(?:{names})\b)" for name, names in _CLIENTS.items()))


def tags(manifest: object) -> list[str]:
    """Read what is under `tags` or `keywords`, at the top or under `metadata`."""
    return _texts(manifest, "tags", "keywords")


def categories(manifest: object) -> list[str]:
    """Read what is under `category` or `categories`, at the top or under `metadata`."""
    return _texts(manifest, "category", "categories")


def clients(manifest: object) -> list[str]:
    """Find the clients that are named in `compatibility` or have a key of their own under `metadata`.

    A skill that names none is for all: what comes out says what its author thought of, not where it works.
    """
    told = [value for level in _levels(manifest) for value in [level.get("compatibility")] if isinstance(value, str)]
    told += [key for level in _levels(manifest)[1:] for key in level if isinstance(key, str)]
    found = {str(one.lastgroup) for text in told[:100] for one in _NAMED.finditer(text[:1000].lower())}
    return sorted(name.replace("_", "-") for name in found)


def _texts(manifest: object, *keys: str) -> list[str]:
    return [text[:MAX_LENGTH] for level in _levels(manifest) for key in keys for text in _listed(level.get(key))][
        :MAX_SAID
    ]


def _listed(value: object) -> Iterator[str]:
    texts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    yield from (text.strip() for text in texts if isinstance(text, str) and text.strip())


def _levels(manifest: object) -> list[Mapping[Any, Any]]:
    """Give the manifest and its `metadata`, as far as they are mappings."""
    if not isinstance(manifest, dict):
        return []
    metadata = manifest.get("metadata")
    return [manifest, metadata] if isinstance(metadata, dict) else [manifest]
