"""The local GitHub against GitHub's published schemas: every REST endpoint and the whole GraphQL subset."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    is_introspection_type,
    is_required_argument,
    is_specified_scalar_type,
)
from jsonschema_rs import Draft4Validator, Registry

from tests.node import GRAPHQL_SCHEMA, OPENAPI
from tests.standin import File, StandIn
from tests.standin.graphql import SUBSET_FILE, read_schema

pytestmark = pytest.mark.node
MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy"

# -- REST


class OpenApi:
    """GitHub's OpenAPI description (version 3.0.3), as JSON Schema draft 4."""

    def __init__(self) -> None:
        if not OPENAPI.exists():
            pytest.skip("npm packages are not installed: python -m tests.node install")
        self.document = _without_nullable(json.loads(OPENAPI.read_bytes()))
        self._registry = Registry([("github:", self.document)])

    def problems(self, template: str, response: httpx.Response) -> list[str]:
        """List what is wrong with a response to a path of the description."""
        method = response.request.method.lower()
        responses = self.document["paths"][template][method]["responses"]
        status = str(response.status_code)
        if status not in responses:
            return [f"status {status} is not described"]
        described = self._resolved(responses[status])
        content = described.get("content", {})
        if not content:
            return ["a body where none is described"] if response.content else []
        if "application/json" not in content:
            return [f"described as {', '.join(content)}, not JSON"]
        return self.body_problems(content["application/json"]["schema"], response.json())

    def body_problems(self, schema: Any, body: Any) -> list[str]:
        """List what is wrong with a body."""
        absolute = json.loads(json.dumps(schema).replace('"#/', '"github:#/'))
        validator = Draft4Validator(absolute, registry=self._registry, validate_formats=True)
        return [f"{'/'.join(str(p) for p in e.instance_path)}: {e.message[:200]}" for e in validator.iter_errors(body)]

    def _resolved(self, node: Any) -> Any:
        while "$ref" in node:
            found: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/")]
            node = found
        return node


def _without_nullable(node: Any) -> Any:
    """Write OpenAPI's `nullable` in the words of JSON Schema."""
    if isinstance(node, list):
        return [_without_nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: _without_nullable(value) for key, value in node.items()}
    if made.pop("nullable", None) is True:
        if isinstance(made.get("enum"), list) and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
        if isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
        else:
            return {"anyOf": [made, {"type": "null"}]}
    return made


@pytest.fixture(scope="module")
def openapi() -> OpenApi:
    return OpenApi()


@pytest.fixture(scope="module")
def github() -> Iterator[StandIn]:
    with StandIn() as standin:
        standin.add_repository(
            "acme/skills",
            {
                "LICENSE": MIT,
                "README.md": "# Skills",
                "skills/a/SKILL.md": "---\nname: a\n---\n",
                "skills/run.sh": File(b"#!/bin/sh\n", "100755"),
                "link": File(b"skills/a", "120000"),
                "file-link": File(b"README.md", "120000"),
                "module": File(b"1" * 40, "160000"),
                ".gitmodules": '[submodule "module"]\n\tpath = module\n\turl = https://git.example/module.git\n',
                "old.txt": "old",
                "large.bin": b"\0" * (1024 * 1024 + 1),
            },
            description="Skills",
            topics=["agent-skills"],
            stars=5,
            language="Python",
        )
        standin.base = standin.push("acme/skills", {"skills/a/SKILL.md": "changed", "old.txt": None})  # type: ignore[attr-defined]
        standin.add_repository("mira/fork", {"a": "1"}, parent="acme/skills")
        standin.world.owner("mira", "User")
        standin.add_repository("acme/other-licence", {"LICENSE": "All rights reserved."})
        standin.add_repository("acme/empty", {})
        standin.add_repository("acme/gone", {"a": "1"})
        standin.delete("acme/gone")
        standin.add_repository("acme/old", {"a": "1"})
        standin.rename("acme/old", "new")
        yield standin


@pytest.fixture(scope="module")
def client(github: StandIn) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=github.url, headers={"authorization": f"token {github.token}"}) as made:
        yield made


