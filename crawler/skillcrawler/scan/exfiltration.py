"""Data that leaves: to collectors and bare addresses, by upload, by DNS, by the agent's own hand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillcrawler.scan.destructive import PERSONAL
from skillcrawler.scan.flow import uses
from skillcrawler.scan.hosts import COLLECTORS, HostKind
from skillcrawler.scan.leaks import told_to_leak
from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal, near
from skillcrawler.scan.view import Kind, View
from skillcrawler.scan.vocabulary import BARE_ADDRESS, SEND, addresses, host_kinds
from skilldata.models import Severity

_COLLECTOR_NAME = Signal(
    COLLECTORS,
    "|".join(rf"\b[\w.-]{{0,80}}{name.replace('.', chr(92) + '.')}\b(?:/\S{{0,80}})?" for name in COLLECTORS),
)
_CHAT_HOOK = Signal(
    ("api/webhooks/", "api.telegram.org/bot", "hooks.slack.com/services/"),
    r"discord(?:app)?\.com/api/webhooks/\d{6,20}/[\w-]{6,90}|api\.telegram\.org/bot\d{6,12}:[\w-]{20,50}"
    r"|hooks\.slack\.com/services/t[a-z0-9]{7,12}/b[a-z0-9]{7,12}/[a-z0-9]{16,30}",
)
_HOME_UPLOAD = Signal(
    ("curl", "tar", "zip", "wget", "nc "),
    r"\b(?:tar|zip)\b[^\n|]{0,120}?[ ](?:~|\$\{?home\b|/(?:home|users|root|etc)\b|documents\b"
    r"|desktop\b)[^\n|]{0,80}\|[^\n]{0,60}\b(?:curl|nc|ncat|netcat|wget|openssl|ssh)\b"
    r"|curl\b[^\n|;]{0,200}?[ ](?:-f|--form|-t|--upload-file|-d|--data(?:-binary"
    r"|-raw)?)[ =]?[\"']?[^\n@ ]{0,40}@?[\"']?(?:~|\$\{?home\}?|/home|/root|/etc/(?:passwd|shadow"
    r"|hosts))/?[\w./*-]{0,80}",
)
_FINGERPRINT = Signal(
    (
        "whoami",
        "hostname",
        "uname",
        "$(id",
        "ifconfig",
        "$user",
        "ipconfig",
        "$(cat",
        "`id`",
        "`cat",
        "$(ls",
        "$(pwd",
        "$(env",
        "$(base64",
        "gethostname",
        "getpass.getuser",
        "os.getlogin",
        "os.hostname",
        "os.userinfo",
    ),
    r"(?:curl|wget|nc|fetch)\b[^\n]{0,200}?(?:\$\(|`)[ ]{0,2}(?:whoami|hostname|uname|id\b|ifconfig|cat[ ]|ls[ ]"
    r"|env\b|base64|printenv|tar|history)",
)
_HOST_FACTS = Signal(
    ("gethostname", "getuser", "getlogin", "os.hostname", "userinfo(", "platform.node", "uuid.getnode", "whoami"),
    r"socket\.gethostname\(|getpass\.getuser\(|os\.getlogin\(|os\.hostname\(|os\.userinfo\(|platform\.node\("
    r"|uuid\.getnode\(|[\"']whoami[\"']",
)
_SPY = Signal(
    (
        "pynput",
        "keyboard.listener",
        "keyboard.on_press",
        "keyboard.hook",
        "imagegrab",
        "pyautogui.screenshot",
        "screencapture",
        "pyperclip.paste",
        "clipboard",
        "pbpaste",
        "videocapture(",
        "sounddevice",
        "pyaudio",
        "getasynckeystate",
        "xinput test",
        "mss.mss",
        "setwindowshookex",
    ),
    r"\bpynput\b|keyboard\.(?:listener|on_press|hook|read_event)|imagegrab\.grab|pyautogui\.screenshot"
    r"|\bscreencapture[ ]|pyperclip\.paste|clipboard\.(?:readtext|paste)|get-clipboard|\bpbpaste\b|videocapture\(0"
    r"|sounddevice|pyaudio\.pyaudio|getasynckeystate|\bxinput[ ]test|mss\.mss\(|setwindowshookex",
)
_KEYLOGGER = Signal(
    ("keylog", "keyboard.listener", "keyboard.on_press", "keyboard.hook", "getasynckeystate", "xinput test"),
    r"\bkeylogg(?:er|ing)\b|keyboard\.(?:listener|hook)\b|keyboard\.on_press|getasynckeystate|\bxinput[ ]test",
)
_DNS = Signal(
    (
        "dig ",
        "nslookup",
        "host ",
        "ping ",
        "gethostbyname",
        "getaddrinfo",
        "resolver.",
        "dns.resolve",
        "dns.lookup",
        "resolve-dnsname",
        "dns').",
        'dns").',
    ),
    r"\b(?:dig|nslookup|host|ping|resolve-dnsname)[ ][^\n|;]{0,100}?(?:\$\([^)\n]{1,120}\)|`[^`\n]{1,120}`"
    r"|\$\{?\w{1,40}\}?)[\"']?\.[\"']?[\w$-]{1,60}\.\w{2,12}"
    r"|(?:gethostbyname|getaddrinfo|resolver\.(?:resolve|query)|dns\.(?:resolve\w{0,4}"
    r"|lookup))\([ ]?(?:f[\"'`][^\"'`\n]{0,60}\{[^}\n]{1,80}\}[^\"'`\n]{0,20}\."
    r"|`[^`\n]{0,60}\$\{[^}\n]{1,80}\}[^`\n]{0,20}\.|\w{1,40}[ ]?\+[ ]?[\"']\.)"
    r"|\bdns(?:[\"']\))?\.(?:lookup|resolve\w{0,4})\([^\n]{0,120}\+[ ]?[\"'`]\.\w",
)
_IMAGE_LEAK = Signal(("![",), r"!\[[^\]\n]{0,80}\]\(https?://[^)\s]{3,150}[?&/=](?:\{\{?|<|\$\{?|\[)[^)\n]{1,80}\)")


_SOMEBODYS = re.compile(
    r"[?&=][^)\n]{0,60}(?:user(?!name)|message|conversation|chat|secret|token|key|password|context|history|prompt"
    r"|answer)"
)
_HISTORY_SENT = Signal(
    ("nc ", "ncat", "netcat"),
    r"\b(?:history|env|printenv|\.bash_history|\.zsh_history)\b[^\n]{0,60}\|[ ]{0,3}(?:nc|ncat|netcat)[ ]",
)
_REPOSITORY_SENT = Signal(
    ("git bundle", "git archive"),
    r"\bgit[ ](?:bundle[ ]create|archive)\b[^\n]{0,120}?(?:\||&&|;)[^\n]{0,60}\bcurl\b[^\n]{0,80}?[ ](?:-t|-f|-d"
    r"|--data|--upload-file|--form)",
)
_PACKED = Signal(
    ("compress-archive", "make_archive(", "zipfile.zipfile(", "tar -", "tar c"),
    r"\bcompress-archive[ ][^\n]{0,60}(?:\$home|\$env:userprofile|~)[\\/]?(?:documents|desktop|pictures|downloads"
    r"|\.ssh|[\s\"'*])"
    r"|make_archive\([^\n]{0,80}(?:expanduser\([\"']~/?(?:documents|desktop)?|path\.home\(\)[ ]?\))",
)


@view_rule(
    "collector-endpoint",
    Severity.HIGH,
    "Data goes to a place made for catching it",
    explanation="Request collectors, tunnels, chat webhooks and bare addresses need no account that could be traced.",
    remedy="Send data to a named service that the description speaks of, or do not send it.",
)
def collector_endpoint(view: View, skill: Skill) -> Iterator[Hit]:
    """Find collectors, chat webhooks with their key, and senders to bare addresses."""
    sends = view.find(SEND)
    for match in view.find(_COLLECTOR_NAME):
        sending = near(match, sends, before=400, after=200)
        yield hit(Severity.HIGH if sending or view.kind is Kind.SCRIPT else Severity.MEDIUM, view, match)
    for match in view.find(_CHAT_HOOK):
        yield hit(
            Severity.HIGH if view.kind is Kind.SCRIPT or near(match, sends, before=400, after=200) else Severity.MEDIUM,
            view,
            match,
        )
    for match in (*addresses(view), *view.find(BARE_ADDRESS)):
        kind = next((kind for _, kind in host_kinds(view, match.start(), match.end())), HostKind.ORDINARY)
        if kind in (HostKind.ADDRESS, HostKind.DISGUISED, HostKind.TUNNEL):
            sending = near(match, sends, before=300, after=300)
            yield hit(
                (Severity.HIGH if sending else Severity.MEDIUM)
                if view.kind is Kind.SCRIPT
                else (Severity.MEDIUM if sending else Severity.LOW),
                view,
                match,
            )


@view_rule(
    "data-exfiltration",
    Severity.CRITICAL,
    "The reader's data is collected and sent away",
    explanation="Files, keystrokes, screens, conversations or facts about the machine are sent somewhere.",
    remedy="Send only what the task needs, to a place that the description names, after the reader agreed.",
)
def data_exfiltration(view: View, skill: Skill) -> Iterator[Hit]:
    """Find uploads of homes, spying with a sender, host facts in requests, and prose that asks for leaks."""
    for match in view.find(_HOME_UPLOAD):
        yield hit(Severity.CRITICAL, view, match)
    for match in view.find(_FINGERPRINT):
        yield hit(Severity.HIGH, view, match)
    if view.kind is Kind.SCRIPT:
        yield from _spying(view)
        yield from _documents_sent(view)
    else:
        yield from told_to_leak(view)
    for match in view.find(_IMAGE_LEAK):
        yield hit(Severity.HIGH if _SOMEBODYS.search(match[0]) else Severity.MEDIUM, view, match)


@view_rule(
    "dns-tunnel",
    Severity.HIGH,
    "Data is put into host names",
    explanation="A name that is made of data carries it through DNS past most firewalls.",
    remedy="Use an ordinary request to a named service.",
)
def dns_tunnel(view: View, skill: Skill) -> Iterator[Hit]:
    """Find look-ups of names that contain the output of a command or a variable."""
    for match in view.find(_DNS):
        command = "$(" in match[0] or "`" in match[0] or view.kind is Kind.SCRIPT
        yield hit(Severity.HIGH if command else Severity.MEDIUM, view, match)


def _spying(view: View) -> Iterator[Hit]:
    sends = view.find(SEND)
    for match in view.find(_SPY):
        if near(match, sends, before=3_000, after=3_000):
            yield hit(Severity.HIGH, view, match)
    for match in view.find(_KEYLOGGER):
        yield hit(Severity.HIGH, view, match)
    facts = view.find(_HOST_FACTS)
    if len({match[0] for match in facts}) >= 2 and near(facts[0], sends, before=1_500, after=1_500):
        yield hit(Severity.HIGH, view, facts[0], note="facts about the machine are collected beside a sender:")


def _documents_sent(view: View) -> Iterator[Hit]:
    for match in (*view.find(_REPOSITORY_SENT), *view.find(_HISTORY_SENT)):
        yield hit(Severity.HIGH, view, match)
    for packed, sent in view.pairs(_PACKED, SEND, within=800):
        yield hit(Severity.HIGH, view, packed, sent)
    if view.any(PERSONAL):
        for call, _ in uses(view, view.find(PERSONAL), view.find(SEND)):
            yield hit(Severity.HIGH, view, call, note="files of the reader's own folders are sent:")


RULES = (collector_endpoint, data_exfiltration, dns_tunnel)
