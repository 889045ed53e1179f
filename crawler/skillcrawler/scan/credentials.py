"""Reading what others keep secret, sending it away, and secrets left in the skill itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from skillcrawler.scan.normalise import plain_text
from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal, pairs
from skillcrawler.scan.view import Kind, View
from skillcrawler.scan.vocabulary import SEND, host_kinds
from skilldata.models import Severity

_READ = (
    r"(?:\bcat|\bopen\(|\bread\w{0,20}\(|\bcp|\btar|\bzip|\bbase64|\btype|\bget-content|\bcopy|\bglob\(|\bpath\("
    r"|expanduser\(|\bjoin\(|\bhead|\btail|\bless|\bgrep|\bfind|\bls|\bscp|\brsync|@(?=[\"']?[~/$.])|<|\bexists\("
    r"|\bcopyfile\w{0,6}\(|\bxxd|\bsqlite3|\bhome\(\)[ ]?/|\bin|getenv\()"
)
_GAP = r"[^\n|;]{0,90}?"
_KEYS = (
    r"(?:\.ssh[/\\](?:id_(?:rsa|ed25519|ecdsa|dsa|\*)|\*|identity)|\bid_(?:rsa|ed25519|ecdsa)\b(?!\.pub)"
    r"|\.aws[/\\]{1,2}(?:credentials|config)|"
    r"gcloud/(?:credentials|access_tokens|application_default)|application_default_credentials\.json"
    r"|\.azure/(?:accesstokens|msal)|\.kube[/\\]{1,2}config|\.docker[/\\]{1,2}config\.json|"
    r"\.git-credentials|\.netrc\b|\.npmrc\b|\.pypirc\b|gh/hosts\.yml|\.gnupg\b|/etc/shadow|\.ssh[/\"' ]"
    r"|\.vault-token|\.terraform\.d/credentials|\.pgpass|"
    r"\.claude/\.credentials|\.codex/auth\.json|\.openclaw/(?:\.env|credentials|openclaw\.json|config)"
    r"|\.clawdbot/(?:\.env|clawdbot\.json|credentials)|\.moltbot/\S{0,20}|/proc/self/environ|/proc/\d{1,7}/environ)"
)
_VAULTS = (
    r"(?:login data|cookies\.sqlite|logins\.json|key[34]\.db|google/chrome/[^\n]{0,60}(?:cookies|local state"
    r"|local extension settings)|google-chrome/[^\n]{0,60}(?:cookies|local state|login)|"
    r"firefox/profiles|bravesoftware[^\n]{0,40}(?:cookies|login|wallet|extension)|login\.keychain|keychains/"
    r"|wallet\.dat|metamask|exodus(?:\.wallet|/exodus|\\exodus)|electrum/wallets|\.electrum|phantom[ _-]?wallet"
    r"|\.solana/id\.json|solana/id\.json|"
    r"ethereum/keystore|\.ethereum|\.bitcoin/|ledger live|trust ?wallet|atomic/local storage|coinomi"
    r"|telegram desktop/tdata|discord/local storage|1password|bitwarden/data|keepass|\.kdbx"
    r"|nkbihfbeogaeaoehlefnkodbefgpgknn)"
)
CREDENTIAL_READ = Signal(
    (
        ".ssh",
        "id_rsa",
        "id_ed25519",
        "id_ecdsa",
        ".aws",
        "gcloud",
        "application_default",
        ".azure",
        ".kube",
        ".docker/config",
        ".git-credentials",
        ".netrc",
        ".npmrc",
        ".pypirc",
        "gh/hosts",
        ".gnupg",
        "/etc/shadow",
        ".vault-token",
        ".terraform.d",
        ".pgpass",
        ".claude/.cred",
        ".codex/auth",
        ".openclaw/",
        ".clawdbot/",
        ".moltbot/",
        "/environ",
    ),
    _READ + _GAP + _KEYS,
)
"""Reads a file of credentials."""

_VAULT_NEEDLES = (
    "login data",
    "cookies.sqlite",
    "logins.json",
    "key4.db",
    "key3.db",
    "google/chrome",
    "google-chrome",
    "firefox/profiles",
    "bravesoftware",
    "keychain",
    "wallet",
    "metamask",
    "exodus",
    "electrum",
    ".solana",
    "solana/id",
    "ethereum",
    ".bitcoin",
    "ledger live",
    "atomic/",
    "coinomi",
    "tdata",
    "discord/local",
    "1password",
    "bitwarden",
    "keepass",
    ".kdbx",
    "nkbihfbe",
)
VAULT = Signal(_VAULT_NEEDLES, _VAULTS)
"""Names a browser's or wallet's store."""

_KEYCHAIN = Signal(
    (
        "find-generic-password",
        "find-internet-password",
        "dump-keychain",
        "export-keychain",
        "lazagne",
        "mimikatz",
        "sekurlsa",
        "secretsdump",
        "cryptunprotectdata",
        "hashdump",
        "browser_cookie3",
        "browsercookie",
        "dpapi",
    ),
    r"\bsecurity[ ]+(?:find-(?:generic|internet)-password[^\n]{0,60}-w|dump-keychain|export[ ])|\blazagne\b"
    r"|\bmimikatz\b|sekurlsa::|\bsecretsdump\b|cryptunprotectdata|\bhashdump\b|\bbrowser_cookie3?\b",
)
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

METADATA_SERVICE = Signal(
    ("169.254.169.254", "metadata.google.internal", "169.254.170.2"),
    r"169\.254\.169\.254/(?:latest/(?:meta-data/iam|user-data|api/token)|metadata/)|169\.254\.170\.2"
    r"|metadata\.google\.internal/computemetadata/v1/[^\n]{0,60}token",
)
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

_ENV_FILES = Signal(
    (".env",),
    r"(?:find|glob\(|rglob\(|grep[ ]+-r\w{0,4}|os\.walk)[^\n]{0,100}?[\"'*/ ]\.env\b|(?:cat|curl[^\n]{0,80}@"
    r"|base64)[ ]+[~$\w/.{}\"-]{0,60}\.env(?:\.\w{1,12})?\b",
)
_SSH_USE = re.compile(r"(?:-i[ ]|identityfile|ssh-add|ssh-keygen|chmod|-f[ ]|known_hosts|\.pub\b|config)[^\n]{0,40}$")
_STRONG_SEND = re.compile(r"\bscp[ ]|rsync|boto3|paramiko|sftp|mail")

_SECRET = Signal(
    (
        "akia",
        "asia",
        "ghp_",
        "gho_",
        "ghs_",
        "github_pat_",
        "sk-ant-",
        "sk-proj-",
        "sk_live_",
        "rk_live_",
        "xoxb-",
        "xoxp-",
        "glpat-",
        "aiza",
        "npm_",
        "hf_",
        "pypi-ag",
        "sg.",
        "dop_v1_",
        "shpat_",
        "sk-",
        "eyj",
        "bot",
    ),
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pos]_[A-Za-z0-9]{36}\b|\bgithub_pat_[A-Za-z0-9_]{60,90}\b"
    r"|\bsk-ant-[a-z]{3}\d{2}-[\w-]{60,120}|\bsk-(?:proj-)?[A-Za-z0-9_-]{40,180}\b"
    r"|\b[sr]k_live_[A-Za-z0-9]{20,100}\b|\bxox[bpars]-\d{8,14}-[\w-]{20,80}|\bglpat-[\w-]{20}\b"
    r"|\bAIza[\w-]{35}\b|\bnpm_[A-Za-z0-9]{36}\b|\bhf_[A-Za-z]{34}\b|\bpypi-AgE[\w-]{50,200}"
    r"|\bSG\.[\w-]{22}\.[\w-]{43}\b|\bdop_v1_[a-f0-9]{64}\b|\bshpat_[a-f0-9]{32}\b|\b\d{8,10}:AA[\w-]{33}\b",
    cased=True,
)
_PRIVATE_KEY = Signal(
    ("private key",),
    r"-----BEGIN (?:RSA |EC |OPENSSH |DSA |PGP )?PRIVATE KEY(?: BLOCK)?-----\s{1,4}(?:[A-Za-z0-9+/=\s:,-]"
    r"|\\n){120,400}",
    lines=8,
    cased=True,
)
_ASSIGNED_SECRET = Signal(
    ("password", "passwd", "secret", "api_key", "apikey", "token", "access_key"),
    r"(?:^|[\s,({.;])[\"']?\w{0,30}(?:password|passwd|secret(?:_key)?|api_?key|auth_?token|access_?(?:token|key)"
    r"|private_?key)[\"']?[ ]{0,3}[:=][ ]{0,3}[\"'][^\"'\n$<>{}\s]{8,120}[\"']",
)
_MODULE = re.compile(
    r"^[ \t]*(?:from|import)[ ]+\.?([a-z_]\w{0,40})\b|(?:from|require\()[ ]?[\"']\./([\w-]{1,40})", re.MULTILINE
)
_MODULES = 20  # that a script takes from, which are looked into
_MODULE_BYTES = 100_000
_SAMPLE = re.compile(
    r"example|sample|dummy|placeholder|your|xxx|test|fake|redacted|changeme|change_me|123456|abcdef|\.\.\.|todo"
    r"|secret123|password|env|mock|\*\*\*|<|foo|demo|none|null|replace|insert|here|local|postgres|admin|root|default"
    r"|token|apikey|api_key|api-key|header|bearer",
)


@view_rule(
    "credential-access",
    Severity.HIGH,
    "Stores of credentials are read",
    explanation="Keys, browser profiles, password stores and wallets belong to the reader; few tasks need them.",
    remedy="Ask for the one credential that is needed, through an environment variable that is named in the manifest.",
)
def credential_access(view: View, skill: Skill) -> Iterator[Hit]:
    """Find readers of keys, browser profiles, password stores, wallets and whole environments."""
    code = view.kind is Kind.SCRIPT
    for match in view.find(_KEYCHAIN):
        if code:
            yield hit(Severity.HIGH, view, match)
    if code:
        for match in view.find(VAULT):
            yield hit(Severity.HIGH if _is_path(view, match) else Severity.LOW, view, match)
        for signal in (CREDENTIAL_READ, _ENV_FILES, METADATA_SERVICE):
            for match in view.find(signal):
                if not _is_ssh_use(match[0]):
                    yield hit(Severity.MEDIUM, view, match)


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
    for signal in (CREDENTIAL_READ, _ENV_FILES, VAULT, _KEYCHAIN):
        for source, sent in pairs(view.find(signal), sends, within=reach, ordered=False):
            if _is_ssh_use(source[0]) or (signal is VAULT and not _is_path(view, source)):
                continue
            yield hit(_weight(view, source, sent), view, source, sent)
    for source, sent in pairs(view.find(ENVIRONMENT), sends, within=600 if code else 200, ordered=False):
        same = view.low.count("\n", *sorted((source.start(), sent.start()))) <= 3
        yield hit(Severity.CRITICAL if same else Severity.HIGH, view, source, sent)


@view_rule(
    "secret-in-file",
    Severity.HIGH,
    "A live-looking secret is in a file",
    explanation="Whoever can read the skill can use the key.",
    remedy="Revoke the key, take it out of the repository's history, and read it from the environment.",
)
def secret_in_file(view: View, skill: Skill) -> Iterator[Hit]:
    """Find keys in the formats of well-known issuers, and literals assigned to a secret's name in scripts."""
    for match in (*view.find(_SECRET), *view.find(_PRIVATE_KEY)):
        if not _looks_made_up(match[0]):
            yield hit(Severity.HIGH, view, match, note="a key in the format of a well-known issuer:")
    if view.kind is Kind.SCRIPT:
        for match in view.find(_ASSIGNED_SECRET):
            value = re.split(r"[:=]", match[0], maxsplit=1)[1]
            if not _looks_made_up(value) and any(map(str.isdigit, value)) and len(set(value)) > 8:
                yield hit(Severity.MEDIUM, view, match, note="a literal assigned to a secret's name:")


