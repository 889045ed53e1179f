"""The licence texts and statements of the real repositories."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from skillcrawler import links
from skillcrawler.discover import find_skills
from skillcrawler.gitobjects import TreeEntry
from skillcrawler.licence import Judgement, LicenceEvidence, LicenceFile, TextCache, judge_licence, licence_files
from skillcrawler.licence.files import is_licence_name
from skillcrawler.licence.texts import read_text
from skillcrawler.manifest import read_manifest
from skillcrawler.tree import RepositoryTree
from skilldata.config import LicenceSettings

pytestmark = [pytest.mark.corpus, pytest.mark.timeout(120)]

# A sentence that only a licence of the family has, so that a licence that is found can be checked.
SENTENCES = {
    "MIT": "permission is hereby granted, free of charge, to any person obtaining a copy",
    "Apache-2.0": "apache license version 2.0, january 2004",
    "BSD-3-Clause": "neither the name of",
    "CC-BY-4.0": "creative commons attribution 4.0 international public license",
}
# Licences with words changed, which GitHub may know all the same; short forms; and terms of their own.
NOT_RECOGNISED = {
    "K-Dense-AI/claude-scientific-skills/scientific-skills/docx/LICENSE.txt",
    "LeoYeAI/openclaw-master-skills/skills/ltx-video/LICENSE.txt",
    "getsentry/skills/LICENSE",
    "getsentry/skills/skills/django-perf-review/LICENSE",
    "getsentry/skills/skills/security-review/LICENSE",
    "github/awesome-copilot/skills/quality-playbook/LICENSE.txt",
    "mukul975/Anthropic-Cybersecurity-Skills/LICENSE",
    "mukul975/Anthropic-Cybersecurity-Skills/skills/implementing-attack-surface-management/LICENSE",
    "neondatabase/agent-skills/LICENSE",
}


class Repository:
    """One repository at its newest commit, without a network."""

    def __init__(self, path: Path) -> None:
        data = json.loads(path.read_text(encoding="utf-8"))
        self.name: str = data["full_name"]
        self._texts = data["texts"]
        entries = data["snapshots"][-1]["entries"]
        self.tree = RepositoryTree([TreeEntry(name, int(mode, 8), oid, size) for name, mode, size, oid in entries])
        self._links = {entry.oid: self.blob(entry) or b"" for entry in self.tree.leaves if entry.is_link}

    def blob(self, entry: TreeEntry) -> bytes | None:
        text = self._texts.get(entry.oid)
        return text.encode() if isinstance(text, str) else text and text["latin1"].encode("latin1")

    def follow(self, entry: TreeEntry) -> TreeEntry | None:
        end = links.resolve(self.tree, entry, self._links) if entry.is_link else entry
        return end if isinstance(end, TreeEntry) and end.is_file else None

    def licence_texts(self) -> Iterator[tuple[str, bytes]]:
        for entry in self.tree.leaves:
            if entry.is_file and is_licence_name(entry.name) and (data := self.blob(entry)) is not None:
                yield entry.path, data


class Judged(NamedTuple):
    """A skill with what was seen of it."""

    where: str
    stated: str | None
    files: list[LicenceFile]
    judgement: Judgement


@pytest.fixture(scope="module")
def repositories(corpus_directory: Path) -> list[Repository]:
    return [Repository(path) for path in sorted(corpus_directory.glob("*__*.json"))]


@pytest.fixture(scope="module")
def judged(repositories: list[Repository]) -> list[Judged]:
    """Every skill whose texts are all there, judged without GitHub."""
    return [skill for repository in repositories for skill in _judge(repository)]


def test_a_text_is_the_licence_that_it_is_said_to_be(repositories: list[Repository]) -> None:
    recognised = 0
    for path, data in _distinct(repositories):
        found = read_text(data)
        if found.expression is None or not found.unchanged:
            continue
        words = " ".join(data.decode("utf-8", "replace").casefold().split())
        assert SENTENCES[found.expression.spdx] in words, path
        recognised += 1
    assert recognised >= 50


def test_texts_that_are_not_recognised_are_known_one_by_one(repositories: list[Repository]) -> None:
    assert {path for path, data in _distinct(repositories) if not read_text(data).unchanged} == NOT_RECOGNISED


def test_a_text_takes_milliseconds(repositories: list[Repository]) -> None:
    texts = [data for _, data in _distinct(repositories)]
    read_text(texts[0])
    started = time.process_time()
    for data in texts:
        read_text(data)
    assert (time.process_time() - started) / len(texts) < 0.1  # 6 ms


def test_files_are_handed_out_only_where_all_that_is_near_is_a_free_licence(judged: list[Judged]) -> None:
    free = [skill for skill in judged if skill.judgement.redistributable]
    assert len(free) >= 2500
    for skill in free:
        nearest = [file for file in skill.files if file.folder == skill.files[0].folder]
        assert all(b"All rights reserved. LICENSE" not in b" ".join((file.data or b"").split()) for file in nearest)
        assert "proprietary" not in (skill.stated or "").casefold(), skill.where
        assert skill.judgement.licence.spdx


def test_skills_under_plain_mit_at_the_root_are_all_handed_out(judged: list[Judged]) -> None:
    plain = [skill for skill in judged if skill.stated is None and [file.path for file in skill.files] == ["LICENSE"]]
    mit = [
        skill for skill in plain if b"without restriction, including" in b" ".join((skill.files[0].data or b"").split())
    ]
    assert len(mit) >= 1000
    assert all(skill.judgement.redistributable and skill.judgement.licence.spdx == "MIT" for skill in mit)
    assert all(skill.judgement.diagnostics == () for skill in mit)


def test_proprietary_skills_are_held_back_with_a_reason(judged: list[Judged]) -> None:
    proprietary = [skill for skill in judged if "proprietary" in (skill.stated or "").casefold()]
    assert len(proprietary) >= 10
    for skill in proprietary:
        assert not skill.judgement.redistributable
        assert skill.judgement.licence.spdx is None
        assert {found.rule for found in skill.judgement.diagnostics} >= {"licence.not-spdx"}


def _distinct(repositories: list[Repository]) -> list[tuple[str, bytes]]:
    """List each licence text of the corpus once, by the place it was first seen at."""
    seen: dict[bytes, str] = {}
    for repository in repositories:
        for path, data in sorted(repository.licence_texts(), key=lambda text: (text[0].count("/"), text[0])):
            seen.setdefault(data, f"{repository.name}/{path}")
    return [(path, data) for data, path in seen.items()]


def _judge(repository: Repository) -> Iterator[Judged]:
    cache: TextCache = {}
    for skill in find_skills(repository.tree).skills:
        manifest = repository.follow(skill.manifest)
        data = repository.blob(manifest) if manifest else None
        found = [(entry.path, repository.follow(entry)) for entry in licence_files(repository.tree, skill.path)]
        files = [LicenceFile(path, repository.blob(entry)) for path, entry in found if entry is not None]
        if data is None or any(file.data is None for file in files):
            continue
        stated = read_manifest(data, folder=skill.path).licence_text
        evidence = LicenceEvidence(stated, files, None, skill.path, skill.manifest_file)
        judgement = judge_licence(evidence, redistributable=LicenceSettings().redistributable, cache=cache)
        yield Judged(f"{repository.name}/{skill.path}", stated, files, judgement)
