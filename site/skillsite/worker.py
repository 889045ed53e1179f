"""What each process of a build does: reads skills and repositories, and writes the files of their owners' trees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from skilldata.snapshot import FileRow, Skill, Snapshot, VersionRow
from skillsite.badges import BADGE, skill_badge
from skillsite.changepages import CHANGES, MAX_STEPS, FilesOf, changes_page, has_changes
from skillsite.feeds import SKILL_FEED, skill_feed
from skillsite.filepages import FILES, anchors_of, files_page
from skillsite.ownerfiles import OwnerFile, owner_files
from skillsite.packages import PackageReader, Texts, read_texts
from skillsite.plugins import PluginLink
from skillsite.records import read_files, read_repositories, read_skills
from skillsite.release import write_files
from skillsite.skillpages import skill_page
from skillsite.skilltwins import json_twin, markdown_twin
from skillsite.templating import Look, Renderer
from skillsite.tombstones import json_tombstone, markdown_tombstone, takedown, tombstone_page
from skillsite.trees import TreeEntry

MEMORY = "128MB"  # of the database in each process


class SkillTask(NamedTuple):
    """A skill to be rendered: its owner and tree, its entry in there, key, identity, and plugins that bring it."""

    owner: str
    tree: str
    name: str
    key: str
    identity: tuple[int, str]
    plugins: tuple[PluginLink, ...]


class OwnerTask(NamedTuple):
    """An owner whose own pages and whose repositories' are to be rendered, with the numbers of their plugins."""

    owner: str
    tree: str
    key: str
    plugins: Mapping[int, int]


@dataclass
class Batch:
    """Work that is done together."""

    skills: list[SkillTask]
    owners: list[OwnerTask]


class Made(NamedTuple):
    """An entry that was written into an owner's tree, with the bytes of its files."""

    owner: str
    name: str
    entry: TreeEntry
    size: int


class Worker:
    """Renders skills and owners of one snapshot.

    Args:
        snapshot: What to show.
        look: What all pages share.
        packages: Where packages are; None: nowhere.
    """

    current: Worker  # of a process of the pool

    def __init__(self, snapshot: Snapshot, look: Look, packages: PackageReader | None) -> None:
        self._snapshot = snapshot
        self._addresses = look.addresses
        self._renderer = Renderer(look)
        self._packages = packages
        self._made: set[str] = set()

    def render(self, batch: Batch) -> list[Made]:
        """Write the files of a batch."""
        self._made.clear()
        return [*self._skills(batch.skills), *self._owners(batch.owners)]

    def _skills(self, tasks: Sequence[SkillTask]) -> Iterator[Made]:
        if not tasks:
            return
        skills = read_skills(self._snapshot, [task.identity for task in tasks])
        files = self._files(skills)
        for task, skill in zip(tasks, skills, strict=True):
            contents = self._contents(skill, task.plugins, files)
            size = write_files(Path(task.tree), task.name, contents, self._made)
            yield Made(task.owner, task.name, TreeEntry(task.key, tuple(contents)), size)

    def _owners(self, tasks: Sequence[OwnerTask]) -> Iterator[Made]:
        if not tasks:
            return
        by_owner = {task.owner: task for task in tasks}
        repositories = read_repositories(self._snapshot, list(by_owner))
        plugins = {number: count for task in tasks for number, count in task.plugins.items()}
        for owner, file in owner_files(repositories, plugins, self._renderer):
            yield self._write(by_owner[owner], file)

    def _write(self, task: OwnerTask, file: OwnerFile) -> Made:
        size = write_files(Path(task.tree), file.name, file.contents, self._made)
        return Made(task.owner, file.name, TreeEntry(task.key, tuple(file.contents)), size)

    def _files(self, skills: Sequence[Skill]) -> Mapping[str, list[FileRow]]:
        """Read the lists of files of all versions that are compared, by content digest."""
        compared = (version for skill in skills if has_changes(skill) for version in skill.versions[: MAX_STEPS + 1])
        return read_files(self._snapshot, {version.content_digest for version in compared})

    def _contents(
        self, skill: Skill, plugins: Sequence[PluginLink], files: Mapping[str, list[FileRow]]
    ) -> dict[str, bytes]:
        addresses = self._addresses
        if why := takedown(skill):
            return {
                ".html": self._renderer.render(tombstone_page(skill, why, addresses)),
                ".json": json_tombstone(skill, why, addresses),
                ".md": markdown_tombstone(skill, why),
            }
        texts = read_texts(self._packages, skill.current, skill.files)
        contents = {
            ".html": self._renderer.render(skill_page(skill, addresses, plugins, texts=texts)),
            ".json": json_twin(skill, addresses),
            ".md": markdown_twin(skill, addresses),
            SKILL_FEED: skill_feed(skill, addresses),
            BADGE: skill_badge(skill),
        }
        if texts:
            contents[FILES] = self._renderer.render(files_page(skill, texts, anchors_of(skill, texts), addresses))
        if has_changes(skill):
            contents[CHANGES] = self._renderer.render(changes_page(skill, self._files_of(files), addresses))
        return contents

    def _files_of(self, files: Mapping[str, list[FileRow]]) -> FilesOf:
        def read(version: VersionRow) -> tuple[list[FileRow], Texts]:
            rows = files.get(version.content_digest, [])
            return rows, read_texts(self._packages, version, rows)

        return read


def start_worker(snapshot: Path, look: Look, packages: PackageReader | None) -> None:
    """Prepare a process of a pool."""
    Worker.current = Worker(Snapshot(snapshot, memory=MEMORY), look, packages)


def work(batch: Batch) -> list[Made]:
    """Write the files of a batch, in a process of a pool."""
    return Worker.current.render(batch)
