"""The protocol's side: a list of tools, and calls of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from pydantic import ValidationError

from skillapi.mcpserver.reading import Api, ToolError
from skillapi.mcpserver.tools import TOOLS, WARNING, Tool, ToolAnswer
from skilldata.names import safe_text

INSTRUCTIONS = (
    "A registry of agent skills. Search, look at the verdict and the licence, read SKILL.md, then tell the person you "
    f"work for how to install it. {WARNING}"
)
_BY_NAME = {tool.name: tool for tool in TOOLS}


def make_server(api: Callable[[], Api]) -> Server[Any]:
    """Make a server whose tools ask the API that `api` gives."""

    async def list_tools(_: ServerRequestContext[Any], _params: object) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(tool) for tool in TOOLS])

    async def call_tool(_: ServerRequestContext[Any], asked: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            return _result(await _run(api(), asked.name, asked.arguments or {}))
        except ToolError as error:
            return _refusal(error)

    return Server(
        "agent-skill-registry",
        version=version("agentskillregistry"),
        title="Agent Skill Registry",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def serve_stdio(api: Api) -> None:
    """Serve one client on standard input and output until it goes."""
    server = make_server(lambda: api)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


async def _run(api: Api, name: str, arguments: dict[str, Any]) -> ToolAnswer:
    tool = _BY_NAME.get(name)
    if tool is None:
        raise ToolError("not-found", "There is no such tool.", remedy=f"The tools are {', '.join(_BY_NAME)}.")
    try:
        asked = tool.arguments.model_validate(arguments)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = safe_text(".".join(map(str, first["loc"])), limit=80)
        raise ToolError("invalid-arguments", f"{where}: {first['msg']}", remedy="See the tool's schema.") from None
    return await tool.run(api, asked)


def _described(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.arguments.model_json_schema(),
        annotations=types.ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
        ),
    )


def _result(answer: ToolAnswer) -> types.CallToolResult:
    text = answer.text if answer.text is not None else json.dumps(answer.document, ensure_ascii=False)
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=answer.document, is_error=False
    )


def _refusal(error: ToolError) -> types.CallToolResult:
    told = {name: safe_text(value, limit=500) for name, value in
            (("code", error.problem), ("detail", error.message), ("remedy", error.remedy))}  # fmt: skip
    text = f"{told['code']}: {told['detail']} {told['remedy']}".strip()
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=told, is_error=True
    )
