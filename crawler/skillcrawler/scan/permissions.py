"""Permissions that are wider than a task can need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from skillcrawler.scan.rule import Hit, Skill, hit, skill_rule, view_rule
from skillcrawler.scan.signals import Signal
from skillcrawler.scan.view import Kind, View
from skilldata.models import Severity

_UNLIMITED = re.compile(
    r"^(?:\*|all|bash\(\s*(?::?\*|\*:\*)?\s*\)|bash|shell|execute_command|run_terminal_cmd|terminal)$", re.IGNORECASE
)
_RIGHTS = Signal(
    ("chmod", "setuid", "chown", "icacls"),
    r"\bchmod[ ]+(?:-r[ ]+)?(?:0?777|a\+rwx|[ugo]{0,3}\+s|[24]7\d\d)\b|\bicacls[ ][^\n]{0,80}everyone:[ (]{0,4}f",
)


@skill_rule(
    "broad-tools",
    Severity.LOW,
    "All commands are allowed beforehand",
    explanation="The manifest pre-approves every shell command, so the reader is not asked before anything runs.",
    remedy="Allow only the commands that the skill needs, as in `Bash(git status:*)`.",
)
def broad_tools(skill: Skill) -> Iterator[Hit]:
    """Find `allowed-tools` that contain an unlimited shell or everything."""
    for tool in _tools(skill.manifest.get("allowed-tools")):
        if _UNLIMITED.match(tool):
            everything = tool in ("*", "all")
            yield Hit(
                Severity.LOW if everything or "*" in tool else Severity.INFO,
                path="SKILL.md",
                note=f"allowed-tools: {tool}",
            )


@view_rule(
    "loose-rights",
    Severity.LOW,
    "File rights are opened to everybody",
    explanation="Any account on the machine may then change the files, or run them with their owner's rights.",
    remedy="Give the narrowest mode that works, such as 755 or 644.",
)
def loose_rights(view: View, skill: Skill) -> Iterator[Hit]:
    """Find modes that let everybody write, and set-user-id bits."""
    for match in view.find(_RIGHTS):
        yield hit(Severity.LOW if view.kind is Kind.SCRIPT else Severity.INFO, view, match)


def _tools(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in re.split(r",(?![^(]{0,200}\))|\s+(?![^(]{0,200}\))", value) if part.strip()]
    if isinstance(value, list | tuple):
        return [part.strip() for part in value if isinstance(part, str)]
    return []


RULES = (broad_tools, loose_rights)
