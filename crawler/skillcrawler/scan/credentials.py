"""Stores of credentials, browsers and wallets, and whoever reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal
from skillcrawler.scan.view import Kind, View
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
KEYCHAIN = Signal(
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
METADATA_SERVICE = Signal(
    ("169.254.169.254", "metadata.google.internal", "169.254.170.2"),
    r"169\.254\.169\.254/(?:latest/(?:meta-data/iam|user-data|api/token)|metadata/)|169\.254\.170\.2"
    r"|metadata\.google\.internal/computemetadata/v1/[^\n]{0,60}token",
)
ENV_FILES = Signal(
    (".env",),
    r"(?:find|glob\(|rglob\(|grep[ ]+-r\w{0,4}|os\.walk)[^\n]{0,100}?[\"'*/ ]\.env\b|(?:cat|curl[^\n]{0,80}@"
    r"|base64)[ ]+[~$\w/.{}\"-]{0,60}\.env(?:\.\w{1,12})?\b",
)
_SSH_USE = re.compile(r"(?:-i[ ]|identityfile|ssh-add|ssh-keygen|chmod|-f[ ]|known_hosts|\.pub\b|config)[^\n]{0,40}$")


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
    for match in view.find(KEYCHAIN):
        if code:
            yield hit(Severity.HIGH, view, match)
    if code:
        for match in view.find(VAULT):
            yield hit(Severity.HIGH if is_path(view, match) else Severity.LOW, view, match)
        for signal in (CREDENTIAL_READ, ENV_FILES, METADATA_SERVICE):
            for match in view.find(signal):
                if not is_ssh_use(match[0]):
                    yield hit(Severity.MEDIUM, view, match)


def is_ssh_use(read: str) -> bool:
    """Whether a key of SSH is used or made, and not read."""
    return (".ssh" in read or "id_" in read) and _SSH_USE.search(read) is not None


def is_path(view: View, match: re.Match[str]) -> bool:
    """Whether the name of a store is part of a path or a quoted name, not of a sentence."""
    around = view.low[max(0, match.start() - 40) : match.end() + 10]
    return any(mark in around for mark in ("/", "\\", '"', "'"))


RULES = (credential_access,)
