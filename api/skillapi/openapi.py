"""The description of the API in OpenAPI 3.1, made from the same table as the routes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from skillapi.action import Action
from skillapi.endpoint import Endpoint
from skillapi.problems import MEDIA_TYPE, PROBLEMS
from skillapi.schemas import ProblemAnswer

_REFERENCE = "#/components/schemas/{model}"


def describe(endpoints: Sequence[Endpoint[Any]], actions: Sequence[Action[Any]] = (), *, title: str) -> dict[str, Any]:
    """Describe the API.

    Args:
        endpoints: The table of addresses that are read.
        actions: The table of those that have something done.
        title: Name of the registry.

    Returns:
        An OpenAPI 3.1 document.
    """
    models: set[type[BaseModel]] = {one.answer for one in endpoints if not isinstance(one.answer, str)}
    models |= {ProblemAnswer, *(one.answer for one in actions)}
    paths: dict[str, dict[str, Any]] = {one.path: {"get": _operation(one)} for one in endpoints}
    for action in actions:
        paths.setdefault(action.path, {})[action.method.lower()] = _action(action)
    _, schemas = models_json_schema(
        [(model, "serialization") for model in sorted(models, key=str)], ref_template=_REFERENCE
    )
    return {
        "openapi": "3.1.1",
        "info": {
            "title": f"{title} API",
            "version": version("agentskillregistry"),
            "description": "Search and downloads, from one immutable snapshot of the index; requests to read anew.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": schemas["$defs"]},
    }


def _operation(endpoint: Endpoint[Any]) -> dict[str, Any]:
    return {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": _parameters(endpoint),
        "responses": {
            "200": _success(endpoint),
            **_extra(endpoint),
            **_failures([*endpoint.problems, *_usual(endpoint)]),
        },
    }


def _action(action: Action[Any]) -> dict[str, Any]:
    content = {"application/json": _schema(action.answer)}
    headers = [
        {"name": name, "in": "header", "required": True, "description": meaning, "schema": {"type": "string"}}
        for name, meaning in action.headers
    ]
    described: dict[str, Any] = {
        "operationId": action.name,
        "summary": action.summary,
        "parameters": [*_parameters(action), *headers],
        "responses": {
            **{str(one): {"description": _STATUSES[one], "content": content} for one in action.statuses},
            **_failures([*action.problems, *_ALWAYS]),
        },
    }
    if action.takes_body:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    return described


_STATUSES = {200: "Done, or how it stands", 202: "It was asked for, and is done soon"}


def _parameters(endpoint: Endpoint[Any] | Action[Any]) -> list[dict[str, Any]]:
    in_path = set(re.findall(r"{(\w+)}", endpoint.path))
    schema = endpoint.parameters.model_json_schema(ref_template=_REFERENCE)
    definitions = schema.get("$defs", {})
    return [
        {
            "name": name,
            "in": "path" if name in in_path else "query",
            "required": name in in_path,
            "description": details.pop("description", name),
            "schema": _inlined(details, definitions),
        }
        for name, details in schema.get("properties", {}).items()
    ]


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Put definitions in the place of references; parameters have none that refer to themselves."""
    if isinstance(schema, list):
        return [_inlined(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return definitions[schema["$ref"].rsplit("/", 1)[-1]]
    # A parameter is left out, never null.
    choices = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(choices) == 1:
        rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
        return _inlined({**choices[0], **rest}, definitions)
    return {key: _inlined(value, definitions) for key, value in schema.items() if key != "title"}


def _success(endpoint: Endpoint[Any]) -> dict[str, Any]:
    if isinstance(endpoint.answer, str):
        return {"description": "The bytes", "content": {endpoint.answer.split(";")[0]: {"schema": _bytes(endpoint)}}}
    return {"description": _first_line(endpoint.answer), "content": {"application/json": _schema(endpoint.answer)}}


def _bytes(endpoint: Endpoint[Any]) -> dict[str, Any]:
    return {"type": "string"} if str(endpoint.answer).startswith("text/") else {}


def _extra(endpoint: Endpoint[Any]) -> dict[str, Any]:
    named = "{repository}" in endpoint.path
    moved = {"301": {"description": "It goes by another name now, and is at the address in Location"}} if named else {}
    if "range-not-satisfiable" not in endpoint.problems:
        return moved
    return {
        **moved,
        "206": {"description": "A part of the bytes", "content": {str(endpoint.answer): {"schema": {}}}},
        "302": {"description": "The bytes are at the address in Location"},
    }


def _failures(codes: Sequence[str]) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    return {
        str(status): {
            "description": "; ".join(f"`{code}`: {PROBLEMS[code].meaning}" for code in found),
            "content": {MEDIA_TYPE: _schema(ProblemAnswer)},
        }
        for status, found in sorted(by_status.items())
    }


def _usual(endpoint: Endpoint[Any]) -> list[str]:
    """Problems of every address; those that read the snapshot may find none."""
    return [*_ALWAYS, *([] if endpoint.inline else ["no-snapshot"])]


_ALWAYS = ("unknown-parameter", "uri-too-long", "too-many-requests", "internal")


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or model.__name__).strip().splitlines()[0]
