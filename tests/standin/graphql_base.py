"""What all GraphQL objects share: the query's context, and pages of lists."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tests.standin.calls import Sites
from tests.standin.graphql_errors import QueryProblem
from tests.standin.limits import Quota
from tests.standin.world import Token, World


@dataclass
class Context:
    """What a query is executed with."""

    world: World
    sites: Sites
    token: Token | None
    quota: Quota
    cost: int
    node_count: int
    corrupt: bool = False


class Object:
    """Base of all objects: knows the query's context and its own type's name."""

    typename: ClassVar[str]

    def __init__(self, context: Context) -> None:
        self.context = context


class Connection(Object):
    """One page of a list."""

    typename = "Connection"

    def __init__(
        self,
        context: Context,
        items: Sequence[Any],
        make: Callable[[Any], Object],
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
    ) -> None:
        super().__init__(context)
        start = _position(after) if after else 0
        end = _position(before) - 1 if before else len(items)
        if first is not None:
            end = min(end, start + first)
        if last is not None:
            start = max(start, end - last)
        self.total_count = len(items)
        self.nodes = [make(item) for item in items[start:end]]
        self.edges = [{"cursor": _cursor(start + n), "node": node} for n, node in enumerate(self.nodes, 1)]
        self.page_info = {
            "hasNextPage": end < len(items),
            "hasPreviousPage": start > 0,
            "startCursor": _cursor(start + 1) if self.nodes else None,
            "endCursor": _cursor(end) if self.nodes else None,
        }


def _cursor(position: int) -> str:
    return base64.b64encode(f"cursor:{position}".encode()).decode()


def _position(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor).decode().removeprefix("cursor:"))
    except ValueError:
        raise QueryProblem("INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor.") from None
