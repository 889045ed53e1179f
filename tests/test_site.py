"""The static site: whole, checked, the same each time, and swapped in at once."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from skillapi.app import create_app
from skillapi.live import FolderSource
from skilldata.config import Settings, SiteSettings
from skilldata.search import build_search_index
from skilldata.snapshot import SEARCH, Skill, Snapshot
from skillsite.addresses import AddressError, Addresses, repository_path, skill_path
from skillsite.build import BuildReport, build_site
from skillsite.check import check_site
from skillsite.install import download
from skillsite.packages import PackageReader
from skillsite.release import KEEP_RELEASES, SiteError, only_builder
from skillsite.skillpages import skill_page
from skillsite.visible import one_line, show_hidden
from tests.snapshots import ACME, SAMPLES, XSS, SampleSkill, make_snapshot, sample_skill
from tests.test_api import MemoryStore, serving


def build(
    folder: Path,
    output: Path,
    *,
    base_url: str = "http://127.0.0.1:8080/",
    jobs: int = 1,
    packages: PackageReader | None = None,
) -> BuildReport:
    settings = SiteSettings.model_validate({"base_url": base_url})
    with Snapshot(folder) as snapshot:
        return build_site(snapshot, output, settings=settings, jobs=jobs, packages=packages)


def files(folder: Path) -> dict[str, bytes]:
    paths = [Path(parent, name) for parent, _, names in os.walk(folder, followlinks=True) for name in names]
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(paths)}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the sample skills."""
    root = tmp_path_factory.mktemp("site")
    build(make_snapshot(root / "snapshot"), root / "out", packages=MemoryStore())
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
    build(site.parents[1] / "snapshot", tmp_path / "out", packages=MemoryStore())
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
    monkeypatch.setattr("skillsite.worker.write_files", full)
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


def test_a_page_says_what_the_scanner_found_and_what_it_cannot_see(site: Path) -> None:
    found = (site / "s" / "mallory" / "evil.repo" / "xss.html").read_text()
    assert re.search(r'<dd class="error"><a href="#findings">findings</a>', found)
    assert re.search(r">high</span> <code>persistence</code>.*:3</span>", found)
    assert "It outlives the task." in found
    assert "Second opinion, advisory" in found
    assert re.search(r"found 14 things, the heaviest high\. .*changes nothing here", found)
    assert re.search(r">low</span> <code>R2</code></p>\n<p[^>]*>It is vague\.</p>", found)
    twin = json.loads((site / "s" / "mallory" / "evil.repo" / "xss.json").read_text())
    assert (twin["verdict"], twin["second_opinion"]["highest"]) == ("findings", "HIGH")
    quiet = (site / "s" / "acme" / "tools" / "pdf-forms.html").read_text()
    assert "Second opinion" not in quiet
    assert re.search(r'<dd class=""><a href="#findings">no findings</a>', quiet)
    assert "no promise" in quiet
    assert "do not understand ordinary prose" in quiet
    assert "scan incomplete" in (site / "s" / "Tanaka-Yuki" / "skills_jp" / "kaigi.html").read_text()


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


