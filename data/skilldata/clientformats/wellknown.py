"""The two discovery formats below `.well-known/`.

- `agent-skills/index.json`: Cloudflare's discovery RFC, version 0.2.0. Each skill is one package, named with
  its digest. Read by `npx skills`, which falls back to the other.
- `skills/index.json`: version 0.1, which lists files one by one; each is fetched from beside the index. Read
  by OpenCode, which needs `version` to notice that a skill changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from skilldata.clientformats.offers import Offer
from skilldata.clientformats.scopes import Scope
from skilldata.objects import package_key

SCHEMA = "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
AGENT_SKILLS = ".well-known/agent-skills/index.json"
SKILLS = ".well-known/skills/index.json"
RAW = ".well-known/skills/"  # files are at <name>/<path> below it

Files = dict[str, list[str]]  # content digest -> paths of its files, sorted

# Clients put paths into addresses as they are, and one that they refuse costs them the whole index.
_UNFIT = re.compile(r"\.\.|[#?%:\\\x00-\x1f\x7f]|^/|//|/$|^$")


def agent_skills(scope: Scope, found: Iterable[Offer]) -> bytes | None:
    """Write the index of version 0.2.0; None where a scope has nothing to hand out."""
    up = "../" * (scope.depth + 2)
    skills = [
        {
            "name": offer.name,
            "type": "archive",
            "description": offer.description,
            "url": up + package_key(offer.version.package_digest),
            "digest": offer.version.package_digest,
        }
        for offer in found
    ]
    return encode({"$schema": SCHEMA, "skills": skills}) if skills else None


def skills(found: Iterable[Offer], files: Files) -> bytes | None:
    """Write the index of version 0.1; skills with files that clients cannot fetch by their path are left out."""
    listed = [
        {
            "name": offer.name,
            "description": offer.description,
            "files": list(files[offer.version.content_digest]),
            "version": offer.version.content_digest,
        }
        for offer in found
        if are_fetchable(files.get(offer.version.content_digest, ()))
    ]
    return encode({"skills": listed}) if listed else None


def are_fetchable(paths: Sequence[str]) -> bool:
    """Whether every file of a skill can be fetched by its path."""
    return "SKILL.md" in paths and not any(_UNFIT.search(path) for path in paths)


def encode(document: dict[str, Any]) -> bytes:
    """Write a document as UTF-8: the same bytes for the same content."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
