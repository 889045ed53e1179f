"""Which blobs come over the wire, which do not, and what is made of wrong ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from skillcrawler.errors import CrawlError, ObjectMismatch, TooManyEntries
from skillcrawler.fetch import Fetcher
from skillcrawler.fetched import FetchedRepository
from skillcrawler.github.signatures import Nobody
from skilldata.database import CrawlOutcome
from skilldata.objects import kept_key
from tests.conftest import Registry
from tests.standin import File, StandIn
from tests.test_crawl import SKILL, Crawler

RULES = "SELECT path, rule, message FROM diagnostic JOIN skill USING (skill_id) WHERE diagnostic.level = 'error'"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 12345\n" % (b"a" * 64)


@pytest.fixture
def crawler(registry: Registry) -> Iterator[Crawler]:
    with Crawler(registry) as made:
        yield made


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(crawler: Crawler, github: StandIn) -> None:
    files: dict[str, str | bytes | File | None] = {
        "good/SKILL.md": SKILL.format(name="good"),
        "large/SKILL.md": SKILL.format(name="large"),
        "large/model.bin": _noise(6 << 20),
    }
    github.add_repository("acme/tools", files)
    github.reset_wire_log()
    assert crawler.crawl("acme/tools") == [CrawlOutcome(skills_added=1, versions_added=1, refused=1)]
    assert sum(one.bytes_out for one in github.wire_log()) < 100_000
    [(path, rule, message)] = crawler.registry.rows(RULES)
    assert (path, rule) == ("large", "package.file-too-large")
    assert "more than 5,242,880 bytes" in message
    assert crawler.registry.rows("SELECT path FROM skill WHERE state = 'listed'") == [("good",)]
    github.push("acme/tools", {"large/model.bin": b"small\n"})
    assert crawler.crawl() == [CrawlOutcome(versions_added=1)]


def test_links_make_no_more_of_a_repository_than_is_allowed(registry: Registry, github: StandIn) -> None:
    link = File(b"../../shared.bin", mode="120000")
    files: dict[str, str | bytes | File | None] = {"shared.bin": _noise(600_000)}
    for name in "abcd":
        files |= {f"skills/{name}/SKILL.md": SKILL.format(name=name), f"skills/{name}/shared.bin": link}
    github.add_repository("acme/tools", files)
    package = registry.settings.package.model_copy(update={"max_repository_bytes": 1_500_000})
    limited = replace(registry, settings=registry.settings.model_copy(update={"package": package}))
    with Crawler(limited) as crawler:
        assert crawler.crawl("acme/tools") == [CrawlOutcome(skills_added=2, versions_added=2, refused=2)]
    assert registry.rows("SELECT path FROM skill WHERE state = 'listed' ORDER BY 1") == [("skills/a",), ("skills/b",)]
    assert {(path, rule) for path, rule, _ in registry.rows(RULES)} == {
        ("skills/c", "package.repository-too-large"),
        ("skills/d", "package.repository-too-large"),
    }


def test_a_manifest_that_is_too_large_says_so(crawler: Crawler, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a").encode() + _noise(6 << 20)})
    crawler.crawl("acme/tools")
    assert ("a", "package.file-too-large") in [(path, rule) for path, rule, _ in crawler.registry.rows(RULES)]


def test_skills_inside_others_and_shared_files_come_once(crawler: Crawler, github: StandIn) -> None:
    shared = _noise(200_000)
    files: dict[str, str | bytes | File | None] = {
        "outer/SKILL.md": SKILL.format(name="outer"),
        "outer/data.bin": shared,
        "outer/inner/SKILL.md": SKILL.format(name="inner"),
        "outer/inner/data.bin": shared,
        "linked/SKILL.md": SKILL.format(name="linked"),
        "linked/data.bin": File(b"../outer/data.bin", "120000"),
    }
    github.add_repository("acme/tools", files)
    github.reset_wire_log()
    assert crawler.crawl("acme/tools") == [CrawlOutcome(skills_added=3, versions_added=3)]
    assert sum(one.bytes_out for one in github.wire_log()) < 2 * len(shared)


def test_a_manifest_that_is_a_link_is_read_where_it_leads(crawler: Crawler, github: StandIn) -> None:
    files: dict[str, str | bytes | File | None] = {
        "docs/guide.md": SKILL.format(name="linked"),
        "linked/SKILL.md": File(b"../docs/guide.md", "120000"),
        "broken/SKILL.md": File(b"../nothing.md", "120000"),
    }
    github.add_repository("acme/tools", files)
    crawler.crawl("acme/tools")
    assert crawler.registry.rows("SELECT path, state, slug FROM skill ORDER BY path") == [
        ("broken", "refused", None),
        ("linked", "listed", "linked"),
    ]


def test_submodules_are_told_and_not_followed(crawler: Crawler, github: StandIn) -> None:
    files: dict[str, str | bytes | File | None] = {
        "a/SKILL.md": SKILL.format(name="a"),
        "a/vendor": File(b"1" * 40, "160000"),
    }
    github.add_repository("acme/tools", files)
    assert crawler.crawl("acme/tools") == [CrawlOutcome(skills_added=1, versions_added=1)]
    assert crawler.registry.rows("SELECT file FROM diagnostic WHERE rule = 'skill.submodule'") == [("vendor",)]
    assert crawler.registry.rows("SELECT path FROM file") == [("SKILL.md",)]


def test_a_pointer_of_git_lfs_is_marked(crawler: Crawler, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a"), "a/model.bin": POINTER})
    assert crawler.crawl("acme/tools") == [CrawlOutcome(skills_added=1, versions_added=1)]
    assert crawler.registry.rows("SELECT file FROM diagnostic WHERE rule = 'package.lfs-pointer'") == [("model.bin",)]


def test_damage_on_the_way_is_never_listed_and_the_next_crawl_mends_it(crawler: Crawler, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a"), "a/data.bin": _noise(100_000)})
    crawler.discover("acme/tools")
    [number] = crawler.probe()
    github.inject(kind="git", method="POST", corrupt=True)
    with pytest.raises(CrawlError):
        crawler.crawl_one(number)
    assert crawler.registry.rows("SELECT count(*) FROM skill") == [(0,)]
    github.clear_faults()
    assert crawler.crawl_one(number) == CrawlOutcome(skills_added=1, versions_added=1)


def test_another_blob_than_was_asked_for_is_an_event_and_nothing_is_listed(
    crawler: Crawler, github: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    github.add_repository("evil/tools", {"a/SKILL.md": SKILL.format(name="a") + "evil\n"})
    crawler.discover("acme/tools")
    [number] = crawler.probe()
    honest = FetchedRepository.fetch_blobs

    def swapped(self: FetchedRepository, oids: object, **rest: object) -> None:
        """What a server does that answers with a valid pack of something else."""
        head = crawler.fetcher.head("evil", "tools")
        assert head is not None
        self.url = self.url.replace("acme", "evil")
        with crawler.fetcher.fetch("evil", "tools", head[1]) as other:
            honest(self, [entry.oid for entry in other.entries() if entry.is_file])

    with monkeypatch.context() as patch:
        patch.setattr(FetchedRepository, "fetch_blobs", swapped)
        for _ in range(2):
            with pytest.raises(ObjectMismatch):
                crawler.crawl_one(number)
    assert crawler.registry.rows("SELECT count(*) FROM skill") == [(0,)]
    [(evidence,)] = crawler.registry.rows("SELECT evidence FROM event WHERE kind = 'repository.object-mismatch'")
    assert evidence["expected"] != evidence["found"]
    assert crawler.crawl_one(number) == CrawlOutcome(skills_added=1, versions_added=1)


def test_a_stored_package_that_was_damaged_is_not_read_from_and_is_mended(crawler: Crawler, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a/SKILL.md": SKILL.format(name="a")})
    crawler.crawl("acme/tools")
    [(digest,)] = crawler.registry.rows("SELECT package_digest FROM package")
    crawler.registry.objects.put(kept_key(digest), b"not a package", content_type="application/zip")
    github.add_repository("other/copies", {"b/SKILL.md": SKILL.format(name="a")})
    assert crawler.crawl("other/copies") == [CrawlOutcome(skills_added=1, versions_added=1)]
    assert crawler.registry.objects.kept_package(digest)
    assert crawler.registry.rows("SELECT evidence FROM event WHERE kind = 'package.damaged'") == [
        ({"package": digest},)
    ]


def test_a_tree_of_too_many_entries_is_refused(registry: Registry, github: StandIn) -> None:
    github.add_repository("acme/wide", {f"f{number}": b"x" for number in range(1100)})
    limited = registry.settings.crawl.model_copy(update={"max_entries": 1000})
    fetcher = Fetcher(registry.settings.github, limited, registry.settings.state_directory / "scratch", Nobody())
    head = fetcher.head("acme", "wide")
    assert head is not None
    with fetcher.fetch("acme", "wide", head[1]) as fetched, pytest.raises(TooManyEntries, match="1,000 files"):
        list(fetched.entries())


def _noise(size: int) -> bytes:
    return random.Random(1).randbytes(size)
