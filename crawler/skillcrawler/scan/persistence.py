"""What stays behind after the skill has run: schedules, services, start-up files, login keys."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal, near
from skillcrawler.scan.view import Kind, View
from skillcrawler.scan.vocabulary import PAYLOAD
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
_START_NAMES = re.compile(r"(?:^|/)(?:sitecustomize|usercustomize)\.py$|\.pth$|(?:^|/)\.?git/?hooks/[a-z-]{4,20}$")
_CODE_LINE = re.compile(r"^import[ \t]", re.MULTILINE)


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
        elif near(match, view.find(PAYLOAD), before=160, after=160):
            yield hit(Severity.HIGH, view, match)
        else:
            yield hit(Severity.MEDIUM if view.kind is Kind.SCRIPT else Severity.LOW, view, match)
    for match in view.find(_START_FILE):
        line_end = view.low.find("\n", match.end(), match.end() + 400)
        line_end = line_end if line_end >= 0 else match.end() + 400
        line = view.low[view.low.rfind("\n", max(0, match.start() - 400), match.start()) + 1 : line_end]
        if PAYLOAD.compiled.search(line):
            yield hit(Severity.HIGH, view, match)
        elif not _HARMLESS_LINE.search(line):
            yield hit(Severity.LOW, view, match)


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


RULES = (persistence, start_file)
