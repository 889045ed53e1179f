"""Secrets that lie in the skill, and those that it has the user tell."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal
from skillcrawler.scan.view import Kind, View
from skilldata.models import Severity

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
_SAMPLE = re.compile(
    r"example|sample|dummy|placeholder|your|xxx|test|fake|redacted|changeme|change_me|123456|abcdef|\.\.\.|todo"
    r"|secret123|password|env|mock|\*\*\*|<|foo|demo|none|null|replace|insert|here|local|postgres|admin|root|default"
    r"|token|apikey|api_key|api-key|header|bearer",
)
_SECRET_WORDS = Signal(
    ("seed phrase", "recovery phrase", "mnemonic", "private key", "secret phrase"),
    r"\b(?:ask|request|prompt|have|tell|get)\s+(?:(?:the\s+)?users?\s+)(?:to\s+)?(?:for\s+|provide\s+|enter\s+"
    r"|paste\s+|share\s+|input\s+|type\s+)?(?:their\s+|his\s+|the\s+|a\s+|your\s+)?(?:wallet\s+|12-word\s+"
    r"|24-word\s+|wallet's\s+)?(?:seed\s+phrase|recovery\s+phrase|mnemonic|private\s+key|secret\s+phrase)",
    lines=1,
)


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


@view_rule(
    "secret-phrase",
    Severity.HIGH,
    "A wallet's secret is asked for",
    explanation="Whoever has a seed phrase or private key owns the wallet; no skill needs to be told it.",
    remedy="Use a wallet connection or a signing request.",
)
def secret_phrase(view: View, skill: Skill) -> Iterator[Hit]:
    """Find orders to ask the user for a seed phrase or private key."""
    for match in view.find(_SECRET_WORDS):
        yield hit(Severity.HIGH, view, match)


def _looks_made_up(secret: str) -> bool:
    low = secret.lower()
    return _SAMPLE.search(low) is not None or len(set(low)) < min(12, len(low) // 2)


RULES = (secret_in_file, secret_phrase)
