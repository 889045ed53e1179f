"""What pages say: files, changes, costs, places of findings, twins, feeds, cards, badges, lists, reports, docs."""

from __future__ import annotations

import gzip
import io
import json
import re
import time
import xml.etree.ElementTree as ET
from dataclasses import replace
from html import unescape
from pathlib import Path

import httpx
import pytest
from PIL import Image

from skillapi.app import create_app
from skillapi.live import FolderSource
from skilldata.config import Settings, SiteSettings
from skilldata.snapshot import FileRow, Snapshot
from skillsite.build import build_site
from skillsite.check import check_site
from skillsite.comparing import MAX_LINES, compare
from skillsite.loadcost import load_cost
from skillsite.packages import MAX_FILE
from tests.snapshots import ACME, FORK, SAMPLES, SampleVersion, make_snapshot, sample_skill, skill_text
from tests.test_api import MemoryStore, serving

ATOM = "{http://www.w3.org/2005/Atom}"
PDF = "s/acme/tools/pdf-forms"
BIG = b"x" * (MAX_FILE + 1)
NOTED = sample_skill(
    ACME,
    "noted",
    "Has remarks.",
    "# Noted\n",
    versions=(
        SampleVersion("0.0.1", skill_text("noted", "Has remarks.", "# Noted\n"), {"run.sh": b"one\ntwo\n"}),
        SampleVersion(
            "0.0.2",
            skill_text("noted", "Has remarks.", "# Noted\n"),
            {"run.sh": b"one\nsecond\n", "a/b/deep.txt": b"deep\n", "big.txt": BIG, "data.bin": b"\0\1"},
            day=3,
        ),
    ),
    verdict="findings",
    findings=(
        ("persistence", "HIGH", "run.sh", 2, "second", "It outlives the task.", "Say how to remove it."),
        ("large", "MEDIUM", "big.txt", 1, "x", "It is large.", "Make it small."),
    ),
    diagnostics=(("link.broken", "warning", "a/b/deep.txt", 1, "leads nowhere", "Mend it."),),
)
CLOSED = sample_skill(FORK, "closed", "Without a licence.", "# Closed\nsecret words\n", licence=None)
SKILLS = [*SAMPLES, NOTED, CLOSED]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the sample skills and two more."""
    root = tmp_path_factory.mktemp("pages")
    with Snapshot(make_snapshot(root / "snapshot", SKILLS)) as snapshot:
        return build_site(snapshot, root / "out", settings=SiteSettings(), jobs=1, packages=MemoryStore(SKILLS)).path


def test_all_of_it_is_in_order(site: Path) -> None:
    assert check_site(site) == []


def test_every_text_file_can_be_read_and_others_lead_to_their_source(site: Path) -> None:
    page = (site / "s/acme/tools/noted.files.html").read_text()
    assert "deep" in page
    assert re.search(r'<mark id="f\d-2">second</mark>', page)
    assert "xxxxxxxx" not in page
    assert re.search(r'href="https://github.com/acme/tools/blob/\w{40}/skills/noted/data.bin"', page)


def test_a_finding_leads_to_its_line_here_or_at_the_source(site: Path) -> None:
    page = (site / "s/acme/tools/noted.html").read_text()
    assert re.search(r'href="/s/acme/tools/noted\.files\.html#f\d-2">run\.sh:2</a>', page)
    assert re.search(r'blob/\w{40}/skills/noted/big\.txt#L1" rel="nofollow">big\.txt:1</a>', page)
    assert re.search(r'href="/s/acme/tools/noted\.files\.html#f\d-1">a/b/deep\.txt:1</a>', page)


def test_the_tree_shows_folders_sizes_and_what_is_executable(site: Path) -> None:
    page = (site / f"{PDF}.html").read_text()
    assert re.search(r'colspan="4">scripts/</td>', page)
    assert re.search(r'run\.py</a> <span class="tag">executable</span></td><td class="right">13 B', page)


def test_the_last_change_is_shown_line_by_line(site: Path) -> None:
    page = (site / "s/acme/tools/noted.changes.html").read_text()
    assert "0.0.1 → 0.0.2" in page
    assert "<del>- two</del>" in page
    assert "<ins>+ second</ins>" in page
    assert "not text that can be shown here" in page
    assert 'href="/s/acme/tools/noted.changes.html#v2">what changed' in (site / "s/acme/tools/noted.html").read_text()


def test_texts_without_a_licence_are_shown_nowhere(site: Path) -> None:
    assert not (site / "s/zoe/tools/closed.files.html").exists()
    for path in (site / "s/zoe/tools").iterdir():
        assert b"secret words" not in path.read_bytes(), path


def test_every_client_has_a_line_that_is_pinned(site: Path) -> None:
    page = unescape((site / f"{PDF}.html").read_text())
    at = "http://127.0.0.1:8080/r/acme/tools@pdf-forms/1.2.0"
    assert f"npx skills add {at}</code>" in page
    assert f"/plugin marketplace add {at}/marketplace.json\n/plugin install pdf-forms@acme_tools_pdf-forms" in page
    assert f'"{at}/.well-known/skills/"' in page
    assert "clawhub install @acme/pdf-forms --version 1.2.0" in page


def test_pages_lie_beside_what_clients_install_from(site: Path) -> None:
    app = create_app(FolderSource(site.parents[2] / "snapshot"), None, Settings(), site_folder=site.parents[1])
    with serving(app) as url:
        for path in ("r/acme/tools/", "o/acme/feed.atom", "r/acme/tools/card.png"):
            assert httpx.get(f"{url}/{path}").status_code == 200, path
        assert httpx.get(f"{url}/s/acme/.files").status_code == 404


def test_what_loading_costs_is_estimated(site: Path) -> None:
    with Snapshot(site.parents[2] / "snapshot") as snapshot:
        skill = snapshot.skill("acme", "tools", "noted")
        closed = snapshot.skill(FORK.owner, FORK.name, "closed")
    text = "---\nname: a\n---\n\n# Body\n"
    files = [
        FileRow("SKILL.md", 0o644, len(text), ""),
        FileRow("ref.md", 0o644, 400, ""),
        FileRow("a.PNG", 0o644, 9000, ""),
    ]
    assert load_cost(replace(skill, text=text, files=files)) == (4, 2, 106)
    assert load_cost(replace(skill, text="表計算", files=[])).body == 3
    front, body, whole = load_cost(closed)  # its text is not handed out
    assert not closed.text
    assert whole == -(-sum(file.size for file in closed.files) // 4)
    assert 0 < front < whole
    assert 0 < body < whole - front + 2


def test_badges_cards_and_snippets(site: Path) -> None:
    badge = (site / f"{PDF}.svg").read_text()
    assert ET.fromstring(badge).get("aria-label") == "agent skill: 1.2.0 · no findings"
    page = (site / f"{PDF}.html").read_text()
    assert "[![pdf-forms on 127.0.0.1:8080](http://127.0.0.1:8080/s/acme/tools/pdf-forms.svg)]" in page
    for card in ("card.png", "r/acme/tools/card.png"):
        with Image.open(io.BytesIO((site / card).read_bytes())) as picture:
            assert picture.size == (600, 315)
    assert 'property="og:image" content="http://127.0.0.1:8080/r/acme/tools/card.png"' in page


@pytest.mark.parametrize(("feed", "titles"), [
    ("feed.atom", "pdf-forms 1.2.0"),
    ("o/acme/feed.atom", "pdf-forms 1.2.0"),
    ("r/acme/tools/feed.atom", "pdf-forms 1.2.0"),
    ("topic/pdf/feed.atom", "pdf-forms 1.2.0"),
    (f"{PDF}.atom", "pdf-forms 1.0.0"),
    ("s/mallory/evil.repo/xss.atom", "0.0.1"),
])  # fmt: skip
def test_feeds_are_atom_with_what_is_new(site: Path, feed: str, titles: str) -> None:
    root = ET.fromstring((site / feed).read_bytes())
    assert root.tag == f"{ATOM}feed"
    entries = root.findall(f"{ATOM}entry")
    identifiers = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(identifiers)) == len(identifiers) > 0
    assert any(titles in (entry.findtext(f"{ATOM}title") or "") for entry in entries)
    updated = [entry.findtext(f"{ATOM}updated") or "" for entry in entries]
    assert updated == sorted(updated, reverse=True)
    for required in ("id", "title", "updated"):
        assert root.findtext(f"{ATOM}{required}")


def test_every_page_has_its_machine_parts(site: Path) -> None:
    for name in (
        "index.html",
        "skills/index.html",
        "browse/index.html",
        "o/acme/index.html",
        "r/acme/tools/index.html",
    ):
        page = (site / name).read_text()
        twin = json.loads((site / name.replace(".html", ".json")).read_text())
        assert twin["url"] in page
        assert (site / name.replace(".html", ".md")).read_text().startswith("# ")
        [data] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
        assert json.loads(data)["@context"] == "https://schema.org"
        assert '<link rel="canonical"' in page
    skills = json.loads((site / "skills/index.json").read_text())["skills"]
    assert {"acme", "zoe", "nolicence"} <= {skill["owner"] for skill in skills}
    listed = (site / "topic/pdf/index.md").read_text()
    assert "- [pdf-forms](http://127.0.0.1:8080/s/acme/tools/pdf-forms.md) (acme/tools): Fill, flatten" in listed


def test_lists_by_every_facet(site: Path) -> None:
    for folder, name in (
        ("level/strict", "pdf-forms"),
        ("verdict/findings", "noted"),
        ("licence/Apache-2.0", "kaigi"),
        ("licence/none", "meeting-notes"),
        ("topic/agent-skills", "表整理"),
    ):
        assert name in (site / folder / "index.html").read_text(), folder
        assert f"/{folder}/" in (site / "browse/index.html").read_text()


def test_reports_say_what_changed_and_why_folders_are_refused(site: Path) -> None:
    assert "Add a description." in (site / "why/index.html").read_text()
    changes = (site / "changes/index.html").read_text()
    assert re.search(r'<span class="tag gone">gone</span> <a href="/s/vanished/old/old-skill.html"', changes)
    assert re.search(
        r"<rect x=\"\d+\" y=\"\d+\" width=\"\d+\" height=\"\d+\"/>", (site / "stats/index.html").read_text()
    )


def test_the_documentation_is_part_of_the_site(site: Path) -> None:
    page = (site / "docs/diagnostics/index.html").read_text()
    assert "name.missing" in page
    assert 'href="/docs/adr/0004-strict-level/"' in page


def test_a_comparison_of_hostile_texts_ends_soon() -> None:
    lines = [f"line {number % (MAX_LINES // 15)}" for number in range(MAX_LINES)]
    before, after = "\n".join(lines), "\n".join(reversed(lines))
    rows = [[FileRow("a", 0o644, 1, sha)] for sha in ("1", "2")]
    started = time.process_time()
    [change] = compare(rows[0], rows[1], {"a": before}, {"a": after}).files
    assert change.kind == "changed"
    assert time.process_time() - started < 5


def test_a_change_of_one_skill_leaves_the_folders_of_other_owners_shared(tmp_path: Path) -> None:
    paths = []
    for number, skills in enumerate((SAMPLES, [replace(SAMPLES[0], description="Another."), *SAMPLES[1:]])):
        with Snapshot(make_snapshot(tmp_path / str(number), skills)) as snapshot:
            paths.append(build_site(snapshot, tmp_path / "out", settings=SiteSettings(), jobs=1).path)
    first, second = paths
    for owner, same in (("acme", False), ("mallory", True), ("zoe", True)):
        assert ((first / "s" / owner).resolve() == (second / "s" / owner).resolve()) is same, owner
    assert "Another." in (second / "s/acme/tools/pdf-forms.html").read_text()
    assert "Another." not in (first / "s/acme/tools/pdf-forms.html").read_text()


def test_pages_style_and_script_are_small(site: Path) -> None:
    def weight(*names: str) -> int:
        return sum(len(gzip.compress((site / name).read_bytes(), 6)) for name in names)

    assert weight("static/app.css") <= 6000
    assert weight("static/app.js") <= 6000
    shared = ("static/app.css", "static/app.js", "static/favicon.svg")
    for first in ("index.html", "skills/index.html", "browse/index.html", "search/index.html"):
        assert weight(first, *shared) <= 25_000, first


def test_a_long_skill_page_is_small_enough(tmp_path: Path) -> None:
    sentence = "Check row {} of the sheet `data-{}.csv` against [the list](ref/{}.md), then go on with step {}.\n\n"
    body = "".join(sentence.format(number, number * 7, number * 31, number * 13) for number in range(330))
    files = {f"ref/{number}.md": f"{number}\n".encode() for number in range(40)}
    text = skill_text("long", "A long one.", "# Long\n\n" + body)
    skill = sample_skill(ACME, "long", "A long one.", "", versions=(SampleVersion("1.0.0", text, files),))
    with Snapshot(make_snapshot(tmp_path / "one", [skill])) as snapshot:
        report = build_site(snapshot, tmp_path / "out", settings=SiteSettings(), jobs=1, packages=MemoryStore([skill]))
    page = (report.path / "s/acme/tools/long.html").read_bytes()
    assert len(text) > 30_000  # as long as one in a hundred
    assert len(gzip.compress(page, 6)) <= 50_000  # style and script are ten more at most
