"""Every SKILL.md of the real repositories: strict agrees with the reference validator, file by file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import pytest
from skills_ref import parser, validator

from skillcrawler.manifest import ReadManifest, read_manifest
from skilldata.models import DiagnosticLevel, Level

pytestmark = [pytest.mark.corpus, pytest.mark.timeout(120)]


class File(NamedTuple):
    """One SKILL.md in one folder; `where` names the first repository it was seen in."""

    where: str
    folder: str
    name: str
    data: bytes


class Verdict(NamedTuple):
    """What skills-ref reads in a file, and what it has against it: nothing where it is valid."""

    metadata: dict[str, Any]
    body: str
    complaints: list[str]


@pytest.fixture(scope="module")
def manifests(corpus_directory: Path) -> list[tuple[File, ReadManifest]]:
    """All distinct (content, folder name) pairs, read."""
    return [(file, read_manifest(file.data, folder=file.folder, file=file.name)) for file in _files(corpus_directory)]


@pytest.fixture(scope="module")
def verdicts(manifests: list[tuple[File, ReadManifest]]) -> list[tuple[File, ReadManifest, Verdict]]:
    """The same with the reference validator's verdict on each, which takes most of the time here."""
    return [(file, manifest, _reference(file)) for file, manifest in manifests]


def test_strict_agrees_with_the_reference_validator(verdicts: list[tuple[File, ReadManifest, Verdict]]) -> None:
    differences = [
        f"{file.where}: {manifest.level}, but skills-ref says {verdict.complaints}"
        for file, manifest, verdict in verdicts
        if (manifest.level is Level.STRICT) != (not verdict.complaints)
    ]
    assert not differences, "\n".join(differences)


def test_validator_on_a_folder_says_what_its_functions_say(
    verdicts: list[tuple[File, ReadManifest, Verdict]], tmp_path: Path
) -> None:
    for number, (file, _, verdict) in enumerate(verdicts[:: max(1, len(verdicts) // 50)]):
        folder = tmp_path / str(number) / PurePosixPath(file.folder).name
        folder.mkdir(parents=True)
        (folder / file.name).write_bytes(file.data)
        assert bool(validator.validate(folder)) == bool(verdict.complaints), file.where


def test_strict_manifest_is_read_as_the_reference_parser_reads_it(
    verdicts: list[tuple[File, ReadManifest, Verdict]],
) -> None:
    for file, manifest, verdict in verdicts:
        if manifest.level is Level.STRICT:
            assert manifest.name == verdict.metadata["name"].strip(), file.where
            assert manifest.description == verdict.metadata["description"].strip(), file.where
            assert manifest.body.strip() == verdict.body, file.where
            assert {key: value for key, value in manifest.manifest.items() if key != "metadata"} == {
                key: value for key, value in verdict.metadata.items() if key != "metadata"
            }, file.where


def test_every_level_is_explained(manifests: list[tuple[File, ReadManifest]]) -> None:
    worst = {Level.BROKEN: DiagnosticLevel.ERROR, Level.LOADABLE: DiagnosticLevel.WARNING}
    for file, manifest in manifests:
        levels = {diagnostic.level for diagnostic in manifest.diagnostics}
        if manifest.level is Level.STRICT:
            assert levels <= {DiagnosticLevel.INFO}, file.where
        else:
            assert worst[manifest.level] in levels, file.where
        assert all(diagnostic.remedy for diagnostic in manifest.diagnostics), file.where


def test_nearly_all_real_skills_can_be_loaded(manifests: list[tuple[File, ReadManifest]]) -> None:
    count = Counter(manifest.level for _, manifest in manifests)
    assert count[Level.STRICT] > 0
    assert count[Level.BROKEN] < len(manifests) / 50, count


def _files(corpus: Path) -> Iterator[File]:
    seen: set[tuple[str, str, str]] = set()
    for description in sorted(corpus.glob("*__*.json")):
        repository = json.loads(description.read_bytes())
        for snapshot in repository["snapshots"]:
            for path, mode, _, oid in snapshot["entries"]:
                parts = PurePosixPath(path)
                folder = str(parts.parent) if parts.parent.name else repository["full_name"].rpartition("/")[2]
                key = (oid, PurePosixPath(folder).name, parts.name)
                if parts.name.lower() != "skill.md" or mode == "120000" or oid not in repository["texts"]:
                    continue
                if key not in seen:
                    seen.add(key)
                    data = _bytes(repository["texts"][oid])
                    yield File(f"{repository['full_name']}: {path}", folder, parts.name, data)


def _bytes(text: str | dict[str, str]) -> bytes:
    return text.encode() if isinstance(text, str) else text["latin1"].encode("latin-1")


def _reference(file: File) -> Verdict:
    if file.name not in ("SKILL.md", "skill.md"):
        return Verdict({}, "", ["no such file to skills-ref"])
    try:
        text = file.data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        metadata, body = parser.parse_frontmatter(text)
    except Exception as error:  # strictyaml raises more than ParseError: AttributeError for a NUL
        return Verdict({}, "", [f"{type(error).__name__}: {error}"])
    folder = Path("/skills") / PurePosixPath(file.folder).name
    return Verdict(metadata, body, validator.validate_metadata(metadata, folder))
