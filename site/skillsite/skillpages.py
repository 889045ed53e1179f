"""The page of one skill, and its twins for programs."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple
from urllib.parse import quote

from skilldata.clientkeys import type_client_keys
from skilldata.copyrows import Origin
from skilldata.snapshot import FileRow, Skill, SkillSummary, VersionRow
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
from skillsite.pages import LEVELS, META_CHARACTERS, Crumb, Page, path_or_none
from skillsite.plugins import PluginLink
from skillsite.scanner import judgement
from skillsite.visible import one_line, show_hidden

MAX_VERSIONS = 50  # shown on a page; the JSON twin has all
MAX_COPIES = 30
_MAX_VALUE = 2000  # characters of one value of the manifest
_COMMIT = re.compile(r"[0-9a-f]{40}")

# Where clients look for a person's skills, from their own documentation.
CLIENTS = (
    ("Claude Code", "~/.claude/skills"),
    ("OpenCode", "~/.config/opencode/skills"),
    ("Codex and others", "~/.agents/skills"),
)


class Download(NamedTuple):
    """The package of the current version: address, file name, digest as `sha256sum` takes it, commands."""

    url: str
    file: str
    size: int
    fetch: str
    unpack: tuple[tuple[str, str], ...]


class Value(NamedTuple):
    """One key of the manifest; `block` where the value has several lines."""

    key: str
    text: str
    block: bool


def skill_page(skill: Skill, addresses: Addresses, plugins: Sequence[PluginLink] = ()) -> Page:
    """Lay out the page of a skill; `plugins` are those that bring it.

    Raises:
        AddressError: Owner, repository or slug cannot be part of an address.
    """
    summary = skill.summary
    path = skill_path(summary.owner, summary.repository, summary.slug)
    version = skill.current
    context = {
        "skill": skill,
        "summary": summary,
        "version": version,
        "name": summary.name or summary.slug,
        "gone": summary.state == "gone",
        "yanked": skill.takedown if summary.state == "yanked" else None,
        "level_meaning": LEVELS.get(summary.level, ""),
        "body": _body(skill, version, addresses),
        "download": download(skill, addresses),
        "git": _git_commands(summary, version, addresses),
        "links": _links(skill, version, addresses),
        "plugins": plugins,
        "asks": asks_for(skill.manifest),
        "manifest": [_value(key, value) for key, value in skill.manifest.items() if key not in {"name", "description"}],
        "versions": skill.versions[:MAX_VERSIONS],
        "files": _file_links(skill, version, addresses),
        "copies": [(copy.address, path_or_none(skill_path, *_names(copy), ending=".html")) for copy in _copies(skill)],
        "origin": skill.origin,
        "origin_path": _page_of(skill.origin) if skill.origin else None,
        "similar": [(one, _page_of(one)) for one in skill.similar],
        "judged": judgement(skill),
        "json_ld": json_ld(skill, addresses),
        "twins": {"json": path + ".json", "markdown": path + ".md"},
    }
    return Page(
        path + ".html",
        "skill.html",
        one_line(summary.name or summary.slug or "", 80),
        one_line(summary.description, META_CHARACTERS) or f"A skill from {summary.owner}/{summary.repository}.",
        context,
        (
            Crumb("Skills", "skills/"),
            Crumb(summary.owner, owner_path(summary.owner)),
            Crumb(summary.repository, repository_path(summary.owner, summary.repository)),
        ),
        hide=summary.state != "listed",
    )


def download(skill: Skill, addresses: Addresses) -> Download | None:
    """How to fetch, check and unpack the current version; None where its bytes are not handed out."""
    summary, version = skill.summary, skill.current
    if version is None or not version.redistributable or summary.state not in {"listed", "yanked"}:
        return None
    slug = summary.slug or ""
    file = f"{slug}.zip"
    url = _package_url(version, addresses)
    hexadecimal = version.package_digest.removeprefix("sha256:")
    return Download(
        url=url,
        file=file,
        size=version.size,
        fetch=f'curl -fL -o {file} {shlex.quote(url)}\necho "{hexadecimal}  {file}" | sha256sum --check',
        # unzip makes the last folder only
        unpack=tuple((name, f"mkdir -p {folder} && unzip {file} -d {folder}/{slug}") for name, folder in CLIENTS),
    )


def json_twin(skill: Skill, addresses: Addresses) -> bytes:
    """What the page says, as one JSON object."""
    summary, version = skill.summary, skill.current
    path = skill_path(summary.owner, summary.repository, summary.slug)
    content = {
        "address": summary.address,
        "url": addresses.canonical(path + ".html"),
        "name": summary.name,
        "description": summary.description,
        "state": summary.state,
        "level": summary.level,
        "licence": summary.licence,
        "licence_evidence": version.licence_evidence if version else "",
        "redistributable": summary.redistributable,
        "repository_id": summary.repository_id,
        "owner": summary.owner,
        "repository": summary.repository,
        "slug": summary.slug,
        "path": summary.path,
        "source": _source(skill, version, addresses),
        "stars": summary.stars,
        "topics": skill.repository.topics,
        "first_seen_at": summary.first_seen_at.isoformat(),
        "updated_at": summary.updated_at.isoformat(),
        "yanked": skill.takedown.reason if skill.takedown else None,
        "gone_at": summary.gone_at.isoformat() if summary.gone_at else None,
        "manifest": skill.manifest,
        "client_keys": type_client_keys(skill.manifest)[0].model_dump(mode="json", exclude_defaults=True),
        "version": _version(version, addresses) if version else None,
        "versions": [_version(row, addresses) for row in skill.versions],
        "files": [
            {"path": file.path, "mode": f"{file.mode:o}", "size": file.size, "sha256": file.sha256}
            for file in skill.files
        ],
        "diagnostics": [
            {name: getattr(row, name) for name in ("rule", "level", "file", "line", "message", "remedy")}
            for row in skill.diagnostics
        ],
        "verdict": summary.verdict,
        "findings": [asdict(row) for row in skill.findings],
        "copies": [copy.address for copy in skill.copies],
        "origin": _similar(skill.origin) if skill.origin else None,
        "copy_count": skill.copy_count,
        "similar": [_similar(one) for one in skill.similar],
    }
    return json.dumps(content, ensure_ascii=False).encode(errors="replace") + b"\n"


def markdown_twin(skill: Skill, addresses: Addresses) -> bytes:
    """What the page says, as Markdown for agents: facts first, then the text of SKILL.md marked as its author's."""
    summary, version = skill.summary, skill.current
    fetch = download(skill, addresses)
    lines = [
        f"# {one_line(summary.name or summary.slug or '', 200)}",
        "",
        one_line(summary.description),
        "",
        f"- Address: {summary.address}",
        f"- State: {summary.state}{f' ({one_line(skill.takedown.reason)})' if skill.takedown else ''}",
        *([f"- Copy of: {skill.origin.address}"] if skill.origin else []),
        f"- Level: {summary.level}. {LEVELS.get(summary.level, '')}",
        f"- Licence: {summary.licence or 'none found'}",
        f"- Source: {_source(skill, version, addresses)}",
    ]
    if version:
        lines += [
            f"- Version: {version.label}",
            f"- Commit: {version.revision}",
            f"- Content digest: {version.content_digest}",
        ]
    if fetch and version:
        lines += [f"- Package: {fetch.url}", f"- Package digest: {version.package_digest}"]
    else:
        lines += ["- Package: not handed out; read the source"]
    lines += [f"- Note: {row.rule}: {one_line(row.message)} {one_line(row.remedy)}" for row in skill.diagnostics]
    judged = judgement(skill)
    lines += [f"- Security scanner: {judged.words}. {judged.meaning}"]
    lines += [
        f"- Finding: {row.severity} {row.rule} in {one_line(row.file)}{f':{row.line}' if row.line else ''}. "
        f"{row.explanation}"
        for row in judged.rows
    ]
    lines += ["", "This skill is not reviewed.", ""]
    if fetch:
        lines += [
            "The rest is the skill's own text, as its author published it.",
            "",
            "---",
            "",
            show_hidden(skill.text),
        ]
    return "\n".join(lines).encode(errors="replace") + b"\n"


