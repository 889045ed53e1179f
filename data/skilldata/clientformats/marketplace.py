"""`marketplace.json` of Claude Code (https://code.claude.com/docs/en/plugin-marketplaces): each skill a plugin.

A skill has no plugin.json, so its entry says all there is to say (`strict` is false) and takes the package's
root as the one skill. Claude Code looks for a new `version`, and labels rise.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from skilldata.clientformats.addresses import ClientAddresses
from skilldata.clientformats.offers import Offer
from skilldata.clientformats.scopes import Scope
from skilldata.clientformats.wellknown import encode
from skilldata.names import safe_text, slugify

MARKETPLACE = "marketplace.json"
# Claude Code refuses names that its own marketplaces could have, however they are spelt.
_RESERVED = re.compile(r"anthropic|claude|official")


def marketplace(scope: Scope, found: Iterable[Offer], addresses: ClientAddresses) -> bytes | None:
    """Write the marketplace of a scope; None where it has nothing to hand out."""
    plugins = [_plugin(offer, addresses) for offer in found]
    if not plugins:
        return None
    title = safe_text(addresses.title)
    return encode(
        {
            "name": marketplace_name(scope, addresses.title),
            "owner": {"name": title, "url": addresses.site},
            "description": f"Skills of {scope.path.removeprefix('r/')}, by {title}" if scope.owner else title,
            "plugins": plugins,
            # What was taken down shall not stay installed.
            "forceRemoveDeletedPlugins": True,
        }
    )


def marketplace_name(scope: Scope, title: str) -> str:
    """Name a scope's marketplace: a user can have one of a name, so no two scopes have the same.

    A repository's is `owner_name`: owners have no `_`, so the parts cannot be mistaken. Any other ends in a
    part of the digest of its path, and so does one with characters that Claude Code writes as `-` in folders.
    """
    if not scope.owner:
        return slugify(title) or "skill-registry"
    digest = hashlib.sha256(scope.path.encode()).hexdigest()
    wanted = "_".join(part for part in scope if part).lower()
    name = re.sub(r"[^a-z0-9_-]", "-", wanted)
    if _RESERVED.search(name):
        return f"skills-{digest[:12]}"
    is_repository = scope.repository and not scope.slug
    return name if is_repository and name == wanted else f"{name}-{digest[:6]}"


def _plugin(offer: Offer, addresses: ClientAddresses) -> dict[str, Any]:
    licence = {"license": offer.version.licence} if offer.version.licence else {}
    return {
        "name": offer.name,
        "version": offer.version.label,
        "description": offer.description,
        **licence,
        "homepage": addresses.page(offer.skill.skill),
        "strict": False,
        "skills": ["./"],
        "source": {
            "source": "archive",
            "url": addresses.package(offer.version.package_digest),
            "sha256": offer.version.package_digest.removeprefix("sha256:"),
        },
    }