def _read_elsewhere(view: View, skill: Skill, sent: re.Match[str]) -> Iterator[Hit]:
    """Find a sender that takes what it sends from a module of the skill that reads credentials."""
    folder = view.path.rpartition("/")[0]
    for named in islice(_MODULE.finditer(view.low), _MODULES):
        module = next(name for name in named.groups() if name)
        for suffix in (".py", ".js", ".mjs", ".ts"):
            file = skill.by_path.get(f"{folder}/{module}{suffix}".lstrip("/"))
            text = plain_text(file.data[:_MODULE_BYTES].decode("utf-8", "replace")).text.lower() if file else ""
            view.spend(len(text))
            if text and (CREDENTIAL_READ.compiled.search(text) or _KEYCHAIN.compiled.search(text)):
                yield hit(
                    Severity.CRITICAL, view, sent, note=f"sends, and takes from {module}, which reads credentials:"
                )
                return


def _weight(view: View, source: re.Match[str], sent: re.Match[str]) -> Severity:
    first, last = sorted((source, sent), key=re.Match.start)
    odd = any(kind.odd for _, kind in host_kinds(view, first.start() - 300, last.end() + 300))
    distance = view.low.count("\n", first.start(), last.start())
    return Severity.CRITICAL if odd or distance <= 40 else Severity.HIGH


def _is_ssh_use(read: str) -> bool:
    """Whether a key of SSH is used or made, and not read."""
    return (".ssh" in read or "id_" in read) and _SSH_USE.search(read) is not None


def _is_path(view: View, match: re.Match[str]) -> bool:
    """Whether the name of a store is part of a path or a quoted name, not of a sentence."""
    around = view.low[max(0, match.start() - 40) : match.end() + 10]
    return any(mark in around for mark in ("/", "\\", '"', "'"))


def _looks_made_up(secret: str) -> bool:
    low = secret.lower()
    return _SAMPLE.search(low) is not None or len(set(low)) < min(12, len(low) // 2)


RULES = (credential_access, credential_theft, secret_in_file)
