"""Code that comes from elsewhere at the moment it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillcrawler.scan.flow import uses
from skillcrawler.scan.hosts import HostKind
from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal
from skillcrawler.scan.view import Kind, View
from skillcrawler.scan.vocabulary import FETCH, TO_SHELL, code_calls, host_kinds
from skilldata.models import Severity

_WEIGHT_OF_HOST = {
    HostKind.LOCAL: Severity.LOW,
    HostKind.VENDOR: Severity.LOW,
    HostKind.FORGE: Severity.MEDIUM,
    HostKind.PLACEHOLDER: Severity.MEDIUM,
    HostKind.ORDINARY: Severity.HIGH,
    HostKind.PLAIN: Severity.HIGH,
}

# bash <(curl …), eval "$(wget …)", iex (iwr …)
_SHELL_OF_FETCH = Signal(
    ("curl", "wget", "iwr", "irm", "invoke-webrequest", "invoke-restmethod", "downloadstring"),
    r"(?:\b(?:ba|z|da|k)?sh|\bsource|\beval|\bexec|\bpython[\d.]{0,4}|\bnode|\bruby|\bperl|\biex|\binvoke-expression"
    r"|(?<=[ ;&])\.)"
    r"(?:[ \t]{1,5}-[a-z]{1,3})?[ \t]{0,5}[\"'&]{0,2}[ \t]{0,3}(?:<\(|\$\(|`|\(){1,3}[ \t]{0,3}[\"'&]?"
    r"(?:curl|wget|iwr|irm|invoke-webrequest|invoke-restmethod"
    r"|new-object[ ](?:system\.)?net\.webclient\)?\.downloadstring)\b",
)
# The body of a response is handed to exec, eval and their kin.
_RUN_IN_CODE = Signal(
    ("exec", "eval", "function(", "compile(", "runin"),
    r"(?<![\w.])(?:exec|eval|compile|execscript|new[ ]function|vm\.run\w{2,30})[ \t]?\(",
)
_FETCH_IN_CODE = Signal(
    (
        "requests.get",
        "urlopen",
        "httpx.get",
        "fetch(",
        "axios",
        "http.get(",
        "https.get(",
        "urllib",
        "open-uri",
        "file_get_contents(",
        "curl",
    ),
    r"requests\.get\(|urlopen\(|httpx\.get\(|\bfetch\(|axios(?:\.get)?\(|\bhttps?\.get\(|urllib\.request"
    r"|file_get_contents\([ \"']{0,3}https?|check_output\([^\n]{0,40}curl",
)
_FETCHED = Signal(
    (
        "requests.get",
        "urlopen(",
        "httpx.get",
        "fetch(",
        "axios",
        "http.get(",
        "curl",
        "wget",
        "iwr",
        "irm",
        "invoke-webrequest",
        "invoke-restmethod",
        "downloadstring",
        "file_get_contents(",
        "downloaddata(",
    ),
    r"\brequests\.get\(|\burlopen\(|httpx\.get\(|\bfetch\(|axios(?:\.get)?\(|\bhttp\.get\(|(?:\$\(|`)[ ]?(?:curl"
    r"|wget)\b"
    r"|\b(?:iwr|irm|invoke-webrequest|invoke-restmethod)\b|\.download(?:string|data)\("
    r"|file_get_contents\([\"' ]{0,3}https?",
)
_STARTS = Signal(
    ("popen(", "subprocess.", "os.exec", "startfile(", "start-process", "spawn("),
    r"\bsubprocess\.(?:run|call|popen|check_call|check_output)\(|\bos\.(?:exec\w{1,4}|startfile|spawn\w{1,4})\("
    r"|\bstart-process\b",
)
_FETCH_BY_CALLBACK = Signal(("http.get(", "https.get(", "fetch("), r"\bhttps?\.get\(|\bfetch\(")
_RUN_FETCHED = Signal(
    (".text", ".content", ".read()", ".decode(", ".data", "body"),
    r"(?<![\w.])(?:exec|eval|compile|new[ ]function)[ \t]?\([ \t]{0,5}(?:await[ ])?\w{1,40}(?:\.text|\.content"
    r"|\.read\(\)|\.data|\.body|body\b)",
)
_TO_FILE = Signal(
    (
        "curl",
        "wget",
        "iwr",
        "invoke-webrequest",
        "urlretrieve",
        "downloadfile",
        "certutil",
        "bitsadmin",
        "start-bitstransfer",
    ),
    r"\b(?:curl\b[^\n|;&]{0,250}?(?:[ ]-[a-z]{0,6}o\b|[ ]--output|[ ]--remote-name|[ ]>)|wget\b|(?:iwr"
    r"|invoke-webrequest)\b[^\n|;]{0,250}?-outfile"
    r"|urlretrieve\(|downloadfile\(|certutil(?:\.exe)?[ ][^\n]{0,40}?-urlcache|bitsadmin(?:\.exe)?[ ]/transfer"
    r"|start-bitstransfer)",
)
_RUN_FILE = Signal(
    (
        "chmod",
        "./",
        "bash ",
        "sh ",
        "start ",
        "open ",
        "start-process",
        "subprocess",
        "os.system",
        "msiexec",
        "installer ",
        "popen",
        "startfile",
        "exec(",
        "&& /tmp",
        "os.exec",
        ".exe",
        ".bat",
        ".msi",
    ),
    r"\bchmod[ ]+(?:[ugoa]{0,4}\+x|[0-7]?7[0-7]{2})|os\.chmod\(|(?:^|[;&|`][ ]{0,3}"
    r"|^[ >$]{1,8})(?:sudo[ ])?(?:\./[\w.-]{2,60}|(?:ba|z)?sh[ ]+[\w./~$-]{2,80}|/tmp/[\w.-]{2,60})"
    r"|\bstart-process[ ]|\bos\.startfile\(|\bsubprocess\.(?:run|call|popen|check_call)\(|\bos\.(?:system"
    r"|exec\w{1,4}|popen)\(|\bmsiexec(?:\.exe)?[ ]/|\binstaller[ ]-pkg|\bopen[ ]+[\w./~-]{2,80}\.(?:app|dmg|pkg)"
    r"|^[ ]{0,8}start[ ]+\S{2,60}\.(?:exe|bat|msi)"
    r"|(?:^|&&?)[ ]{0,3}(?:start[ ]+(?:/\w+[ ]+)?)?[\"']?%\w{1,20}%\\[\w.\\-]{2,60}\.(?:exe|bat|cmd|ps1|msi|vbs)",
)
_RUN_BY_ADDRESS = Signal(
    ("mshta", "regsvr32", "rundll32", "msiexec", "wmic"),
    r"\bmshta(?:\.exe)?[ ]+[\"']?(?:https?:|javascript:|vbscript:)|\bregsvr32(?:\.exe)?[ ][^\n]{0,80}/i:https?:"
    r"|\brundll32(?:\.exe)?[ ][^\n]{0,40}javascript:|\bmsiexec(?:\.exe)?[ ][^\n]{0,40}[ ]/?[iq][^\n]{0,20}https?:",
)
_INSECURE = Signal(
    (
        "-k",
        "--insecure",
        "no-check-certificate",
        "verify=false",
        "verify = false",
        "reject_unauthorized",
        "rejectunauthorized",
        "sslverify",
        "strict-ssl",
        "cert_none",
        "_create_unverified_context",
        "insecureskipverify",
        "servercertificatevalidationcallback",
        "-skipcertificatecheck",
    ),
    r"\bcurl\b[^\n|;]{0,120}?[ ](?:-[a-z]{0,4}k[a-z]{0,4}\b|--insecure)|--no-check-certificate"
    r"|\bverify[ ]{0,2}=[ ]{0,2}false|node_tls_reject_unauthorized\W{1,6}0|rejectunauthorized\W{1,4}false"
    r"|http\.sslverify[ =]{1,3}false|strict-ssl[ =]{1,3}false|cert_none|_create_unverified_context"
    r"|insecureskipverify\W{1,4}true|servercertificatevalidationcallback|-skipcertificatecheck",
)
# Prose that has a fetched page obeyed.
_FOLLOW = Signal(
    ("follow", "execute", "obey", "comply", "do what", "act on", "carry out"),
    r"\b(?:follow|execute|obey|comply with|act on|carry out|do what)\b(?:\s+(?:all|any|every|the|its|their|those"
    r"|these|whatever|exactly|of|new|latest|it|each|remote)){0,4}\s+(?:instructions?|directions?|commands?|steps"
    r"|says|tells|directives?)\b",
    lines=1,
)
_EVERYTHING = re.compile(r"\b(?:all|any|every|whatever|exactly|each)\b")
_READ_REMOTE = Signal(
    ("http",),
    r"\b(?:fetch|download|get|read|load|retrieve|visit|open|curl|check"
    r"|pull)\b[^\n]{0,60}?(?:https?://[^\s\"'`<>)]{3,200})",
)


@view_rule(
    "remote-code",
    Severity.CRITICAL,
    "Code from the network is run without being looked at",
    explanation="A download goes straight into an interpreter, so whoever controls that address controls this machine.",
    remedy="Ship the script with the skill, or name a package with a fixed version and a checksum.",
)
def remote_code(view: View, skill: Skill) -> Iterator[Hit]:
    """Find downloads that go straight into an interpreter."""
    for fetched, piped in view.pairs(FETCH, TO_SHELL, within=500, one_line=True):
        yield from _weighed(view, fetched.start(), piped.end())
    for match in view.find(_SHELL_OF_FETCH):
        yield from _weighed(view, match.start(), _line_end(view, match.end()))
    for match in view.find(_RUN_BY_ADDRESS):
        yield hit(Severity.HIGH, view, match)
    if view.kind is not Kind.PROSE or view.has("```"):
        yield from _run_in_code(view)
    if view.kind is Kind.SCRIPT:
        for call, is_bare in uses(view, view.find(_FETCHED), [*code_calls(view), *view.find(_STARTS)]):
            yield from _weighed_use(view, call, is_bare=is_bare)


@view_rule(
    "download-and-run",
    Severity.CRITICAL,
    "A file is downloaded and then run",
    explanation="What is run comes from an address, not from the skill, and can change after every review.",
    remedy="Name a package with a fixed version, or verify the download against a checksum that is in the skill.",
)
def download_and_run(view: View, skill: Skill) -> Iterator[Hit]:
    """Find downloads to a file that is run a few lines later."""
    reach = 600 if view.kind is Kind.SCRIPT else 250
    for fetched, run in view.pairs(_TO_FILE, _RUN_FILE, within=reach):
        kinds = [kind for _, kind in host_kinds(view, fetched.start() - 200, run.start())]
        if any(kind.odd for kind in kinds):
            yield hit(Severity.CRITICAL, view, fetched, run)
        elif HostKind.PLAIN in kinds:
            yield hit(Severity.HIGH, view, fetched, run)
        elif HostKind.ORDINARY in kinds:
            yield hit(Severity.MEDIUM, view, fetched, run)


@view_rule(
    "remote-instructions",
    Severity.HIGH,
    "The agent is told to obey a text from the network",
    explanation="Instructions that are fetched each time can be changed by their host after the skill was reviewed.",
    remedy="Put the instructions into the skill; treat fetched text as data.",
)
def remote_instructions(view: View, skill: Skill) -> Iterator[Hit]:
    """Find prose that has the agent fetch a page and do what it says."""
    for read, follow in view.pairs(_READ_REMOTE, _FOLLOW, within=160):
        kinds = [kind for _, kind in host_kinds(view, read.start(), read.end())]
        if any(kind.odd or kind is HostKind.PLAIN for kind in kinds):
            yield hit(Severity.HIGH, view, read, follow)
        elif HostKind.ORDINARY in kinds:
            yield hit(Severity.HIGH if _EVERYTHING.search(follow[0]) else Severity.MEDIUM, view, read, follow)


@view_rule(
    "unverified-tls",
    Severity.MEDIUM,
    "Certificates are not checked",
    explanation="Without that check anybody on the way can read or replace what is transferred.",
    remedy="Leave verification on; give the certificate of a private authority where one is needed.",
)
def unverified_tls(view: View, skill: Skill) -> Iterator[Hit]:
    """Find switches that turn certificate checks off."""
    weight = Severity.MEDIUM if view.kind is Kind.SCRIPT else Severity.LOW
    for match in view.find(_INSECURE):
        yield hit(weight, view, match)


def _run_in_code(view: View) -> Iterator[Hit]:
    """Find the body of a response that is handed to exec, eval and their kin in one expression or callback."""
    for runs, fetched in view.pairs(_RUN_IN_CODE, _FETCH_IN_CODE, within=80, one_line=True):
        yield hit(Severity.CRITICAL, view, runs, fetched)
    if view.kind is Kind.SCRIPT:
        for fetched, runs in view.pairs(_FETCH_BY_CALLBACK, _RUN_IN_CODE, within=250):
            yield hit(Severity.HIGH, view, fetched, runs)
    if view.any(_FETCH_IN_CODE):
        for match in view.find(_RUN_FETCHED):
            yield hit(Severity.CRITICAL, view, match)


def _weighed(view: View, start: int, end: int) -> Iterator[Hit]:
    """One hit for a download that is run, as heavy as its address; none where no address is named."""
    kinds = [kind for _, kind in host_kinds(view, start, end)]
    if kinds:
        severity = max((_WEIGHT_OF_HOST.get(kind, Severity.CRITICAL) for kind in kinds), key=lambda weight: weight.rank)
        yield Hit(severity, view, start, end)
    elif re.search(r"[ \"'(]\$\{?\w", view.low[start:end]):
        yield Hit(Severity.MEDIUM, view, start, end)


def _weighed_use(view: View, call: re.Match[str], *, is_bare: bool) -> Iterator[Hit]:
    """A hit for what was fetched and is run later: as heavy as the heaviest address of the script, if it has any."""
    kinds = [kind for _, kind in host_kinds(view, max(0, call.start() - 3_000), call.end())]
    heaviest = max(
        (_WEIGHT_OF_HOST.get(kind, Severity.CRITICAL) for kind in kinds), key=lambda one: one.rank, default=None
    )
    if heaviest is None or not is_bare:
        severity = Severity.MEDIUM
    else:
        severity = Severity.CRITICAL if heaviest is Severity.HIGH else heaviest
    yield hit(severity, view, call, note="what was fetched is run:")


def _line_end(view: View, position: int) -> int:
    end = view.low.find("\n", position, position + 500)
    return end if end >= 0 else min(len(view.low), position + 500)


RULES = (remote_code, download_and_run, remote_instructions, unverified_tls)
