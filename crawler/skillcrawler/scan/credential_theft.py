"""Credentials that are read and go away: in one script, in one passage, through a module of the skill."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from skillcrawler.scan.credentials import CREDENTIAL_READ, ENV_FILES, KEYCHAIN, VAULT, is_path, is_ssh_use
from skillcrawler.scan.normalise import plain_text
from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal, pairs
from skillcrawler.scan.view import Kind, View
from skillcrawler.scan.vocabulary import SEND, host_kinds
from skilldata.models import Severity

_PRINTED_AND_SENT = Signal(
    (
        "gh auth",
        "print-access-token",
        "get-access-token",
        "npm token",
        "op read",
        "pass show",
        "vault kv",
        "configure get",
    ),
    r"\b(?:gh[ ]auth[ ]token|gcloud[ ]auth[ ](?:application-default[ ])?print-access-token"
    r"|az[ ]account[ ]get-access-token|npm[ ]token"
    r"|op[ ]read|pass[ ]show|vault[ ]kv[ ]get|aws[ ]configure[ ]get)\b[^\n|;]{0,80}\|[^\n]{0,40}\b(?:curl|wget|nc"
    r"|ncat|http)\b",
)
"""A tool prints a token that goes straight to a sender."""
_TOLD_TO_ADD = Signal(
    (".aws", ".ssh", ".netrc", ".kube", "id_rsa", ".git-credentials", "printenv", "env |", "env`", ".env"),
    r"\b(?:read|open|take|load|get|copy|cat|run|include|use)\b[^\n]{0,30}?(?:~/\.(?:aws|ssh|kube|netrc"
    r"|git-credentials|docker|gnupg)\b[^\n]{0,30}"
    r"|\bid_rsa\b|\bprintenv\b|[`\"'(]env(?:[ ]?\||`)|[ /`]\.env\b)[^\n]{0,120}?\b(?:header|parameter|query|body"
    r"|payload|field|value|url"
    r"|output|contents?)\b[^\n]{0,120}?https?://",
    lines=1,
)
"""Prose that has the agent put credentials into a request."""
ENVIRONMENT = Signal(
    (
        "os.environ",
        "process.env",
        "printenv",
        "env |",
        "env|",
        "env)",
        "env:",
        "set |",
        "getenv()",
        "environ)",
        "env >",
        "env>",
        "environ.items",
        "/environ",
    ),
    r"\bdict\([ ]?os\.environ[ ]?\)|os\.environ\.(?:items|copy|values)\(\)|json\.dumps\([ ]?(?:dict\()?os\.environ"
    r"|\{\*\*os\.environ\}|[=:(,][ ]?os\.environ[ ]?[,)}\n]|str\(os\.environ\)|json\.stringify\([ ]?process\.env"
    r"|object\.(?:entries|keys|values|assign)\([^\n)]{0,10}process\.env[ ]?[,)]|\.\.\.process\.env\b"
    r"|[=:(,][ ]?process\.env[ ]?[,;)}\n]"
    r"|(?:^|[;&|(`\"'=][ ]{0,3}|\$\([ ]?)(?:printenv|env|set)[ ]{0,3}(?:\||>|\)|`|&&|$)|\b(?:get-childitem|gci|dir"
    r"|ls)[ ]+env:|system\.getenv\(\)|/proc/(?:self|\d{1,7})/environ",
)
"""Takes all environment variables at once."""
_STRONG_SEND = re.compile(r"\bscp[ ]|rsync|boto3|paramiko|sftp|mail")
_MODULE = re.compile(
    r"^[ \t]*(?:from|import)[ ]+\.?([a-z_]\w{0,40})\b|(?:from|require\()[ ]?[\"']\./([\w-]{1,40})", re.MULTILINE
)
_MODULES = 20  # that a script takes from, which are looked into
_MODULE_BYTES = 100_000


@view_rule(
    "credential-theft",
    Severity.CRITICAL,
    "Credentials are read and something is sent away",
    explanation="One script, or one passage, reads keys, wallets or the environment and sends data over the network.",
    remedy="Never send credentials; let tools authenticate with their own configuration.",
)
def credential_theft(view: View, skill: Skill) -> Iterator[Hit]:
    """Find a reader of credentials close to a sender."""
    for match in view.find(_PRINTED_AND_SENT):
        yield hit(Severity.CRITICAL, view, match)
    for match in view.find(_TOLD_TO_ADD) if view.kind is not Kind.SCRIPT else ():
        yield hit(Severity.HIGH, view, match)
    sends = [match for match in view.find(SEND) if not _STRONG_SEND.match(match[0])]
    if not sends:
        return
    code = view.kind is Kind.SCRIPT
    if code and not view.origin:
        yield from _read_elsewhere(view, skill, sends[0])
    reach = 4_000 if code else 300
    for signal in (CREDENTIAL_READ, ENV_FILES, VAULT, KEYCHAIN):
        for source, sent in pairs(view.find(signal), sends, within=reach, ordered=False):
            if is_ssh_use(source[0]) or (signal is VAULT and not is_path(view, source)):
                continue
            yield hit(_weight(view, source, sent), view, source, sent)
    for source, sent in pairs(view.find(ENVIRONMENT), sends, within=600 if code else 200, ordered=False):
        same = view.low.count("\n", *sorted((source.start(), sent.start()))) <= 3
        yield hit(Severity.CRITICAL if same else Severity.HIGH, view, source, sent)


def _read_elsewhere(view: View, skill: Skill, sent: re.Match[str]) -> Iterator[Hit]:
    """Find a sender that takes what it sends from a module of the skill that reads credentials."""
    folder = view.path.rpartition("/")[0]
    for named in islice(_MODULE.finditer(view.low), _MODULES):
        module = next(name for name in named.groups() if name)
        for suffix in (".py", ".js", ".mjs", ".ts"):
            file = skill.by_path.get(f"{folder}/{module}{suffix}".lstrip("/"))
            text = plain_text(file.data[:_MODULE_BYTES].decode("utf-8", "replace")).text.lower() if file else ""
            view.spend(len(text))
            if text and (CREDENTIAL_READ.compiled.search(text) or KEYCHAIN.compiled.search(text)):
                yield hit(
                    Severity.CRITICAL, view, sent, note=f"sends, and takes from {module}, which reads credentials:"
                )
                return


def _weight(view: View, source: re.Match[str], sent: re.Match[str]) -> Severity:
    first, last = sorted((source, sent), key=re.Match.start)
    odd = any(kind.odd for _, kind in host_kinds(view, first.start() - 300, last.end() + 300))
    distance = view.low.count("\n", first.start(), last.start())
    return Severity.CRITICAL if odd or distance <= 40 else Severity.HIGH


RULES = (credential_theft,)
