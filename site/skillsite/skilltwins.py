"""The twins of a skill's page for programs: JSON, Markdown, and its facts as JSON-LD."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from skilldata.clientkeys import type_client_keys
from skilldata.copyrows import Origin
from skilldata.snapshot import Skill, VersionRow
from skillsite.addresses import Addresses, licence_path, skill_path
from skillsite.install import is_handed_out, package_url, source_address
from skillsite.loadcost import load_cost
from skillsite.pages import LEVELS, path_or_none
from skillsite.scanner import judgement, second_opinion
from skillsite.visible import one_line, show_hidden


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
        "source": source_address(skill, version, addresses),
        "stars": summary.stars,
        "topics": skill.repository.topics,
        "first_seen_at": summary.first_seen_at.isoformat(),
        "updated_at": summary.updated_at.isoformat(),
        "yanked": skill.takedown.reason if skill.takedown else None,
        "gone_at": summary.gone_at.isoformat() if summary.gone_at else None,
        "manifest": skill.manifest,
        "client_keys": type_client_keys(skill.manifest)[0].model_dump(mode="json", exclude_defaults=True),
        "version": _version(version, addresses) if version else None,
        "versions": [
            {**_version(row, addresses), "downloads": skill.downloads.get(row.content_digest, 0)}
            for row in skill.versions
        ],
        "downloads": sum(skill.downloads.values()),
        "files": [
            {"path": file.path, "mode": f"{file.mode:o}", "size": file.size, "sha256": file.sha256}
            for file in skill.files
        ],
        "diagnostics": [
            {name: getattr(row, name) for name in ("rule", "level", "file", "line", "message", "remedy")}
            for row in skill.diagnostics
        ],
        "estimated_tokens": load_cost(skill)._asdict(),
        "verdict": summary.verdict,
        "findings": [asdict(row) for row in skill.findings],
        "second_opinion": skill.second_opinion.model_dump(mode="json") if skill.second_opinion else None,
        "copies": [copy.address for copy in skill.copies],
        "origin": _similar(skill.origin) if skill.origin else None,
        "copy_count": skill.copy_count,
        "similar": [_similar(one) for one in skill.similar],
    }
    return json.dumps(content, ensure_ascii=False).encode(errors="replace") + b"\n"


def markdown_twin(skill: Skill, addresses: Addresses) -> bytes:
    """What the page says, as Markdown for agents: facts first, then the text of SKILL.md marked as its author's."""
    summary, version = skill.summary, skill.current
    handed_out = version if version and is_handed_out(summary, version) else None
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
        f"- Source: {source_address(skill, version, addresses)}",
    ]
    if version:
        lines += [
            f"- Version: {version.label}",
            f"- Commit: {version.revision}",
            f"- Content digest: {version.content_digest}",
        ]
    if handed_out:
        lines += [f"- Package: {package_url(handed_out, addresses)}", f"- Package digest: {handed_out.package_digest}"]
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
    if second := second_opinion(skill.second_opinion):
        lines += [f"- Second opinion, advisory: {one_line(second.words)}"]
    lines += ["", "This skill is not reviewed.", ""]
    if handed_out:
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


def _version(version: VersionRow, addresses: Addresses) -> dict[str, Any]:
    return {
        "label": version.label,
        "content_digest": version.content_digest,
        "package_digest": version.package_digest,
        "package": package_url(version, addresses) if version.redistributable else None,
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


def _similar(one: Origin) -> dict[str, Any]:
    return {
        "address": one.address,
        "identical": one.identical,
        "similarity": round(one.similarity, 3),
        "evidence": one.evidence,
    }