R = "/repos/{owner}/{repo}"
CASES = [
    (R, "", 200),
    (R + "/git/trees/{tree_sha}", "/git/trees/main?recursive=1", 200),
    (R + "/git/trees/{tree_sha}", "/git/trees/main", 200),
    (R + "/git/trees/{tree_sha}", "/git/trees/nope", 404),
    (R + "/git/blobs/{file_sha}", "/git/blobs/{blob}", 200),
    (R + "/git/blobs/{file_sha}", "/git/blobs/" + "0" * 40, 404),
    (R + "/git/ref/{ref}", "/git/ref/heads/main", 200),
    (R + "/git/ref/{ref}", "/git/ref/heads/nope", 404),
    (R + "/commits", "/commits", 200),
    (R + "/commits/{ref}", "/commits/main", 200),
    (R + "/commits/{ref}", "/commits/nope", 422),
    (R + "/branches", "/branches", 200),
    (R + "/branches/{branch}", "/branches/main", 200),
    (R + "/branches/{branch}", "/branches/nope", 404),
    (R + "/contents/{path}", "/contents", 200),
    (R + "/contents/{path}", "/contents/skills", 200),
    (R + "/contents/{path}", "/contents/skills/a/SKILL.md", 200),
    (R + "/contents/{path}", "/contents/link", 200),
    (R + "/contents/{path}", "/contents/file-link", 200),
    (R + "/contents/{path}", "/contents/module", 200),
    (R + "/contents/{path}", "/contents/large.bin", 200),
    (R + "/contents/{path}", "/contents/nope", 404),
    (R + "/license", "/license", 200),
    (R + "/readme", "/readme", 200),
    (R + "/topics", "/topics", 200),
    (R + "/releases", "/releases", 200),
    (R + "/compare/{basehead}", "/compare/{base}~1...main", 200),
    (R + "/compare/{basehead}", "/compare/main...{base}~1", 200),
    (R + "/compare/{basehead}", "/compare/main...main", 200),
    (R + "/compare/{basehead}", "/compare/main...nope", 404),
]


@pytest.mark.parametrize(("template", "suffix", "status"), CASES)
@pytest.mark.parametrize("by_id", [False, True], ids=["by-name", "by-id"])
def test_repository_endpoints(
    openapi: OpenApi, github: StandIn, client: httpx.Client, template: str, suffix: str, status: int, by_id: bool
) -> None:
    number = github.world.named("acme/skills").id
    tree = client.get("/repos/acme/skills/git/trees/main?recursive=1").json()["tree"]
    blob = next(entry["sha"] for entry in tree if entry["path"] == "skills/a/SKILL.md")
    base: str = github.base  # type: ignore[attr-defined]
    start = f"/repositories/{number}" if by_id else "/repos/acme/skills"
    response = client.get(start + suffix.replace("{blob}", blob).replace("{base}", base))
    assert response.status_code == status
    assert openapi.problems(template, response) == []


@pytest.mark.parametrize(
    ("template", "path", "status"),
    [
        ("/users/{username}", "/users/mira", 200),
        ("/users/{username}", "/users/nobody", 404),
        ("/users/{username}/repos", "/users/mira/repos", 200),
        ("/orgs/{org}/repos", "/orgs/acme/repos?type=public&sort=pushed", 200),
        ("/search/repositories", "/search/repositories?q=topic:agent-skills", 200),
        ("/search/repositories", "/search/repositories?q=", 422),
        ("/search/code", "/search/code?q=filename:SKILL.md", 200),
        ("/search/code", "/search/code?q=changed", 200),
        ("/rate_limit", "/rate_limit", 200),
        ("/user", "/user", 200),
        (R, "/repos/mira/fork", 200),
        (R, "/repos/acme/other-licence", 200),
        (R, "/repos/acme/empty", 200),
        (R, "/repos/acme/gone", 404),
        (R, "/repos/acme/old", 301),
        (R + "/license", "/repos/acme/other-licence/license", 200),
        (R + "/git/trees/{tree_sha}", "/repos/acme/empty/git/trees/main", 409),
        (R + "/commits", "/repos/acme/empty/commits", 409),
        (R + "/tarball/{ref}", "/repos/acme/skills/tarball/main", 302),
        (R + "/zipball/{ref}", "/repos/acme/skills/zipball/main", 302),
    ],
)
def test_other_endpoints(openapi: OpenApi, client: httpx.Client, template: str, path: str, status: int) -> None:
    response = client.get(path, headers={"accept": "application/vnd.github.text-match+json"})
    assert response.status_code == status
    assert openapi.problems(template, response) == []


