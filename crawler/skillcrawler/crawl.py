"""The crawl of one repository: fetch its trees, read the skills that changed, keep their packages.

trees -> skill folders -> which changed -> their blobs -> manifest, licence, package -> S3 -> index
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import NamedTuple

from skillcrawler.archive import BuiltPackage, build_package, check_sizes
from skillcrawler.authorfile import MAX_BYTES as AUTHOR_MAX_BYTES
from skillcrawler.authorfile import AuthorFile, author_file, read_author_file
from skillcrawler.discover import Discovery, SkillFolder, Unusable, find_skills
from skillcrawler.discovery import REFERENCE_FILES, read_references
from skillcrawler.fetch import Blob, Commit, FetchedRepository, Fetcher
from skillcrawler.gitobjects import TreeEntry
from skillcrawler.licence import (
    MAX_BYTES,
    LicenceEvidence,
    LicenceFile,
    TextCache,
    judge_licence,
    licence_basis,
    licence_files,
)
from skillcrawler.manifest import ReadManifest, read_manifest
from skillcrawler.members import Members, read_links, resolve_members, source_files
from skillcrawler.provenance import Origin, canonical_json, provenance_statement
from skillcrawler.root import select_root
from skillcrawler.stored import StoredBlobs
from skillcrawler.tree import RepositoryTree
from skilldata.authorfiles import AuthorFiles
from skilldata.config import Settings
from skilldata.database import CrawlOutcome, Database, KnownSkill
from skilldata.models import Diagnostic, Level, ReadSkill, Repository, SkillState
from skilldata.names import assign_slugs
from skilldata.objects import ObjectStore, package_key, provenance_key
from skilldata.references import References
from skilldata.stewardship import Rulings

VERSION = version("agentskillregistry")
MANIFEST_MAX_BYTES = 5 * 1024 * 1024


def crawl_repository(
    repository_id: int,
    *,
    settings: Settings,
    database: Database,
    objects: ObjectStore,
    fetcher: Fetcher,
) -> CrawlOutcome:
    """Make the index reflect a repository's head.

    Args:
        repository_id: Numeric id of a repository that a probe has seen.
        settings: Limits and policies.
        database: The index.
        objects: Where packages go, before their rows.
        fetcher: How to get git objects.

    Raises:
        CrawlError: As `Fetcher` and `FetchedRepository` do.
    """
    repository = database.repository(repository_id)
    if repository.head_oid is None:
        return CrawlOutcome()
    with fetcher.fetch(repository.owner, repository.name, repository.head_oid) as fetched:
        withheld = Rulings(database).withheld_digests()
        reader = _Reader(repository, fetched, settings, objects, StoredBlobs(database, objects), withheld)
        known = database.known_skills(repository_id)
        fresh = database.due_repository(repository_id).crawled_oid is None
        same_licence = reader.licence_basis == database.licence_basis(repository_id)
        read = reader.read(known, everything=fresh or not same_licence)
        AuthorFiles(database).record(repository_id, **asdict(reader.author))
        for path, names in reader.references().items():
            References(database).record(repository_id, path, names)
        return database.record_crawl(
            repository_id,
            revision=reader.commit.oid,
            tree_oid=reader.commit.tree_oid,
            committed_at=reader.commit.committed_at,
            skills=read.skills,
            unchanged=read.unchanged,
            licence_basis=reader.licence_basis,
        )


class _Read(NamedTuple):
    """What a reader gives: skills as read, and paths of those that it need not read."""

    skills: list[ReadSkill]
    unchanged: list[str]


class _Reader:
    """Reads the skills of one fetched commit."""

    def __init__(
        self,
        repository: Repository,
        fetched: FetchedRepository,
        settings: Settings,
        objects: ObjectStore,
        stored: StoredBlobs,
        withheld: frozenset[str],
    ) -> None:
        self._repository = repository
        self._fetched = fetched
        self._settings = settings
        self._limits = settings.package
        self._objects = objects
        self._stored = stored
        self._withheld = withheld
        self._here: set[str] = set()
        self.commit: Commit = fetched.commit()
        self._tree = RepositoryTree(fetched.entries(), self.commit.tree_oid)
        self._discovery = find_skills(self._tree)
        self._author_entry = author_file(self._tree)
        self.author = AuthorFile()
        self._licence_texts: TextCache = {}

    @property
    def licence_basis(self) -> str:
        """What the licences of skills are judged from outside of their folders."""
        folders = (skill.path for skill in self._discovery.skills)
        policy = self._settings.licence.allowed
        basis = licence_basis(self._tree, folders, self._repository.licence, redistributable=policy)
        # What an author asks for, too, may change while the folders stay as they are.
        return f"{basis} {self._author_entry.oid}" if self._author_entry else basis

    def read(self, known: Collection[KnownSkill], *, everything: bool) -> _Read:
        discovery, excluded = self._heed_author()
        unchanged = [] if everything else _unchanged(discovery, known)
        changed = [skill for skill in discovery.skills if skill.path not in set(unchanged)]
        self._fetch([*_first_wanted(self._tree, changed, self._limits.max_files), *self._reference_files().values()])
        changed = [self._complete(skill) for skill in changed]
        members = self._members(changed)
        slugs_of = {skill.path: skill.slug for skill in known if skill.slug is not None}
        manifests = {skill.path: self._manifest(skill, members[skill.path]) for skill in changed}
        slugs = self._slugs(discovery, manifests, slugs_of)
        skills = [
            self._read_skill(skill, members[skill.path], manifests[skill.path], slugs.get(skill.path))
            for skill in changed
        ]
        return _Read([*skills, *excluded, *map(_refused, discovery.unusable)], unchanged)

    def _heed_author(self) -> tuple[Discovery, list[ReadSkill]]:
        """Read the author's file before any skill: what it excludes is not even fetched."""
        if self._author_entry is None:
            return self._discovery, []
        self._fetch([self._author_entry.oid])
        self.author = read_author_file(self._read(self._author_entry.oid, AUTHOR_MAX_BYTES).data)
        return self.author.apply(self._discovery)

    def references(self) -> dict[str, Sequence[tuple[str, str]]]:
        """Read which other repositories the files of this one name; to be called after `read`, which fetches them."""
        return {path: read_references(path, self._text(oid)) for path, oid in self._reference_files().items()}

    def _reference_files(self) -> dict[str, str]:
        entries = {path: self._tree.get(path) for path in REFERENCE_FILES}
        return {path: entry.oid for path, entry in entries.items() if entry is not None and entry.is_file}

    # -- getting blobs

    def _fetch(self, oids: Iterable[str]) -> None:
        """Make blobs readable: those that are in a stored package from there, the others from GitHub."""
        wanted = [oid for oid in dict.fromkeys(oids) if oid not in self._here]
        stored = self._stored.find(wanted) if wanted else ()
        missing = [oid for oid in wanted if oid not in stored]
        if missing:
            self._fetched.fetch_blobs(missing)
        self._here.update(wanted)

    def _read(self, oid: str, max_bytes: int) -> Blob:
        return self._stored.read(oid) or self._fetched.read(oid, max_bytes=max_bytes)

    def _text(self, oid: str) -> bytes:
        return self._read(oid, MANIFEST_MAX_BYTES).data or b""

    def _blobs(self, oids: Collection[str]) -> dict[str, bytes]:
        self._fetch(oids)
        return {oid: self._text(oid) for oid in oids}

    def _complete(self, skill: SkillFolder) -> SkillFolder:
        """Choose the files of a skill at the root, which its text names."""
        if skill.path:
            return skill
        texts = read_links(self._tree, [skill], self._blobs, self._limits)
        manifest = resolve_members(self._tree, skill, texts, self._limits).manifest
        if manifest is None:
            return skill
        return select_root(self._tree, skill, self._blobs([manifest.oid])[manifest.oid].decode("utf-8", "replace"))

    def _members(self, skills: Collection[SkillFolder]) -> dict[str, Members]:
        """Follow links until all files are known, and bring those that are not here."""
        texts = read_links(self._tree, skills, self._blobs, self._limits)
        found = {skill.path: resolve_members(self._tree, skill, texts, self._limits) for skill in skills}
        usable = [members for members in found.values() if not members.refused]
        manifests = [members.manifest.oid for members in found.values() if members.manifest is not None]
        self._fetch([*manifests, *(member.oid for members in usable for member in members.files)])
        return found

    # -- judging

    def _manifest(self, skill: SkillFolder, members: Members) -> ReadManifest | None:
        if members.manifest is None:
            return None
        data = self._text(members.manifest.oid)
        name = None if skill.path else self._repository.name
        return read_manifest(data, folder=skill.path, file=skill.manifest_file, repository_name=name)

    def _slugs(
        self, discovery: Discovery, manifests: dict[str, ReadManifest | None], before: dict[str, str]
    ) -> dict[str, str]:
        present = {skill.path for skill in discovery.skills}
        previous = {path: slug for path, slug in before.items() if path in present}
        names = {path: manifest.name for path, manifest in manifests.items() if _is_loadable(manifest) and manifest}
        kept: dict[str, str | None] = {path: None for path in previous if path not in manifests}
        return assign_slugs(sorted({**kept, **names}.items()), repository_name=self._repository.name, previous=previous)

    def _read_skill(
        self, skill: SkillFolder, members: Members, manifest: ReadManifest | None, slug: str | None
    ) -> ReadSkill:
        built = self._build(skill, members) if _is_loadable(manifest) else None
        diagnostics = [*(manifest.diagnostics if manifest else ()), *members.diagnostics]
        package = None
        if isinstance(built, BuiltPackage):
            self._store(skill, built)
            package = built.package
            diagnostics += built.diagnostics
        elif built is not None:
            diagnostics += built
        judged = judge_licence(
            self._licence_evidence(skill, members, manifest),
            redistributable=self._settings.licence.allowed,
            cache=self._licence_texts,
        )
        diagnostics += judged.diagnostics
        return ReadSkill(
            path=skill.path,
            manifest_file=skill.manifest_file,
            tree_oid=skill.tree_oid,
            slug=slug if package is not None else None,
            name=manifest.name if manifest else "",
            description=manifest.description if manifest else "",
            level=manifest.level if manifest else Level.BROKEN,
            metadata_version=manifest.metadata_version if manifest else None,
            manifest=manifest.manifest if manifest else {},
            text=manifest.text if manifest else "",
            licence=judged.licence,
            redistributable=judged.redistributable,
            package=package,
            diagnostics=tuple(dict.fromkeys(diagnostics)),
        )

    def _licence_evidence(self, skill: SkillFolder, members: Members, manifest: ReadManifest | None) -> LicenceEvidence:
        """Put together what speaks of a skill's licence. Links count where they were followed as its members."""
        led_to = {f"{skill.path}/{member.path}".lstrip("/"): member.oid for member in members.files}
        files = []
        for entry in licence_files(self._tree, skill.path):
            oid = led_to.get(entry.path) if entry.is_link else entry.oid
            if oid in self._here:
                files.append(LicenceFile(entry.path, self._read(oid, MAX_BYTES).data))
        return LicenceEvidence(
            stated=manifest.licence_text if manifest else None,
            files=files,
            github=self._repository.licence,
            folder=skill.path,
            manifest_file=skill.manifest_file,
        )

    def _build(self, skill: SkillFolder, members: Members) -> BuiltPackage | Iterable[Diagnostic]:
        if members.refused:
            return ()
        data: dict[str, bytes] = {}
        sizes: list[tuple[str, int]] = []
        for member in members.files:
            blob = self._read(member.oid, self._limits.max_file_bytes)
            sizes.append((member.path, blob.size))
            if blob.data is None or sum(size for _, size in sizes) > self._limits.max_bytes:
                return list(check_sizes(sizes, self._limits))
            data[member.oid] = blob.data
        built = build_package(source_files(members.files, data), self._limits, manifest_file=skill.manifest_file)
        return built if isinstance(built, BuiltPackage) else built.diagnostics

    def _store(self, skill: SkillFolder, built: BuiltPackage) -> None:
        """Put the package into the store before the index speaks of it, with a word on where it came from."""
        package = built.package
        if package.content_digest in self._withheld or package.package_digest in self._withheld:
            return  # it is recorded, so that it has its tombstone under this name too, but its bytes are not kept
        self._objects.put_if_absent(package_key(package.package_digest), built.data, content_type="application/zip")
        origin = Origin(
            repository_id=self._repository.repository_id,
            repository=f"{self._repository.owner}/{self._repository.name}",
            commit=self.commit.oid,
            tree_oid=skill.tree_oid,
            path=skill.path,
        )
        statement = provenance_statement(package_key(package.package_digest), package, origin, version=VERSION)
        key = provenance_key(package.package_digest, self._repository.repository_id, skill.path)
        self._objects.put_if_absent(key, canonical_json(statement), content_type="application/json")


