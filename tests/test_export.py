"""The export: one index gives one id, and the snapshot says what the index says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from skilldata.errors import NotFound, SnapshotError
from skilldata.export import create_snapshot
from skilldata.observed import OBSERVED
from skilldata.search import Query, SearchIndex
from skilldata.snapshot import BUILT, LISTING, MANIFEST, SEARCH, Snapshot, read_info
from skilldata.store import SnapshotStore
from tests.conftest import Registry
from tests.standin import StandIn
from tests.test_crawl import SKILL, Crawler

HOSTILE = 'quote " comma , \\N NULL backslash \\ snow ☃'
DESCRIPTION = json.dumps(HOSTILE, ensure_ascii=False)


@pytest.fixture
def crawler(registry: Registry, github: StandIn) -> Iterator[Crawler]:
    """A crawler that has crawled three folders, one of them no skill."""
    described = json.dumps(HOSTILE, ensure_ascii=False)
    files = {
        "a/SKILL.md": f'---\nname: a\nlicense: MIT\ndescription: {described}\n---\n\nBody, with "quotes"\n\n\\.\n',
        "b/SKILL.md": "---\nname: b\ndescription: ''\n---\n",
        "c/SKILL.md": SKILL.format(name="c"),
    }
    github.add_repository("acme/tools", files, topics=("csv", "data"), description="")
    with Crawler(registry) as made:
        made.crawl("acme/tools")
        yield made


def test_the_same_index_gives_the_same_snapshot(registry: Registry, crawler: Crawler, github: StandIn) -> None:
    state = registry.settings.state_directory
    first = create_snapshot(registry.database, state / "one")
    second = create_snapshot(registry.database, state / "two")
    assert first.id == second.id
    assert _reproducible(state / "one" / first.id) == _reproducible(state / "two" / first.id)
    github.push("acme/tools", {"d/SKILL.md": SKILL.format(name="d")})
    crawler.crawl()
    assert create_snapshot(registry.database, state / "one").id != first.id


def _reproducible(folder: Path) -> dict[str, bytes]:
    """Every file but those whose bytes differ from build to build, and what was observed."""
    built = json.loads((folder / BUILT).read_bytes())["files"]
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    found = {name: path.read_bytes() for name, path in files.items() if name not in {*built, BUILT, OBSERVED}}
    assert {MANIFEST, LISTING, "json/tree.json", "parquet/event.parquet"} <= found.keys()
    return found


def test_a_snapshot_says_what_the_index_says(registry: Registry, crawler: Crawler) -> None:
    folder = registry.settings.state_directory / "snapshots"
    info = create_snapshot(registry.database, folder)
    with Snapshot(folder / info.id) as snapshot:
        assert [skill.slug for skill in snapshot.summaries()] == ["a", "c"]
        skill = snapshot.skill("ACME", "tools", "a")
        assert skill.text.endswith('Body, with "quotes"\n\n\\.\n')
        assert skill.summary.description == HOSTILE
        assert skill.manifest["name"] == "a"
        assert [file.path for file in skill.files] == ["SKILL.md"]
        assert skill.repository.topics == ["csv", "data"]
        assert skill.current is not None
        found, version = snapshot.package(skill.current.package_digest)
        assert (found.slug, version.label) == ("a", "0.0.1")
        [refused] = snapshot.summaries("state = 'refused'")
        assert [one.level for one in snapshot.details(refused).diagnostics if one.level == "error"]
        with pytest.raises(NotFound):
            snapshot.skill("acme", "tools", "b")
    listing = json.loads((folder / info.id / LISTING).read_text(encoding="utf-8"))
    assert [skill["slug"] for skill in listing["skills"]] == ["a", "c"]
    assert listing["counts"] == info.counts


def test_a_text_without_a_licence_is_searched_but_not_handed_out(
    registry: Registry, crawler: Crawler, github: StandIn
) -> None:
    text = SKILL.format(name="closed") + "\nOf zymurgical interest.\n"
    github.add_repository("acme/closed", {"closed/SKILL.md": text})
    crawler.crawl("acme/closed")
    folder = registry.settings.state_directory / "snapshots"
    made = folder / create_snapshot(registry.database, folder).id
    with Snapshot(made) as snapshot:
        assert snapshot.skill("acme", "closed", "closed").text == ""
        assert snapshot.skill("acme", "tools", "a").text
    with duckdb.connect() as connection:
        texts = connection.execute("SELECT text FROM read_parquet(?)", [str(made / "parquet" / "document.parquet")])
        assert sum(bool(text) for (text,) in texts.fetchall()) == 1
    assert not [file for file in made.rglob("*") if file.is_file() and b"zymurgical" in file.read_bytes()]
    found = SearchIndex(made / SEARCH).search(Query("zymurgical"))
    assert [hit.slug for hit in found.hits] == ["closed"]


def test_a_snapshot_without_its_manifest_is_no_snapshot(registry: Registry, crawler: Crawler) -> None:
    folder = registry.settings.state_directory / "snapshots"
    info = create_snapshot(registry.database, folder)
    store = SnapshotStore(folder, registry.objects)
    with pytest.raises(SnapshotError, match="no snapshot is live"):
        store.current()
    store.publish(info.id)
    keys = [key for key, _ in registry.objects.keys(f"snapshots/{info.id}/")]
    assert f"snapshots/{info.id}/snapshot.json" in keys
    (folder / info.id / "snapshot.json").write_text("{}")
    with pytest.raises(SnapshotError, match="is not a snapshot"):
        read_info(folder / info.id)
    with pytest.raises(SnapshotError, match="no snapshot id"):
        store.open("../../etc")


def test_going_back_follows_what_was_live_not_the_order_of_ids(
    registry: Registry, crawler: Crawler, github: StandIn
) -> None:
    store = SnapshotStore(registry.settings.state_directory / "snapshots", registry.objects)
    made = []
    for name in "def":
        made.append(create_snapshot(registry.database, store.folder).id)
        store.publish(made[-1])
        github.push("acme/tools", {f"{name}/SKILL.md": SKILL.format(name=name)})
        crawler.crawl()
    assert store.before_live() == made[1]
    store.publish(made[1])
    assert store.before_live() == made[0]
    store.publish(made[0])
    with pytest.raises(NotFound, match="no snapshot was live before"):
        store.before_live()
    store.publish(made[2])
    assert store.before_live() == made[0]