def test_installation_token(openapi: OpenApi, github: StandIn) -> None:
    import time

    import jwt

    app = github.add_app(7, 70)
    now = int(time.time())
    signed = jwt.encode({"iat": now - 30, "exp": now + 300, "iss": "7"}, app.private_key, algorithm="RS256")
    response = httpx.post(
        f"{github.url}/app/installations/70/access_tokens", headers={"authorization": f"Bearer {signed}"}
    )
    assert response.status_code == 201
    assert openapi.problems("/app/installations/{installation_id}/access_tokens", response) == []


@pytest.mark.parametrize("path", ["/repos/acme/skills/releases/latest", "/repos/acme/nope", "/repos/acme/skills/nope"])
def test_errors_have_the_common_form(openapi: OpenApi, client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert openapi.body_problems({"$ref": "#/components/schemas/basic-error"}, response.json()) == []


@pytest.mark.parametrize(
    ("template", "path", "field"),
    [
        (R, "/repos/acme/skills", "full_name"),
        (R, "/repos/acme/skills", "has_discussions"),
        (R + "/commits/{ref}", "/repos/acme/skills/commits/main", "commit"),
        (R + "/git/trees/{tree_sha}", "/repos/acme/skills/git/trees/main", "truncated"),
        ("/search/code", "/search/code?q=filename:SKILL.md", "total_count"),
    ],
)
def test_a_missing_field_is_caught(
    openapi: OpenApi, client: httpx.Client, template: str, path: str, field: str
) -> None:
    """The negative control: without one of its fields the same response does not pass."""
    response = client.get(path)
    body = response.json()
    del body[field]
    spoilt = httpx.Response(200, json=body, request=response.request)
    assert openapi.problems(template, response) == []
    assert any(field in problem for problem in openapi.problems(template, spoilt))


def test_a_wrong_type_and_an_unexpected_null_are_caught(openapi: OpenApi, client: httpx.Client) -> None:
    response = client.get("/repos/acme/skills")
    for field, value in (("id", "1"), ("full_name", None), ("owner", None), ("url", "not an address")):
        spoilt = httpx.Response(200, json=response.json() | {field: value}, request=response.request)
        assert openapi.problems(R, spoilt), field
    for field in ("description", "homepage", "license"):
        allowed = httpx.Response(200, json=response.json() | {field: None}, request=response.request)
        assert openapi.problems(R, allowed) == [], field


# -- GraphQL


@pytest.fixture(scope="module")
def full_schema() -> GraphQLSchema:
    if not GRAPHQL_SCHEMA.exists():
        pytest.skip("npm packages are not installed: python -m tests.node install")
    return read_schema(GRAPHQL_SCHEMA)


def differences(part: GraphQLSchema, whole: GraphQLSchema) -> list[str]:
    """List where a schema is not part of another: types, fields, arguments, defaults, values, nullability."""
    found: list[str] = []
    for name, kind in part.type_map.items():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        other = whole.type_map.get(name)
        if other is None or type(other) is not type(kind):
            found.append(f"{name}: no such type")
        else:
            found += [f"{name}.{problem}" for problem in _type_differences(kind, other)]
    return found


def _type_differences(kind: GraphQLNamedType, other: GraphQLNamedType) -> Iterator[str]:
    if isinstance(kind, GraphQLEnumType) and isinstance(other, GraphQLEnumType):
        if set(kind.values) != set(other.values):
            yield f"values {sorted(set(kind.values) ^ set(other.values))}"
    elif isinstance(kind, GraphQLUnionType) and isinstance(other, GraphQLUnionType):
        extra = {member.name for member in kind.types} - {member.name for member in other.types}
        if extra:
            yield f"members {sorted(extra)}"
    elif isinstance(kind, GraphQLInputObjectType) and isinstance(other, GraphQLInputObjectType):
        if {key: str(field.type) for key, field in kind.fields.items()} != {
            key: str(field.type) for key, field in other.fields.items()
        }:
            yield "fields of the input differ"
    elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and isinstance(
        other, GraphQLObjectType | GraphQLInterfaceType
    ):
        extra = {interface.name for interface in kind.interfaces} - {face.name for face in other.interfaces}
        if extra:
            yield f"interfaces {sorted(extra)}"
        for name, field in kind.fields.items():
            if name not in other.fields:
                yield f"{name}: no such field"
            else:
                yield from (f"{name}{problem}" for problem in _field_differences(field, other.fields[name]))


def _field_differences(field: GraphQLField, other: GraphQLField) -> Iterator[str]:
    if str(field.type) != str(other.type):
        yield f": {field.type} is not {other.type}"
    for name, argument in field.args.items():
        if name not in other.args:
            yield f"({name}): no such argument"
        elif str(argument.type) != str(other.args[name].type):
            yield f"({name}): {argument.type} is not {other.args[name].type}"
        elif _default(argument) != _default(other.args[name]):
            yield f"({name}): another default"
    for name, argument in other.args.items():
        if is_required_argument(argument) and name not in field.args:
            yield f"({name}): a required argument is missing"


def _default(argument: Any) -> str:
    from graphql import print_ast

    node = argument.ast_node.default_value
    return print_ast(node) if node else ""


def test_the_subset_is_part_of_the_published_schema(full_schema: GraphQLSchema) -> None:
    assert differences(read_schema(), full_schema) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("  stargazerCount: Int!", "  starCount: Int!", "Repository.starCount: no such field"),
        ("  stargazerCount: Int!", "  stargazerCount: Int", "Repository.stargazerCount: Int is not Int!"),
        ("followRenames: Boolean = true", "followRenames: Boolean = false", "another default"),
        ("nodes(ids: [ID!]!)", "nodes(ids: [ID!])", "Query.nodes(ids): [ID!] is not [ID!]!"),
        ("node(id: ID!)", "node", "Query.node(id): a required argument is missing"),
        ("enum SearchType {", "enum SearchType { CODE", "SearchType.values ['CODE']"),
        ("union SearchResultItem = Repository", "union SearchResultItem = Ref | Repository", "members ['Ref']"),
        ("type PageInfo {", "type PageDetails {\n  total: Int\n}\n\ntype PageInfo {", "PageDetails: no such type"),
    ],
)
def test_a_changed_subset_is_caught(full_schema: GraphQLSchema, old: str, new: str, problem: str) -> None:
    """The negative control."""
    text = SUBSET_FILE.read_text()
    assert old in text
    changed = build_schema(text.replace(old, new, 1), assume_valid=True)
    assert any(problem in found for found in differences(changed, full_schema))


