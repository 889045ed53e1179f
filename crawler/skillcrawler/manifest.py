"""What a SKILL.md says of itself, and how well it follows the Agent Skills specification.

`read_manifest` takes any bytes and never raises for them: what it cannot read it says in diagnostics,
from which the level follows. `strict` is what the reference validator, `skills-ref`, accepts (the
exceptions are argued in docs/adr/0004-strict-level.md); `loadable` is a file whose front matter is where
clients look and names a name and a description; the rest is `broken`.

Specification: https://agentskills.io/specification.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from skillcrawler import diagnostics as rules
from skillcrawler import frontmatter
from skillcrawler.clientkeys import read_client_keys
from skillcrawler.diagnostics import Findings, Rule
from skillcrawler.frontmatter import Parts
from skillcrawler.yamlevents import Document, Value, quoted
from skilldata.clientkeys import ClientKeys
from skilldata.models import Diagnostic, Level, Record
from skilldata.names import is_slug

SPECIFIED_KEYS = frozenset({"name", "description", "license", "compatibility", "allowed-tools", "metadata"})
NAME_LENGTH = 64
DESCRIPTION_LENGTH = 1024
COMPATIBILITY_LENGTH = 500
BODY_LINES = 500

# Keys that hold text, so that an unquoted `yes` or `1.0` in them is worth a word.
_TEXT_KEYS = ("name", "description", "license", "compatibility", "metadata")


class ReadManifest(Record):
    """One SKILL.md as read. Texts have no NUL; what could not be read is '' or None."""

    level: Level
    name: str
    description: str
    licence_text: str | None  # the `license` key as it was written
    metadata_version: str | None
    manifest: dict[str, Any]  # every key; values are text, lists and mappings of text
    client_keys: ClientKeys
    text: str  # at most 1 MiB of the file, lines ended by line feeds
    body: str  # what follows the front matter
    body_line: int  # line that the body begins on, from 1
    diagnostics: tuple[Diagnostic, ...]


def read_manifest(
    data: bytes, *, folder: str, file: str = "SKILL.md", repository_name: str | None = None
) -> ReadManifest:
    """Read a SKILL.md.

    Args:
        data: The bytes of the file, as they come.
        folder: The skill's folder from the repository's root, '' for the root itself.
        file: Name of the file as found.
        repository_name: What the folder is called where that is the root; None leaves its name unchecked.
    """
    findings = Findings(file)
    _check_file_name(file, findings)
    text = frontmatter.decode(data, findings)
    parts = _parts(text, findings)
    document = frontmatter.read(parts, findings) if parts else frontmatter.UNREAD
    folder_name = folder.rsplit("/", 1)[-1] if folder else repository_name
    name = _check_name(document, folder_name, findings)
    description = _check_description(document, findings)
    _check_other_keys(document, findings)
    client_keys = read_client_keys(document.values, document.lines, findings)
    body, body_line = (parts.body, parts.body_line) if parts else (text, 1)
    if parts:
        _check_body(body, body_line, findings)
    if "\0" in text:
        findings.add(rules.TEXT_NUL, "there are NUL characters", text.count("\n", 0, text.index("\0")) + 1)
    return ReadManifest(
        level=findings.level,
        name=name,
        description=description,
        licence_text=_text(document.values.get("license")),
        metadata_version=_metadata_version(document.values),
        manifest=document.values,
        client_keys=client_keys,
        text=text.replace("\0", "\ufffd"),
        body=body.replace("\0", "\ufffd"),
        body_line=body_line,
        diagnostics=findings.diagnostics(),
    )


def _check_file_name(file: str, findings: Findings) -> None:
    if file == "skill.md":
        findings.add(rules.FILE_NAME_LOWER, "the file is called skill.md")
    elif file != "SKILL.md":
        findings.add(rules.FILE_NAME, f"the file is called {quoted(file)}")


def _parts(text: str, findings: Findings) -> Parts | None:
    if text.strip():
        return frontmatter.split(text, findings)
    findings.add(rules.FILE_EMPTY, "the file has no text")
    return None


def _check_name(document: Document, folder: str | None, findings: Findings) -> str:
    """The name without white space around it; '' where there is none."""
    value, line = document.values.get("name", ""), document.lines.get("name")
    if not isinstance(value, str):
        findings.add(rules.NAME_NOT_TEXT, "the name is not text", line)
        return ""
    if not value.strip():
        _missing(rules.NAME_MISSING, "name", document, findings)
        return ""
    name = unicodedata.normalize("NFKC", value.strip())
    if not is_slug(name):
        _check_spelling(name, line, findings)
    if folder is not None and unicodedata.normalize("NFKC", folder) != name:
        findings.add(rules.NAME_FOLDER, f"the name {quoted(name)} is not the folder's, {quoted(folder)}", line)
    return value.strip()


def _check_spelling(name: str, line: int | None, findings: Findings) -> None:
    if len(name) > NAME_LENGTH:
        findings.add(rules.NAME_TOO_LONG, f"the name has {len(name)} characters", line)
    if name != name.lower():
        findings.add(rules.NAME_UPPER, f"the name {quoted(name)} has upper-case letters", line)
    if name.startswith("-") or name.endswith("-") or "--" in name:
        findings.add(rules.NAME_HYPHENS, f"the name {quoted(name)} has a hyphen where none belongs", line)
    if others := "".join(dict.fromkeys(c for c in name if not c.isalnum() and c != "-")):
        findings.add(rules.NAME_CHARACTERS, f"the name {quoted(name)} has {quoted(others)}", line)


def _check_description(document: Document, findings: Findings) -> str:
    """The description without white space around it; '' where there is none."""
    value, line = document.values.get("description", ""), document.lines.get("description")
    if not isinstance(value, str):
        findings.add(rules.DESCRIPTION_NOT_TEXT, "the description is not text", line)
        return ""
    if not value.strip():
        _missing(rules.DESCRIPTION_MISSING, "description", document, findings)
    if len(value) > DESCRIPTION_LENGTH:
        findings.add(rules.DESCRIPTION_TOO_LONG, f"the description has {len(value)} characters", line)
    return value.strip()


def _missing(rule: Rule, key: str, document: Document, findings: Findings) -> None:
    if not document.complete:  # it may be in the part that was not read
        return
    alike = next((other for other in document.values if other != key and other.strip().lower() == key), None)
    hint = f", only {quoted(alike)}" if alike is not None else ""
    findings.add(rule, f"there is no {key}{hint}", document.lines.get(alike or key))


def _check_other_keys(document: Document, findings: Findings) -> None:
    for key in document.values:
        if key not in SPECIFIED_KEYS:
            message = f"{quoted(key)} is not a key of the specification"
            findings.add(rules.KEY_UNKNOWN, message, document.lines.get(key))
    compatibility, line = document.values.get("compatibility", ""), document.lines.get("compatibility")
    if not isinstance(compatibility, str):
        findings.add(rules.COMPATIBILITY_NOT_TEXT, "the compatibility is not text", line)
    elif len(compatibility) > COMPATIBILITY_LENGTH:
        message = f"the compatibility has {len(compatibility)} characters"
        findings.add(rules.COMPATIBILITY_TOO_LONG, message, line)
    for key, text, implicit_line in document.implicit:
        if key.partition(".")[0] in _TEXT_KEYS:
            message = f"{quoted(text)} of {quoted(key)} is not text to many YAML readers"
            findings.add(rules.YAML_IMPLICIT_TYPE, message, implicit_line)


def _check_body(body: str, line: int, findings: Findings) -> None:
    if not body.strip():
        findings.add(rules.BODY_EMPTY, "there are no instructions")
    lines = body.count("\n")
    if lines > BODY_LINES:
        findings.add(rules.BODY_LONG, f"the instructions have {lines} lines", line)


def _text(value: Value | None) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _metadata_version(manifest: dict[str, Value]) -> str | None:
    metadata = manifest.get("metadata")
    return _text(metadata.get("version")) if isinstance(metadata, dict) else None
