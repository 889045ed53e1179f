"""Shells that are handed to another machine."""

from __future__ import annotations

from collections.abc import Iterator

from skillcrawler.scan.flow import uses
from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal, near, pairs
from skillcrawler.scan.view import Kind, View
from skillcrawler.scan.vocabulary import code_calls
from skilldata.models import Severity

_REVERSE_SHELL = Signal(
    (
        "/dev/tcp/",
        "/dev/udp/",
        "nc ",
        "ncat",
        "netcat",
        "nc.exe",
        "mkfifo",
        "socat",
        "dup2",
        "pty.spawn",
        "tcpclient",
        "fsockopen",
        "pf_inet",
        "net.socket",
        "net.connect",
        "tcpsocket",
        "telnet ",
        "wss://",
        "msfvenom",
        "meterpreter",
        "createconnection",
    ),
    r"(?:ba|z|da)?sh[ ]+-i[ ]{0,3}(?:>|<|[0-9]|&)[^\n]{0,40}/dev/(?:tcp|udp)/"
    r"|(?:ba|z|da|k)?sh[ ]+-i[^\n|;]{0,20}\|[ ]{0,3}(?:nc|ncat|netcat|socat|openssl|telnet)\b"
    r"|exec[ ]+[0-9]{1,3}<>[ ]{0,2}/dev/(?:tcp|udp)/|0<&[0-9]{1,4}[^\n]{0,60}/dev/tcp/"
    r"|/dev/tcp/[^\n]{0,120}(?:\bsh\b|<&|\bcat\b[^\n]{0,30}\|)"
    r"|\b(?:nc|ncat|netcat)(?:\.exe|\.traditional|\.openbsd)?[ ][^\n|;]{0,80}?(?:-[a-z]{0,6}[ec][ ]+"
    r"|--(?:sh-)?exec[ ]+)[\"']?(?:/?(?:usr/)?bin/)?(?:(?:ba|z|da|k)?sh|cmd(?:\.exe)?|powershell)\b"
    r"|mkfifo[ ][^\n]{0,160}\b(?:nc|ncat|netcat|openssl[ ]s_client|telnet)\b|socat[ ][^\n]{0,120}\bexec:"
    r"|socat[ ][^\n]{0,80}exec[:=][^\n]{0,40}sh"
    r"|os\.dup2\([^\n]{0,40}fileno|pty\.spawn\([\"']/?(?:usr/)?(?:bin/)?(?:ba|z)?sh"
    r"|system\.net\.sockets\.tcpclient\([^\n]{0,400}?(?:iex|invoke-expression|getstream)"
    r"|tcpclient\([^\n]{0,120}\)[^\n]{0,200}getstream"
    r"|fsockopen\([^\n]{0,120}(?:proc_open|exec|popen|shell_exec|passthru|/bin/)"
    r"|socket\((?:\w{1,8},)?[ ]?pf_inet[^\n]{0,300}exec"
    r"|tcpsocket\.(?:new|open)\([^\n]{0,200}(?:exec|popen|/bin/)|telnet[ ][^\n|]{3,60}\|[ ]{0,2}(?:/bin/)?(?:ba)?sh",
)
_SOCKET_SHELL_PARTS = (
    Signal(
        ("socket.socket", "net.socket", "net.connect", "createconnection", "net.createconnection"),
        r"socket\.socket\(|new[ ]net\.socket|net\.(?:connect|createconnection)\(",
    ),
    Signal(
        ("subprocess", "spawn", "os.system", "popen", "exec("),
        r"(?:subprocess\.\w{2,14}|spawn|popen|os\.system|exec)\([^\n]{0,80}(?:/bin/(?:ba|z)?sh|cmd\.exe|powershell"
        r"|[\"'](?:ba|z)?sh[\"'])|subprocess\.\w{2,14}\([ ]?(?:cmd|command|data|recv)\b[^\n]{0,80}shell[ ]?=[ ]?true",
    ),
    Signal((".recv(", "on('data'", 'on("data"', ".pipe(", "dup2"), r"\.recv\(|\.on\([\"']data|\.pipe\(|dup2\("),
)
# What comes from another machine, and what ties a shell to a connection.
_RECEIVES = Signal(
    (".recv(", "websockets.connect", "websocket(", "tcpsocket", "net.dial(", "getstream("),
    r"\.recv\(|websockets\.connect\(|new[ ]websocket\(|tcpsocket\.(?:new|open)\(|net\.dial\(|getstream\(",
)
_DIALS = Signal(
    ("net.dial(", "tcpclient(", "tcpsocket", "tcpstream::connect"),
    r"\bnet\.dial\(|sockets\.tcpclient\(|tcpsocket\.(?:new|open)\(|tcpstream::connect\(",
)
_SHELL_STARTED = Signal(
    ("exec.command(", "iex", "invoke-expression", "#{", "command::new"),
    r"exec\.command\([ ]?[\"'](?:/bin/)?(?:(?:ba|z|da)?sh|cmd(?:\.exe)?"
    r"|powershell(?:\.exe)?)[\"'](?![ ]?,[ ]?[\"']-c[\"'],[ ]?[\"'])"
    r"|\((?:iex|invoke-expression)[ ]\$\w|\b(?:iex|invoke-expression)[ ]\$\w{1,30}[ ]2>&1|`#\{\w{1,30}\}`"
    r"|command::new\([ ]?\"(?:/bin/)?(?:ba)?sh\"",
)
_REVERSE_TUNNEL = Signal(
    ("ssh ",),
    r"\bssh[ ](?=[^\n|;]{0,120}[ ]-[a-z]{0,4}f?n?r[ ]{0,2}(?:[\w.*]{1,40}:)?\d{2,5}:(?:localhost|127\.0\.0\.1"
    r"|0\.0\.0\.0):\d{2,5})"
    r"[^\n|;]{0,160}",
)


@view_rule(
    "reverse-shell",
    Severity.CRITICAL,
    "A shell is handed to another machine",
    explanation="Somebody at the other end of the connection can run any command here.",
    remedy="Remove it; there is no place for it in a skill that others install.",
)
def reverse_shell(view: View, skill: Skill) -> Iterator[Hit]:
    """Find shells tied to a network connection."""
    for match in view.find(_REVERSE_SHELL):
        yield hit(Severity.CRITICAL, view, match)
    yield from _server_with_shell(view)
    if view.kind is Kind.SCRIPT:
        for call, is_bare in uses(view, view.find(_RECEIVES), code_calls(view)):
            if is_bare:
                yield hit(Severity.CRITICAL, view, call, note="what is received is run:")
        sockets, shells, reads = (view.find(signal) for signal in _SOCKET_SHELL_PARTS)
        for connected, shell in pairs(sockets, shells, within=1_500, ordered=False):
            if near(shell, reads, before=1_500, after=1_500):
                yield hit(Severity.CRITICAL, view, connected, shell)


def _server_with_shell(view: View) -> Iterator[Hit]:
    """Find a connection that a shell is tied to by its input and output, or by a loop around it."""
    for dialled, shell in view.pairs(_DIALS, _SHELL_STARTED, within=1_500, ordered=False):
        if view.kind is Kind.SCRIPT or "\n\n" not in view.low[dialled.start() : shell.end()]:
            yield hit(Severity.CRITICAL, view, dialled, shell)
    for match in view.find(_REVERSE_TUNNEL):
        yield hit(Severity.HIGH if view.kind is Kind.SCRIPT else Severity.MEDIUM, view, match)


RULES = (reverse_shell,)
