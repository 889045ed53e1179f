"""Diagnostics for the front matter keys of living clients; `skilldata.clientkeys` has the keys and their types."""

from __future__ import annotations

from collections.abc import Mapping

from skillcrawler import diagnostics as rules
from skillcrawler.diagnostics import Findings
from skillcrawler.yamlevents import Value, quoted
from skilldata.clientkeys import ClientKeys, type_client_keys


def read_client_keys(
    manifest: Mapping[str, Value], lines: Mapping[str, int] | None = None, findings: Findings | None = None
) -> ClientKeys:
    """Type the keys of a manifest that clients other than the reference validator know.

    Args:
        manifest: Keys as they were written, values as text, lists and mappings of text.
        lines: Line of each key, for the diagnostics.
        findings: Takes a diagnostic for each key whose value is of another type.
    """
    typed, mistyped = type_client_keys(manifest)
    if findings is None:
        return typed
    for key in mistyped:
        message = f"{quoted(key)} has a value that its client does not expect"
        findings.add(rules.KEY_TYPE, message, (lines or {}).get(key))
    return typed
