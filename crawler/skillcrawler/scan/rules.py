"""All rules, in one order, and the name of this set of them."""

from __future__ import annotations

import hashlib
from importlib.resources import files

from skillcrawler.scan import (
    archives,
    code,
    credentials,
    destructive,
    disguise,
    exfiltration,
    instructions,
    names,
    package_index,
    payloads,
    permissions,
    persistence,
    prerequisites,
    remote_code,
    unicode,
)
from skillcrawler.scan.rule import Rule

VERSION = "1"

RULES: tuple[Rule, ...] = (
    *prerequisites.RULES,
    *remote_code.RULES,
    *payloads.RULES,
    *credentials.RULES,
    *exfiltration.RULES,
    *persistence.RULES,
    *package_index.RULES,
    *instructions.RULES,
    *unicode.RULES,
    *disguise.RULES,
    *archives.RULES,
    *names.RULES,
    *code.RULES,
    *destructive.RULES,
    *permissions.RULES,
)


def _digest() -> str:
    """A digest over the source of this package: any change to a rule, or to what it stands on, changes it."""
    sources = sorted(
        (entry for entry in files(__name__.rpartition(".")[0]).iterdir() if entry.name.endswith(".py")),
        key=lambda entry: entry.name,
    )
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()[:12]


RULE_SET = f"{VERSION}+{_digest()}"
"""Stored with every report: another value means that a rescan is due."""