def _unchanged(discovery: Discovery, known: Collection[KnownSkill]) -> list[str]:
    """List skills whose folder is the one that the index has. Links may lead out of a folder, so those are read."""
    trees = {one.path: one.tree_oid for one in known if one.state is not SkillState.GONE and one.path}
    return [
        skill.path
        for skill in discovery.skills
        if skill.tree_oid is not None and trees.get(skill.path) == skill.tree_oid and not skill.has_links
    ]


def _first_wanted(tree: RepositoryTree, skills: Iterable[SkillFolder], max_files: int) -> list[str]:
    """List what can be asked for at once: manifests, links, licences, and files of skills that are not too many."""
    wanted: list[str] = []
    for skill in skills:
        entries: Iterable[TreeEntry] = skill.entries if len(skill.entries) <= max_files else (skill.manifest,)
        wanted += (entry.oid for entry in (*entries, *licence_files(tree, skill.path)))
    return wanted


def _is_loadable(manifest: ReadManifest | None) -> bool:
    return manifest is not None and manifest.level is not Level.BROKEN


def _refused(unusable: Unusable) -> ReadSkill:
    return ReadSkill(
        path=unusable.path,
        manifest_file=unusable.manifest_file,
        tree_oid=unusable.tree_oid,
        level=Level.BROKEN,
        diagnostics=(unusable.diagnostic,),
    )
