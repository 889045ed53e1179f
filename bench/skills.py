"""Reading every skill of the real repositories: counts beside an independent count, time and memory, by stage.

The repositories are those of the folder named in SKILLREGISTRY_TEST_CORPUS, or of ../shared/corpus. Files without
a text get made-up bytes of their size, as the local GitHub does. Figures are CPU time of one process: skills/s are
for each core.

The independent count shares no code with the crawler: it looks at names of files in the JSON, asks the reference
validator `skills-ref` what is strict, and looks for lines `name:` and `description:` between two lines `---`.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import sys
import time
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from figures import Figure, main  # noqa: E402
from skills_ref import parser, validator  # noqa: E402
from tests import corpus_count  # noqa: E402
from tests.standin.filler import UNKNOWN_SIZE, fill  # noqa: E402

from skillcrawler.archive import BuiltPackage, build_package  # noqa: E402
from skillcrawler.discover import SkillFolder, find_skills  # noqa: E402
from skillcrawler.gitobjects import TreeEntry, blob_oid  # noqa: E402
from skillcrawler.judge import blocking, scan_package  # noqa: E402
from skillcrawler.licence import LicenceEvidence, LicenceFile, TextCache, judge_licence, licence_files  # noqa: E402
from skillcrawler.manifest import ReadManifest, read_manifest  # noqa: E402
from skillcrawler.members import read_links, resolve_members, source_files  # noqa: E402
from skillcrawler.plugins import plugin_files, read_plugins  # noqa: E402
from skillcrawler.root import select_root  # noqa: E402
from skillcrawler.tree import RepositoryTree  # noqa: E402
from skilldata.config import LicenceSettings, PackageSettings  # noqa: E402
from skilldata.models import Diagnostic, Level  # noqa: E402

SECONDS, MEBIBYTES = 2.0, 256.0  # that one file may take
QUICK = 12  # repositories, the smallest
LARGEST = 20  # files whose memory is measured, for tracing slows reading down


class Repository(NamedTuple):
    """One real repository in memory."""

    name: str
    tree: RepositoryTree
    blobs: dict[str, bytes]
    apart: Counter[str]  # levels, as the independent count has them

    def read(self, oids: Collection[str]) -> dict[str, bytes]:
        """Give blobs by their ids."""
        return {oid: self.blobs[oid] for oid in oids}


class Stages:
    """CPU seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        started = time.process_time()
        try:
            yield
        finally:
            self.seconds[name] += time.process_time() - started


class Result:
    """What was found over all repositories."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.independent: Counter[str] = Counter()
        self.stages = Stages()
        self.slowest = 0.0
        self.without_remedy = 0
        self.manifests: list[tuple[bytes, str, str]] = []
        self.plugins = 0


def measure(quick: bool) -> list[Figure]:
    """Read all skills."""
    folder = Path(os.environ.get("SKILLREGISTRY_TEST_CORPUS", ROOT.parent / "shared" / "corpus"))
    files = sorted(folder.glob("*__*.json"), key=lambda file: file.stat().st_size)[: QUICK if quick else None]
    if not files:
        raise SystemExit(f"no real repositories in {folder}; name their folder in SKILLREGISTRY_TEST_CORPUS")
    counted = corpus_count.manifests(folder, -1)
    result = Result()
    for file in files:
        repository = _load(file, counted)
        result.independent.update(repository.apart)
        _read_repository(repository, result)
    return _figures(result)


def _figures(result: Result) -> list[Figure]:
    counts, apart = result.counts, result.independent
    names = ("found", "listed", "loadable", "strict", "broken", "refused", "blocked")
    figures = [Figure(name, counts[name], "skills") for name in names]
    figures += [
        Figure(f"{name}, off the independent count", abs(counts[name] - apart[name]), "skills", 0)
        for name in ("found", "strict", "loadable", "broken")
    ]
    lost = counts["found"] - counts["listed"] - counts["refused"]
    figures.append(Figure("neither listed nor refused", lost, "skills", 0))
    figures.append(Figure("diagnostics", counts["diagnostics"], ""))
    figures.append(Figure("diagnostics without a remedy", result.without_remedy, "", 0))
    figures.append(Figure("slowest SKILL.md", result.slowest, "CPU s", SECONDS))
    figures.append(Figure("most memory for one SKILL.md", _memory(result), "MiB", MEBIBYTES))
    figures.append(Figure("plugins", result.plugins, ""))
    total = sum(result.stages.seconds.values())
    figures.append(Figure("skills read, judged, packed and scanned", counts["found"] / total, "skills/s a core"))
    for name, seconds in result.stages.seconds.items():
        figures.append(Figure(f"… {name}", 100 * seconds / total, "% of the time"))
    return figures


def _load(file: Path, counted: dict[str, set[str]]) -> Repository:
    """Build a repository's tree; ids are those of the bytes that stand in for what is not there."""
    data = json.loads(file.read_text(encoding="utf-8"))
    entries, blobs = [], {}
    for path, mode, size, oid in data["snapshots"][-1]["entries"]:
        if str(mode) == "160000":
            entries.append(TreeEntry(path, 0o160000, oid))
            continue
        content = _bytes(data["texts"], oid, size, path)
        key = blob_oid(content)
        blobs[key] = content
        entries.append(TreeEntry(path, int(str(mode), 8), key))
    name = data["full_name"]
    contents = {one.path: (one.mode, blobs[one.oid]) for one in entries if one.oid in blobs}
    apart = Counter(_independent(contents, folder, name) for folder in counted[name])
    return Repository(name, RepositoryTree(entries), blobs, apart + Counter(found=len(counted[name])))


