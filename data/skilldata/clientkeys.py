"""The front matter keys of living clients, with the types those clients give them.

The specification has six keys. Claude Code reads a dozen more (https://code.claude.com/docs/en/skills),
OpenClaw some of those and its own. All keys are kept in the manifest as they were written; here are the
ones whose meaning is known, so that a page can say what a skill may do and who may call it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field

from skilldata.models import Record


class ClientKeys(Record):
    """Typed values of the keys that are there; None or empty where a key is missing or mistyped."""

    # specification and Claude Code
    allowed_tools: tuple[str, ...] = ()  # tools that may run without asking
    # Claude Code
    when_to_use: str | None = None
    argument_hint: str | None = None
    arguments: tuple[str, ...] = ()
    disable_model_invocation: bool | None = None  # only the user may call it
    user_invocable: bool | None = None  # false: only the model may call it
    disallowed_tools: tuple[str, ...] = ()
    model: str | None = None
    effort: str | None = None
    context: str | None = None  # 'fork': runs in an agent of its own
    agent: str | None = None
    hooks: dict[str, Any] = Field(default_factory=dict)  # event → what runs: commands of the skill's author
    paths: tuple[str, ...] = ()  # files that wake it
    shell: str | None = None
    # OpenClaw
    homepage: str | None = None
    command_dispatch: str | None = None
    command_tool: str | None = None
    command_arg_mode: str | None = None


def type_client_keys(manifest: Mapping[str, Any]) -> tuple[ClientKeys, tuple[str, ...]]:
    """Type the keys of a manifest that clients other than the reference validator know.

    Args:
        manifest: Keys as they were written, values as text, lists and mappings of text.

    Returns:
        The typed keys, and the keys whose value is of another kind than their client expects.
    """
    typed: dict[str, Any] = {}
    mistyped = []
    for key, written in manifest.items():
        if key not in _READERS:
            continue
        field, read = _READERS[key]
        value = read(written)
        if value is not None:
            typed[field] = value
        elif written:
            mistyped.append(key)
    return ClientKeys(**typed), tuple(mistyped)


_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
# A tool may carry a pattern with spaces and commas of its own: Bash(git add:*), Read
_TOOL = re.compile(r"[^\s,(]+(?:\([^)]*\))?|\([^)]*\)")
_WORD = re.compile(r"[^\s,]+")
_LINE = re.compile(r"[^,\n]+")


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _hint(value: Any) -> str | None:
    """`argument-hint: [file]` is a list to YAML and a text to its author."""
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return f"[{', '.join(map(str, value))}]"
    return _text(value)


def _truth(value: Any) -> bool | None:
    return _TRUTH.get(value.strip().lower()) if isinstance(value, str) else None


def _mapping(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _listed(pattern: re.Pattern[str]) -> Callable[[Any], tuple[str, ...] | None]:
    def read(value: Any) -> tuple[str, ...] | None:
        if isinstance(value, str):
            return tuple(part for found in pattern.findall(value) if (part := found.strip()))
        if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
            return tuple(map(str, value))
        return None

    return read


_READERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "allowed-tools": ("allowed_tools", _listed(_TOOL)),
    "disallowed-tools": ("disallowed_tools", _listed(_TOOL)),
    "arguments": ("arguments", _listed(_WORD)),
    "paths": ("paths", _listed(_LINE)),
    "disable-model-invocation": ("disable_model_invocation", _truth),
    "user-invocable": ("user_invocable", _truth),
    "argument-hint": ("argument_hint", _hint),
    "hooks": ("hooks", _mapping),
    "when_to_use": ("when_to_use", _text),
    "model": ("model", _text),
    "effort": ("effort", _text),
    "context": ("context", _text),
    "agent": ("agent", _text),
    "shell": ("shell", _text),
    "homepage": ("homepage", _text),
    "command-dispatch": ("command_dispatch", _text),
    "command-tool": ("command_tool", _text),
    "command-arg-mode": ("command_arg_mode", _text),
}
