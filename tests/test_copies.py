"""Copies are found, identical or nearly, and told apart from what only looks alike."""

from __future__ import annotations

import random
from collections.abc import Iterator

import httpx
import pytest

from skillapi.app import create_app
from skillapi.live import FolderSource
from skilldata.copies import resemblance, sketch, sketch_new
from skilldata.copies.sketches import LEAST_WORDS
from skilldata.export import create_snapshot
from skilldata.search import SearchIndex
from skilldata.search.model import Query
from skilldata.snapshot import SEARCH, Snapshot
from skillsite.build import build_site
from tests.conftest import Registry
from tests.standin import StandIn
from tests.test_api import serving
from tests.test_crawl import Crawler

WORDS = [f"word{number}" for number in range(2000)]


def text(seed: int, *, words: int = 400, changed: int = 0, name: str = "a") -> str:
    """A skill of random words, of which some are changed, evenly spread."""
    found = random.Random(seed).choices(WORDS, k=words)
    for number in range(changed):
        found[number * words // changed] = f"changed{number}"
    return f"---\nname: {name}\ndescription: Does a thing.\nlicense: MIT\n---\n\n# Title\n\n{' '.join(found)}\n"


@pytest.fixture
def crawler(registry: Registry) -> Iterator[Crawler]:
    with Crawler(registry) as made:
        yield made


def copies(registry: Registry, crawler: Crawler, *names: str) -> dict[str, tuple[str, bool, str]]:
    """Crawl and export; give for each copy its origin, whether they are identical, and the evidence."""
    crawler.crawl(*names)
    folder = registry.settings.state_directory / "snapshots"
    with Snapshot(folder / create_snapshot(registry.database, folder).id) as snapshot:
        found = {}
        for summary in snapshot.summaries():
            if origin := snapshot.details(summary).origin:
                found[summary.address] = (origin.address, origin.identical, origin.evidence)
        assert snapshot.info.counts["copies"] == len(found)
        return found


def test_an_estimate_is_near_the_true_resemblance() -> None:
    for changed in (0, 4, 8, 20, 80):
        one, other = text(1), text(1, changed=changed)
        runs = [{tuple(w[i : i + 5]) for i in range(len(w) - 4)} for w in (one.split()[9:], other.split()[9:])]
        true = len(runs[0] & runs[1]) / len(runs[0] | runs[1])
        assert resemblance(sketch(one), sketch(other)) == pytest.approx(true, abs=0.13)


def test_a_sketch_is_the_same_everywhere_and_short_texts_have_none() -> None:
    # The values are kept, so that another method must not go by the same name.
    assert sketch(text(1))[:8].hex() == "250819362011af2a"
    assert sketch(text(1, words=LEAST_WORDS - 5)) == b""
    assert sketch("") == b""
    assert len(sketch("\u7528" * 30 + "\u4e8e" * 30)) == 512


def test_copies_link_to_their_origin(registry: Registry, crawler: Crawler, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": text(1)}, stars=50)
    github.add_repository("near/tools", {"b/SKILL.md": text(1, changed=5, name="b")}, stars=5)
    github.add_repository("same/tools", {"a/SKILL.md": text(1), "deep/er/SKILL.md": text(1)}, stars=7)
    github.add_repository("other/tools", {"a/SKILL.md": text(2)}, stars=1)
    github.add_repository("half/tools", {"a/SKILL.md": text(1, changed=80)}, stars=1)
    names = [f"{owner}/tools" for owner in ("acme", "near", "same", "other", "half")]
    found = copies(registry, crawler, *names)
    assert {address: origin for address, (origin, _, _) in found.items()} == {
        "near/tools/b": "acme/tools/a",
        "same/tools/a": "acme/tools/a",
        "same/tools/a-deep": "acme/tools/a",
    }
    assert found["near/tools/b"][1:] == (False, "stars")
    assert found["same/tools/a"][1:] == (True, "stars")


def test_a_fork_and_a_lock_file_say_more_than_stars(registry: Registry, crawler: Crawler, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": text(1)}, stars=1)
    lock = '{"skills": {"a": {"source": "acme/tools", "sourceType": "github"}}}'
    github.add_repository("user/project", {".claude/skills/a/SKILL.md": text(1), "skills-lock.json": lock}, stars=9000)
    crawler.crawl("acme/tools", "user/project")
    registry.rows("UPDATE reference SET found_id = repository.repository_id FROM repository"
                  " WHERE repository.owner = 'acme' RETURNING found_id")  # fmt: skip
    github.add_repository("fork/tools", {"a/SKILL.md": text(1)}, stars=500)
    crawler.discover("fork/tools")
    registry.rows("UPDATE repository SET parent_id = (SELECT repository_id FROM repository WHERE owner = 'acme')"
                  " WHERE owner = 'fork' RETURNING parent_id")  # fmt: skip
    due = [repository_id for (repository_id,) in registry.rows("SELECT repository_id FROM repository")]
    for repository_id in due:
        crawler.crawl_one(repository_id)
    folder = registry.settings.state_directory / "snapshots"
    with Snapshot(folder / create_snapshot(registry.database, folder).id) as snapshot:
        origins = {one.owner: snapshot.details(one).origin for one in snapshot.summaries()}
    assert origins["acme"] is None
    assert origins["user"] is not None
    assert (origins["user"].address, origins["user"].evidence) == ("acme/tools/a", "lock file")


def test_a_content_is_sketched_once(registry: Registry, crawler: Crawler, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": text(1), "b/SKILL.md": text(2, name="b")})
    crawler.crawl("acme/tools")
    assert [sketch_new(registry.database) for _ in range(2)] == [2, 0]
    registry.rows("UPDATE sketch SET method = 'another' RETURNING method")
    assert sketch_new(registry.database) == 2


def test_page_and_api_name_the_origin_and_its_copies(registry: Registry, crawler: Crawler, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": text(1)}, stars=50)
    github.add_repository("near/tools", {"b/SKILL.md": text(1, changed=5, name="b")})
    copies(registry, crawler, "acme/tools", "near/tools")
    [folder] = (registry.settings.state_directory / "snapshots").glob("2*")
    with serving(create_app(FolderSource(folder), registry.objects, registry.settings)) as address:
        copy = httpx.get(f"{address}/api/v1/skills/near/tools/b").json()
        origin = httpx.get(f"{address}/api/v1/skills/acme/tools/a").json()
    assert (copy["origin"]["address"], copy["origin"]["identical"]) == ("acme/tools/a", False)
    assert 0.8 <= copy["origin"]["similarity"] < 1
    assert (origin["origin"], origin["copy_count"]) == (None, 1)
    assert [one["address"] for one in origin["similar"]] == ["near/tools/b"]
    with Snapshot(folder) as snapshot:
        site = build_site(snapshot, registry.settings.state_directory / "site", settings=registry.settings.site).path
    assert "Copy of" in (site / "s/near/tools/b.html").read_text()
    assert "near/tools/b" in (site / "s/acme/tools/a.html").read_text()


def test_a_search_shows_near_copies_as_one(registry: Registry, crawler: Crawler, github: StandIn) -> None:
    github.add_repository("first/tools", {"a/SKILL.md": text(1), "z/SKILL.md": text(3, name="z")}, stars=9)
    github.add_repository("near/tools", {"b/SKILL.md": text(1, changed=4, name="b")})
    github.add_repository("same/tools", {"a/SKILL.md": text(1)})
    crawler.crawl("first/tools", "near/tools", "same/tools")
    folder = registry.settings.state_directory / "snapshots"
    index = SearchIndex(folder / create_snapshot(registry.database, folder).id / SEARCH)
    found = index.search(Query("does a thing"))
    assert found.total == 2
    assert {hit.copies for hit in found.hits} == {0, 2}
    assert index.search(Query("does a thing", owner="near")).total == 1