def test_several_processes_give_the_same_bytes_as_one(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skillsite.build.PARALLEL_FROM", 1)
    monkeypatch.setattr("skillsite.build.BATCH", 3)
    report = build(site.parents[1] / "snapshot", tmp_path / "out", jobs=2, packages=MemoryStore())
    assert report.kept == 0
    assert files(report.path) == files(site)


def test_the_same_snapshot_again_writes_nothing(tmp_path: Path) -> None:
    first = build(make_snapshot(tmp_path / "one"), tmp_path / "out")
    again = build(tmp_path / "one", tmp_path / "out")
    assert (again.path, again.written, again.kept) == (first.path, 0, first.written)


def test_an_index_without_skills_is_a_site_too(tmp_path: Path) -> None:
    report = build(make_snapshot(tmp_path / "empty", [], repositories=[ACME]), tmp_path / "out")
    assert check_site(report.path) == []
    assert "No folder with a SKILL.md was found" in (report.path / "r/acme/tools/index.html").read_text()


def test_a_site_below_a_path_links_below_that_path(tmp_path: Path) -> None:
    report = build(make_snapshot(tmp_path / "one"), tmp_path / "out", base_url="https://example.org/registry/")
    assert check_site(report.path) == []
    page = (report.path / "index.html").read_text()
    inside = [link for link in re.findall(r' (?:href|src|action)="([^"]*)"', page) if link.startswith("/")]
    assert inside
    assert all(link.startswith("/registry/") for link in inside)


def test_a_name_that_could_lead_out_of_the_site_gets_no_page_and_is_recorded(tmp_path: Path) -> None:
    report = build(make_snapshot(tmp_path / "one"), tmp_path / "out")
    [skipped] = report.skipped
    assert "../../etc" in skipped
    assert not list(tmp_path.rglob("passwd*"))


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "a\\b", "a\0b", "a b", "ä", "a\n", "x" * 101])
def test_such_names_have_no_address(name: str) -> None:
    with pytest.raises(AddressError):
        repository_path("acme", name)
    with pytest.raises(AddressError):
        skill_path("acme", "tools", name)


def test_only_the_last_releases_stay(tmp_path: Path) -> None:
    releases = []
    for number in range(KEEP_RELEASES + 2):
        skills = [replace(SAMPLES[0], description=f"Description {number}."), *SAMPLES[1:]]
        releases.append(build(make_snapshot(tmp_path / f"snapshot-{number}", skills), tmp_path / "out").path)
    kept = {path for path in (tmp_path / "out" / "releases").iterdir() if path.is_dir()}
    assert kept == set(releases[-KEEP_RELEASES:])
    assert (tmp_path / "out" / "live").resolve() == releases[-1]


def test_two_builds_do_not_write_to_the_same_folder(tmp_path: Path) -> None:
    snapshot = make_snapshot(tmp_path / "one")
    with only_builder(tmp_path / "out"), pytest.raises(SiteError, match="another build"):
        build(snapshot, tmp_path / "out")


def test_what_an_interrupted_build_left_is_cleared(tmp_path: Path) -> None:
    left = tmp_path / "out" / "releases" / ".building-something"
    (left / "s").mkdir(parents=True)
    (left / "s" / "page.html").write_text("half")
    report = build(make_snapshot(tmp_path / "one"), tmp_path / "out")
    assert not left.exists()
    assert check_site(report.path) == []


def test_a_long_list_has_pages_that_lead_to_each_other(tmp_path: Path) -> None:
    skills = [sample_skill(ACME, f"skill-{number:03}", "Does it.", "# It\n") for number in range(205)]
    report = build(make_snapshot(tmp_path / "many", skills), tmp_path / "out")
    assert check_site(report.path) == []
    for folder in ("skills", "r/acme/tools", "o/acme", "topic/pdf", "level/strict", "licence/MIT"):
        second = (report.path / folder / "2.html").read_text()
        assert "205 skills, page 2 of 3" in second
        assert f'rel="prev" href="/{folder}/"' in second
        assert f'rel="next" href="/{folder}/3.html"' in second
        assert "skill-100" in second


