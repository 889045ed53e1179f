"""Forks count only where they differ from what they were forked from."""

from __future__ import annotations

from skillcrawler.github import Found


def copy_evidence(found: Found) -> str | None:
    """Say what shows that a fork has nothing of its own; None where nothing does.

    A fork that was never pushed to still has its parent's push time, which is before its own creation.
    """
    repository = found.repository
    if not repository.is_fork:
        return None
    if repository.pushed_at and found.created_at and repository.pushed_at <= found.created_at:
        return "not pushed to since it was forked"
    if repository.head_oid is not None and repository.head_oid == found.parent_head:
        return f"its head is its parent's, {repository.head_oid}"
    return None


def is_open(found: Found) -> bool:
    """Say whether only a look at its head could show that it is a mere copy."""
    return found.repository.is_fork and found.repository.head_oid is None and copy_evidence(found) is None