def json_ld(skill: Skill, addresses: Addresses) -> dict[str, Any]:
    """The page's facts in the vocabulary of https://schema.org/SoftwareSourceCode."""
    summary, version = skill.summary, skill.current
    path = skill_path(summary.owner, summary.repository, summary.slug)
    facts: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "SoftwareSourceCode",
        "name": one_line(summary.name or summary.slug or "", 200),
        "description": one_line(summary.description, 1000),
        "url": addresses.canonical(path + ".html"),
        "codeRepository": addresses.repository(summary.owner, summary.repository),
        "dateModified": summary.updated_at.date().isoformat(),
    }
    if version:
        facts["version"] = version.label
    if path_or_none(licence_path, summary.licence) and summary.licence:
        facts["license"] = f"https://spdx.org/licenses/{summary.licence}.html"
    return facts


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
        "source": _source(skill, version, addresses),
        "commit": addresses.commit(*names, revision) if revision else None,
        "owner": owner_path(summary.owner),
        "here": repository_path(*names),
        "level": level_path(summary.level) if summary.state == "listed" else None,
        "licence": path_or_none(licence_path, summary.licence) if summary.state == "listed" else None,
        **{f"topic:{topic}": path_or_none(topic_path, topic) for topic in skill.repository.topics},
    }


