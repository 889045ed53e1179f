"""GraphQL: queries are validated and executed by graphql-core against GitHub's own schema.

`schema.graphql` is the part of the published schema that the stand-in can answer; where the npm package
with the full one is installed, `full_schema` reads that. Both use the same objects.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)

from tests.standin.calls import ApiError, Call, Reply
from tests.standin.graphql_base import Context
from tests.standin.graphql_cost import cost_of
from tests.standin.graphql_errors import QueryProblem
from tests.standin.graphql_objects import QueryObject
from tests.standin.limits import Limits
from tests.standin.world import StandInError

SUBSET_FILE = Path(__file__).parent / "schema.graphql"
FULL_FILE = Path(__file__).parent.parent / "node_modules/@octokit/graphql-schema/schema.graphql"
_NODE_IDS_LIMIT = 100
_WITHHELD = "Resource limits for this query exceeded."
_DOCS = "https://docs.github.com/graphql/guides/forming-calls-with-graphql#authenticating-with-graphql"
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@functools.cache
def read_schema(file: Path = SUBSET_FILE) -> GraphQLSchema:
    """Build a schema from its definition, once per process.

    Raises:
        StandInError: The file is not there.
    """
    if not file.exists():
        raise StandInError(f"no GraphQL schema {file}", remedy="Run `python -m tests.node install`.")
    return build_schema(file.read_text(encoding="utf-8"), assume_valid=True)


def answer(call: Call, limits: Limits, schema: GraphQLSchema) -> Reply:
    """POST /graphql.

    Args:
        call: The request.
        limits: Where the query's points are taken from.
        schema: What the query is validated against.

    Raises:
        ApiError: 401 without a token, 400 where the body is not a query.
    """
    if call.token is None:
        raise ApiError(401, "This endpoint requires you to be authenticated.", documentation_url=_DOCS)
    text, variables, name = _read(call.body)
    try:
        document, operation = _prepare(schema, text, name)
        cost = cost_of(schema, document, operation, variables)
    except GraphQLErrors as failure:
        return _refused(call, limits, failure.errors)
    except QueryProblem as problem:
        return _refused(call, limits, [GraphQLError(str(problem), original_error=problem)])
    quota = limits.spend(call.token, "graphql", cost.points)
    fault = call.fault.graphql if call.fault else ""
    if fault == "RATE_LIMITED" or not quota.allowed:
        message = f"API rate limit exceeded for user ID {call.token.user_id}."
        if call.fault and fault:
            reset = int(call.world.clock().timestamp()) + call.fault.reset_after
            quota = replace(quota, used=quota.limit, reset=reset)
        error = {"type": "RATE_LIMITED", "code": "graphql_rate_limit", "message": message}
        return Reply({"errors": [error]}, headers=quota.headers())
    corrupt = call.fault is not None and call.fault.corrupt
    context = Context(call.world, call.sites, call.token, quota, cost.points, cost.nodes, corrupt)
    result = execute_sync(
        schema,
        document,
        root_value=QueryObject(context),
        variable_values=dict(variables),
        operation_name=name,
        field_resolver=_resolve,
        type_resolver=lambda value, info, kind: value.typename,
    )
    data, errors = result.data, [_shown(error) for error in result.errors or ()]
    if fault and data is not None:
        errors += _withhold(data, fault)
    body: dict[str, Any] = {"data": data}
    if errors:
        body["errors"] = errors
    return Reply(body, headers=quota.headers())


def _withhold(data: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Take the second half of an answer away, as when a query is given up halfway."""
    errors = []
    for name, value in data.items():
        places = value if isinstance(value, list) else None
        if places is None:
            continue
        for index in range(len(places) // 2, len(places)):
            places[index] = None
            errors.append({"type": kind, "path": [name, index], "message": _WITHHELD})
    keys = list(data)
    if not errors:
        for name in keys[len(keys) // 2 :]:
            data[name] = None
            errors.append({"type": kind, "path": [name], "message": _WITHHELD})
    return errors


class GraphQLErrors(Exception):
    """A query that is not valid."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(str(errors[0]))
        self.errors = errors


@functools.lru_cache(maxsize=256)
def _prepare(schema: GraphQLSchema, text: str, name: str | None) -> tuple[DocumentNode, OperationDefinitionNode]:
    """Parse and validate; the same text is often asked again with other variables."""
    try:
        document = parse(text)
    except GraphQLError as error:
        raise GraphQLErrors([error]) from None
    errors = validate(schema, document)
    if errors:
        raise GraphQLErrors(errors)
    operation = get_operation_ast(document, name)
    if operation is None:
        raise GraphQLErrors([GraphQLError("An operation name is required")])
    return document, operation


def _read(body: bytes) -> tuple[str, Mapping[str, Any], str | None]:
    try:
        content = json.loads(body)
    except ValueError:
        raise ApiError(400, "Problems parsing JSON") from None
    if not isinstance(content, dict) or not isinstance(content.get("query"), str):
        raise ApiError(400, "A query attribute must be specified and must be a string.")
    return content["query"], content.get("variables") or {}, content.get("operationName") or None


def _refused(call: Call, limits: Limits, errors: list[GraphQLError]) -> Reply:
    """An invalid query costs nothing and has no data."""
    return Reply({"errors": [_shown(error) for error in errors]}, headers=limits.look(call.token, "graphql").headers())


def _resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    if info.field_name == "nodes" and len(arguments.get("ids", ())) > _NODE_IDS_LIMIT:
        given = len(arguments["ids"])
        raise QueryProblem(
            "ARGUMENT_LIMIT",
            f"You may not provide more than {_NODE_IDS_LIMIT} node ids; you provided {given}.",
        )
    if isinstance(source, dict):
        if info.field_name not in source:
            raise _not_modelled(info)
        return source[info.field_name]
    member = getattr(source, _snake(info.field_name), _MISSING)
    if member is _MISSING:
        raise _not_modelled(info)
    return member(**{_snake(key): value for key, value in arguments.items()}) if callable(member) else member


_MISSING = object()


def _not_modelled(info: GraphQLResolveInfo[Any]) -> GraphQLError:
    return GraphQLError(f"the stand-in does not model {info.parent_type.name}.{info.field_name}")


@functools.cache
def _snake(name: str) -> str:
    return _CAPITAL.sub("_", name).lower()


def _shown(error: GraphQLError) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if isinstance(error.original_error, QueryProblem):
        shown["type"] = error.original_error.kind
    if error.path:
        shown["path"] = error.path
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    return shown | {"message": error.message}
