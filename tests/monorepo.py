"""A made-up repository of very many small skills, in a flat folder, as the largest real ones are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from tests.standin import StandIn
from tests.standin.fast_import import FastImport

NAME = "acme/many"
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def add_monorepo(github: StandIn, skills: int, *, second_files: int | None = None) -> int:
    """Put a repository of so many skills into the local GitHub; give its number of files.

    Args:
        github: The local GitHub.
        skills: Number of skills, each with a text of its own.
        second_files: How many further files they have in all, at most two each; one each by default.
    """
    more = skills if second_files is None else second_files
    github.add_repository(NAME, {"README.md": "Many skills.\n"})
    store = github.world.named(NAME).store
    store.point("main", None)
    with FastImport(store.path) as importing:
        entries = [(path, "100644", importing.blob(data)) for path, data in _files(skills, more)]
        importing.commit("refs/heads/main", entries, when=WHEN, author="acme", message="Many\n")
    del store.__dict__["git"]  # opened before the pack was there
    return len(entries)


def skill_text(number: int, *, more: str = "") -> str:
    """Give the SKILL.md of one of them."""
    words = " ".join(f"step{number * 7 % 1009 + step}" for step in range(60))
    head = f"---\nname: skill-{number}\ndescription: Does thing number {number}.\n---\n"
    return f"{head}\n# Thing {number}\n\n{words}\n{more}"


def skill_path(number: int) -> str:
    """Give the folder of one of them."""
    return f"skills/skill-{number}"


def _files(skills: int, more: int) -> Iterator[tuple[str, bytes]]:
    yield "LICENSE", b"MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\n"
    for number in range(skills):
        yield f"{skill_path(number)}/SKILL.md", skill_text(number).encode()
        for second in range((number < more) + (number < more - skills)):
            yield f"{skill_path(number)}/run{second}.sh", f"echo {number}\n".encode() * 20
