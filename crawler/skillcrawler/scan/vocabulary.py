"""Signals that several rules share: fetching, running, sending, and what is worth stealing."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator

from skillcrawler.scan.hosts import URL, HostKind, classify
from skillcrawler.scan.signals import Signal
from skillcrawler.scan.view import View

# A URL, or a bare number as in `curl 203.0.113.5/x`.
ADDRESS = Signal(("://",), URL)
BARE_ADDRESS = Signal(
    ("curl", "wget", "fetch", "iwr", "irm"),
    r"\b(?:curl|wget|fetch|iwr|irm)\b[^\n|;&]{0,120}?[ \"'](\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?:/\S{0,100})?)",
)

FETCH = Signal(
    (
        "curl",
        "wget",
        "fetch ",
        "aria2c",
        "iwr",
        "irm",
        "invoke-webrequest",
        "invoke-restmethod",
        "downloadstring",
        "lwp-request",
        "http ",
    ),
    r"(?<![\w-])(?:curl|wget|aria2c|fetch[ ]+-|iwr|irm|invoke-webrequest|invoke-restmethod|lwp-request"
    r"|https?[ ]+get)(?:\.exe)?(?![\w-])"
    r"|\.downloadstring\b",
)
_RUNNERS = r"(?:sudo|doas|env|nohup|exec|command|xargs|setsid)"
TO_SHELL = Signal(
    ("sh", "python", "perl", "ruby", "node", "php", "iex", "invoke-expression", "deno"),
    rf"\\?\|&?[ \t]{{0,20}}(?:{_RUNNERS}(?:[ \t]{{1,10}}-[\w-]{{1,20}}"
    rf"|[ \t]{{1,10}}\w{{1,30}}=\S{{0,80}}){{0,6}}[ \t]{{1,10}}){{0,3}}"
    r"(?:/?(?:usr/)?(?:local/)?bin/(?:env[ \t]{1,5})?)?(?:(?:ba|z|da|k|fi|a)?sh(?![\w.:/=(-])"
    r"|(?:python[\d.]{0,5}|perl|ruby|node|php|deno[ ]run)(?=[ \t]{0,5}(?:-[ \t]{0,5})?(?:$|[\"'`)&;|\n]|-[ ]))"
    r"|(?:iex|invoke-expression)(?![\w-]))",
)
"""Pipes something into an interpreter."""

EVALUATES = Signal(
    (
        "exec",
        "eval",
        "new function",
        "assert",
        "iex",
        "invoke-expression",
        "scriptblock",
        "runin",
        "run_path",
        "instance_eval",
        "]::load(",
    ),
    r"(?<![\w.>$@-])(?:exec|eval|assert|execscript|execfile|instance_eval)[ ]?(?=[( \"'$])"
    r"|\bnew[ ]function\b|(?<![\w.>$-])(?:iex|invoke-expression)\b|\[scriptblock\]::create"
    r"|\]::load\(|\.runin(?:new|this)?context|\brun_path",
)
"""Runs a text as code; arguments follow."""

RUNS_COMMAND = Signal(
    (
        "os.system(",
        "os.popen(",
        "getoutput(",
        "getstatusoutput(",
        "shell=true",
        "shell = true",
        "exec(",
        "execsync(",
        "shell_exec(",
        "passthru(",
        "system(",
        "popen(",
        "sh -c",
        "cmd /c",
        "exec.command(",
        "`",
        "iex",
        "invoke-expression",
    ),
    r"\bos\.(?:system|popen)\(|\bsubprocess\.get(?:status)?output\("
    r"|\bsubprocess\.\w{2,14}\((?=[^\n]{0,300}shell[ ]?=[ ]?true)"
    r"|(?<![\w.])(?:exec|execsync)\(|\b(?:cp|child_process|childprocess|process)\.exec(?:sync)?\("
    r"|(?:child_process[\"']\)\.exec(?:sync)?\()"
    r"|(?<![\w.>])(?:shell_exec|passthru|system|popen|proc_open)\(|\b(?:ba|z)?sh[ ]+-c[ ]|\bcmd(?:\.exe)?[ ]/c[ ]"
    r"|\bexec\.command\([ ]?[\"'](?:/bin/)?(?:ba)?sh[\"'],[ ]?[\"']-c[\"'],|`(?=[^`\n]{0,80}[#$]\{[^`\n]{0,80}`)"
    r"|(?<![\w.>$-])(?:iex|invoke-expression)\b",
)
"""Runs a text as a command; arguments follow."""

NOT = r"(?:do\s+not|don't|dont|never|must\s+not|should\s+not|mustn't|shouldn't|without|avoid|refrain\s+from)"
"""Forbids, in the words of prose."""

NEGATED = re.compile(
    r"\b(?:never|not|don't|cannot|can't|no|without|nor|avoid|instead\s+of|rather\s+than|or)\s+(?:\w+\s+)?$"
)
"""Ends with a word that turns what follows into its opposite."""
PAYLOAD = Signal(
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
"""What a line that starts by itself has no honest use for."""


def code_calls(view: View) -> list[re.Match[str]]:
    """All calls that run a text as code or as a command, in their order."""
    found = {match.start(): match for match in (*view.find(RUNS_COMMAND), *view.find(EVALUATES))}
    return [found[start] for start in sorted(found)]


_PYTHON_SEND = (
    r"requests\.(?:post|put|patch)|httpx\.(?:post|put)|session\.(?:post|put)|client\.(?:post|put)|urlopen\("
    r"|urllib\.request\.request\(|aiohttp|smtplib|\.sendmail\(|ftplib|\.storbinary\(|socket\.(?:socket"
    r"|create_connection)|\.sendall\(|paramiko|boto3"
)
_SCRIPT_SEND = (
    r"\bfetch\(|axios(?:\.(?:post|put|request))?\(|xmlhttprequest|navigator\.sendbeacon|https?\.request\("
    r"|got\.post\(|superagent|net\.connect\(|new websocket\(|nodemailer"
    r"|require\([\"'](?:node:)?https?[\"']\)\.request\(|\bhttp\.post(?:form)?\("
    r"|\bhttp\.newrequest\([^\n]{0,40}[\"']?post"
)
_SHELL_SEND = (
    r"curl\b[^\n|;]{0,300}?[ ](?:-d|-f|--data[a-z-]{0,12}|--form|-t|--upload-file|-x[ ]?(?:post|put)"
    r"|--request[ ](?:post|put))[ =@\"']"
    r"|wget\b[^\n|;]{0,200}?--(?:post-data|post-file|body-data|body-file)|\b(?:nc|ncat"
    r"|netcat)(?:\.exe)?[ ]+(?:-\w{1,10}[ ]+){0,4}[\w.$-]{3,80}[ ]+\d{2,5}"
    r"|invoke-(?:restmethod|webrequest)\b[^\n]{0,200}?-method[ ]+(?:post|put)|\b(?:iwr"
    r"|irm)\b[^\n]{0,200}?-method[ ]+(?:post|put)|\.uploadstring\(|\.uploadfile\(|\.uploaddata\("
    r"|/dev/tcp/|\bscp[ ]|\brsync[ ][^\n]{0,100}?[\w.-]{2,80}@|\bmail[ ]+-s[ ]|sendmail[ ]|\bsftp[ ]|net/http"
    r"|file_get_contents\([\"']https?|curl_exec"
)
SEND = Signal(
    (
        "requests.",
        "httpx.",
        "session.p",
        "client.p",
        "urlopen(",
        "urllib.request",
        "aiohttp",
        "smtplib",
        "sendmail",
        "ftplib",
        "storbinary",
        "socket.",
        ".sendall(",
        "paramiko",
        "boto3",
        "fetch(",
        "axios",
        "xmlhttprequest",
        "sendbeacon",
        ".request(",
        "got.post",
        "superagent",
        "net.connect(",
        "websocket(",
        "nodemailer",
        "curl",
        "wget",
        "nc ",
        "ncat",
        "netcat",
        "nc.exe",
        "invoke-restmethod",
        "invoke-webrequest",
        "iwr ",
        "irm ",
        "uploadstring",
        "uploadfile",
        "uploaddata",
        "/dev/tcp",
        "scp ",
        "rsync ",
        "mail ",
        "sftp ",
        "net/http",
        "file_get_contents(",
        "curl_exec",
        "http.post",
        "http.newrequest",
    ),
    f"{_PYTHON_SEND}|{_SCRIPT_SEND}|{_SHELL_SEND}",
)
"""Sends something somewhere."""


def addresses(view: View) -> tuple[re.Match[str], ...]:
    """All URLs of a view."""
    return view.find(ADDRESS)


def host_kinds(view: View, start: int, end: int) -> Iterator[tuple[re.Match[str], HostKind]]:
    """The URLs and bare addresses that begin between two positions, with the kinds of their hosts."""
    for signal in (ADDRESS, BARE_ADDRESS):
        found = view.find(signal)
        first = bisect.bisect_left(found, start, key=re.Match.start)
        last = bisect.bisect_left(found, end, key=re.Match.start)
        for match in found[first:last]:
            yield match, classify(match[match.lastindex or 0])
