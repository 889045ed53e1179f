"""Finding skills by the names that ClawHub's client knows them by: those of their owner's scope."""

from __future__ import annotations

from typing import Any

from skillapi.clients.files import catalogue
from skillapi.endpoint import Call
from skilldata.clientformats.addresses import ClientAddresses
from skilldata.clientformats.offers import Offer, served_versions
from skilldata.clientformats.scopes import Scope
from skilldata.errors import NotFound, RegistryError
from skilldata.jsonindex.documents import VersionEntry

MAX_MATCHES = 20  # of a name that several owners have


class AmbiguousName(RegistryError):
    """Several owners have a skill of one name.

    Args:
        name: The name.
        owners: Who has one, in the order in which they are to be shown.
        site: Address of the site, which has a page of each.
    """

    code = "ambiguous-name"

    def __init__(self, name: str, owners: list[str], site: str) -> None:
        references = [f"@{owner}/{name}" for owner in owners]
        super().__init__(f"{len(owners)} owners have a skill {name}", remedy=f"Write {' or '.join(references)}.")
        matches = [
            {"ownerHandle": owner, "slug": name, "ref": reference, "url": f"{site}o/{owner}/"}
            for owner, reference in zip(owners, references, strict=True)
        ]
        self.document = {"code": "AMBIGUOUS_SKILL_SLUG", "message": f"{self.message}.", "matches": matches}


def find_offer(call: Call, owner: str, name: str) -> Offer:
    """Find a skill by its name, and its owner where one is given.

    Raises:
        NotFound: There is none that may be handed out.
        AmbiguousName: Several owners have one.
    """
    if owner:
        return _of_owner(call, owner.lstrip("@").lower(), name)
    query = """
        SELECT owner FROM skill WHERE slug = ? AND state = 'listed' AND redistributable
        ORDER BY stars DESC, lower(owner), lower(repository) LIMIT ?
    """
    owners = list(dict.fromkeys(one.lower() for (one,) in call.opened.snapshot.query(query, (name, MAX_MATCHES))))
    if not owners:
        raise NotFound(f"no skill {ascii(name)[1:-1]}; write @owner/name for one of an owner")
    if len(owners) > 1:
        raise AmbiguousName(name, owners, ClientAddresses.of(call.services.settings).site)
    return _of_owner(call, owners[0], name)


def find_version(offer: Offer, label: str) -> VersionEntry:
    """Find a version of a skill that may be handed out; '' and `latest` are the current one.

    Raises:
        NotFound: There is none with that label.
    """
    if label in {"", "latest"}:
        return offer.version
    for version in served_versions(offer.skill):
        if version.label == label:
            return version
    raise NotFound(f"@{offer.owner}/{offer.name} has no version {ascii(label)[1:-1]}")


def owner_names(call: Call, rows: list[tuple[Any, ...]]) -> list[str]:
    """Give the names by which skills go among those of their owners: the slug, but for the few that share one."""
    if not rows:
        return []
    marks = ", ".join(["(?, ?)"] * len(rows))
    query = f"""
        SELECT lower(owner), slug FROM skill WHERE state = 'listed' AND redistributable
        AND (lower(owner), slug) IN ({marks}) GROUP BY ALL HAVING count(*) > 1
    """  # noqa: S608 - question marks
    values = [value for owner, _, slug in rows for value in (owner.lower(), slug)]
    shared = set(call.opened.snapshot.query(query, values))
    aliases = {
        offer.skill.skill: offer.name
        for owner in {owner for owner, _ in shared}
        for offer in catalogue(call).offers(Scope(owner))
    }
    return [
        aliases.get(f"{owner}/{repository}/{slug}") or slug if (owner.lower(), slug) in shared else slug
        for owner, repository, slug in rows
    ]


def _of_owner(call: Call, owner: str, name: str) -> Offer:
    scope = Scope.parse(f"r/{owner}")
    found = (offer for offer in (catalogue(call).offers(scope) if scope else ()) if offer.name == name)
    offer = next(found, None)
    if offer is None:
        raise NotFound(f"no skill @{ascii(owner)[1:-1]}/{ascii(name)[1:-1]}")
    return offer
