"""Hooks: commands that an agent runs on its own events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal
from skillcrawler.scan.view import Kind, View
from skillcrawler.scan.vocabulary import FETCH, PAYLOAD, TO_SHELL
from skilldata.models import Severity

_NODES = 2_000  # of a manifest's hooks that are looked at
_HOOK_FILE = Signal(
    ("pretooluse", "posttooluse", "userpromptsubmit", "sessionstart", "sessionend", "precompact"),
    r"[\"']?(?:pretooluse|posttooluse|userpromptsubmit|sessionstart|sessionend|precompact)[\"']?[ ]?:",
)
_COMMAND_OF_HOOK = re.compile(r"\"command\"[ ]?:[ ]?\"((?:[^\"\\\n]|\\.){1,400})\"")


@view_rule(
    "agent-hook",
    Severity.HIGH,
    "A hook runs a command on the agent's events",
    explanation="Hooks run outside the agent's judgement and its approval prompts.",
    remedy="Keep hooks to a script that ships with the skill and uses no network, and describe it.",
)
def _hook_in_file(view: View, skill: Skill) -> Iterator[Hit]:
    """Find hooks in settings files, and weigh what they run."""
    found = view.find(_HOOK_FILE) if view.kind is Kind.CONFIGURATION else ()
    if found:
        for match in islice(_COMMAND_OF_HOOK.finditer(view.low, 0, 200_000), 20):
            yield hit(_weight_of_command(match[1]), view, found[0], note=f"hook: {match[1]}")


def _hook_in_manifest(skill: Skill) -> Iterator[Hit]:
    """Find hooks in the manifest, and weigh what they run."""
    for command in _commands(skill.manifest.get("hooks")):
        yield Hit(_weight_of_command(command), path="SKILL.md", note=f"hook: {command}")


agent_hook = replace(_hook_in_file, of_skill=_hook_in_manifest)


def _commands(hooks: Any) -> Iterator[str]:
    """Every string under a key `command` of a nested structure."""
    waiting = [hooks]
    for _ in range(_NODES):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value, Mapping):
            command = value.get("command")
            if isinstance(command, str):
                yield command
            waiting.extend(item for item in value.values() if not isinstance(item, str))
        elif isinstance(value, list | tuple):
            waiting.extend(value)


def _weight_of_command(command: str) -> Severity:
    low = command.lower()
    network = any(signal.compiled.search(low) for signal in (FETCH, TO_SHELL, PAYLOAD))
    return Severity.HIGH if network else Severity.LOW


RULES = (agent_hook,)