def test_a_field_that_is_not_modelled_is_an_error_and_not_null(
    full_schema: GraphQLSchema, github: StandIn, client: httpx.Client
) -> None:
    text = (
        '{ repository(owner: "acme", name: "skills") { name hasSponsorshipsEnabled issues(first: 1) { totalCount } } }'
    )
    subset, github.parts.schema = github.parts.schema, full_schema
    try:
        answer = client.post("/graphql", json={"query": text}).json()
    finally:
        github.parts.schema = subset
    assert answer["data"]["repository"] is None
    assert "does not model Repository.hasSponsorshipsEnabled" in answer["errors"][0]["message"]


SAMPLE_QUERY = """
query($ids: [ID!]!) {
  nodes(ids: $ids) { __typename id ... on Repository { ...Facts } }
  repository(owner: "acme", name: "skills") { ...Facts object(expression: "HEAD:skills") { ...Listing } }
  repositoryOwner(login: "mira") { login repositories(first: 5) { totalCount nodes { nameWithOwner parent { name } } } }
  search(query: "topic:agent-skills", type: REPOSITORY, first: 5) {
    repositoryCount nodes { ... on Repository { name } }
  }
  rateLimit { cost limit nodeCount remaining resetAt used }
  viewer { login }
}
fragment Facts on Repository {
  databaseId nameWithOwner description homepageUrl url stargazerCount forkCount isFork isArchived isDisabled
  isPrivate isEmpty isLocked pushedAt createdAt updatedAt diskUsage owner { login }
  licenseInfo { spdxId key name }
  repositoryTopics(first: 20) { nodes { topic { name } } }
  defaultBranchRef { name target { oid ... on Commit { committedDate tree { oid } } } }
}
fragment Listing on Tree {
  entries { name mode type size object { ... on Blob { text byteSize isBinary isTruncated } } }
}
"""


def test_both_schemas_give_the_same_answer(full_schema: GraphQLSchema, github: StandIn, client: httpx.Client) -> None:
    body = {"query": SAMPLE_QUERY, "variables": {"ids": [github.world.named("acme/skills").node_id]}}
    over_subset = client.post("/graphql", json=body).json()
    subset, github.parts.schema = github.parts.schema, full_schema
    try:
        over_full = client.post("/graphql", json=body).json()
    finally:
        github.parts.schema = subset
    expected = copy.deepcopy(over_subset)
    for answer in (expected, over_full):
        del answer["data"]["rateLimit"]
    assert "errors" not in over_subset
    assert over_full == expected