def _bytes(texts: dict[str, Any], oid: str, size: int | None, path: str) -> bytes:
    text = texts.get(oid)
    if isinstance(text, dict):
        return str(text["latin1"]).encode("latin-1")
    if text is not None:
        return str(text).encode()
    return fill(oid, UNKNOWN_SIZE if size is None else size, path)


def _read_repository(repository: Repository, result: Result) -> None:
    cache: TextCache = {}
    with result.stages.of("find"):
        found = find_skills(repository.tree)
    for unusable in found.unusable:
        _note(result, [unusable.diagnostic], level=Level.BROKEN, listed=False)
    for skill in found.skills:
        _read_skill(repository, skill, cache, result)
    with result.stages.of("plugins"):
        files = plugin_files(repository.tree)
        read = read_plugins(repository.tree, files, repository.blobs.get)
    result.plugins += len(read.plugins)
    result.without_remedy += sum(not one.remedy for one in read.diagnostics)


def _read_skill(repository: Repository, skill: SkillFolder, cache: TextCache, result: Result) -> None:
    tree, limits, stages = repository.tree, PackageSettings(), result.stages
    with stages.of("links"):
        members = resolve_members(tree, skill, read_links(tree, [skill], repository.read, limits), limits)
        if not skill.path and members.manifest is not None:
            text = repository.blobs[members.manifest.oid].decode("utf-8", "replace")
            skill = select_root(tree, skill, text)
            members = resolve_members(tree, skill, read_links(tree, [skill], repository.read, limits), limits)
    diagnostics = list(members.diagnostics)
    manifest = None
    if members.manifest is not None:
        data = repository.blobs[members.manifest.oid]
        manifest = _read_manifest(data, skill, repository, result)
        diagnostics += manifest.diagnostics
    with stages.of("licence"):
        judged = judge_licence(
            LicenceEvidence(
                stated=manifest.licence_text if manifest else None,
                files=[
                    LicenceFile(one.path, repository.blobs[one.oid])
                    for one in licence_files(tree, skill.path)
                    if not one.is_link and one.oid in repository.blobs
                ],
                github=None,
                folder=skill.path,
                manifest_file=skill.manifest_file,
            ),
            redistributable=LicenceSettings().redistributable,
            cache=cache,
        )
    diagnostics += judged.diagnostics
    listed = False
    level = manifest.level if manifest else Level.BROKEN
    if level is not Level.BROKEN and not members.refused:
        with stages.of("package"):
            sources = source_files(members.files, repository.blobs)
            built = build_package(sources, limits, manifest_file=skill.manifest_file)
        diagnostics += built.diagnostics
        if isinstance(built, BuiltPackage):
            with stages.of("scan"):
                blocked = blocking(scan_package(built.data, manifest.manifest if manifest else {}))
            diagnostics += blocked
            result.counts["blocked"] += bool(blocked)
            listed = not blocked
    _note(result, diagnostics, level=level, listed=listed)


def _read_manifest(data: bytes, skill: SkillFolder, repository: Repository, result: Result) -> ReadManifest:
    name = None if skill.path else repository.name.partition("/")[2]
    started = time.process_time()
    with result.stages.of("read"):
        manifest = read_manifest(data, folder=skill.path, file=skill.manifest_file, repository_name=name)
    result.slowest = max(result.slowest, time.process_time() - started)
    result.manifests.append((data, skill.path, skill.manifest_file))
    return manifest


def _note(result: Result, diagnostics: list[Diagnostic], *, level: Level, listed: bool) -> None:
    result.counts.update(["found", str(level), "listed" if listed else "refused"])
    result.counts["diagnostics"] += len(diagnostics)
    result.without_remedy += sum(not one.remedy.strip() for one in diagnostics)


_LINK = 0o120000
_NAMED = re.compile(r"^name[ \t]*:[ \t]*(\n[ \t]+)?\S", re.MULTILINE)
_DESCRIBED = re.compile(r"^description[ \t]*:[ \t]*(\n[ \t]+)?\S", re.MULTILINE)


def _independent(contents: dict[str, tuple[int, bytes]], folder: str, repository: str) -> str:
    """Judge the SKILL.md of a folder apart from the crawler's code: `strict`, `loadable` or `broken`."""
    inside = sorted(path for path in contents if posixpath.dirname(path) == folder)
    path = next(path for path in inside if posixpath.basename(path).lower() == "skill.md")
    mode, data = contents[path]
    for _ in range(10):
        if mode != _LINK:
            break
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), data.decode("utf-8", "replace")))
        mode, data = contents.get(path, (_LINK, b"."))
    if mode == _LINK:
        return "broken"
    text = data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")
    parts = re.split(r"^---.*$", text, maxsplit=2, flags=re.MULTILINE)
    if len(parts) < 3 or parts[0] or not _NAMED.search(parts[1]) or not _DESCRIBED.search(parts[1]):
        return "broken"
    try:
        metadata, _ = parser.parse_frontmatter(data.decode("utf-8"))
        complaints = validator.validate_metadata(metadata, Path("/") / (folder or repository.partition("/")[2]))
    except Exception:  # noqa: BLE001 - whatever the validator raises is a complaint
        return "loadable"
    return "loadable" if complaints else "strict"


def _memory(result: Result) -> float:
    """Measure the most memory, in MiB, that reading one of the largest files takes."""
    most = 0
    for data, folder, file in sorted(result.manifests, key=lambda one: -len(one[0]))[:LARGEST]:
        tracemalloc.start()
        read_manifest(data, folder=folder, file=file)
        most = max(most, tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return most / 2**20


if __name__ == "__main__":
    main("Read every skill of the real repositories.", measure)
