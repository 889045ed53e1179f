"""What steers the agent in later sessions: its standing instructions and its settings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal, near
from skillcrawler.scan.table import words_of
from skillcrawler.scan.view import Kind, View
from skilldata.models import Severity

_MEMORY_FILES = words_of(
    "soul.md memory.md heartbeat.md identity.md bootstrap.md claude.md agents.md gemini.md user.md tools.md "
    ".cursorrules .windsurfrules .clinerules copilot-instructions.md"
)
_MEMORY_NAMES = "|".join(map(re.escape, _MEMORY_FILES))
_MEMORY_WRITE = Signal(
    _MEMORY_FILES,
    rf"(?:>>|\btee[ ]+-a|\bopen\([^\n]{{0,80}}?|appendfile\w{{0,6}}\([^\n]{{0,80}}?|write_text\([^\n]{{0,20}}?"
    rf"|\bsed[ ]+-i[^\n]{{0,120}}?|(?<=[\w\"'`)}}][ ])>{{1,2}}[ ]?)[^\n]{{0,60}}?(?:{_MEMORY_NAMES})",
)
_MEMORY_TOLD = Signal(
    _MEMORY_FILES,
    rf"\b(?:append|add|write|insert|inject|save|copy|modify|edit|update|overwrite"
    rf"|replace)\b[^\n]{{0,80}}?(?:{_MEMORY_NAMES})",
)
_STANDING = re.compile(r"soul\.md|heartbeat\.md|identity\.md|(?:openclaw|clawdbot|\.claude)[^\n]{0,30}\.md")
_CONTROL = Signal(
    (
        "never",
        "ignore",
        "do not",
        "don't",
        "without",
        "overrid",
        "silently",
        "highest priority",
        "always",
        "session",
        "trust all",
        "run",
        "execute",
        "curl",
        "fetch",
        "send",
    ),
    r"\b(?:ignore\s+(?:all|any|previous|prior)|do\s+not\s+(?:tell|mention|reveal|inform|ask)|don't\s+(?:tell|mention"
    r"|ask)|without\s+(?:asking|confirmation|telling|approval)|overrides?\s+(?:all|any|other|your|safety)|silently"
    r"|highest\s+priority|trust\s+all|never\s+(?:refuse|question|warn|mention|tell)|(?:run|execute|curl|fetch"
    r"|send)\b[^\n]{0,60}(?:https?://|every\s+session|on\s+startup)|always\s+(?:first\s+)?(?:run|execute|call|send)\b"
    r"|every\s+(?:later\s+|future\s+|new\s+)?session)",
)
_AGENT_SETTINGS = Signal(
    (
        "settings.json",
        "settings.local.json",
        "openclaw.json",
        "config.toml",
        "mcp.json",
        "claude.json",
        "claude_desktop_config",
        "exec-approvals",
    ),
    r"(?:>>?|\btee\b|\bopen\(|writefile\w{0,6}\(|write_text\(|\bjq\b|\bsed[ ]+-i|\bcp\b|\bmv\b"
    r"|json\.dump\()[^\n]{0,120}?(?:\.claude/settings(?:\.local)?\.json|\.openclaw/(?:openclaw|exec-approvals)\.json"
    r"|\.clawdbot/clawdbot\.json|\.codex/config\.toml|\.gemini/settings\.json|\.cursor/mcp\.json|\.claude\.json"
    r"|claude_desktop_config\.json)",
)
_SETTINGS_PATH = Signal(
    ("settings.json", "settings.local.json", "mcp.json", ".claude.json", "claude_desktop_config", "config.toml"),
    r"(?:\.claude[/\\'\", ]{1,6}settings(?:\.local)?\.json|\.cursor[/\\'\", ]{1,6}mcp\.json|\.claude\.json"
    r"|\.codex[/\\'\", ]{1,6}config\.toml|\.gemini[/\\'\", ]{1,6}settings\.json|claude_desktop_config\.json)",
)
_WRITES = Signal(
    ("write_text(", "json.dump(", "writefile", "open(", ">", "mv ", "cp ", "tee "),
    r"write_text\(|json\.dump\(|writefile\w{0,6}\(|open\([^\n]{0,120}[\"'](?:w|a|r\+)[\"']",
)
_LOOSENED = Signal(
    (
        "bypasspermissions",
        "defaultmode",
        '"allow"',
        "skipdangerous",
        "approval",
        "sandbox",
        "danger-full-access",
        "enableallprojectmcpservers",
        "hooks",
        "exec-approvals",
        "autoapprove",
        "mcpservers",
    ),
    r"bypasspermissions|\"allow\"[ ]?:[ ]?\[[ ]?\"(?:\*|bash(?:\(\*\)|\(:?\*\))?)\""
    r"|approval[-_]?policy\W{1,5}(?:never|off)|danger-full-access|sandbox(?:[-_]mode)?\W{1,5}(?:off|none|false"
    r"|disabled)|enableallprojectmcpservers|exec\W{1,12}security\W{1,6}full|autoapprove\W{1,5}true"
    r"|mcpservers|[\"']hooks[\"']\][ ]?=|[\"'](?:pre|post)tooluse[\"']|[\"']sessionstart[\"']",
)
_LOOSENED_BY_HAND = Signal(
    ("bypasspermissions", "danger-full-access", "enableallprojectmcpservers"),
    r"\b(?:set|add|put|change|write|insert|switch)\b[^\n]{0,60}(?:bypasspermissions|danger-full-access"
    r"|enableallprojectmcpservers)",
)


@view_rule(
    "agent-memory",
    Severity.HIGH,
    "The agent's standing instructions or settings are changed",
    explanation="What is written into SOUL.md, MEMORY.md, CLAUDE.md or an agent's settings steers every later session, "
    "long after the skill is gone.",
    remedy="Show the reader the text and let them add it themselves; never loosen permissions.",
)
def agent_memory(view: View, skill: Skill) -> Iterator[Hit]:
    """Find writers of an agent's memory and settings."""
    for match in view.find(_MEMORY_WRITE):
        heavy = near(match, view.find(_CONTROL), before=400, after=400)
        yield hit(
            Severity.HIGH if heavy else (Severity.MEDIUM if view.kind is Kind.SCRIPT else Severity.LOW), view, match
        )
    if view.kind is Kind.PROSE:
        for match in view.find(_MEMORY_TOLD):
            if near(match, view.find(_CONTROL), before=0, after=250):
                yield hit(Severity.HIGH if _STANDING.search(match[0]) else Severity.MEDIUM, view, match)
    loosened = view.find(_LOOSENED)
    for match in view.find(_AGENT_SETTINGS):
        yield hit(Severity.HIGH if near(match, loosened, before=600, after=600) else Severity.LOW, view, match)
    if view.kind is Kind.SCRIPT and loosened and view.any(_SETTINGS_PATH):
        for match in view.find(_WRITES):
            named = near(match, view.find(_SETTINGS_PATH), before=1_500, after=0)
            if named and near(match, loosened, before=1_500, after=300):
                yield hit(Severity.HIGH, view, named[0], match)
    if view.kind is Kind.PROSE:
        for match in view.find(_LOOSENED_BY_HAND):
            yield hit(Severity.HIGH, view, match)


RULES = (agent_memory,)
