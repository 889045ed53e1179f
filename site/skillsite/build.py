"""Builds the static site from a snapshot and nothing else.

The same snapshot gives the same bytes. The files of an owner whose skills and repositories did not change since the
live release are linked from it as one folder (see `trees`); of the others, and of the pages that belong to no owner,
only those are rendered whose input changed, over several processes where there are thousands of them. The finished
folder goes live by the swap of one symbolic link (see `release`).
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from skilldata.config import SiteSettings
from skilldata.snapshot import Snapshot
from skillsite import release as releases
from skillsite.addresses import GITHUB, AddressError, Addresses, owner_path, skill_path
from skillsite.cards import CARD, draw_card
from skillsite.docpages import doc_pages
from skillsite.feeds import topic_feeds, whole_feed
from skillsite.finder import index_files, index_pattern
from skillsite.lists import name_pages, plan_lists, read_lists
from skillsite.machines import Visit, machine_files
from skillsite.packages import PackageReader
from skillsite.pages import Page, fixed_pages
from skillsite.pagetwins import page_files
from skillsite.plugins import PluginLink, fingerprint, plugin_counts, plugin_pages, skill_plugins
from skillsite.records import OwnerKey, SkillKey, owner_keys, skill_keys
from skillsite.reports import report_pages
from skillsite.templating import Look, Renderer
from skillsite.trees import Tree
from skillsite.worker import MEMORY, Batch, Made, OwnerTask, SkillTask, Worker, start_worker, work

Notify = Callable[[str, int, int], None]

BATCH = 500  # skills that are read and rendered together
OWNERS_IN_BATCH = 50
PARALLEL_FROM = 4000  # skills to render, below which starting processes costs more than it saves
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
    packages: PackageReader | None = None,
) -> BuildReport:
    """Build the site into `output` and make it live.

    Args:
        snapshot: What to show.
        output: Folder of releases; made where it is missing.
        settings: Title and public address.
        jobs: Processes to render with; default one for each core that this process may use.
        notify: Called with a stage (`skills`, `pages`, `lists` or `search`), how many are done, and of how many
            (0: unknown).
        github_url: Where links to repositories go.
        packages: Where the packages of the snapshot are; without them no file but SKILL.md is shown.

    Raises:
        SiteError: Another build is writing to the same folder.
    """
    started = time.monotonic()
    snapshot.bound(MEMORY)
    look = Look(_addresses(settings, github_url), settings.title, str(settings.report_url or ""))
    plan = _Plan(snapshot, look, packages, notify or _silent)
    name = f"{snapshot.info.id}-{plan.edition[:12]}"
    with releases.only_builder(output) as folder:
        finished = releases.find(folder, name)
        if finished is None:
            new = releases.start(folder, name)
            skipped = _fill(new, plan, jobs or len(os.sched_getaffinity(0)))
            finished = new.finish(name)
            counts = (new.written, new.kept, new.removed, new.bytes)
        else:
            skipped = []
            counts = (0, releases.read_keys(finished).counts.files, 0, 0)
        releases.go_live(output, finished)
        releases.remove_old(folder)
        pages = releases.read_keys(finished).counts.pages
    return BuildReport(pages, *counts, time.monotonic() - started, finished, tuple(skipped))


class _Plan:
    """What every stage of a build needs to know."""

    def __init__(self, snapshot: Snapshot, look: Look, packages: PackageReader | None, notify: Notify) -> None:
        self.snapshot = snapshot
        self.look = look
        self.addresses = look.addresses
        self.title = look.title
        self.packages = packages
        self.notify = notify
        self.edition = _edition(look, with_files=packages is not None)

    def key(self, *inputs: str) -> str:
        """Name the input of an entry, together with the programs and templates that turn it into files."""
        return hashlib.sha256("\0".join((self.edition, *inputs)).encode(errors="surrogatepass")).hexdigest()[:40]


class _Section(NamedTuple):
    """What is known of an owner before anything is read: its key, and its skills with their entries and keys."""

    owner: OwnerKey
    key: str
    skills: list[tuple[str, str, SkillKey, tuple[PluginLink, ...]]]
    plugins: Mapping[int, int]


def _fill(new: releases.Release, plan: _Plan, jobs: int) -> list[str]:
    skipped: list[str] = []
    visits: list[Visit] = []
    _add_owners(new, plan, jobs, visits, skipped)
    renderer = Renderer(plan.look)
    for number, page in enumerate(_other_pages(plan), 1):
        key = plan.key(repr(page))
        name = page.path.removesuffix(".html")
        if not new.keep(name, key):
            new.write(name, key, page_files(page, renderer)[1])
        if not page.hide:
            visits.append(Visit(page.path))
        plan.notify("pages", number, 0)
    visits.extend(_add_lists(new, plan, renderer))
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
    yield from name_pages(plan.snapshot)
    yield from report_pages(plan.snapshot)
    yield from doc_pages(plan.addresses)
    yield from plugin_pages(plan.snapshot, plan.addresses)


def _add_lists(new: releases.Release, plan: _Plan, renderer: Renderer) -> Iterator[Visit]:
    """Link or render every page of a list of skills; yield them."""
    planned = list(plan_lists(plan.snapshot))
    keys = {
        one.path: plan.key(one.path, repr(one.key), repr(one.facet.words(one.key.value or None))) for one in planned
    }
    wanted = [one for one in planned if not new.keep(one.path.removesuffix(".html"), keys[one.path])]
    for number, (one, page) in enumerate(read_lists(plan.snapshot, wanted), 1):
        new.write(one.path.removesuffix(".html"), keys[one.path], page_files(page, renderer)[1])
        plan.notify("lists", number, len(wanted))
    yield from (Visit(one.path) for one in planned)


def _other_files(plan: _Plan, visits: Sequence[Visit]) -> Iterator[tuple[str, bytes]]:
    yield from machine_files(plan.snapshot.info, visits, plan.addresses, plan.title, plan.look.report_url)
    yield whole_feed(plan.snapshot, plan.addresses, plan.title)
    yield from topic_feeds(plan.snapshot, plan.addresses)
    yield CARD, draw_card(plan.title, "agentskills", plan.addresses.host)
    for file in sorted(_STATIC.iterdir()):
        content = file.read_bytes()
        yield f"static/{file.name}", _without_comments(content) if file.suffix == ".js" else content


def _without_comments(script: bytes) -> bytes:
    """Leave out the lines of a script of ours that hold only a comment, and what lines are indented by."""
    lines = [line.strip() for line in script.splitlines()]
    return b"".join(line + b"\n" for line in lines if line and not line.startswith(b"//"))


def _add_owners(new: releases.Release, plan: _Plan, jobs: int, visits: list[Visit], skipped: list[str]) -> None:
    """Link or make the tree of every owner; note which skills may be visited, and what was skipped and why."""
    changed = []
    for section in _sections(plan, skipped):
        visits.extend(Visit(f"{name}.html", skill.updated_on) for name, _, skill, _ in section.skills if skill.listed)
        if not new.keep_tree(section.owner.owner, section.key):
            changed.append(section)
    total = sum(len(section.skills) for section in changed)
    done = 0
    plan.notify("skills", done, total)
    open_trees = _OpenTrees(new)
    for made in _render_all(open_trees.batches(changed, plan), plan, jobs if total >= PARALLEL_FROM else 1):
        open_trees.record(made)
        done += sum(one.name.startswith("s/") for one in made)
        plan.notify("skills", done, total)
    open_trees.finish()


def _sections(plan: _Plan, skipped: list[str]) -> Iterator[_Section]:
    plugins, counts = skill_plugins(plan.snapshot), plugin_counts(plan.snapshot)
    skills: defaultdict[str, list[tuple[str, str, SkillKey, tuple[PluginLink, ...]]]] = defaultdict(list)
    names: set[str] = set()
    for key in skill_keys(plan.snapshot):
        where = f"repository {key.repository_id}, folder {key.path[:200]!r}"
        try:
            name = skill_path(key.owner, key.repository, key.slug)
        except AddressError as error:
            skipped.append(f"{where}: {error.message}")
            continue
        if name in names:
            skipped.append(f"{where}: {name} is another skill's page")
            continue
        names.add(name)
        brought = tuple(plugins.get((key.repository_id, key.path), ()))
        skills[key.owner].append((name, plan.key(key.fingerprint, fingerprint(brought)), key, brought))
    for owner in owner_keys(plan.snapshot):
        try:
            owner_path(owner.owner)
        except AddressError:
            continue  # its skills were skipped, each by its own address
        of = {number: counts[number] for number in owner.repositories if number in counts}
        parts = [key for _, key, _, _ in skills[owner.owner]]
        yield _Section(
            owner, plan.key(owner.owner, owner.fingerprint, repr(sorted(of.items())), *parts), skills[owner.owner], of
        )


class _OpenTrees:
    """The trees that are being filled: all are finished once the work has come back."""

    def __init__(self, new: releases.Release) -> None:
        self._new = new
        self._trees: dict[str, Tree] = {}

    def batches(self, sections: Sequence[_Section], plan: _Plan) -> Iterator[Batch]:
        """Start the trees, keep what did not change, and yield the rest as work."""
        batch = Batch([], [])
        for section in sections:
            owner = section.owner.owner
            tree = self._trees[owner] = self._new.start_tree(owner, section.key)
            folder = str(tree.folder)
            for name, key, skill, brought in section.skills:
                inside = f"s/{name.removeprefix(f's/{owner}/')}"
                if tree.keep(inside, key):
                    continue
                identity = (skill.repository_id, skill.path)
                batch.skills.append(SkillTask(owner, folder, inside, key, identity, brought))
                if len(batch.skills) >= BATCH:
                    yield batch
                    batch = Batch([], [])
            batch.owners.append(OwnerTask(owner, folder, section.key, section.plugins))
            if len(batch.owners) >= OWNERS_IN_BATCH:
                yield batch
                batch = Batch([], [])
        if batch.skills or batch.owners:
            yield batch

    def record(self, made: Sequence[Made]) -> None:
        """Note what a batch wrote."""
        for one in made:
            self._trees[one.owner].record(one.name, one.entry, one.size)

    def finish(self) -> None:
        """Give every tree its name."""
        for owner, tree in self._trees.items():
            self._new.finish_tree(owner, tree)


def _render_all(batches: Iterator[Batch], plan: _Plan, jobs: int) -> Iterator[list[Made]]:
    arguments = (plan.look, plan.packages)
    if jobs <= 1:
        worker = Worker(plan.snapshot, *arguments)
        yield from map(worker.render, batches)
        return
    # Fresh processes: a fork would copy DuckDB's threads and locks in whatever state they are.
    with ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=start_worker,
        initargs=(plan.snapshot.folder, *arguments),
    ) as pool:
        pending: set[Future[list[Made]]] = {pool.submit(work, batch) for batch in islice(batches, 3 * jobs)}
        while pending:
            finished, pending = wait(pending, return_when="FIRST_COMPLETED")
            pending |= {pool.submit(work, batch) for batch in islice(batches, len(finished))}
            for future in finished:
                yield future.result()


def _addresses(settings: SiteSettings, github_url: str) -> Addresses:
    base_url = str(settings.base_url)
    return Addresses(base_url if base_url.endswith("/") else base_url + "/", github_url.rstrip("/"))


def _edition(look: Look, *, with_files: bool) -> str:
    """Hash all that shapes a page besides the snapshot: our code and templates, renderers, settings."""
    digest = hashlib.sha256(repr((look, with_files)).encode())
    for library in ("comrak", "jinja2", "markupsafe", "pillow", "duckdb"):
        digest.update(f"{library}={version(library)}\n".encode())
    for file in sorted([*_PACKAGE.glob("*.py"), *_PACKAGE.glob("templates/*"), *_PACKAGE.glob("static/*")]):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody asked for."""
