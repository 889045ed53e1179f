"""GitHub's webhook: is it GitHub's, and does it say that a repository changed? No I/O.

After "Validating webhook deliveries" and "Webhook events and payloads" of GitHub's documentation. Nothing in a
delivery is taken for true but which repository it is about: the crawler asks GitHub itself.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from skilldata.ondemand import MAX_DELIVERED, AskedRepository, is_repository_name

SIGNATURE = "x-hub-signature-256"
EVENT = "x-github-event"
DELIVERY = "x-github-delivery"
MAX_BYTES = 25 * 1024 * 1024  # GitHub sends nothing larger

_DELIVERY = re.compile(r"[0-9A-Za-z-]{8,64}")
_HEAD = re.compile(r"(?!0{40})[0-9a-f]{40}")  # of a branch that was deleted it is all zeros
_REPOSITORY_ACTIONS = frozenset({
    "archived", "created", "deleted", "edited", "privatized", "publicized", "renamed", "transferred", "unarchived",
})  # fmt: skip


class Meaning(NamedTuple):
    """What a delivery says: which repositories are to be read, or why none is."""

    repositories: tuple[AskedRepository, ...] = ()
    ignored: str = ""


def is_signed(body: bytes | bytearray, signature: str, secrets: Sequence[str]) -> bool:
    """Whether one of the secrets signed a body. Takes the same time whichever did, and wherever they differ."""
    valid = False
    for secret in secrets:
        expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        valid |= hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
    return valid


def is_delivery_id(text: str) -> bool:
    """Whether a text can be the id of a delivery."""
    return _DELIVERY.fullmatch(text) is not None


def read_payload(body: bytes | bytearray) -> dict[str, Any] | None:
    """Read the body of a delivery; None where it is no JSON object."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def meaning(event: str, payload: Mapping[str, Any]) -> Meaning:
    """Say which repositories a delivery wants read."""
    if event == "ping":
        return Meaning(ignored="the webhook is set up")
    if event in {"installation", "installation_repositories"}:
        return _installed(payload)
    if event not in {"create", "delete", "public", "push", "repository"}:
        return Meaning(ignored="events of this kind change no skill")
    repository = payload.get("repository")
    asked = _asked(repository)
    if asked is None or not isinstance(repository, Mapping):
        return Meaning(ignored="it names no repository")
    ignored = _ignored(event, payload, repository.get("default_branch"))
    if ignored:
        return Meaning(ignored=ignored)
    head = payload.get("after") if event == "push" else None
    if isinstance(head, str) and _HEAD.fullmatch(head):
        asked = asked.model_copy(update={"head": head})
    return Meaning((asked,))


def _ignored(event: str, payload: Mapping[str, Any], default_branch: object) -> str:
    """Say why an event of a repository says nothing of its skills; '' where it does."""
    ref = payload.get("ref")
    if event == "push" and ref != f"refs/heads/{default_branch}":
        return "only pushes to the default branch are read"
    if event in {"create", "delete"} and (payload.get("ref_type"), ref) != ("branch", default_branch):
        return "only the default branch is read"
    if event == "repository" and payload.get("action") not in _REPOSITORY_ACTIONS:
        return "this action changes no skill"
    return ""


def _installed(payload: Mapping[str, Any]) -> Meaning:
    """An App was given repositories. What is taken from it is still on GitHub, and stays."""
    given = payload.get("repositories_added", payload.get("repositories"))
    if payload.get("action") not in {"added", "created"} or not isinstance(given, list):
        return Meaning(ignored="no repository was added")
    public = [one for one in given[:MAX_DELIVERED] if isinstance(one, Mapping) and one.get("private") is not True]
    found = tuple(asked for asked in map(_asked, public) if asked is not None)
    return Meaning(found, "" if found else "no public repository was added")


def _asked(repository: object) -> AskedRepository | None:
    if not isinstance(repository, Mapping):
        return None
    number, full_name = repository.get("id"), repository.get("full_name")
    if not isinstance(full_name, str) or not isinstance(number, int) or not 0 < number < 2**63:
        return None
    owner, _, name = full_name.partition("/")
    if not is_repository_name(owner, name):
        return None
    return AskedRepository(owner=owner, name=name, repository_id=number)
