"""All rules, in one order, and the name of this set of them."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Mapping
from importlib.resources import files

from skillcrawler.scan import (
    agent_memory,
    archives,
    code,
    concealment,
    credential_theft,
    credentials,
    destructive,
    disguise,
    exfiltration,
    hooks,
    instructions,
    names,
    orders,
    package_index,
    payloads,
    permissions,
    persistence,
    prerequisites,
    remote_code,
    safeguards,
    secret_values,
    shells,
    unicode,
    unseen,
)
from skillcrawler.scan.rule import Rule

VERSION = "2"

RULES: tuple[Rule, ...] = (
    *prerequisites.RULES,
    *remote_code.RULES,
    *payloads.RULES,
    *shells.RULES,
    *credentials.RULES,
    *credential_theft.RULES,
    *secret_values.RULES,
    *exfiltration.RULES,
    *persistence.RULES,
    *agent_memory.RULES,
    *hooks.RULES,
    *package_index.RULES,
    *concealment.RULES,
    *safeguards.RULES,
    *instructions.RULES,
    *orders.RULES,
    *unseen.RULES,
    *unicode.RULES,
    *disguise.RULES,
    *archives.RULES,
    *names.RULES,
    *code.RULES,
    *destructive.RULES,
    *permissions.RULES,
)


def digest_of(sources: Mapping[str, str]) -> str:
    """A digest of the code in modules, whatever their comments, docstrings and layout.

    Another minor version of Python may give another digest; its tables of characters are others too.

    Args:
        sources: Python source by the name of its module.
    """
    digest = hashlib.sha256()
    for name, source in sorted(sources.items()):
        tree = ast.parse(source)
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
                del node.body[0]
        digest.update(f"{name}\0{ast.dump(tree)}\0".encode())
    return digest.hexdigest()[:12]


def _sources() -> dict[str, str]:
    return {
        entry.name: entry.read_text("utf-8")
        for entry in files(__name__.rpartition(".")[0]).iterdir()
        if entry.name.endswith(".py")
    }


RULE_SET = f"{VERSION}+{digest_of(_sources())}"
"""Stored with every report: another value means that a rescan is due."""
