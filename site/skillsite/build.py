"""Builds the static site from a snapshot and nothing else.

The same snapshot gives the same bytes. Pages whose input did not change since the live release are linked
from it; the others are rendered, over several processes where there are thousands of them. The finished
folder goes live by the swap of one symbolic link (see `release`).
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from skilldata.config import SiteSettings
from skilldata.snapshot import Skill, Snapshot
from skillsite import release as releases
from skillsite.addresses import GITHUB, AddressError, Addresses, skill_path
from skillsite.finder import index_files, index_pattern
from skillsite.lists import list_pages, repository_pages
from skillsite.machines import Visit, machine_files
from skillsite.pages import Page, fixed_pages
from skillsite.plugins import PluginLink, fingerprint, plugin_pages, skill_plugins
from skillsite.records import read_skills, skill_keys
from skillsite.skillpages import json_twin, markdown_twin, skill_page
from skillsite.templating import Renderer
from skillsite.tombstones import json_tombstone, markdown_tombstone, takedown, tombstone_page

Notify = Callable[[str, int, int], None]

BATCH = 250  # skills that are read and rendered together
PARALLEL_FROM = 2000  # skills to render, below which starting processes costs more than it saves
_TWINS = (".html", ".json", ".md")
_PACKAGE = Path(__file__).parent
_STATIC = _PACKAGE / "static"


@dataclass(frozen=True)
class BuildReport:
    """What a build did.

    Args:
        pages: HTML pages of the site.
        written: Files that were made.
        kept: Files that were the same in the release before.
        removed: Files that the release before had and this one has not.
        bytes: Size of the files that were made.
        seconds: How long it took, by the clock on the wall.
        path: The release's folder; `live` beside `releases` points to it.
        skipped: Skills without a page, each with the reason.
    """

    pages: int
    written: int
    kept: int
    removed: int
    bytes: int
    seconds: float
    path: Path
    skipped: tuple[str, ...] = ()


def build_site(
    snapshot: Snapshot,
    output: Path,
    *,
    settings: SiteSettings,
    jobs: int | None = None,
    notify: Notify | None = None,
    github_url: str = GITHUB,
) -> BuildReport:
    """Build the site into `output` and make it live.

    Args:
        snapshot: What to show.
        output: Folder of releases; made where it is missing.
        settings: Title and public address.
        jobs: Processes to render with; default one for each core that this process may use.
        notify: Called with a stage (`skills`, `lists` or `search`), how many are done, and of how many (0: unknown).
        github_url: Where links to repositories go.

    Raises:
        SiteError: Another build is writing to the same folder.
    """
    started = time.monotonic()
    plan = _Plan(snapshot, _addresses(settings, github_url), settings.title, notify or _silent)
    name = f"{snapshot.info.id}-{plan.edition[:12]}"
    with releases.only_builder(output) as folder:
        finished = releases.find(folder, name)
        if finished is None:
            new = releases.start(folder, name)
            skipped = _fill(new, plan, jobs or len(os.sched_getaffinity(0)))
            counts = (new.written, new.kept, new.missing(), new.bytes)
            finished = new.finish(name)
        else:
            skipped = []
            counts = (0, sum(releases.count_entries(finished).values()), 0, 0)
        releases.go_live(output, finished)
        releases.remove_old(folder)
    return BuildReport(_count_pages(finished), *counts, time.monotonic() - started, finished, tuple(skipped))


class _Task(NamedTuple):
    """A skill that has to be rendered: entry of the release, key of its input, identity, plugins that bring it."""

    name: str
    key: str
    identity: tuple[int, str]
    plugins: tuple[PluginLink, ...]


class _Made(NamedTuple):
    """An entry that was written, with its size in bytes."""

    name: str
    key: str
    size: int


class _Plan:
    """What every stage of a build needs to know."""

    def __init__(self, snapshot: Snapshot, addresses: Addresses, title: str, notify: Notify) -> None:
        self.snapshot = snapshot
        self.addresses = addresses
        self.title = title
        self.notify = notify
        self.edition = _edition(addresses, title)

    def key(self, *inputs: str) -> str:
        """Name the input of an entry, together with the programs and templates that turn it into files."""
        return hashlib.sha256("\0".join((self.edition, *inputs)).encode(errors="surrogatepass")).hexdigest()[:40]


def _fill(new: releases.Release, plan: _Plan, jobs: int) -> list[str]:
    visits: list[Visit] = []
    skipped = _add_skills(new, plan, jobs, visits)
    renderer = Renderer(plan.addresses, plan.title)
    for number, page in enumerate(_other_pages(plan), 1):
        key = plan.key(repr(page))
        if not new.keep(page.path, key):
            new.write(page.path, key, {"": renderer.render(page)})
        if not page.hide:
            visits.append(Visit(page.path))
        plan.notify("lists", number, 0)
    for path, content in _other_files(plan, visits):
        key = hashlib.sha256(content).hexdigest()[:40]
        if not new.keep(path, key):
            new.write(path, key, {"": content})
    _add_index(new, plan)
    return skipped


def _add_index(new: releases.Release, plan: _Plan) -> None:
    """Write what browsers search; the same snapshot has the same index."""
    for number, (path, content) in enumerate(index_files(plan.snapshot), 1):
        new.write(path, hashlib.sha256(content).hexdigest()[:40], {"": content})
        plan.notify("search", number, 0)


def _other_pages(plan: _Plan) -> Iterator[Page]:
    yield from fixed_pages(plan.snapshot, plan.addresses, plan.title, index_pattern(plan.snapshot))
    yield from list_pages(plan.snapshot)
    yield from repository_pages(plan.snapshot, plan.addresses)
    yield from plugin_pages(plan.snapshot, plan.addresses)


def _other_files(plan: _Plan, visits: Sequence[Visit]) -> Iterator[tuple[str, bytes]]:
    yield from machine_files(plan.snapshot.info, visits, plan.addresses, plan.title)
    for file in sorted(_STATIC.iterdir()):
        content = file.read_bytes()
        yield f"static/{file.name}", _without_comments(content) if file.suffix == ".js" else content


def _without_comments(script: bytes) -> bytes:
    """Leave out the lines of a script of ours that hold only a comment, and what lines are indented by."""
    lines = [line.strip() for line in script.splitlines()]
    return b"".join(line + b"\n" for line in lines if line and not line.startswith(b"//"))


def _add_skills(new: releases.Release, plan: _Plan, jobs: int, visits: list[Visit]) -> list[str]:
    """Link or render the page of every skill; note which may be visited; return what was skipped and why."""
    skipped: list[str] = []
    tasks: list[_Task] = []
    names: set[str] = set()
    keys = skill_keys(plan.snapshot)
    plugins = skill_plugins(plan.snapshot)
    for key in keys:
        try:
            name = skill_path(key.owner, key.repository, key.slug)
        except AddressError as error:
            skipped.append(f"repository {key.repository_id}, folder {key.path[:200]!r}: {error.message}")
            continue
        if name in names:
            skipped.append(f"repository {key.repository_id}, folder {key.path[:200]!r}: {name} is another skill's page")
            continue
        names.add(name)
        if key.listed:
            visits.append(Visit(name + ".html", key.updated_on))
        brought = tuple(plugins.get((key.repository_id, key.path), ()))
        task_key = plan.key(key.fingerprint, fingerprint(brought))
        task = _Task(name, task_key, (key.repository_id, key.path), brought)
        if not new.keep(name, task.key, _TWINS):
            tasks.append(task)
    done = len(names) - len(tasks)
    plan.notify("skills", done, len(names))
    for made in _render_all(new.folder, tasks, plan, jobs):
        for entry in made:
            new.record(entry.name, entry.key, _TWINS, entry.size)
        done += len(made)
        plan.notify("skills", done, len(names))
    return skipped


def _render_all(folder: Path, tasks: Sequence[_Task], plan: _Plan, jobs: int) -> Iterator[list[_Made]]:
    batches = [tasks[start : start + BATCH] for start in range(0, len(tasks), BATCH)]
    if jobs <= 1 or len(tasks) < PARALLEL_FROM:
        worker = _Worker(plan.snapshot, plan.addresses, plan.title, folder)
        yield from map(worker.render, batches)
        return
    # Fresh processes: a fork would copy DuckDB's threads and locks in whatever state they are.
    with ProcessPoolExecutor(
        min(jobs, len(batches)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(plan.snapshot.folder, plan.addresses, plan.title, folder),
    ) as pool:
        pending: set[Future[list[_Made]]] = {pool.submit(_work, batch) for batch in batches}
        while pending:
            finished, pending = wait(pending, return_when="FIRST_COMPLETED")
            for future in finished:
                yield future.result()


class _Worker:
    """Renders skills of one snapshot into one folder."""

    current: _Worker  # of a process of the pool

    def __init__(self, snapshot: Snapshot, addresses: Addresses, title: str, folder: Path) -> None:
        self._snapshot = snapshot
        self._addresses = addresses
        self._renderer = Renderer(addresses, title)
        self._folder = folder
        self._made: set[str] = set()

    def render(self, tasks: Sequence[_Task]) -> list[_Made]:
        """Write page and twins of each skill."""
        made = []
        for task, skill in zip(tasks, read_skills(self._snapshot, [task.identity for task in tasks]), strict=True):
            contents = self._contents(skill, task.plugins)
            size = releases.write_files(self._folder, task.name, contents, self._made)
            made.append(_Made(task.name, task.key, size))
        return made

    def _contents(self, skill: Skill, plugins: Sequence[PluginLink]) -> dict[str, bytes]:
        if why := takedown(skill):
            return {
                ".html": self._renderer.render(tombstone_page(skill, why, self._addresses)),
                ".json": json_tombstone(skill, why, self._addresses),
                ".md": markdown_tombstone(skill, why),
            }
        return {
            ".html": self._renderer.render(skill_page(skill, self._addresses, plugins)),
            ".json": json_twin(skill, self._addresses),
            ".md": markdown_twin(skill, self._addresses),
        }


def _start_worker(snapshot: Path, addresses: Addresses, title: str, folder: Path) -> None:
    _Worker.current = _Worker(Snapshot(snapshot), addresses, title, folder)


def _work(tasks: Sequence[_Task]) -> list[_Made]:
    return _Worker.current.render(tasks)


def _addresses(settings: SiteSettings, github_url: str) -> Addresses:
    base_url = str(settings.base_url)
    return Addresses(base_url if base_url.endswith("/") else base_url + "/", github_url.rstrip("/"))


def _edition(addresses: Addresses, title: str) -> str:
    """Hash all that shapes a page besides the snapshot: our code and templates, renderers, settings."""
    digest = hashlib.sha256(repr((addresses, title)).encode())
    for library in ("comrak", "nh3", "jinja2", "markupsafe"):
        digest.update(f"{library}={version(library)}\n".encode())
    for file in sorted([*_PACKAGE.glob("*.py"), *_PACKAGE.glob("templates/*"), *_PACKAGE.glob("static/*")]):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _count_pages(release: Path) -> int:
    return sum(
        name.endswith(".html") or files == len(_TWINS) for name, files in releases.count_entries(release).items()
    )


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody asked for."""
