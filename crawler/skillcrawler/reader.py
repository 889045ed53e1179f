"""Reading the skills of one fetched commit, one after the other."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Sequence

from skillcrawler.archive import BuiltPackage, build_package, check_sizes, file_too_large, repository_too_large
from skillcrawler.authorfile import MAX_BYTES as AUTHOR_MAX_BYTES
from skillcrawler.authorfile import AuthorFile, author_file, read_author_file
from skillcrawler.blobs import Blobs
from skillcrawler.discover import SkillFolder, Unusable, find_skills
from skillcrawler.discovery import REFERENCE_FILES, read_references
from skillcrawler.fetched import FetchedRepository
from skillcrawler.judge import blocking, scan_package
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
from skillcrawler.plugins import plugin_files, read_plugins
from skillcrawler.plugins.fields import MAX_FILE_BYTES
from skillcrawler.provenance import Origin
from skillcrawler.root import select_root
from skillcrawler.stored import StoredBlobs
from skillcrawler.tree import RepositoryTree
from skillcrawler.uploads import Uploads, store_package
from skilldata.config import Settings
from skilldata.database import KnownSkill
from skilldata.models import Diagnostic, Level, ReadSkill, Repository, SkillState, Verdict
from skilldata.names import assign_slugs
from skilldata.plugins import KnownPlugin, ReadPlugins

MANIFEST_MAX_BYTES = 5 * 1024 * 1024


class Reader:
    """Reads the skills of one commit: `choose`, then `read` to its end, then what follows from all of them.

    Args:
        repository: Whose commit it is.
        fetched: The commit with its trees.
        settings: Limits and policies.
        stored: Blobs that need not be fetched.
    """

    def __init__(
        self, repository: Repository, fetched: FetchedRepository, settings: Settings, stored: StoredBlobs
    ) -> None:
        self._repository = repository
        self._settings = settings
        self._limits = settings.package
        self._stored = stored
        self.commit = fetched.commit()
        self._tree = RepositoryTree(fetched.entries(), self.commit.tree_oid)
        self._blobs = Blobs(fetched, self._tree, stored, largest=self._limits.max_file_bytes)
        self._discovery = find_skills(self._tree)
        self._plugin_files = plugin_files(self._tree)
        folders = (skill.path for skill in self._discovery.skills)
        policy = settings.licence.allowed
        self.licence_basis = licence_basis(self._tree, folders, repository.licence, redistributable=policy)
        """What skills are judged from outside of their folders: their licences, and what their author asks for."""
        self._author_entry = author_file(self._tree)
        if self._author_entry is not None:
            self.licence_basis += f" {self._author_entry.oid}"
        self.author = AuthorFile()
        """What the author asks for, after `choose`."""
        self._excluded: list[ReadSkill] = []
        self._licence_texts: TextCache = {}
        self.unchanged: list[str] = []
        """Paths of skills that need not be read."""
        self._changed: list[SkillFolder] = []
        self._slugs_before: dict[str, str] = {}
        self._names: dict[str, str | None] = {}
        self._room = self._limits.max_repository_bytes

    def choose(self, known: Collection[KnownSkill], *, everything: bool) -> None:
        """Tell apart what is to be read, and fetch what that takes but for what links lead to."""
        self._heed_author()
        skills = self._discovery.skills
        self.unchanged = [] if everything else _unchanged(skills, known)
        unchanged = set(self.unchanged)
        changed = [skill for skill in skills if skill.path not in unchanged]
        present = {skill.path for skill in skills}
        self._slugs_before = {one.path: one.slug for one in known if one.slug is not None and one.path in present}
        self._blobs.bring(*self._first_wanted(changed))
        self._changed = [self._complete(skill) for skill in changed]

    def read(self, uploads: Uploads, withheld: Container[str] = frozenset()) -> Iterator[ReadSkill]:
        """Read skills; their packages are on their way to the store when they are given, their slugs open.

        Those of which a digest is withheld are read as well, but their packages are not stored.
        """
        texts = read_links(self._tree, self._changed, self._blobs.texts, self._limits)
        # What the members of skills are is worked out twice, since all of them together may be too many to keep.
        self._blobs.bring(self._members_wanted(texts))
        for skill in self._changed:
            yield self._read_skill(skill, resolve_members(self._tree, skill, texts, self._limits), uploads, withheld)
        yield from self._excluded
        yield from map(_refused, self._discovery.unusable)

    def slugs(self) -> dict[str, str]:
        """Give every skill of the repository its slug; to be called after `read`."""
        read = {skill.path for skill in self._changed}
        kept: dict[str, str | None] = {path: None for path in self._slugs_before if path not in read}
        everything = sorted({**kept, **self._names}.items())
        return assign_slugs(everything, repository_name=self._repository.name, previous=self._slugs_before)

    def references(self) -> dict[str, Sequence[tuple[str, str]]]:
        """Read which other repositories the files of this one name; to be called after `choose`."""
        return {path: read_references(path, self._text(oid)) for path, oid in self._reference_files().items()}

    def plugins(self, known: Sequence[KnownPlugin]) -> ReadPlugins:
        """Read the plugins that the repository declares; to be called after `choose`."""

        def content(oid: str) -> bytes | None:
            return self._blobs.read(oid, MAX_FILE_BYTES).data if self._blobs.is_here(oid) else None

        return read_plugins(self._tree, self._plugin_files, content, known=known)

    def _heed_author(self) -> None:
        """Read the author's file before any skill: what it excludes is not even fetched."""
        if self._author_entry is not None:
            self._blobs.bring([self._author_entry.oid])
            self.author = read_author_file(self._blobs.read(self._author_entry.oid, AUTHOR_MAX_BYTES).data)
            self._discovery, self._excluded = self.author.apply(self._discovery)

    # -- what to fetch

    def _first_wanted(self, skills: Collection[SkillFolder]) -> tuple[list[str], list[SkillFolder]]:
        """List what can be asked for at once: blobs one by one, and folders whole."""
        outer = _folders_above(skill.path for skill in self._discovery.skills)
        blobs: list[str] = [*self._reference_files().values(), *self._plugin_files.oids]
        folders: list[SkillFolder] = []
        for skill in skills:
            blobs += (entry.oid for entry in licence_files(self._tree, skill.path))
            if len(skill.entries) > self._limits.max_files:
                blobs.append(skill.manifest.oid)
            elif skill.path and skill.tree_oid and skill.path not in outer:
                folders.append(skill)
            else:
                blobs += (entry.oid for entry in skill.entries)
        return blobs, folders

    def _members_wanted(self, texts: dict[str, bytes]) -> Iterator[str]:
        for skill in self._changed:
            members = resolve_members(self._tree, skill, texts, self._limits)
            if members.manifest is not None:
                yield members.manifest.oid
            if not members.refused:
                yield from (member.oid for member in members.files)

    def _reference_files(self) -> dict[str, str]:
        entries = {path: self._tree.get(path) for path in REFERENCE_FILES}
        return {path: entry.oid for path, entry in entries.items() if entry is not None and entry.is_file}

    def _complete(self, skill: SkillFolder) -> SkillFolder:
        """Choose the files of a skill at the root, which its text names."""
        if skill.path:
            return skill
        texts = read_links(self._tree, [skill], self._blobs.texts, self._limits)
        manifest = resolve_members(self._tree, skill, texts, self._limits).manifest
        if manifest is None:
            return skill
        self._blobs.bring([manifest.oid])
        return select_root(self._tree, skill, self._text(manifest.oid).decode("utf-8", "replace"))

    def _text(self, oid: str) -> bytes:
        return self._blobs.read(oid, MANIFEST_MAX_BYTES).data or b""

    # -- one skill

    def _read_skill(
        self, skill: SkillFolder, members: Members, uploads: Uploads, withheld: Container[str]
    ) -> ReadSkill:
        manifest = self._manifest(skill, members)
        diagnostics = [*(manifest.diagnostics if manifest else ()), *members.diagnostics]
        judged = judge_licence(
            self._licence_evidence(skill, members, manifest),
            redistributable=self._settings.licence.allowed,
            cache=self._licence_texts,
        )
        package = scan = None
        if manifest is not None and manifest.level is not Level.BROKEN:
            self._names[skill.path] = manifest.name
            built = self._build(skill, members)
            if isinstance(built, BuiltPackage):
                damaged = built.package.package_digest in self._stored.damaged
                scan = scan_package(built.data, manifest.manifest)
                diagnostics += blocking(scan)
                package = built.package
                if package.content_digest not in withheld and package.package_digest not in withheld:
                    served = judged.redistributable and scan.verdict is not Verdict.BLOCKED
                    store_package(uploads, self._origin(skill), built, served=served, replace=damaged)
                diagnostics += built.diagnostics
            else:
                diagnostics += built
        elif members.manifest is not None and manifest is None:
            diagnostics.append(file_too_large(skill.manifest_file, None, self._limits))
        diagnostics += judged.diagnostics
        return ReadSkill(
            path=skill.path,
            manifest_file=skill.manifest_file,
            tree_oid=skill.tree_oid,
            name=manifest.name if manifest else "",
            description=manifest.description if manifest else "",
            level=manifest.level if manifest else Level.BROKEN,
            metadata_version=manifest.metadata_version if manifest else None,
            manifest=manifest.manifest if manifest else {},
            text=manifest.text if manifest else "",
            licence=judged.licence,
            redistributable=judged.redistributable,
            package=package,
            scan=scan,
            diagnostics=tuple(dict.fromkeys(diagnostics)),
        )

    def _manifest(self, skill: SkillFolder, members: Members) -> ReadManifest | None:
        if members.manifest is None or self._blobs.is_left_out(members.manifest.oid):
            return None
        data = self._text(members.manifest.oid)
        name = None if skill.path else self._repository.name
        return read_manifest(data, folder=skill.path, file=skill.manifest_file, repository_name=name)

    def _licence_evidence(self, skill: SkillFolder, members: Members, manifest: ReadManifest | None) -> LicenceEvidence:
        """Put together what speaks of a skill's licence. Links count where they were followed as its members."""
        led_to = {f"{skill.path}/{member.path}".lstrip("/"): member.oid for member in members.files}
        files = []
        for entry in licence_files(self._tree, skill.path):
            oid = led_to.get(entry.path) if entry.is_link else entry.oid
            if oid is not None and self._blobs.is_here(oid):
                files.append(LicenceFile(entry.path, self._blobs.read(oid, MAX_BYTES).data))
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
        if self._room <= 0:
            return [repository_too_large(skill.manifest_file, self._limits)]
        left_out = [member for member in members.files if self._blobs.is_left_out(member.oid)]
        if left_out:
            return [file_too_large(member.path, None, self._limits) for member in left_out]
        data: dict[str, bytes] = {}
        sizes: list[tuple[str, int]] = []
        for member in members.files:
            blob = self._blobs.read(member.oid, self._limits.max_file_bytes)
            sizes.append((member.path, blob.size))
            if blob.data is None or sum(size for _, size in sizes) > self._limits.max_bytes:
                return list(check_sizes(sizes, self._limits))
            data[member.oid] = blob.data
        # Links make gigabytes of skills out of a megabyte of repository.
        self._room -= sum(size for _, size in sizes)
        if self._room < 0:
            return [repository_too_large(skill.manifest_file, self._limits)]
        built = build_package(source_files(members.files, data), self._limits, manifest_file=skill.manifest_file)
        return built if isinstance(built, BuiltPackage) else built.diagnostics

    def _origin(self, skill: SkillFolder) -> Origin:
        return Origin(
            repository_id=self._repository.repository_id,
            repository=f"{self._repository.owner}/{self._repository.name}",
            commit=self.commit.oid,
            tree_oid=skill.tree_oid,
            path=skill.path,
        )


def _unchanged(skills: Iterable[SkillFolder], known: Collection[KnownSkill]) -> list[str]:
    """List skills whose folder is the one that the index has. Links may lead out of a folder, so those are read."""
    trees = {one.path: one.tree_oid for one in known if one.state is not SkillState.GONE and one.path}
    return [
        skill.path
        for skill in skills
        if skill.tree_oid is not None and trees.get(skill.path) == skill.tree_oid and not skill.has_links
    ]


def _folders_above(paths: Iterable[str]) -> set[str]:
    """Collect every folder that one of the paths lies in."""
    above: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in above:
            above.add(folder)
            folder = folder.rpartition("/")[0]
    return above


def _refused(unusable: Unusable) -> ReadSkill:
    return ReadSkill(
        path=unusable.path,
        manifest_file=unusable.manifest_file,
        tree_oid=unusable.tree_oid,
        level=Level.BROKEN,
        diagnostics=(unusable.diagnostic,),
    )
