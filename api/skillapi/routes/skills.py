"""One skill: what it is, its versions, files, diagnostics and package."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Annotated, Any

from pydantic import Field
from starlette.responses import Response
from starlette.types import Scope

from skillapi.counting import Counted
from skillapi.downloads import CHECKED_SECONDS, MEDIA_TYPE, package_headers, redirect_to
from skillapi.endpoint import ROUTE, Call, Endpoint, Services
from skillapi.memory import Ready
from skillapi.parameters import Parameters
from skillapi.problems import Problem, taken_down
from skillapi.renames import follow_skill
from skillapi.responses import respond
from skillapi.routes import shown
from skillapi.schemas import (
    DayOfDownloads,
    DiagnosticsAnswer,
    DownloadsAnswer,
    FilesAnswer,
    Finding,
    PackagedFile,
    SecondOpinion,
    SkillAnswer,
    VersionsAnswer,
)
from skilldata.clientkeys import type_client_keys
from skilldata.downloads import downloads_by_day
from skilldata.errors import NotFound
from skilldata.pluginrows import plugins_of_skill
from skilldata.snapshot import Skill, SkillSummary, VersionRow
from skilldata.takedowns import HIDDEN, Takedown

MAX_COPIES = 100
MAX_DAYS = 1000  # days times versions


class SkillParameters(Parameters):
    """The address of a skill."""

    owner: Annotated[str, Field(max_length=100)]
    repository: Annotated[str, Field(max_length=100)]
    slug: Annotated[str, Field(max_length=100)]


class VersionParameters(SkillParameters):
    """The address of a skill and one of its versions."""

    version: Annotated[str | None, Field(max_length=100, description="Label; the current version where left out")] = (
        None
    )


class PackageParameters(Parameters):
    """A package by its digest."""

    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


def get_skill(call: Call, asked: SkillParameters) -> SkillAnswer:
    """Show a skill."""
    skill = find_skill(call, asked)
    row = skill.summary
    return SkillAnswer(
        **shown.summary_fields(row),
        first_seen_at=row.first_seen_at,
        gone_at=row.gone_at,
        downloads=sum(skill.downloads.values()),
        manifest=skill.manifest,
        client_keys=type_client_keys(skill.manifest)[0],
        plugins=[one.address for one in plugins_of_skill(call.opened.snapshot, row.repository_id, row.path)],
        current=shown.version(call.services.settings, skill, skill.current) if skill.current else None,
        copies=[copy.address for copy in skill.copies[:MAX_COPIES]],
        origin=shown.similar(skill.origin) if skill.origin else None,
        copy_count=skill.copy_count,
        similar=[shown.similar(one) for one in skill.similar],
        yanked=skill.takedown.reason if skill.takedown else None,
        diagnostics=dict(sorted(Counter(one.level for one in skill.diagnostics).items())),
        findings=[Finding.model_validate(row, from_attributes=True) for row in skill.findings],
        second_opinion=SecondOpinion.model_validate(skill.second_opinion, from_attributes=True)
        if skill.second_opinion
        else None,
    )


def list_versions(call: Call, asked: SkillParameters) -> VersionsAnswer:
    """List versions."""
    skill = find_skill(call, asked)
    settings = call.services.settings
    return VersionsAnswer(versions=[shown.version(settings, skill, one) for one in skill.versions])


def list_downloads(call: Call, asked: SkillParameters) -> DownloadsAnswer:
    """List downloads by day."""
    skill = find_skill(call, asked)
    labels = {one.content_digest: one.label for one in skill.versions}
    rows = downloads_by_day(call.opened.snapshot.query, skill.summary.repository_id, skill.summary.path)
    return DownloadsAnswer(
        total=sum(skill.downloads.values()),
        days=[
            DayOfDownloads(day=day, version=labels[content], downloads=count)
            for day, content, count in rows[:MAX_DAYS]
            if content in labels
        ],
    )


def list_files(call: Call, asked: VersionParameters) -> FilesAnswer:
    """List the files of a version."""
    version = find_version(find_skill(call, asked), asked.version)
    rows = call.opened.snapshot.query(
        "SELECT path, mode, size, sha256 FROM file WHERE content_digest = ? ORDER BY path", (version.content_digest,)
    )
    return FilesAnswer(
        version=version.label,
        content_digest=version.content_digest,
        files=[PackagedFile(path=path, mode=f"{mode:04o}", size=size, sha256=sha) for path, mode, size, sha in rows],
    )


def list_diagnostics(call: Call, asked: SkillParameters) -> DiagnosticsAnswer:
    """List diagnostics."""
    skill = find_skill(call, asked)
    return DiagnosticsAnswer(level=skill.summary.level, diagnostics=shown.diagnostics(skill.diagnostics))


def download_skill(call: Call, asked: VersionParameters) -> Response:
    """Give a version's package."""
    skill = find_skill(call, asked)
    return _package(call, skill.summary, find_version(skill, asked.version), by_digest=False)


def download_package(call: Call, asked: PackageParameters) -> Response:
    """Give a package by its digest."""
    if blocked := call.opened.snapshot.blocked(asked.digest):
        call.services.metrics.download("refused")
        raise taken_down(asked.digest, blocked)
    summary, version = call.opened.snapshot.package(asked.digest)
    return _package(call, summary, version, by_digest=True)


