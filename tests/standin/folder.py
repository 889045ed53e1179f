"""Loads repositories from a folder of plain directories, OWNER/NAME/….

`.standin.yaml` in a repository's folder says what the files cannot: description, topics, stars and so on;
in an owner's folder, whether the owner is a User. Links stay links and executable files executable.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tests.standin.ids import numeric_id
from tests.standin.store import File
from tests.standin.world import Repository, StandInError, World

ABOUT_FILE = ".standin.yaml"
_SETTINGS = {"description", "homepage", "language", "topics", "stars", "forks", "archived", "disabled"}
_DEFAULT_TIME = "2026-01-01T00:00:00+00:00"
_LEFT_OUT = {ABOUT_FILE, "__pycache__", ".DS_Store"}


def load(world: World, folder: Path) -> list[Repository]:
    """Load every OWNER/NAME of a folder, in order.

    Raises:
        StandInError: There is none, or a `.standin.yaml` has an unknown key.
    """
    loaded = []
    for owner_folder in _folders(folder):
        about = _about(owner_folder, {"kind"})
        owner = world.owner(owner_folder.name, about.get("kind"))
        for repository_folder in _folders(owner_folder):
            about = _about(repository_folder, _SETTINGS | {"default_branch", "parent", "pushed_at", "created_at"})
            files = dict(_files(repository_folder))
            loaded.append(add(world, f"{owner.login}/{repository_folder.name}", files, **about))
    if not loaded:
        raise StandInError(f"no OWNER/NAME folders in {folder}", remedy="Name a folder of plain directories.")
    return loaded


def add(world: World, full_name: str, files: dict[str, File], **about: Any) -> Repository:
    """Make a repository with one commit (none where there are no files).

    Args:
        world: Where it goes.
        full_name: OWNER/NAME.
        files: Its files by path.
        about: Attributes of `Repository`, and `default_branch`, `parent` (a full name), `pushed_at` and
            `created_at` (ISO 8601).
    """
    owner, _, name = full_name.partition("/")
    branch = about.pop("default_branch", "main")
    pushed = _time(about.pop("pushed_at", _DEFAULT_TIME))
    created = _time(about.pop("created_at", None) or pushed)
    parent = about.pop("parent", None)
    about["topics"] = tuple(about.get("topics", ()))
    store = world.new_store(full_name)
    store.point_head(branch)
    if files:
        store.write(branch, files, when=pushed, author=owner, message="Add skills\n")
    repository = Repository(
        id=world.new_id(full_name),
        owner=world.owner(owner),
        name=name,
        store=store,
        default_branch=branch,
        created_at=created,
        updated_at=pushed,
        pushed_at=pushed,
        size_kib=sum(len(file.content) for file in files.values()) // 1024,
        parent_id=_id_of(world, parent) if parent else None,
        **about,
    )
    return world.add(repository)


def add_heads(world: World, owner: str, count: int, files: dict[str, File]) -> list[Repository]:
    """Make many repositories `OWNER-N/repoN` that share the objects and the head of one; for looks at heads only."""
    first = add(world, f"{owner}/repo", files)
    made = []
    for number in range(count):
        name = f"{owner}-{number // 100}/repo{number}"
        login, _, short = name.partition("/")
        made.append(world.add(replace(first, id=world.new_id(name), owner=world.owner(login), name=short)))
    return made


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _files(folder: Path) -> Iterator[tuple[str, File]]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - _LEFT_OUT)
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in sorted({*names, *links} - _LEFT_OUT):
            path = Path(parent) / name
            yield path.relative_to(folder).as_posix(), _file(path)


def _file(path: Path) -> File:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return File(os.fsencode(path.readlink()), "120000")
    return File(path.read_bytes(), "100755" if mode & stat.S_IXUSR else "100644")


def _about(folder: Path, known: set[str]) -> dict[str, Any]:
    file = folder / ABOUT_FILE
    content = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None
    about: dict[str, Any] = content or {}
    unknown = set(about) - known
    if unknown:
        raise StandInError(
            f"{file} has unknown keys: {', '.join(sorted(unknown))}", remedy=f"Known: {', '.join(sorted(known))}."
        )
    return about


def _id_of(world: World, full_name: str) -> int:
    """Say which id a repository has, or will have when it is loaded later."""
    owner, _, name = full_name.partition("/")
    found = world.find(owner, name)
    return found.id if found else numeric_id(full_name)


def _time(value: str | datetime) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
