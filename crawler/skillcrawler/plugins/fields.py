"""Values of JSON objects that others wrote: typed, cut, and safe to print."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from skillcrawler.diagnostics import Findings
from skillcrawler.discovery.hostile import read_json
from skillcrawler.plugins import rules
from skilldata.names import safe_text

MAX_FILE_BYTES = 1024 * 1024
TEXT_LENGTH = 2000
NAME_LENGTH = 200
MAX_WORDS = 50
PATH_LENGTH = 1000


def read_object(content: bytes | None, findings: Findings) -> Mapping[str, Any] | None:
    """Read a file of one JSON object; None where it is none or too large, with a diagnostic."""
    data = read_json(content) if content is not None and len(content) <= MAX_FILE_BYTES else None
    if isinstance(data, Mapping):
        return data
    findings.add(rules.FILE_UNREAD, "the file could not be read as a JSON object")
    return None


def text(data: Mapping[str, Any], key: str, findings: Findings, *, limit: int = TEXT_LENGTH) -> str:
    """Give a text; '' where there is none."""
    value = data.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        mistyped(key, "text", findings)
        return ""
    return safe_text(value.strip(), keep="\n", limit=limit)


def truth(data: Mapping[str, Any], key: str, findings: Findings, *, default: bool) -> bool:
    """Give a truth value."""
    value = data.get(key, default)
    if isinstance(value, bool):
        return value
    mistyped(key, "true or false", findings)
    return default


def words(data: Mapping[str, Any], key: str, findings: Findings) -> tuple[str, ...]:
    """Give a list of short texts, each once."""
    value = data.get(key)
    if value is None:
        return ()
    if not isinstance(value, list):
        mistyped(key, "a list of texts", findings)
        return ()
    short = (safe_text(one.strip(), limit=NAME_LENGTH) for one in value[:MAX_WORDS] if isinstance(one, str))
    return tuple(dict.fromkeys(one for one in short if one))


def person(data: Mapping[str, Any], key: str, findings: Findings) -> str:
    """Give the name of a person or organisation, written as a text or as an object with `name`."""
    value = data.get(key)
    return text(value if isinstance(value, Mapping) else data, "name" if isinstance(value, Mapping) else key, findings,
                limit=NAME_LENGTH)  # fmt: skip


def folder_path(base: str, written: Any) -> str | None:
    """Join a relative path to a folder of a repository, '' its root; None where it is none or leads out of `base`."""
    if not isinstance(written, str) or len(written) > PATH_LENGTH or written.startswith("/"):
        return None
    if "\0" in written or "\\" in written:
        return None
    inner = posixpath.normpath(written or ".")
    if inner == ".." or inner.startswith("../"):
        return None
    return posixpath.normpath(posixpath.join(base, inner)) if base else ("" if inner == "." else inner)


def mistyped(key: str, expected: str, findings: Findings) -> None:
    """Note a value of another kind."""
    findings.add(rules.TYPE, f"`{safe_text(key, limit=60)}` is not {expected}")
