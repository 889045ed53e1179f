"""The static site: whole, checked, the same each time, and swapped in at once."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from skilldata.config import SiteSettings
from skilldata.snapshot import Snapshot
from skillsite.build import BuildReport, build_site
from skillsite.check import check_site
from tests.snapshots import SAMPLES, XSS, SampleSkill, make_snapshot


def build(folder: Path, output: Path, **changes: object) -> BuildReport:
    with Snapshot(folder) as snapshot:
        return build_site(snapshot, output, settings=SiteSettings(), jobs=1)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the sample skills."""
    root = tmp_path_factory.mktemp("site")
    build(make_snapshot(root / "snapshot"), root / "out")
    return root / "out" / "live"


def test_every_page_is_in_order(site: Path) -> None:
    assert check_site(site) == []


@pytest.mark.parametrize(("planted", "said"), [
    ('<a href="/nowhere.html">x</a>', "nowhere"),
    ('<a href="#no-such-id">x</a>', "no-such-id"),
    ("<script>alert(1)</script>", "script"),
    ('<p style="color:red">x</p>', "style"),
    ('<p onclick="x()">x</p>', "onclick"),
    ('<img alt="" src="https://tracker.invalid/p.gif">', "tracker.invalid"),
    ('<p id="twice">a</p><p id="twice">b</p>', "twice"),
    ("<p><strong>x</p></strong>", "strong"),
])  # fmt: skip
def test_the_check_finds_what_is_planted(site: Path, tmp_path: Path, planted: str, said: str) -> None:
    copy = tmp_path / "copy"
    for name, content in files(site).items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes(content)
    page = copy / "about" / "index.html"
    page.write_text(page.read_text().replace("</main>", f"{planted}</main>"))
    assert any(said in str(problem) for problem in check_site(copy))


def test_the_same_snapshot_gives_the_same_bytes(site: Path, tmp_path: Path) -> None:
    build(site.parents[1] / "snapshot", tmp_path / "out")
    again = files(tmp_path / "out" / "live")
    first = files(site)
    assert again.keys() == first.keys()
    assert [name for name in first if again[name] != first[name]] == []


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    first = build(make_snapshot(tmp_path / "one"), tmp_path / "out")
    inodes = {name: (first.path / name).stat().st_ino for name in files(first.path)}
    skills = [replace(SAMPLES[0], description="Another description."), *SAMPLES[1:]]
    second = build(make_snapshot(tmp_path / "two", skills=skills), tmp_path / "out")
    assert second.path != first.path
    assert second.kept > 0
    assert 0 < second.written < first.written / 2
    other = f"s/{SAMPLES[1].repository.owner}/{SAMPLES[1].repository.name}/{SAMPLES[1].slug}.html"
    assert (second.path / other).stat().st_ino == inodes[other]
    assert (tmp_path / "out" / "live").resolve() == second.path.resolve()
    assert (first.path / "index.html").exists()


def test_a_failed_build_leaves_the_live_site_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(make_snapshot(tmp_path / "one"), tmp_path / "out")
    before = files(tmp_path / "out" / "live")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("skillsite.release.write_files", full)
    monkeypatch.setattr("skillsite.build.releases.write_files", full)
    skills = [replace(SAMPLES[0], description="Another description."), *SAMPLES[1:]]
    with pytest.raises(OSError, match="No space left"):
        build(make_snapshot(tmp_path / "two", skills=skills), tmp_path / "out")
    assert files(tmp_path / "out" / "live") == before


def test_an_author_sees_why_a_folder_is_not_listed(site: Path) -> None:
    refused = [skill for skill in SAMPLES if skill.state == "refused"]
    assert refused
    for skill in refused:
        page = (site / "r" / skill.repository.owner / skill.repository.name / "index.html").read_text()
        for rule, _, _, _, _, remedy in skill.diagnostics:
            assert rule in page
            assert remedy.split("'")[0][:30] in page


def test_bytes_that_may_not_be_handed_out_are_not_offered(site: Path) -> None:
    def page_of(skill: SampleSkill) -> str:
        return (site / "s" / skill.repository.owner / skill.repository.name / f"{skill.slug}.html").read_text()

    listed = [skill for skill in SAMPLES if skill.state == "listed" and skill.slug]
    free = next(skill for skill in listed if skill.redistributable)
    closed = next(skill for skill in listed if not skill.redistributable)
    assert "/api/v1/packages/sha256:" in page_of(free)
    assert "/api/v1/packages/sha256:" not in page_of(closed)
    assert "https://github.com/" in page_of(closed)


def test_machines_get_the_same_page_as_json_and_markdown(site: Path) -> None:
    skill = SAMPLES[0]
    base = site / "s" / skill.repository.owner / skill.repository.name
    twin = json.loads((base / f"{skill.slug}.json").read_text())
    assert twin["name"] == skill.name
    assert skill.description in (base / f"{skill.slug}.md").read_text()
    page = (base / f"{skill.slug}.html").read_text()
    [data] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert json.loads(data)["name"] == skill.name


def test_hostile_texts_stay_texts_on_every_page(site: Path) -> None:
    for name, content in files(site).items():
        if name.endswith((".html", ".xml")):
            text = content.decode()
            assert XSS not in text, name
            assert "<script>alert" not in text, name
            assert "javascript:alert" not in re.sub(r"&[#\w]+;", "", " ".join(re.findall(r'href="([^"]*)"', text))), (
                name
            )


def test_what_crawlers_and_agents_look_for_is_there(site: Path) -> None:
    for name in ("sitemap.xml", "robots.txt", "llms.txt", ".well-known/security.txt", "404.html", "static/app.css"):
        assert (site / name).stat().st_size > 0