def find_skill(call: Call, asked: SkillParameters) -> Skill:
    """Find the skill of an address.

    Raises:
        Problem: There is none, or it was taken down.
        Moved: It goes by another name now.
    """
    try:
        skill = call.opened.snapshot.skill(asked.owner, asked.repository, asked.slug)
    except NotFound as error:
        follow_skill(call, asked.owner, asked.repository, asked.slug)
        raise Problem(
            "not-found",
            f"There is {error.message}.",
            remedy="/api/v1/repositories/{owner}/{repository} lists what is there, and why some is refused.",
        ) from None
    if skill.takedown and skill.summary.state in HIDDEN:
        raise taken_down(skill.summary.address, skill.takedown)
    return skill


def find_version(skill: Skill, label: str | None) -> VersionRow:
    """Find a version by its label; None for the current one.

    Raises:
        Problem: There is none.
    """
    found = skill.current if label is None else next((one for one in skill.versions if one.label == label), None)
    if found is None:
        raise Problem(
            "unknown-version",
            f"{skill.summary.address} has no version {label!a}.",
            remedy=f"It has {', '.join(one.label for one in skill.versions[:10]) or 'none'}.",
        )
    return found


def _package(call: Call, summary: SkillSummary, version: VersionRow, *, by_digest: bool) -> Response:
    services = call.services
    if takedown := _takedown(call, summary, version):
        services.metrics.download("refused")
        raise taken_down(version.package_digest, takedown)
    if not version.redistributable:
        services.metrics.download("refused")
        source = shown.source_url(services.settings, summary, version.revision)
        raise Problem(
            "not-redistributable",
            f"{summary.address} has {version.licence or 'no licence'}: its files are not handed out here.",
            remedy=f"Take them from {source}.",
            extra={"source": source},
        )
    route, address = call.request.scope[ROUTE], services.shelf.address(version.package_digest)
    counted = Counted(summary.repository_id, summary.path, version.content_digest)
    if address is not None:
        redirect = redirect_to(address)
        ready = Ready.elsewhere(redirect, route, partial(_count, services, "redirect", counted))
        return _noted(call, ready, redirect)
    content = services.shelf.read_listed(version.package_digest)
    headers = package_headers(summary, version, by_digest=by_digest)
    note = partial(_count, services, "stream", counted)
    ready = Ready.of(content, headers, route, note, seconds=CHECKED_SECONDS)
    return _noted(call, ready, respond(call.request, content, headers))


def _noted(call: Call, ready: Ready, response: Response) -> Response:
    """Count a download, and keep its answer for the next one."""
    ready.note(call.request.scope, response.status_code)
    if call.key:  # asked for by one of our own addresses
        call.opened.memory.keep(call.request.scope, call.key, ready)
    return response


def _count(services: Services, answer: str, counted: Counted, scope: Scope, status: int) -> None:
    """Count a download that is answered, whether or not its answer was ready."""
    services.metrics.download(answer)
    if services.counts is not None:
        services.counts.count(scope, status, counted)


def _takedown(call: Call, summary: SkillSummary, version: VersionRow) -> Takedown | None:
    """Find out why a package is not given, though a licence may allow it."""
    if version.redistributable:  # the snapshot takes that from whatever is taken down
        return None
    snapshot = call.opened.snapshot
    if found := snapshot.blocked(version.content_digest):
        return found
    return snapshot.details(summary).takedown if summary.state in HIDDEN else None


GONE = ("quarantined", "removed", "removed-by-law")
_PACKAGE_PROBLEMS = (
    "not-redistributable",
    "not-found",
    "range-not-satisfiable",
    "store-unavailable",
    "withdrawn",
    *GONE,
)
SKILL = "/api/v1/skills/{owner}/{repository}/{slug}"

ENDPOINTS: tuple[Endpoint[Any], ...] = (
    Endpoint(SKILL, "Show a skill", SkillParameters, SkillAnswer, get_skill, ("not-found", *GONE)),
    Endpoint(
        SKILL + "/versions",
        "List its versions, newest first",
        SkillParameters,
        VersionsAnswer,
        list_versions,
        ("not-found", *GONE),
    ),
    Endpoint(
        SKILL + "/downloads",
        "Tell how often each version was downloaded, by day",
        SkillParameters,
        DownloadsAnswer,
        list_downloads,
        ("not-found", *GONE),
    ),
    Endpoint(
        SKILL + "/files",
        "List the files of a version",
        VersionParameters,
        FilesAnswer,
        list_files,
        ("not-found", "unknown-version", *GONE),
    ),
    Endpoint(
        SKILL + "/diagnostics",
        "List what was found about its manifest and folder",
        SkillParameters,
        DiagnosticsAnswer,
        list_diagnostics,
        ("not-found", *GONE),
    ),
    Endpoint(
        SKILL + "/download",
        "Download a version's package, or be redirected to it",
        VersionParameters,
        MEDIA_TYPE,
        download_skill,
        ("unknown-version", *_PACKAGE_PROBLEMS),
    ),
    Endpoint(
        "/api/v1/packages/{digest}",
        "Download a package by its digest, or be redirected to it",
        PackageParameters,
        MEDIA_TYPE,
        download_package,
        _PACKAGE_PROBLEMS,
    ),
)
