"""The page of one skill."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from skilldata.copyrows import Origin
from skilldata.snapshot import Skill, SkillSummary, VersionRow
from skillsite import markdown
from skillsite.addresses import (
    Addresses,
    level_path,
    licence_path,
    owner_path,
    repository_path,
    skill_path,
    topic_path,
)
from skillsite.asks import asks_for
from skillsite.badges import BADGE, snippets
from skillsite.cards import CARD
from skillsite.changepages import CHANGES, MAX_STEPS, anchor, has_changes
from skillsite.feeds import SKILL_FEED
from skillsite.filepages import FILES, Anchors, anchors_of, source_links, tree_rows
from skillsite.install import download, git_commands, source_address, verify_command
from skillsite.loadcost import load_cost
from skillsite.packages import NO_TEXTS, Texts
from skillsite.pages import LEVELS, META_CHARACTERS, Crumb, Page, Twins, path_or_none, repository_crumbs
from skillsite.plugins import PluginLink
from skillsite.scanner import judgement, second_opinion
from skillsite.skilltwins import json_ld
from skillsite.visible import one_line

MAX_VERSIONS = 50  # shown on a page; the JSON twin has all
MAX_COPIES = 30
_MAX_VALUE = 2000  # characters of one value of the manifest


class Value(NamedTuple):
    """One key of the manifest; `block` where the value has several lines."""

    key: str
    text: str
    block: bool


class Place(NamedTuple):
    """A file and line that something is said about, with where to see it: a path of the site, or an address."""

    file: str
    line: int | None
    here: str | None
    source: str | None


def skill_page(
    skill: Skill, addresses: Addresses, plugins: Sequence[PluginLink] = (), *, texts: Texts = NO_TEXTS
) -> Page:
    """Lay out the page of a skill; `plugins` are those that bring it, `texts` the files that have a page.

    Raises:
        AddressError: Owner, repository or slug cannot be part of an address.
    """
    summary = skill.summary
    path = skill_path(summary.owner, summary.repository, summary.slug)
    version = skill.current
    anchors = anchors_of(skill, texts)
    found = download(skill, addresses)
    context = {
        "skill": skill,
        "summary": summary,
        "version": version,
        "name": summary.name or summary.slug,
        "gone": summary.state == "gone",
        "yanked": skill.takedown if summary.state == "yanked" else None,
        "level_meaning": LEVELS.get(summary.level, ""),
        "body": _body(skill, version, addresses),
        "cost": load_cost(skill) if skill.files else None,
        "download": found,
        "git": git_commands(summary, version, addresses),
        "verify": verify_command(found, addresses) if found else None,
        "links": _links(skill, version, addresses),
        "plugins": plugins,
        "asks": asks_for(skill.manifest),
        "manifest": [_value(key, value) for key, value in skill.manifest.items() if key not in {"name", "description"}],
        "versions": skill.versions[:MAX_VERSIONS],
        "steps": [(one, _change_of(skill, number, path)) for number, one in enumerate(skill.versions[:MAX_VERSIONS])],
        "changes": path + CHANGES if has_changes(skill) else None,
        "tree": tree_rows(skill, version, anchors, addresses),
        "files_page": path + FILES if texts else None,
        "places": _Places(skill, version, anchors, path, addresses),
        "copies": [(copy.address, path_or_none(skill_path, *_names(copy), ending=".html")) for copy in _copies(skill)],
        "origin": skill.origin,
        "origin_path": _page_of(skill.origin) if skill.origin else None,
        "similar": [(one, _page_of(one)) for one in skill.similar],
        "judged": judgement(skill),
        "second": second_opinion(skill.second_opinion),
        "snippets": snippets(summary, path, addresses),
        "badge": path + BADGE,
        "twins": Twins(path + ".json", path + ".md"),
    }
    return Page(
        path + ".html",
        "skill.html",
        one_line(summary.name or summary.slug or "", 80),
        one_line(summary.description, META_CHARACTERS) or f"A skill from {summary.owner}/{summary.repository}.",
        context,
        (
            Crumb("Skills", "skills/"),
            *repository_crumbs(summary.owner, summary.repository),
        ),
        hide=summary.state != "listed",
        feed=path + SKILL_FEED,
        card=repository_path(summary.owner, summary.repository) + CARD,
        twin=False,
        json_ld=json_ld(skill, addresses),
    )


class _Places:
    """Turns file and line of a finding or diagnostic into a place with links. The template calls it."""

    def __init__(
        self, skill: Skill, version: VersionRow | None, anchors: Anchors, path: str, addresses: Addresses
    ) -> None:
        self._links = (skill, version, addresses)
        self._anchors = anchors
        self._page = path + FILES

    @cached_property
    def _sources(self) -> Mapping[str, str]:
        return source_links(*self._links)

    def __call__(self, file: str, line: int | None) -> Place:
        identifier = self._anchors.line(file, line)
        source = self._sources.get(file)
        if source and line:
            source += f"#L{line}"
        return Place(file, line, f"{self._page}#{identifier}" if identifier else None, source)


def _change_of(skill: Skill, number: int, path: str) -> str | None:
    """Where the page of changes compares a version, the `number`th from the newest, with the one before it."""
    if number >= MAX_STEPS or number + 1 >= len(skill.versions):
        return None
    return f"{path}{CHANGES}#{anchor(skill.versions[number])}"


def _body(skill: Skill, version: VersionRow | None, addresses: Addresses) -> markdown.Html | None:
    # The text is its author's work like any other file: it is shown where the licence lets us hand it out.
    if version is None or not version.redistributable or not skill.text:
        return None
    names = (skill.summary.owner, skill.summary.repository, version.revision)
    return markdown.render(
        skill.text,
        source_url=addresses.source(*names, view="blob"),
        raw_url=addresses.source(*names, view="raw"),
        folder=skill.summary.path,
    )


def _links(skill: Skill, version: VersionRow | None, addresses: Addresses) -> dict[str, str | None]:
    summary = skill.summary
    names = (summary.owner, summary.repository)
    revision = version.revision if version else None
    return {
        "repository": addresses.repository(*names),
        "source": source_address(skill, version, addresses),
        "commit": addresses.commit(*names, revision) if revision else None,
        "owner": owner_path(summary.owner),
        "reindex": f"api/v1/repositories/{summary.owner}/{summary.repository}/reindex",
        "here": repository_path(*names),
        "level": level_path(summary.level) if summary.state == "listed" else None,
        "licence": path_or_none(licence_path, summary.licence) if summary.state == "listed" else None,
        **{f"topic:{topic}": path_or_none(topic_path, topic) for topic in skill.repository.topics},
    }


def _value(key: str, value: object) -> Value:
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool | int | float) or value is None:
        text = json.dumps(value)
    else:
        text = json.dumps(value, ensure_ascii=False, indent=2)
    text = text if len(text) <= _MAX_VALUE else text[:_MAX_VALUE] + "…"
    return Value(one_line(key, 100), text, "\n" in text.strip())


def _page_of(one: Origin) -> str | None:
    return path_or_none(skill_path, one.owner, one.repository, one.slug, ending=".html")


def _copies(skill: Skill) -> list[SkillSummary]:
    return skill.copies[:MAX_COPIES]


def _names(summary: SkillSummary) -> tuple[str, str, str | None]:
    return summary.owner, summary.repository, summary.slug
