"""The commands on a skill's page: getting it into a client, at exactly this version, and checking it."""

from __future__ import annotations

import json
import re
import shlex
from typing import NamedTuple

from skilldata.clientformats.marketplace import marketplace_name
from skilldata.clientformats.offers import MAX_FILES, MAX_UNPACKED
from skilldata.clientformats.scopes import is_label, skill_scope
from skilldata.snapshot import Skill, SkillSummary, VersionRow
from skillsite.addresses import Addresses

_COMMIT = re.compile(r"[0-9a-f]{40}")

# Where clients look for a person's skills, from their own documentation.
FOLDERS = (
    ("Claude Code", "~/.claude/skills"),
    ("OpenCode", "~/.config/opencode/skills"),
    ("Codex and others", "~/.agents/skills"),
)


class ClientInstall(NamedTuple):
    """What installs this version with a client, or into its folder; `where` says where it is to be typed or goes."""

    client: str
    where: str
    text: str


class Download(NamedTuple):
    """The package of the current version: address, file name, size in bytes, and what to do with it.

    `clients` are lines for clients that know registries, `folders` lines that put it into a client's folder, and
    `fetch` downloads and checks only.
    """

    url: str
    file: str
    size: int
    fetch: str
    clients: tuple[ClientInstall, ...]
    folders: tuple[ClientInstall, ...]


def download(skill: Skill, addresses: Addresses) -> Download | None:
    """How to fetch, check and unpack the current version; None where its bytes are not handed out."""
    summary, version = skill.summary, skill.current
    if version is None or not is_handed_out(summary, version):
        return None
    slug = summary.slug or ""
    file = f"{slug}.zip"
    url = package_url(version, addresses)
    hexadecimal = version.package_digest.removeprefix("sha256:")
    # One line whose parts each stop the rest: nothing is unpacked that was not checked.
    fetch = f'curl -fsSLo {file} {shlex.quote(url)} && echo "{hexadecimal}  {file}" | sha256sum -c -'
    return Download(
        url=url,
        file=file,
        size=version.size,
        fetch=fetch,
        # unzip makes the last folder only
        folders=tuple(
            ClientInstall(
                name, f"{folder}/{slug}", f"{fetch} && mkdir -p {folder} && unzip -q {file} -d {folder}/{slug}"
            )
            for name, folder in FOLDERS
        ),
        clients=_clients(summary, version, addresses),
    )


def is_handed_out(summary: SkillSummary, version: VersionRow) -> bool:
    """Whether this registry gives the package of a skill's version to those who ask."""
    return version.redistributable and summary.state in {"listed", "yanked"}


def _clients(summary: SkillSummary, version: VersionRow, addresses: Addresses) -> tuple[ClientInstall, ...]:
    """Lines for clients that install from an address of this registry, at exactly this version."""
    if version.file_count > MAX_FILES or version.unpacked_size > MAX_UNPACKED or not is_label(version.label):
        return ()
    slug, label = summary.slug or "", version.label
    scope = skill_scope(summary.address, label)
    at = addresses.canonical(scope.path)
    registry = f"CLAWHUB_REGISTRY={shlex.quote(addresses.canonical('clawhub'))}"
    marketplace = f"/plugin marketplace add {at}/marketplace.json"
    return (
        ClientInstall("npx skills", "in a shell, for most agents", f"npx skills add {shlex.quote(at)}"),
        ClientInstall(
            "Claude Code",
            "in a session",
            f"{marketplace}\n/plugin install {slug}@{marketplace_name(scope, addresses.host)}",
        ),
        ClientInstall(
            "OpenCode",
            "in opencode.json",
            f'{{\n "skills": {{\n  "urls": [\n   {json.dumps(at + "/.well-known/skills/")}\n  ]\n }}\n}}',
        ),
        ClientInstall("ClawHub", "in a shell", f"{registry} clawhub install @{summary.owner}/{slug} --version {label}"),
    )


def git_commands(summary: SkillSummary, version: VersionRow | None, addresses: Addresses) -> str | None:
    """Commands that fetch the folder at the commit; None where it cannot be named in a shell."""
    if version is None or not _COMMIT.fullmatch(version.revision) or not summary.path.isprintable():
        return None
    url = addresses.repository(summary.owner, summary.repository)
    # Literal, because a folder may be named like a pattern; `--`, because it may be named like a branch.
    checkout = f"git --literal-pathspecs -C ./{summary.repository} checkout {version.revision}"
    return (
        f"git clone --filter=blob:none --no-checkout {shlex.quote(url)}\n"
        f"{checkout}{' -- ' + shlex.quote(summary.path) if summary.path else ''}"
    )


def verify_command(found: Download, addresses: Addresses) -> str:
    """Command that checks a downloaded package against the registry's signed metadata."""
    return f"skillregistry verify {found.file} --registry {shlex.quote(addresses.base_url)}"


def package_url(version: VersionRow, addresses: Addresses) -> str:
    """Address of a version's package."""
    return addresses.canonical(f"api/v1/packages/{version.package_digest}")


def source_address(skill: Skill, version: VersionRow | None, addresses: Addresses) -> str:
    """The skill's folder at the commit; the repository where no commit is known."""
    names = (skill.summary.owner, skill.summary.repository)
    return addresses.source(*names, version.revision, skill.summary.path) if version else addresses.repository(*names)
