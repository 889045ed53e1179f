"""What a skill asks for: the keys of its front matter that clients act on, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from skilldata.clientkeys import type_client_keys

MAX_TEXT = 2000

# Field of the typed keys → what a person calls it, and the key as it is written.
TITLES = {
    "allowed_tools": ("Tools it may use without asking", "allowed-tools"),
    "disallowed_tools": ("Tools it does without", "disallowed-tools"),
    "model": ("Model", "model"),
    "effort": ("Effort", "effort"),
    "context": ("Context", "context"),
    "agent": ("Agent", "agent"),
    "hooks": ("Hooks: what runs at which event", "hooks"),
    "shell": ("Shell", "shell"),
    "paths": ("Files that wake it", "paths"),
    "disable_model_invocation": ("Only a person may call it", "disable-model-invocation"),
    "user_invocable": ("A person may call it", "user-invocable"),
    "when_to_use": ("When to use it", "when_to_use"),
    "argument_hint": ("Arguments", "argument-hint"),
    "arguments": ("Names of its arguments", "arguments"),
    "command_dispatch": ("How its command is carried out", "command-dispatch"),
    "command_tool": ("Tool that its command calls", "command-tool"),
    "command_arg_mode": ("How arguments are handed on", "command-arg-mode"),
    "homepage": ("Home page, as stated", "homepage"),
}


class Ask(NamedTuple):
    """One key; `block` where the value has several lines."""

    title: str
    key: str
    text: str
    block: bool


def asks_for(manifest: Mapping[str, Any]) -> list[Ask]:
    """List what a manifest asks of clients, in the order of `TITLES`."""
    typed = type_client_keys(manifest)[0].model_dump(exclude_defaults=True)
    return [_ask(*TITLES[field], typed[field]) for field in TITLES if field in typed]


def _ask(title: str, key: str, value: Any) -> Ask:
    if isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, dict):
        text = json.dumps(value, ensure_ascii=False, indent=2)
    else:
        text = value if isinstance(value, str) else ", ".join(value)
    text = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"
    return Ask(title, key, text, "\n" in text.strip())