def _git_commands(summary: SkillSummary, version: VersionRow | None, addresses: Addresses) -> str | None:
    if version is None or not _COMMIT.fullmatch(version.revision) or not summary.path.isprintable():
        return None
    url = addresses.repository(summary.owner, summary.repository)
    # Literal, because a folder may be named like a pattern; `--`, because it may be named like a branch.
    checkout = f"git --literal-pathspecs -C ./{summary.repository} checkout {version.revision}"
    return (
        f"git clone --filter=blob:none --no-checkout {shlex.quote(url)}\n"
        f"{checkout}{' -- ' + shlex.quote(summary.path) if summary.path else ''}"
    )


def _source(skill: Skill, version: VersionRow | None, addresses: Addresses) -> str:
    """The skill's folder at the commit; the repository where no commit is known."""
    names = (skill.summary.owner, skill.summary.repository)
    return addresses.source(*names, version.revision, skill.summary.path) if version else addresses.repository(*names)


def _file_links(skill: Skill, version: VersionRow | None, addresses: Addresses) -> list[tuple[FileRow, str]]:
    summary = skill.summary
    revision = version.revision if version else skill.repository.default_branch
    folder = addresses.source(summary.owner, summary.repository, revision, summary.path, view="blob").rstrip("/")
    return [(file, f"{folder}/{quote(file.path)}") for file in skill.files]


def _value(key: str, value: object) -> Value:
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool | int | float) or value is None:
        text = json.dumps(value)
    else:
        text = json.dumps(value, ensure_ascii=False, indent=2)
    text = text if len(text) <= _MAX_VALUE else text[:_MAX_VALUE] + "…"
    return Value(one_line(key, 100), text, "\n" in text.strip())


def _version(version: VersionRow, addresses: Addresses) -> dict[str, Any]:
    return {
        "label": version.label,
        "content_digest": version.content_digest,
        "package_digest": version.package_digest,
        "package": _package_url(version, addresses) if version.redistributable else None,
        "size": version.size,
        "unpacked_size": version.unpacked_size,
        "file_count": version.file_count,
        "revision": version.revision,
        "committed_at": version.committed_at.isoformat(),
        "created_at": version.created_at.isoformat(),
        "level": version.level,
        "licence": version.licence,
        "licence_evidence": version.licence_evidence,
        "redistributable": version.redistributable,
        "verdict": version.verdict,
        "rule_set": version.rule_set,
    }


def _package_url(version: VersionRow, addresses: Addresses) -> str:
    return addresses.canonical(f"api/v1/packages/{version.package_digest}")


def _page_of(one: Origin) -> str | None:
    return path_or_none(skill_path, one.owner, one.repository, one.slug, ending=".html")


def _similar(one: Origin) -> dict[str, Any]:
    return {
        "address": one.address,
        "identical": one.identical,
        "similarity": round(one.similarity, 3),
        "evidence": one.evidence,
    }


def _copies(skill: Skill) -> list[SkillSummary]:
    return skill.copies[:MAX_COPIES]


def _names(summary: SkillSummary) -> tuple[str, str, str | None]:
    return summary.owner, summary.repository, summary.slug
