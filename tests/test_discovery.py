"""What each kind of source finds, on the local GitHub and real PostgreSQL; and files that others wrote."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from skillcli import crawls
from skillcrawler.discovery import REFERENCE_FILES, Discoverer, Progress, read_references
from skillcrawler.discovery.addresses import RepositoryName, find_links, read_address
from skillcrawler.discovery.lists import MAX_NAMES, read_list
from skillcrawler.discovery.lockfiles import LOCK_FILE, read_lock_file
from skillcrawler.discovery.marketplace import read_marketplace
from skillcrawler.discovery.sources import Listing, ListingState, split_target
from skillcrawler.errors import CrawlError, GitHubUnavailable, RateLimited
from skillcrawler.github import GitHub
from skillcrawler.messages import Counters
from skillcrawler.plugins.marketplace import MARKETPLACE_FILE
from skilldata.models import RepositoryState, Source, SourceKind
from skilldata.references import References
from skilldata.sources import parse_source
from skilldata.sourcestate import RunRow, RunTotals, SourceRuns
from tests.conftest import Registry
from tests.standin import StandIn

SKILL = "---\nname: a\ndescription: Does a thing.\n---\n"
FORKED: dict[str, Any] = {"created_at": "2026-02-01T00:00:00+00:00"}
UNTOUCHED = FORKED | {"pushed_at": "2026-01-15T00:00:00+00:00"}
PUSHED = FORKED | {"pushed_at": "2026-03-01T00:00:00+00:00"}


class Discovery:
    """The parts that activities put together, without Temporal."""

    def __init__(self, registry: Registry, *, token: bool = True) -> None:
        settings = registry.settings.github
        self.registry = registry
        self.github = GitHub(settings if token else settings.model_copy(update={"token": None}))
        self.discoverer = Discoverer(self.github, registry.database)
        self.runs = SourceRuns(registry.database)

    def run(self, text: str) -> RunRow:
        """Run a source to its end, and give what is known of the run."""
        while not self.advance(text).done:
            pass
        return self.runs.recent(1)[0]

    def advance(self, text: str, max_requests: int = 300) -> Progress:
        return self.discoverer.advance(parse_source(text), max_requests=max_requests)

    def names(self) -> set[str]:
        return {f"{owner}/{name}" for owner, name in self.registry.rows("SELECT owner, name FROM repository")}


@pytest.fixture
def discovery(registry: Registry, github: StandIn) -> Iterator[Discovery]:
    github.set_limit("code_search", 10_000, 10_000, 60)
    github.set_limit("search", 10_000, 10_000, 60)
    github.set_secondary_limits(None, None, None)
    made = Discovery(registry)
    yield made
    made.github.close()


# -- what each kind finds


def test_an_owner_gives_all_pages(discovery: Discovery, github: StandIn) -> None:
    for number in range(130):
        github.add_repository(f"acme/r{number}")
    run = discovery.run("acme")
    assert (run.outcome, run.requests, run.found, run.added) == ("done", 2, 130, 130)
    assert len(discovery.names()) == 130


def test_a_topic_and_a_search_give_what_fits(discovery: Discovery, github: StandIn) -> None:
    github.add_repository("acme/one", topics=["agent-skills"], stars=5)
    github.add_repository("acme/two", topics=["agent-skills"], stars=50)
    github.add_repository("acme/other", topics=["cooking"])
    run = discovery.run("topic:agent-skills")
    assert (run.claimed, run.seen, run.added) == (2, 2, 2)
    assert discovery.names() == {"acme/one", "acme/two"}
    assert discovery.run("search:topic:agent-skills stars:>10").found == 1


def test_a_search_past_the_cap_is_read_in_slices(
    discovery: Discovery, github: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.standin.search.RESULT_LIMIT", 100)
    monkeypatch.setattr("skillcrawler.discovery.partition.CAP", 100)
    for number in range(230):
        created = f"2025-0{number % 7 + 1}-01T00:00:{number % 3:02}+00:00"
        github.add_repository(f"acme/r{number}", topics=["agent-skills"], created_at=created)
    run = discovery.run("topic:agent-skills")
    assert (run.claimed, run.seen, run.added) == (230, 230, 230)
    assert "created:" in github.wire_log()[1].query.replace("%3A", ":")
    assert {exchange.status for exchange in github.wire_log()} == {200}


def test_code_search_gives_the_repositories_of_its_hits(discovery: Discovery, github: StandIn) -> None:
    files = {f"skills/s{number}/SKILL.md": SKILL for number in range(3)}
    github.add_repository("acme/tools", files)
    github.add_repository("solo/skill", {"SKILL.md": SKILL})
    github.add_repository("acme/none", {"README.md": "skill.md"})
    run = discovery.run("code:SKILL.md")
    assert discovery.names() == {"acme/tools", "solo/skill"}
    assert (run.claimed, run.seen, run.found) == (4, 4, 2)


def test_a_slice_that_cannot_be_split_is_on_record(discovery: Discovery, github: StandIn) -> None:
    github.add_repository("many/files", {f"f{number:04}/SKILL.md": SKILL for number in range(1001)})
    github.add_repository("solo/skill", {"SKILL.md": SKILL + "longer\n"})
    run = discovery.run("code:SKILL.md")
    [short] = discovery.runs.short_slices(run.run_id)
    assert (short.reason, short.claimed, short.seen) == ("cap", 1001, 1000)
    assert f"size:{len(SKILL)}..{len(SKILL)}" in short.query
    assert (run.outcome, run.claimed, run.seen, run.found) == ("done", 1002, 1001, 2)
    assert discovery.names() == {"many/files", "solo/skill"}


def test_a_marketplace_gives_the_repositories_of_its_plugins(discovery: Discovery, github: StandIn) -> None:
    sources: list[Any] = [
        "./plugins/own",
        {"source": "github", "repo": "acme/one", "ref": "v1"},
        {"source": "url", "url": "https://github.com/acme/two.git"},
        {"source": "git-subdir", "url": "git@github.com:acme/three.git", "path": "skills"},
        {"source": "github", "repo": "acme/renamed"},
        {"source": "github", "repo": "acme/deleted"},
        {"source": "npm", "package": "left-pad"},
        {"source": "url", "url": "https://git.example/acme/four.git"},
    ]
    content = {"name": "m", "plugins": [{"name": f"p{n}", "source": source} for n, source in enumerate(sources)]}
    github.add_repository("acme/market", {MARKETPLACE_FILE: json.dumps(content)})
    for name in ("one", "two", "three", "renamed", "unrelated"):
        github.add_repository(f"acme/{name}")
    github.rename("acme/renamed", "acme/moved")
    run = discovery.run("marketplace:acme/market")
    assert discovery.names() == {"acme/market", "acme/one", "acme/two", "acme/three", "acme/moved"}
    assert run.missing == 1
    assert [note.split()[0] for note in run.notes] == ["plugins", "'https://git.example/acme/four.git'"]
    assert [exchange.kind for exchange in github.wire_log()] == ["rest", "graphql"]


def test_a_list_gives_the_repositories_it_links_to(discovery: Discovery, github: StandIn) -> None:
    links = [f"- [{number}](https://github.com/acme/r{number})" for number in range(120)]
    github.add_repository("lists/awesome", {"README.md": "\n".join(links), "more.txt": "github.com/acme/r0 and r1"})
    for number in range(0, 120, 2):
        github.add_repository(f"acme/r{number}")
    run = discovery.run("list:lists/awesome")
    assert (run.found, run.missing, run.requests) == (60, 60, 4)
    assert "lists/awesome" not in discovery.names()
    assert discovery.run("list:lists/awesome/more.txt").found == 1


def test_a_named_repository_is_taken_as_it_is(discovery: Discovery, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a": "1"})
    github.add_repository("fan/tools", parent="acme/tools", **UNTOUCHED)
    assert discovery.run("fan/tools").added == 1


def test_without_a_token_what_can_be_asked_is(registry: Registry, github: StandIn) -> None:
    github.add_repository("lists/awesome", {"README.md": "github.com/acme/one github.com/acme/gone"})
    github.add_repository("acme/one")
    discovery = Discovery(registry, token=False)
    run = discovery.run("list:lists/awesome")
    assert (run.found, run.missing) == (1, 1)
    failed = discovery.advance("code:SKILL.md")
    assert failed.done
    assert "needs a token" in failed.error
    discovery.github.close()


# -- forks


def test_a_fork_counts_only_where_it_differs(discovery: Discovery, github: StandIn) -> None:
    github.add_repository("acme/tools", {"skills/a/SKILL.md": SKILL})
    github.add_repository("fans/untouched", parent="acme/tools", **UNTOUCHED)
    head = next(repo["head"] for repo in github.repositories() if repo["full_name"] == "acme/tools")
    assert head is not None
    same = github.add_repository("fans/level", {"skills/a/SKILL.md": SKILL}, parent="acme/tools", **PUSHED)
    github.world.repositories[same].store = github.world.named("acme/tools").store
    github.add_repository("fans/differs", {"skills/b/SKILL.md": SKILL}, parent="acme/tools", **PUSHED)
    github.add_repository("fans/own")
    run = discovery.run("fans")
    assert discovery.names() == {"fans/differs", "fans/own"}
    assert (run.found, run.copies) == (2, 2)
    rows = discovery.registry.rows("SELECT name, evidence FROM skipped_fork ORDER BY name")
    assert rows == [("level", f"its head is its parent's, {head}"), ("untouched", "not pushed to since it was forked")]
    assert [exchange.kind for exchange in github.wire_log()] == ["rest", "graphql"]


def test_a_skipped_fork_that_begins_to_differ_is_found(discovery: Discovery, github: StandIn) -> None:
    github.add_repository("acme/tools", {"a": "1"})
    github.add_repository("fans/tools", {"a": "1"}, parent="acme/tools", **UNTOUCHED)
    discovery.run("fans")
    assert discovery.names() == set()
    github.push("fans/tools", {"b": "2"})
    discovery.run("fans")
    assert discovery.names() == {"fans/tools"}
    assert discovery.registry.rows("SELECT count(*) FROM skipped_fork") == [(0,)]


# -- runs


def test_a_run_goes_on_where_a_limit_stopped_it(discovery: Discovery, github: StandIn) -> None:
    for number in range(250):
        github.add_repository(f"acme/r{number}")
    github.inject(status=429, retry_after=7, skip=1, count=2)
    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            discovery.advance("acme")
        assert caught.value.retry_after == 7
    assert len(discovery.names()) == 100
    other_process = Discoverer(discovery.github, discovery.registry.database)
    assert other_process.advance(parse_source("acme")) == Progress(found=250, added=250, done=True)
    answered = [exchange.query for exchange in github.wire_log() if exchange.status == 200]
    assert len(set(answered)) == len(answered) == 3
    assert discovery.runs.recent(1)[0].found == 250


def test_a_part_of_a_run_is_bounded(discovery: Discovery, github: StandIn) -> None:
    for number in range(250):
        github.add_repository(f"acme/r{number}")
    assert [discovery.advance("acme", max_requests=1).done for _ in range(3)] == [False, False, True]


def test_an_outage_is_raised_and_a_smaller_question_helps(discovery: Discovery, github: StandIn) -> None:
    links = " ".join(f"github.com/acme/r{number}" for number in range(40))
    github.add_repository("lists/awesome", {"README.md": links})
    for number in range(40):
        github.add_repository(f"acme/r{number}")
    github.inject(kind="graphql", status=502, count=2)
    assert discovery.run("list:lists/awesome").found == 40
    github.inject(path="/repos/lists", status=502, count=1)
    with pytest.raises(GitHubUnavailable):
        discovery.advance("list:lists/awesome")
    assert discovery.run("list:lists/awesome").outcome == "done"


@pytest.mark.parametrize("text", ["nobody", "acme/none", "marketplace:acme/tools", "marketplace:acme", "list:a/b/../c"])
def test_a_source_that_is_no_such_thing_fails_with_a_reason(discovery: Discovery, github: StandIn, text: str) -> None:
    github.add_repository("acme/tools", {MARKETPLACE_FILE: "[]"})
    progress = discovery.advance(text)
    assert progress.done
    assert progress.error
    [source] = discovery.registry.database.sources()
    assert (source.health, source.error) == ("failing", progress.error)
    assert discovery.runs.recent(1)[0].outcome == "failed"
    assert discovery.runs.due([parse_source(text)]) == []


def test_a_query_that_github_refuses_fails_with_a_reason(discovery: Discovery) -> None:
    progress = discovery.advance("search:(skills)")
    assert "refuses the search" in progress.error


def test_sources_are_due_by_their_own_intervals(discovery: Discovery, github: StandIn) -> None:
    for number in range(120):
        github.add_repository(f"acme/r{number}")
    hourly = Source(kind=SourceKind.OWNER, target="acme", interval_seconds=3600)
    daily = Source(kind=SourceKind.REPOSITORY, target="acme/r1", interval_seconds=86_400)
    new = Source(kind=SourceKind.TOPIC, target="never-run")
    sources = [daily, hourly, new]
    assert discovery.runs.due(sources) == sources
    for source in (hourly, daily):
        assert discovery.discoverer.advance(source).done
    assert discovery.runs.due(sources) == [new]
    discovery.registry.rows("UPDATE source SET run_at = run_at - interval '2 hours' RETURNING 1")
    assert discovery.runs.due(sources) == [new, hourly]
    discovery.discoverer.advance(hourly, max_requests=1)
    assert discovery.runs.due(sources) == [hourly, new]


def test_of_two_workers_on_one_run_the_slower_does_not_turn_it_back(discovery: Discovery) -> None:
    source = parse_source("acme")
    ours, theirs = discovery.runs.open(source), discovery.runs.open(source)
    assert ours.run_id == theirs.run_id
    assert discovery.runs.save(theirs, {"page": 3}, RunTotals(requests=2))
    assert not discovery.runs.save(ours, {"page": 2}, RunTotals(requests=1))
    assert discovery.runs.open(source).state == {"page": 3}
    assert discovery.runs.save(theirs, {"page": 4}, RunTotals(requests=3))
    assert discovery.runs.open(source).state == {"page": 4}
    discovery.runs.finish(theirs)
    discovery.runs.fail(ours, "too late")
    assert discovery.runs.recent(1)[0].outcome == "done"


def test_a_state_of_another_release_begins_anew(discovery: Discovery, github: StandIn) -> None:
    github.add_repository("acme/tools")
    run = discovery.runs.open(parse_source("acme"))
    discovery.runs.save(run, {"page": "of another kind"}, RunTotals())
    assert discovery.run("acme").found == 1


def test_slices_that_another_release_would_cut_otherwise_begin_anew(discovery: Discovery, github: StandIn) -> None:
    github.add_repository("acme/tools", topics=["agent-skills"])
    run = discovery.runs.open(parse_source("topic:agent-skills"))
    slices = {"plan": "of another release", "todo": [{"spans": [[0, 1], [2, 3], [4, 5], [6, 7]]}]}
    discovery.runs.save(run, {"search": slices}, RunTotals())
    assert discovery.run("topic:agent-skills").found == 1


def test_a_run_that_has_only_to_be_closed_is_closed(discovery: Discovery, github: StandIn) -> None:
    for text in ("acme", "topic:none", "code:SKILL.md"):
        discovery.discoverer.advance(parse_source(text), max_requests=0)
        run = discovery.runs.open(parse_source(text))
        done = {"listed": True, "search": {"todo": []}}
        discovery.runs.save(run, done, RunTotals())
        assert discovery.advance(text).done
    assert github.wire_log() == []


def test_an_interrupted_source_is_failing_and_stays_due(discovery: Discovery) -> None:
    source = parse_source("acme")
    discovery.runs.open(source)
    discovery.runs.interrupt(source, "GitHub does not answer")
    [row] = discovery.registry.database.sources()
    assert (row.health, row.error) == ("failing", "GitHub does not answer")
    assert discovery.runs.due([source]) == [source]


def test_a_list_changes_nothing_that_a_probe_knows(discovery: Discovery, github: StandIn) -> None:
    github.add_repository("acme/tools", {"SKILL.md": SKILL}, stars=9)
    discovery.run("acme")
    before = discovery.registry.rows("SELECT xmin::text, * FROM repository")
    discovery.run("code:SKILL.md")
    discovery.run("acme/tools")
    assert discovery.registry.rows("SELECT xmin::text, * FROM repository") == before
    assert discovery.registry.rows("SELECT count(*) FROM source_repository") == [(3,)]


def test_nothing_is_removed_and_what_came_back_is_looked_at_again(discovery: Discovery, github: StandIn) -> None:
    github.add_repository("acme/gone")
    number = github.add_repository("acme/back")
    discovery.run("acme")
    database = discovery.registry.database
    database.record_probe((), states=[(number, RepositoryState.GONE)])
    github.delete("acme/gone")
    due = "SELECT name FROM probe JOIN repository USING (repository_id) WHERE due_at <= now() ORDER BY name"
    assert discovery.registry.rows(due) == [("gone",)]
    discovery.run("acme")
    assert discovery.names() == {"acme/gone", "acme/back"}
    assert discovery.registry.rows(due) == [("back",), ("gone",)]


def test_a_name_that_belonged_to_another_is_held(discovery: Discovery, github: StandIn) -> None:
    github.add_repository("acme/tools")
    discovery.run("acme")
    github.delete("acme/tools")
    number = github.add_repository("acme/tools")
    discovery.run("acme")
    rows = discovery.registry.rows("SELECT repository_id FROM repository WHERE state = 'held'")
    assert rows == [(number,)]


# -- references in crawled repositories


def test_references_are_looked_up_once_and_found(discovery: Discovery, github: StandIn) -> None:
    number = github.add_repository("acme/project")
    github.add_repository("acme/skills")
    github.add_repository("fans/copy", {"a": "1"}, parent="acme/skills", **UNTOUCHED)
    discovery.run("acme/project")
    references = References(discovery.registry.database)
    lock = {"skills": {
        "a": {"source": "Acme/Skills", "sourceType": "github"},
        "b": {"source": "acme/skills", "sourceType": "github", "skillPath": "skills/b/SKILL.md"},
        "c": {"source": "fans/copy", "sourceType": "github"},
        "d": {"source": "acme/nothing", "sourceType": "github"},
    }}  # fmt: skip
    names = read_references(LOCK_FILE, json.dumps(lock).encode())
    assert references.record(number, LOCK_FILE, names) == 3
    assert references.record(number, LOCK_FILE, names) == 0
    assert discovery.discoverer.look_up_references() == 3
    assert discovery.discoverer.look_up_references() == 0
    assert discovery.names() == {"acme/project", "acme/skills"}
    assert discovery.registry.rows("SELECT owner FROM skipped_fork") == [("fans",)]
    assert discovery.registry.rows("SELECT name FROM reference WHERE found_id IS NULL") == [("nothing",)]
    assert discovery.registry.rows("SELECT count(*) FROM reference WHERE looked_up_at IS NULL") == [(0,)]


# -- files that others wrote


@pytest.mark.parametrize(("text", "name"), [
    ("acme/tools", "acme/tools"),
    ("github:acme/tools", "acme/tools"),
    ("https://github.com/acme/tools", "acme/tools"),
    ("https://www.github.com/acme/tools.git", "acme/tools"),
    ("git@github.com:acme/tools.git", "acme/tools"),
    ("ssh://git@github.com/acme/to.ols", "acme/to.ols"),
    ("https://github.com/acme/tools/tree/main/skills?x#y", "acme/tools"),
    ("https://gitlab.example/acme/tools", None),
    ("https://github.com.evil.example/acme/tools", None),
    ("https://evil.example/github.com/acme/tools", None),
    ("https://github.com/acme", None),
    ("https://github.com/topics/agent-skills", None),
    ("../acme/tools", None),
    ("acme/..", None),
    ("./plugins/tools", None),
    ("acme/tools/sub", None),
    ("acme/to\x00ols", None),
    ("-acme/tools", None),
    ("a" * 600 + "/b", None),
])  # fmt: skip
def test_addresses(text: str, name: str | None) -> None:
    found = read_address(text)
    assert (str(found) if found else None) == name


def test_links_in_prose() -> None:
    text = """
    See [tools](https://github.com/acme/tools), http://github.com/Acme/Tools/tree/main and <https://github.com/b/c.git>.
    Bare github.com/d/e. Not https://gist.github.com/x/y, https://docs.github.com/en/rest, https://notgithub.com/f/g,
    https://github.com/sponsors/someone or https://github.com/alone.
    """
    assert [str(found) for found in find_links(text)] == ["acme/tools", "b/c", "d/e"]


def test_a_hostile_list_is_read_in_bounded_time_and_number() -> None:
    links = b"".join(b"https://github.com/o%d/r\n" % number for number in range(20_000))
    assert len(read_list(links)) == MAX_NAMES
    assert read_list(b"github.com/" * 90_000 + b"\xff\xfe\x00") == []
    assert read_list(b"github.com/a/" + b"." * 900_000) == []


HOSTILE = [
    b"",
    b"\xff\xfe",
    b"[" * 200_000,
    b'{"plugins": ' + b"9" * 10_000 + b"}",
    b'{"skills": [1, 2], "plugins": {"a": 1}}',
    b'{"skills": null, "plugins": null}',
    b"null",
    b'"text"',
]


@pytest.mark.parametrize("content", HOSTILE)
def test_hostile_files_give_no_references(content: bytes) -> None:
    for path in REFERENCE_FILES:
        assert list(read_references(path, content)) == []


@pytest.mark.parametrize("plugin", [
    None, 7, [], {}, {"source": None}, {"source": []}, {"source": {"source": ["github"]}},
    {"source": {"source": "github"}}, {"source": {"source": "github", "repo": 7}},
    {"source": {"source": "github", "repo": "a/b; rm"}}, {"source": {"source": "\ud800"}},
])  # fmt: skip
def test_odd_plugins_do_not_hide_the_others(plugin: Any) -> None:
    good = {"source": {"source": "github", "repo": "acme/tools"}}
    found = read_marketplace(json.dumps({"plugins": [plugin, good]}).encode())
    assert found is not None
    assert found.repositories == (RepositoryName("acme", "tools"),)


def test_odd_skills_do_not_hide_the_others() -> None:
    skills: dict[str, Any] = {
        "a": None,
        "b": {"sourceType": ["github"], "source": "x/y"},
        "c": {"sourceType": "github", "source": {"x": 1}},
        "d": {"sourceType": "well-known", "source": "skills.example"},
        "e": {"sourceType": "github", "source": "somewhere", "sourceUrl": "https://github.com/acme/tools.git"},
    }
    assert read_lock_file(json.dumps({"skills": skills}).encode()) == [RepositoryName("acme", "tools")]


def test_a_list_that_is_no_text_file_is_refused(registry: Registry, github: StandIn) -> None:
    github.add_repository("lists/big", {"README.md": "x" * 1_100_000, "folder/a.md": "x"})
    with GitHub(registry.settings.github) as client:
        for target in ("lists/big", "lists/big/folder"):
            with pytest.raises(CrawlError, match="is no file"):
                Listing(client, Source(kind=SourceKind.LIST, target=target), ListingState()).advance()


@pytest.mark.parametrize(
    "target", ["acme", "acme/", "/tools", "acme/..", "a/b/../../c", "a b/c", "https://github.com/a/b"]
)
def test_targets_that_are_no_repository(target: str) -> None:
    with pytest.raises(CrawlError, match="is no repository"):
        split_target(target)


# -- through Temporal


def test_a_crawl_waits_out_a_limit_and_the_next_one_follows_references(registry: Registry, github: StandIn) -> None:
    lock = {"skills": {"a": {"source": "other/skills", "sourceType": "github"}}}
    github.add_repository("acme/project", {LOCK_FILE: json.dumps(lock), "a/SKILL.md": SKILL})
    github.add_repository("other/skills", {"b/SKILL.md": SKILL})
    github.inject(path="/users/acme", status=429, retry_after=1, count=2)

    def crawl() -> Counters:
        request = crawls.request(registry.settings, [parse_source("acme")], only=True, full=False, publish=False)
        report = asyncio.run(crawls.run(registry.settings, request, f"crawl/{registry.settings.s3.bucket}", wait=True))
        assert report is not None
        return report.counters

    first = crawl()
    assert (first.repositories_added, first.skills_added, first.sources_failing) == (1, 1, 0)
    crawl()
    names = "SELECT owner || '/' || name FROM repository ORDER BY 1"
    assert registry.rows(names) == [("acme/project",), ("other/skills",)]
    assert SourceRuns(registry.database).recent(1)[0].outcome == "done"