def one_skill(folder: Path, skill: SampleSkill) -> Skill:
    """Read a skill back from a snapshot that has only this one."""
    with Snapshot(make_snapshot(folder, [skill])) as snapshot:
        return snapshot.skill(skill.repository.owner, skill.repository.name, skill.slug or "")


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("unzip")), reason="curl or unzip is not installed")
def test_the_commands_for_a_download_work_and_notice_other_bytes(tmp_path: Path) -> None:
    skill = one_skill(tmp_path / "snapshot", SAMPLES[0])
    with Snapshot(tmp_path / "snapshot") as snapshot:
        build_search_index(snapshot, tmp_path / "snapshot" / SEARCH)
    with serving(create_app(FolderSource(tmp_path / "snapshot"), MemoryStore([SAMPLES[0]]), Settings())) as url:
        found = download(skill, Addresses(url + "/"))
        assert found
        home = tmp_path / "home"
        home.mkdir()

        def run(command: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                ["sh", "-ec", command],
                cwd=home,
                env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
                capture_output=True,
                text=True,
                check=False,
            )

        assert run(found.fetch).returncode == 0
        assert [run(one.text).returncode for one in found.folders] == [0, 0, 0]
        for folder in (".claude/skills", ".config/opencode/skills", ".agents/skills"):
            assert (home / folder / "pdf-forms" / "SKILL.md").read_text() == SAMPLES[0].versions[-1].text
        (home / found.file).write_bytes(b"something else")
        checked = run(found.fetch.partition(" && ")[2] + " && touch unpacked")
        assert checked.returncode != 0
        assert "FAILED" in checked.stdout
        assert not (home / "unpacked").exists()


@pytest.mark.parametrize("folder", ["skills/plain", "", ":(top)it's", '-a "b" $(touch owned) `c`', "*"])
def test_the_commands_for_git_fetch_exactly_the_folder(tmp_path: Path, folder: str) -> None:
    def git(*arguments: str, cwd: Path) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.invalid", "-c", "commit.gpgsign=false")
        return subprocess.run(
            ["git", *identity, *arguments], cwd=cwd, capture_output=True, text=True, check=True
        ).stdout

    upstream = tmp_path / "acme" / "tools"
    for path in (folder, "other"):
        (upstream / path).mkdir(parents=True, exist_ok=True)
        (upstream / path / "SKILL.md").write_text(f"in {path}")
    git("init", "-q", cwd=upstream)
    git("config", "uploadpack.allowFilter", "true", cwd=upstream)
    git("add", "-A", cwd=upstream)
    git("commit", "-qm", "one", cwd=upstream)
    skill = one_skill(tmp_path / "snapshot", replace(SAMPLES[1], path=folder))
    version = replace(skill.versions[0], revision=git("rev-parse", "HEAD", cwd=upstream).strip())
    page = skill_page(replace(skill, versions=[version]), Addresses("http://127.0.0.1/", f"file://{tmp_path}"))
    work = tmp_path / "work"
    work.mkdir()
    subprocess.run(["sh", "-ec", page.context["git"]], cwd=work, capture_output=True, check=True)
    assert (work / "tools" / folder / "SKILL.md").read_text() == f"in {folder}"
    assert (work / "tools" / "other").exists() == (folder == "")
    assert [path.name for path in work.iterdir()] == ["tools"]


@pytest.mark.parametrize(("text", "shown"), [
    ("plain\ttext\n", "plain\ttext\n"),
    ("\ufeffstart", "start"),
    ("a\u202eb", "a⟦U+202E⟧b"),
    ("\U000e0041", "⟦U+E0041⟧"),
    ("a\ufe0f", "a⟦U+FE0F⟧"),
    ("a\u200db", "a⟦U+200D⟧b"),
    ("⚠\ufe0f 1\ufe0f⃣ 👩\u200d💻", "⚠\ufe0f 1\ufe0f⃣ 👩\u200d💻"),
    ("表の整理", "表の整理"),
    ("\u3164\u2800\x00", "⟦U+3164⟧⟦U+2800⟧⟦U+0000⟧"),
])  # fmt: skip
def test_what_cannot_be_seen_is_shown(text: str, shown: str) -> None:
    assert show_hidden(text) == shown


def test_one_line_is_one_line_and_ends_at_a_word() -> None:
    assert one_line("a  b\n\nc") == "a b c"
    assert one_line("several words of a long sentence", 15) == "several words…"
    assert len(one_line("x" * 500, 100)) == 101
