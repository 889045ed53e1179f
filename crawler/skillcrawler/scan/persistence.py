"""What stays behind after the skill has run: schedules, start-up files, hooks, the agent's own memory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal, near
from skillcrawler.scan.table import words_of
from skillcrawler.scan.view import Kind, View
from skillcrawler.scan.vocabulary import FETCH, TO_SHELL
from skilldata.models import Severity

_SCHEDULE = Signal(
    (
        "crontab",
        "/etc/cron",
        "@reboot",
        "launchagents",
        "launchdaemons",
        "launchctl",
        "systemctl",
        "/systemd/",
        "schtasks",
        "currentversion\\run",
        "currentversion\\\\run",
        "start menu\\programs\\startup",
        "register-scheduledtask",
        "authorized_keys",
        "ld.so.preload",
        "rc.local",
        "init.d/",
        "autostart",
        "sitecustomize",
        "usercustomize",
        "getsitepackages",
        "site-packages",
        "getusersitepackages",
        ".pth",
        "hookspath",
        ".git/hooks",
        "new-itemproperty",
        "init.templatedir",
        "sudoers",
        "loginhook",
    ),
    r"\|[ ]{0,3}crontab[ ]+-|\bcrontab[ ]+(?:-[ ]|/|<|\w)|(?:>>?|tee)[ ]{0,3}(?:-a[ ]+)?/(?:etc|var/spool)/cron"
    r"|@reboot[ ]|(?:>>?|tee|cp|mv|open\(|write\w{0,10}\()[^\n]{0,100}(?:launchagents|launchdaemons)/"
    r"|launchctl[ ]+(?:load|bootstrap|submit)|systemctl[ ]+(?:--user[ ]+)?enable|(?:>>?|tee|cp|mv"
    r"|open\()[^\n]{0,80}systemd/(?:system|user)/[\w@.-]{1,60}\.(?:service|timer)"
    r"|schtasks(?:\.exe)?[ ]+/create|register-scheduledtask"
    r"|(?:reg(?:\.exe)?[ ]+add|(?:new|set)-itemproperty)\b[^\n]{0,100}?currentversion\\{1,2}run\b"
    r"|currentversion\\{1,2}run\b"
    r"|start menu\\{1,2}programs\\{1,2}startup|(?:>>?|tee|echo|open\("
    r"|write\w{0,10}\()[^\n]{0,300}\.ssh/authorized_keys|(?:>>?|tee|open\()[^\n]{0,80}ld\.so\.preload"
    r"|>>?[ ]{0,3}/etc/(?:rc\.local|init\.d/)|\.config/autostart/|(?:site|user)customize\.py|core\.hookspath"
    r"|init\.templatedir|(?:>>?|tee|cp|mv|open\(|write\w{0,10}\(|chmod)[^\n]{0,80}\.git/hooks/"
    r"|[\"'][^\"'\n]{0,60}\.git/hooks/[a-z-]{4,20}[\"']"
    r"|>>?[ ]{0,3}/etc/sudoers|nopasswd:[ ]?all|loginhook"
    r"|(?:open\(|write_text\(|>>?|tee|cp|mv|copy\w{0,4}\()[^\n]{0,120}(?:site-?packages"
    r"|dist-packages)[^\n]{0,60}\.pth\b",
)
_START_FILE = Signal(
    ("bashrc", "zshrc", ".profile", "bash_profile", "zprofile", "zshenv", "config.fish", "$profile"),
    r"(?:>>|tee[ ]+-a|add-content|out-file[^\n]{0,20}-append|open\(|appendfile\w{0,6}\()[^\n]{0,80}(?:\.bashrc"
    r"|\.zshrc|\.profile|\.bash_profile|\.zprofile|\.zshenv|config\.fish|\$profile)",
)
_HARMLESS_LINE = re.compile(
    r"path[=:]|export |alias |eval \"\$\(|source |compinit|completion|autoload|fpath|hook |set -gx|init "
)
_HEAVY = Signal(
    (
        "authorized_keys",
        "ld.so.preload",
        "sudoers",
        "nopasswd",
        "sitecustomize",
        "usercustomize",
        "loginhook",
        ".pth",
        "reg add",
        "reg.exe add",
        "itemproperty",
    ),
    r"authorized_keys|ld\.so\.preload|/etc/sudoers|nopasswd:[ ]?all|(?:site|user)customize\.py|loginhook|\.pth\b"
    r"|\breg(?:\.exe)?[ ]+add\b|\b(?:new|set)-itemproperty\b",
)
_SETS = Signal(
    ("setvalueex", "setvalue(", "regsetvalue", "reg_sz"),
    r"\bsetvalueex\(|\.setvalue\(|regsetvalue\w{0,4}\(",
)
_PAYLOAD = Signal(
    (
        "curl",
        "wget",
        "base64",
        "/tmp/.",  # noqa: S108  looked for, not used
        "/dev/tcp",
        "nc ",
        "python -c",
        "python3 -c",
        "iex",
        "powershell",
        "/dev/shm",  # noqa: S108  looked for, not used
        "nohup",
    ),
    r"\bcurl\b|\bwget\b|base64[ ]+-d|/tmp/\.|/dev/tcp|\bnc[ ]|python3?[ ]-c|\biex\b|powershell[^\n]{0,40}-(?:enc|w"
    r"|nop)|/dev/shm/|\bnohup\b",
)

_NODES = 2_000  # of a manifest's hooks that are looked at
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
_HOOK_FILE = Signal(
    ("pretooluse", "posttooluse", "userpromptsubmit", "sessionstart", "sessionend", "precompact"),
    r"[\"']?(?:pretooluse|posttooluse|userpromptsubmit|sessionstart|sessionend|precompact)[\"']?[ ]?:",
)


@view_rule(
    "persistence",
    Severity.HIGH,
    "Something is made to run again later",
    explanation="Schedules, services, start-up files and keys outlive the task and run without the reader seeing it.",
    remedy="Let the reader install it by a documented command, and say how to remove it.",
)
def persistence(view: View, skill: Skill) -> Iterator[Hit]:
    """Find schedules, services, start-up files, git hooks and added login keys."""
    for match in view.find(_SCHEDULE):
        if near(match, view.find(_HEAVY), before=0, after=0) or near(match, view.find(_SETS), before=0, after=300):
            to_a_server = "ssh " in view.low[max(0, match.start() - 160) : match.start()]
            yield hit(Severity.LOW if to_a_server else Severity.HIGH, view, match)
        elif near(match, view.find(_PAYLOAD), before=160, after=160):
            yield hit(Severity.HIGH, view, match)
        else:
            yield hit(Severity.MEDIUM if view.kind is Kind.SCRIPT else Severity.LOW, view, match)
    for match in view.find(_START_FILE):
        line_end = view.low.find("\n", match.end(), match.end() + 400)
        line_end = line_end if line_end >= 0 else match.end() + 400
        line = view.low[view.low.rfind("\n", max(0, match.start() - 400), match.start()) + 1 : line_end]
        if _PAYLOAD.compiled.search(line):
            yield hit(Severity.HIGH, view, match)
        elif not _HARMLESS_LINE.search(line):
            yield hit(Severity.LOW, view, match)


_START_NAMES = re.compile(r"(?:^|/)(?:sitecustomize|usercustomize)\.py$|\.pth$|(?:^|/)\.?git/?hooks/[a-z-]{4,20}$")
_COMMAND_OF_HOOK = re.compile(r"\"command\"[ ]?:[ ]?\"((?:[^\"\\\n]|\\.){1,400})\"")
_CODE_LINE = re.compile(r"^import[ \t]", re.MULTILINE)


@view_rule(
    "start-file",
    Severity.HIGH,
    "A file that an interpreter or git runs by itself",
    explanation="Python runs sitecustomize.py and the import lines of .pth files at every start, and git its hooks: "
    "nobody has to call them.",
    remedy="Make it a script that the reader calls.",
)
def start_file(view: View, skill: Skill) -> Iterator[Hit]:
    """Find files whose name alone makes them run."""
    path = view.path.lower()
    if view.origin or not _START_NAMES.search(path):
        return
    if not path.endswith(".pth") or _CODE_LINE.search(view.low):
        yield Hit(Severity.HIGH, path=view.path, note="runs without being called")


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
    network = any(signal.compiled.search(low) for signal in (FETCH, TO_SHELL, _PAYLOAD))
    return Severity.HIGH if network else Severity.LOW


RULES = (persistence, start_file, agent_memory, agent_hook)
