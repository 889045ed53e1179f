"""What may be handed out, and the name that a client installs it by.

A record is in the JSON index only where its skill is listed or yanked, and its versions say which of them may be
redistributed: licences, rulings and blocked contents were all weighed when the snapshot was made. Nothing
else is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from skilldata.jsonindex.documents import SkillRecord, VersionEntry
from skilldata.jsonindex.tree import parse
from skilldata.names import alias_of, safe_text

# What `npx skills` unpacks at most; a larger archive is dropped without a word.
MAX_FILES = 1000
MAX_UNPACKED = 50 * 1024 * 1024
MAX_DESCRIPTION = 1024  # UTF-16 code units, as JavaScript counts


class Offer(NamedTuple):
    """A version of a skill that may be handed out. `name` is its own in its scope: ASCII, and no two alike."""

    name: str
    skill: SkillRecord
    version: VersionEntry

    @property
    def description(self) -> str:
        """What the skill is for, in one line that a terminal can show."""
        return description(self.skill)

    @property
    def owner(self) -> str:
        """Who has the skill."""
        return self.skill.skill.split("/")[0]


def skill_record(data: bytes, address: str) -> SkillRecord:
    """Read a line of the JSON index that is a skill."""
    return parse(SkillRecord, data, address)


def served_versions(skill: SkillRecord) -> list[VersionEntry]:
    """List the versions that may be handed out, newest first."""
    return [version for version in skill.versions if version.redistributable]


def current_version(skill: SkillRecord) -> VersionEntry | None:
    """Give the version that the skill's folder has now; None where it may not be handed out, or is yanked."""
    if skill.yanked:
        return None
    return next((one for one in served_versions(skill) if one.content_digest == skill.content_digest), None)


def version_offer(skill: SkillRecord, label: str = "") -> Offer | None:
    """Offer one version of a skill under its slug; the current one where no label is given.

    A yanked skill is offered to who names a version, as packages of Cargo are.
    """
    labelled = (one for one in served_versions(skill) if one.label == label)
    version = next(labelled, None) if label else current_version(skill)
    return Offer(skill.skill.rsplit("/", 1)[1], skill, version) if version and fits(version) else None


def offers(skills: Iterable[SkillRecord]) -> list[Offer]:
    """Offer the current versions of skills, each under a name of its own, in the order of names.

    The slug is the name. Where several have the same, the one that the registry has known for longest keeps
    it, so that what somebody installed does not become another skill when one is added; the repository's
    name is added to that of the others.
    """
    found = [offer for skill in skills if (offer := version_offer(skill))]
    found.sort(key=lambda offer: (offer.skill.first_seen_at, offer.skill.repository_id, offer.skill.path))
    named: dict[str, Offer] = {}
    crowded = []
    for offer in found:
        if offer.name in named:
            crowded.append(offer)
        else:
            named[offer.name] = offer
    for offer in crowded:
        name = alias_of(offer.name, offer.skill.skill.split("/")[1], taken=named.keys())
        named[name] = offer._replace(name=name)
    return [named[name] for name in sorted(named)]


def fits(version: VersionEntry) -> bool:
    """Whether clients unpack so large a package."""
    return version.files <= MAX_FILES and version.unpacked_size <= MAX_UNPACKED


def description(skill: SkillRecord) -> str:
    """Write a skill's description for clients."""
    return one_line(skill.description or skill.name) or skill.skill


def one_line(text: str) -> str:
    """Write a text in one line of what is visible, within the length that clients take."""
    shown = safe_text(" ".join(text.split()))
    if _units(shown) <= MAX_DESCRIPTION:
        return shown
    cut = shown.encode("utf-16-le")[: 2 * (MAX_DESCRIPTION - 1)].decode("utf-16-le", "ignore")
    return f"{cut}…"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
