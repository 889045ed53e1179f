"""The local GitHub's JSON APIs behave as GitHub's do: limits, states of repositories, pages, GraphQL errors."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.standin import File, StandIn

_NUMBERS = itertools.count(1)
SKILL = "---\nname: a\ndescription: A skill.\n---\n"


@pytest.fixture(scope="module")
def github() -> Iterator[StandIn]:
    with StandIn() as standin:
        yield standin


@pytest.fixture(autouse=True)
def _fresh(github: StandIn) -> None:
    github.clear_faults()
    github.reset_limits()
    github.reset_wire_log()
    github.set_secondary_limits(100, 900, 2000)


@pytest.fixture
def client(github: StandIn) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=github.url, headers={"authorization": f"token {github.token}"}) as made:
        yield made


@pytest.fixture
def name(github: StandIn) -> str:
    """Make a repository of its own for a test, and give its name."""
    made = f"acme/r{next(_NUMBERS)}"
    github.add_repository(made, {"README.md": "# Read me", "skills/a/SKILL.md": SKILL}, stars=7)
    return made


def query(client: httpx.Client, text: str, **variables: Any) -> Any:
    response = client.post("/graphql", json={"query": text, "variables": variables})
    assert response.status_code == 200
    return response.json()


# -- conditional requests, pages, limits


def test_an_unchanged_answer_is_304_and_free(client: httpx.Client, github: StandIn, name: str) -> None:
    first = client.get(f"/repos/{name}")
    again = client.get(f"/repos/{name}", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]
    github.change(name, stars=8)
    changed = client.get(f"/repos/{name}", headers={"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.json()["stargazers_count"] == 8


def test_an_etag_is_valid_for_one_token_only(client: httpx.Client, github: StandIn, name: str) -> None:
    github.add_token("another", name="another")
    mine = client.get(f"/repos/{name}").headers["etag"]
    theirs = client.get(f"/repos/{name}", headers={"authorization": "token another", "if-none-match": mine})
    assert theirs.status_code == 200
    assert theirs.headers["etag"] != mine


def test_lists_come_in_pages_with_links(client: httpx.Client, github: StandIn) -> None:
    for number in range(3):
        github.add_repository(f"paged/r{number}", {"a": "1"})
    response = client.get("/users/paged/repos?per_page=2")
    assert [repo["name"] for repo in response.json()] == ["r0", "r1"]
    assert set(response.links) == {"next", "last"}
    last = client.get(response.links["next"]["url"])
    assert [repo["name"] for repo in last.json()] == ["r2"]
    assert set(last.links) == {"first", "prev"}
    assert len(client.get("/users/paged/repos?per_page=1000").json()) == 3


def test_search_results_past_a_thousand_are_refused(client: httpx.Client, github: StandIn) -> None:
    github.add_repository("many/files", {f"f{number:04}/SKILL.md": SKILL for number in range(1001)})
    last = client.get("/search/code?q=filename:SKILL.md+repo:many/files&per_page=100&page=10")
    assert (last.json()["total_count"], len(last.json()["items"])) == (1001, 100)
    assert "next" not in last.links
    past = client.get("/search/code?q=filename:SKILL.md+repo:many/files&per_page=100&page=11")
    assert (past.status_code, past.json()["message"]) == (422, "Only the first 1000 search results are available")


def test_each_bucket_and_token_is_counted_apart(client: httpx.Client, github: StandIn, name: str) -> None:
    github.add_token("few", name="few", limits={"core": 2})
    few = {"authorization": "Bearer few"}
    statuses = [client.get(f"/repos/{name}", headers=few).status_code for _ in range(3)]
    assert statuses == [200, 200, 403]
    limited = client.get(f"/repos/{name}", headers=few)
    assert limited.headers["x-ratelimit-remaining"] == "0"
    assert "rate limit exceeded" in limited.json()["message"]
    assert "retry-after" not in limited.headers
    assert client.get("/search/repositories?q=a", headers=few).headers["x-ratelimit-resource"] == "search"
    assert client.get(f"/repos/{name}").status_code == 200
    resources = client.get("/rate_limit", headers=few).json()["resources"]
    assert resources["core"]["remaining"] == 0
    assert (resources["search"]["limit"], resources["search"]["used"]) == (30, 1)
    assert client.get("/rate_limit", headers=few).json()["resources"] == resources


def test_anonymous_callers_get_sixty_an_hour_and_no_graphql(github: StandIn, name: str) -> None:
    with httpx.Client(base_url=github.url) as client:
        answers = [client.get(f"/repos/{name}") for _ in range(61)]
        assert [answer.status_code for answer in answers] == [200] * 60 + [403]
        assert answers[0].headers["x-ratelimit-limit"] == "60"
        assert client.post("/graphql", json={"query": "{viewer{login}}"}).status_code == 401
        assert client.get("/search/code?q=filename:SKILL.md").status_code == 401


def test_a_wrong_or_revoked_token_is_401(client: httpx.Client, github: StandIn, name: str) -> None:
    github.add_token("soon-gone")
    header = {"authorization": "token soon-gone"}
    assert client.get(f"/repos/{name}", headers=header).status_code == 200
    github.revoke_token("soon-gone")
    refused = client.get(f"/repos/{name}", headers=header)
    assert (refused.status_code, refused.json()["message"]) == (401, "Bad credentials")


def test_a_window_ends_at_its_reset() -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    with StandIn(clock=lambda: now) as github:
        github.add_repository("acme/a", {"a": "1"})
        github.add_token("few", limits={"core": 1})
        with httpx.Client(base_url=github.url, headers={"authorization": "token few"}) as client:
            reset = int(client.get("/repos/acme/a").headers["x-ratelimit-reset"])
            assert client.get("/repos/acme/a").status_code == 403
            now = datetime.fromtimestamp(reset, UTC) - timedelta(seconds=1)
            assert client.get("/repos/acme/a").status_code == 403
            now = datetime.fromtimestamp(reset, UTC)
            assert client.get("/repos/acme/a").status_code == 200


def test_the_secondary_limit_gives_403_with_points_left(client: httpx.Client, github: StandIn, name: str) -> None:
    github.set_secondary_limits(100, 3, 2000)
    answers = [client.get(f"/repos/{name}") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 403]
    assert "secondary rate limit" in answers[3].json()["message"]
    assert "retry-after" not in answers[3].headers


def test_requests_at_once_are_limited_too(client: httpx.Client, github: StandIn, name: str) -> None:
    github.add_token("busy")
    busy = {"authorization": "token busy"}
    github.set_secondary_limits(1, None, None)
    github.inject(path="/branches$", stall=30, count=1)
    with pytest.raises(httpx.ReadTimeout):
        client.get(f"/repos/{name}/branches", headers=busy, timeout=0.2)  # goes on being answered
    assert client.get(f"/repos/{name}", headers=busy).status_code == 403
    assert client.get(f"/repos/{name}").status_code == 200


# -- states of a repository


def test_a_renamed_repository_redirects_with_its_query(client: httpx.Client, github: StandIn, name: str) -> None:
    number = client.get(f"/repos/{name}").json()["id"]
    github.rename(name, f"moved-{number}")
    response = client.get(f"/repos/{name}/git/trees/main?recursive=1")
    assert response.status_code == 301
    assert response.headers["location"] == f"{github.url}/repositories/{number}/git/trees/main?recursive=1"
    followed = client.get(response.headers["location"]).json()
    assert "skills/a/SKILL.md" in [entry["path"] for entry in followed["tree"]]
    assert client.get(f"/repositories/{number}").json()["full_name"] == f"acme/moved-{number}"


def test_another_repository_may_take_an_old_name(client: httpx.Client, github: StandIn, name: str) -> None:
    number = client.get(f"/repos/{name}").json()["id"]
    github.transfer(name, "new-owner")
    assert github.add_repository(name, {"a": "1"}) != number
    assert client.get(f"/repos/{name}").json()["id"] != number
    github.delete(name)
    assert client.get(f"/repos/{name}").status_code == 404
    assert github.add_repository(name, {"a": "1"}) not in {number, 0}


def test_a_repository_made_anew_after_its_deletion_has_another_id(github: StandIn, name: str) -> None:
    before = github.world.named(name).id
    github.delete(name)
    assert github.add_repository(name, {"a": "1"}) != before


def test_deleted_empty_blocked_disabled(client: httpx.Client, github: StandIn, name: str) -> None:
    github.empty(name)
    empty = client.get(f"/repos/{name}/git/trees/main")
    assert (empty.status_code, empty.json()["message"]) == (409, "Git Repository is empty.")
    assert client.get(f"/repos/{name}").status_code == 200
    github.block(name, "dmca", "https://dmca.example/1")
    blocked = client.get(f"/repos/{name}")
    assert blocked.status_code == 451
    assert blocked.json()["block"]["reason"] == "dmca"
    assert blocked.json()["block"]["html_url"] == "https://dmca.example/1"
    github.unblock(name)
    github.change(name, disabled=True)
    assert client.get(f"/repos/{name}").status_code == 403
    github.delete(name)
    assert client.get(f"/repos/{name}").status_code == 404


def test_a_push_moves_the_head_and_the_dates(client: httpx.Client, github: StandIn, name: str) -> None:
    before = client.get(f"/repos/{name}").json()
    oid = github.push(name, {"new.txt": "new", "README.md": None})
    assert client.get(f"/repos/{name}/commits/main", headers={"accept": "application/vnd.github.sha"}).text == oid
    assert client.get(f"/repos/{name}").json()["pushed_at"] > before["pushed_at"]
    assert client.get(f"/repos/{name}/contents/README.md").status_code == 404


def test_the_default_branch_can_change(client: httpx.Client, github: StandIn, name: str) -> None:
    github.set_default_branch(name, "trunk")
    assert client.get(f"/repos/{name}").json()["default_branch"] == "trunk"
    assert [branch["name"] for branch in client.get(f"/repos/{name}/branches").json()] == ["main", "trunk"]


def test_a_large_tree_is_truncated(client: httpx.Client, github: StandIn, name: str) -> None:
    whole = client.get(f"/repos/{name}/git/trees/main?recursive=1").json()
    github.set_tree_limit(2)
    cut = client.get(f"/repos/{name}/git/trees/main?recursive=1").json()
    github.set_tree_limit(100_000)
    assert (whole["truncated"], len(whole["tree"])) == (False, 4)
    assert (cut["truncated"], cut["tree"]) == (True, whole["tree"][:2])


def test_files_as_json_raw_links_and_submodules(client: httpx.Client, github: StandIn, name: str) -> None:
    github.push(
        name,
        {
            "link": File(b"skills/a/SKILL.md", "120000"),
            "broken": File(b"../outside", "120000"),
            "module": File(b"2" * 40, "160000"),
            "big": b"x" * (1024 * 1024 + 1),
        },
    )
    base = f"/repos/{name}/contents"
    file = client.get(f"{base}/skills/a/SKILL.md").json()
    assert base64.b64decode(file["content"]).decode() == SKILL
    raw = {"accept": "application/vnd.github.raw+json"}
    assert client.get(f"{base}/skills/a/SKILL.md", headers=raw).text == SKILL
    assert client.get(f"/repos/{name}/git/blobs/{file['sha']}", headers=raw).text == SKILL
    assert base64.b64decode(client.get(f"{base}/link").json()["content"]).decode() == SKILL
    assert client.get(f"{base}/broken").json()["target"] == "../outside"
    assert client.get(f"{base}/module").json()["type"] == "submodule"
    big = client.get(f"{base}/big").json()
    assert (big["encoding"], big["content"], big["size"]) == ("none", "", 1024 * 1024 + 1)
    # A folder's list calls a submodule a file; the tree tells the truth.
    assert {item["name"]: item["type"] for item in client.get(base).json()}["module"] == "file"
    tree = {entry["path"]: entry for entry in client.get(f"/repos/{name}/git/trees/main").json()["tree"]}
    assert (tree["module"]["mode"], tree["module"]["type"]) == ("160000", "commit")
    assert tree["link"]["mode"] == "120000"


def test_addresses_follow_the_host_header(github: StandIn, name: str) -> None:
    with httpx.Client(base_url=github.url) as client:
        here = client.get(f"/repos/{name}").json()
        there = client.get(f"/repos/{name}", headers={"host": "api.github.com"}).json()
    assert here["clone_url"] == f"{github.url}/{name}.git"
    assert (there["url"], there["html_url"]) == (f"https://api.github.com/repos/{name}", f"https://github.com/{name}")


# -- search


def test_repositories_are_found_by_qualifiers(client: httpx.Client, github: StandIn) -> None:
    for number, (stars, pushed) in enumerate([(5, "2026-01-05"), (50, "2026-02-05"), (500, "2026-03-05")]):
        about = {"stars": stars, "pushed_at": pushed, "topics": ["sought"], "language": "Rust"}
        github.add_repository(f"sought/r{number}", {"LICENSE": "Apache License\nVersion 2.0"}, **about)
    github.add_repository("sought/fork", {"a": "1"}, parent="sought/r0", topics=["sought"])

    def names(text: str) -> list[str]:
        answer = client.get("/search/repositories", params={"q": text})
        return [item["name"] for item in answer.json()["items"]]

    assert names("topic:sought") == ["r2", "r1", "r0"]
    assert names("topic:sought fork:true") == ["r2", "r1", "r0", "fork"]
    assert names("user:sought stars:10..100") == ["r1"]
    assert names("user:sought stars:>50") == ["r2"]
    assert names("user:sought pushed:<2026-02-05") == ["r0"]
    assert names("user:sought pushed:2026-02-05") == ["r1"]
    assert names("user:sought pushed:2026-02-01..*") == ["r2", "r1"]
    assert names("user:sought license:apache-2.0 -stars:500") == ["r1", "r0"]
    assert names("user:sought language:go") == []
    assert names("user:sought r1") == ["r1"]
    assert client.get("/search/repositories?q=%20").status_code == 422


def test_code_is_found_on_default_branches(client: httpx.Client, github: StandIn) -> None:
    files: dict[str, str | bytes | File | None] = {
        "skills/pdf/SKILL.md": "Fill in forms",
        "skills/csv/SKILL.md": "Clean tables",
        ".claude/skills/x/SKILL.md": "Forms again",
        "README.md": "forms",
        "large/SKILL.md": "forms" * 100_000,
    }
    github.add_repository("coded/one", files)
    github.set_default_branch("coded/one", "trunk")
    github.push("coded/one", {"skills/new/SKILL.md": "new"})

    def paths(text: str) -> list[str]:
        items = client.get("/search/code", params={"q": f"{text} user:coded"}).json()["items"]
        return [item["path"] for item in items]

    everything = [".claude/skills/x/SKILL.md", "skills/csv/SKILL.md", "skills/new/SKILL.md", "skills/pdf/SKILL.md"]
    assert paths("filename:SKILL.md") == everything
    assert paths("filename:SKILL.md path:skills") == everything[1:]
    assert paths("filename:SKILL.md forms") == [everything[0], everything[3]]
    assert paths("forms extension:md -filename:SKILL.md") == ["README.md"]
    header = {"accept": "application/vnd.github.text-match+json"}
    shown = client.get("/search/code", params={"q": "forms user:coded filename:SKILL.md"}, headers=header).json()
    assert [item["text_matches"][0]["fragment"] for item in shown["items"]] == ["Forms again", "Fill in forms"]
    assert shown["items"][1]["text_matches"][0]["matches"] == [{"text": "forms", "indices": [8, 13]}]
    assert paths("filename:SKILL.md size:<4") == ["skills/new/SKILL.md"]
    assert paths("path:**/SKILL.md") == []
    assert client.get("/search/code?q=(a OR b)").status_code == 422
    assert client.get("/search/code", params={"q": "a OR b OR c OR d OR e OR f OR g"}).status_code == 422


# -- GraphQL

NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Repository { nameWithOwner } } }"


def test_missing_and_blocked_nodes_leave_the_others_alone(client: httpx.Client, github: StandIn, name: str) -> None:
    github.add_repository(f"{name}-blocked", {"a": "1"})
    github.block(f"{name}-blocked")
    known, blocked = github.world.named(name).node_id, github.world.named(f"{name}-blocked").node_id
    answer = query(client, NODES, ids=["R_kgDOnope", known, blocked])
    assert answer["data"]["nodes"] == [None, {"nameWithOwner": name}, None]
    found = [(error["type"], error["path"]) for error in answer["errors"]]
    assert found == [("NOT_FOUND", ["nodes", 0]), ("FORBIDDEN", ["nodes", 2])]


def test_aliases_fail_one_by_one(client: httpx.Client, name: str) -> None:
    short = name.partition("/")[2]
    answer = query(
        client,
        f'{{a: repository(owner: "acme", name: "{short}") {{name}} b: repository(owner: "x", name: "y") {{name}}}}',
    )
    assert answer["data"] == {"a": {"name": short}, "b": None}
    assert [(error["type"], error["path"]) for error in answer["errors"]] == [("NOT_FOUND", ["b"])]


def test_a_query_can_follow_a_rename_or_not(client: httpx.Client, github: StandIn, name: str) -> None:
    old = name.partition("/")[2]
    github.rename(name, f"{old}-now")
    text = 'query($n: String!, $f: Boolean) { repository(owner: "acme", name: $n, followRenames: $f) { name } }'
    assert query(client, text, n=old, f=True)["data"]["repository"]["name"] == f"{old}-now"
    assert query(client, text, n=old, f=False)["errors"][0]["type"] == "NOT_FOUND"


def test_points_are_counted_and_run_out_with_status_200(client: httpx.Client, github: StandIn) -> None:
    github.add_token("poor", limits={"graphql": 3})
    header = {"authorization": "Bearer poor"}
    text = "{ rateLimit { cost remaining nodeCount } viewer { login } }"
    first = client.post("/graphql", json={"query": text}, headers=header)
    assert first.json()["data"]["rateLimit"] == {"cost": 1, "remaining": 2, "nodeCount": 0}
    assert first.headers["x-ratelimit-resource"] == "graphql"
    for _ in range(2):
        client.post("/graphql", json={"query": text}, headers=header)
    limited = client.post("/graphql", json={"query": text}, headers=header)
    assert limited.status_code == 200
    assert limited.headers["x-ratelimit-remaining"] == "0"
    assert [error["type"] for error in limited.json()["errors"]] == ["RATE_LIMITED"]
    assert "data" not in limited.json()


@pytest.mark.parametrize(
    ("first", "inner", "cost", "nodes"), [(10, 10, 1, 110), (100, 10, 1, 1100), (100, 100, 1, 10100)]
)
def test_cost_is_connections_by_a_hundred(
    client: httpx.Client, name: str, first: int, inner: int, cost: int, nodes: int
) -> None:
    text = f"""{{ rateLimit {{ cost nodeCount }} repositoryOwner(login: "acme") {{
      repositories(first: {first}) {{ nodes {{ repositoryTopics(first: {inner}) {{ totalCount }} }} }} }} }}"""
    assert query(client, text)["data"]["rateLimit"] == {"cost": cost, "nodeCount": nodes}


def test_many_connections_cost_more_than_one_point(client: httpx.Client, github: StandIn) -> None:
    fields = " ".join(
        f'a{n}: search(query: "acme", type: REPOSITORY, first: 100) {{ nodes {{ ... on Repository '
        f"{{ repositoryTopics(first: 1) {{ totalCount }} }} }} }}"
        for n in range(3)
    )
    answer = query(client, f"{{ rateLimit {{ cost }} {fields} }}")
    assert answer["data"]["rateLimit"]["cost"] == 3  # 3 searches and 300 lists of topics, by a hundred


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{ search(query: "a", type: REPOSITORY) { repositoryCount } }', "MISSING_PAGINATION_BOUNDARIES"),
        ('{ search(query: "a", type: REPOSITORY, first: 101) { repositoryCount } }', "EXCESSIVE_PAGINATION"),
        ('{ repository(owner: "acme", name: "x") { noSuchField } }', None),
        ("{ viewer { login }", None),
    ],
)
def test_a_wrong_query_is_refused_as_a_whole(client: httpx.Client, text: str, kind: str | None) -> None:
    answer = query(client, text)
    assert "data" not in answer
    assert answer["errors"][0].get("type") == kind


def test_more_than_a_hundred_node_ids_are_refused(client: httpx.Client, github: StandIn, name: str) -> None:
    number = github.world.named(name).node_id
    assert len(query(client, NODES, ids=[number] * 100)["data"]["nodes"]) == 100
    assert query(client, NODES, ids=[number] * 101)["errors"][0]["type"] == "ARGUMENT_LIMIT"


def test_lists_are_walked_by_cursor(client: httpx.Client, github: StandIn) -> None:
    for number in range(5):
        github.add_repository(f"cursor/r{number}", {"a": "1"}, stars=number)
    text = """query($after: String) { repositoryOwner(login: "cursor") {
      repositories(first: 2, after: $after, orderBy: {field: STARGAZERS, direction: DESC}) {
        totalCount nodes { name } pageInfo { hasNextPage endCursor } } } }"""
    seen, after = [], None
    while True:
        page = query(client, text, after=after)["data"]["repositoryOwner"]["repositories"]
        seen += [node["name"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert (seen, page["totalCount"]) == (["r4", "r3", "r2", "r1", "r0"], 5)


def test_git_objects_by_oid_and_expression(client: httpx.Client, github: StandIn, name: str) -> None:
    github.push(name, {"image.png": b"\x89PNG\0\0", "long.txt": "x" * 600_000})
    text = """query($n: String!, $e: String) { repository(owner: "acme", name: $n) { object(expression: $e) {
      __typename oid ... on Blob { text byteSize isBinary isTruncated }
      ... on Tree { entries { name mode type } } } } }"""
    short = name.partition("/")[2]

    def found(expression: str) -> Any:
        return query(client, text, n=short, e=expression)["data"]["repository"]["object"]

    skill = found("HEAD:skills/a/SKILL.md")
    assert (skill["text"], skill["byteSize"], skill["isBinary"]) == (SKILL, len(SKILL), False)
    assert found(skill["oid"])["text"] == SKILL
    assert (found("main:image.png")["text"], found("main:image.png")["isBinary"]) == (None, True)
    assert (found("HEAD:long.txt")["isTruncated"], len(found("HEAD:long.txt")["text"])) == (True, 512_000)
    assert found("HEAD:skills")["entries"] == [{"name": "a", "mode": 0o40000, "type": "tree"}]
    assert found("HEAD")["__typename"] == "Commit"
    assert found("HEAD:nope") is None


def test_rest_and_graphql_agree_on_a_repository(client: httpx.Client, github: StandIn, name: str) -> None:
    github.push(name, {"LICENSE": "Permission is hereby granted, free of charge, to any person obtaining a copy"})
    github.change(name, topics=["one", "two"], description="Skills", forks=3)
    rest = client.get(f"/repos/{name}").json()
    text = """query($id: ID!) { node(id: $id) { ... on Repository { databaseId nameWithOwner stargazerCount forkCount
      pushedAt createdAt description url licenseInfo { spdxId } repositoryTopics(first: 9) { nodes { topic { name } } }
      defaultBranchRef { name target { oid ... on Commit { tree { oid } } } } } } }"""
    node = query(client, text, id=rest["node_id"])["data"]["node"]
    head = client.get(f"/repos/{name}/commits/main").json()
    assert node == {
        "databaseId": rest["id"],
        "nameWithOwner": rest["full_name"],
        "stargazerCount": rest["stargazers_count"],
        "forkCount": rest["forks_count"],
        "pushedAt": rest["pushed_at"],
        "createdAt": rest["created_at"],
        "description": rest["description"],
        "url": rest["html_url"],
        "licenseInfo": {"spdxId": rest["license"]["spdx_id"]},
        "repositoryTopics": {"nodes": [{"topic": {"name": topic}} for topic in rest["topics"]]},
        "defaultBranchRef": {
            "name": rest["default_branch"],
            "target": {"oid": head["sha"], "tree": {"oid": head["commit"]["tree"]["sha"]}},
        },
    }
    assert rest["license"]["spdx_id"] == "MIT"
