"""The index that browsers search finds what the API's finds, from few and small files."""

from __future__ import annotations

import gzip
import statistics
from collections.abc import Sequence
from pathlib import Path

import pytest

from skilldata.config import SiteSettings
from skilldata.search import SearchIndex, build_search_index
from skilldata.search.browser import browser_index
from skilldata.snapshot import SEARCH, Snapshot
from skillsite.build import build_site
from tests.relevance import corpus_skills, judge_all, score
from tests.relevance.answers import api_answers, browser_answers, write_browser_index
from tests.relevance.judgements import answer_key
from tests.snapshots import SAMPLES, SampleRepository, SampleSkill, make_snapshot, sample_skill

KIT = SampleRepository("small", "kit", stars=3)
MADE = (
    sample_skill(KIT, "csvtools", "Tables.", "# Tables\n"),
    sample_skill(KIT, "kube-doctor", "Diagnose Kubernetes clusters.", "# Pods\n\nRestarting pods.\n"),
    sample_skill(KIT, "access-log", "Read access logs.", "# Logs\n"),
    sample_skill(KIT, "accessibility", "Check pages for accessibility.", "# Pages\n\nOnly here: zyzzogeton.\n"),
    sample_skill(KIT, "__proto__", "Constructor of prototypes.", "# P\n", name="__proto__"),
)


def build(folder: Path, skills: Sequence[SampleSkill]) -> Path:
    """Make the search index of these skills."""
    with Snapshot(make_snapshot(folder, skills)) as snapshot:
        build_search_index(snapshot, folder / SEARCH)
    return folder / SEARCH


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("finding"), [*SAMPLES, *MADE])


@pytest.fixture(scope="module")
def folder(search: Path) -> Path:
    return write_browser_index(search, search.parent / "browser")


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("pdf forms", "acme/tools/pdf-forms"),
        ("pdfForms", "acme/tools/pdf-forms"),
        ("PDFFORMS", "acme/tools/pdf-forms"),
        ("csv tools", "acme/tools/csv-tools"),
        ("kubernetes", "small/kit/kube-doctor"),
        ("k8s", "small/kit/kube-doctor"),
        ("kubernets", "small/kit/kube-doctor"),
        ("ubernetes", "small/kit/kube-doctor"),
        ("kuber", "small/kit/kube-doctor"),
        ("restarted pod", "small/kit/kube-doctor"),
        ("zyzzogeton", "small/kit/accessibility"),
        ("accessibility", "small/kit/accessibility"),
        ("acme csv", "acme/tools/csv-tools"),
        ("集計", "Tanaka-Yuki/skills_jp/hyo-seiri"),
        ("表整理", "Tanaka-Yuki/skills_jp/hyo-seiri"),
        ("__proto__", "small/kit/__proto__"),
    ],
)
def test_the_browser_finds_what_is_meant(folder: Path, text: str, first: str) -> None:
    (found,) = browser_answers(folder, [text])
    assert found.addresses[:1] == [first]


@pytest.mark.parametrize("text", ["", " ", "the", "/", "\0", "*", "\ud83d\ude00", "(", "a" * 5000, "constructor " * 40])
def test_no_text_breaks_the_search(folder: Path, text: str) -> None:
    (found,) = browser_answers(folder, [text])
    assert len(found.addresses) <= 10


def test_a_typo_is_answered_with_what_was_meant(folder: Path) -> None:
    (found,) = browser_answers(folder, ["kubernets clusters"])
    assert found.better == "kubernetes clusters"


def test_copies_are_shown_once(folder: Path) -> None:
    (found,) = browser_answers(folder, ["clean and join csv"])
    assert [address for address in found.addresses if address.endswith("/csv-tools")] == ["acme/tools/csv-tools"]


def test_the_same_index_gives_the_same_files(search: Path) -> None:
    assert list(browser_index(search)) == list(browser_index(search))


def test_a_site_with_a_search_index_has_the_files_and_small_scripts(search: Path, tmp_path: Path) -> None:
    with Snapshot(search.parent) as snapshot:
        first = build_site(snapshot, tmp_path / "one", settings=SiteSettings(), jobs=1)
        second = build_site(snapshot, tmp_path / "two", settings=SiteSettings(), jobs=1)
    names = sorted(path.name for path in (first.path / "search" / "index").iterdir())
    assert f'*.{names[0].split(".")[1]}.bin"' in (first.path / "search" / "index.html").read_text()
    for name in names:
        file = Path("search") / "index" / name
        assert (first.path / file).read_bytes() == (second.path / file).read_bytes()
    scripts = sum(len(gzip.compress(path.read_bytes(), 9)) for path in (first.path / "static").glob("*.js"))
    assert scripts <= 6 * 1024


@pytest.mark.corpus
def test_browser_and_api_rank_real_skills_alike_and_well(corpus_directory: Path, tmp_path: Path) -> None:
    skills = corpus_skills(corpus_directory)
    search = build(tmp_path / "snapshot", skills)
    judged = judge_all(skills)
    texts = [one.text for one in judged]
    keys = {f"{one.repository.owner}/{one.repository.name}/{one.slug}": answer_key(one) for one in skills}
    found = browser_answers(write_browser_index(search, tmp_path / "browser"), texts)
    api, browser = (
        score(judged, [[keys[address] for address in one] for one in answers])
        for answers in (api_answers(SearchIndex(search), texts), [one.addresses for one in found])
    )
    assert len(judged) >= 200
    assert api.ndcg >= 0.85
    assert abs(api.ndcg - browser.ndcg) <= 0.02
    assert statistics.median(one.bytes for one in found) <= 65_536
    assert statistics.median(one.requests for one in found) <= 6
