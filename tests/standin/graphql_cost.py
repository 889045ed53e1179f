"""What a GraphQL query costs, by the formula of GitHub's documentation.

Points are the requests needed for its connections, divided by 100 and rounded, at least 1; nodes are what
all connections could return. Source: "Rate limits and query limits for the GraphQL API".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_interface_type,
    is_object_type,
)

from tests.standin.graphql_errors import QueryProblem

PAGE_LIMIT = 100
NODE_LIMIT = 500_000


@dataclass
class Cost:
    """Connection requests and nodes of a query."""

    requests: int = 0
    nodes: int = 0

    @property
    def points(self) -> int:
        """What is taken from the graphql bucket."""
        return max(1, round(self.requests / 100))


def cost_of(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> Cost:
    """Count a query's cost before it is executed.

    Raises:
        QueryProblem: A connection has no bound or one over 100, or the nodes are too many.
    """
    counter = _Counter(schema, document, variables)
    root = schema.get_root_type(operation.operation)
    if root:
        counter.walk(operation.selection_set, root, 1)
    if counter.cost.nodes > NODE_LIMIT:
        raise QueryProblem(
            "MAX_NODE_LIMIT_EXCEEDED",
            f"This query requests up to {counter.cost.nodes:,} possible nodes which exceeds the maximum limit of"
            f" {NODE_LIMIT:,}.",
        )
    return counter.cost


class _Counter:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self.cost = Cost()
        self._schema = schema
        self._variables = variables
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def walk(self, selections: SelectionSetNode, parent: GraphQLNamedType, times: int) -> None:
        """Count what is selected of a type that occurs up to `times` times."""
        for node in selections.selections:
            if isinstance(node, FieldNode):
                self._field(node, parent, times)
            elif isinstance(node, InlineFragmentNode):
                name = node.type_condition.name.value if node.type_condition else parent.name
                self.walk(node.selection_set, self._schema.type_map[name], times)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                named = self._schema.type_map[fragment.type_condition.name.value]
                self.walk(fragment.selection_set, named, times)

    def _field(self, node: FieldNode, parent: GraphQLNamedType, times: int) -> None:
        if node.selection_set is None or not (is_object_type(parent) or is_interface_type(parent)):
            return
        field = parent.fields.get(node.name.value)
        if field is None:  # __schema and __type
            return
        kind = get_named_type(field.type)
        if kind.name.endswith("Connection"):
            self.cost.requests += times
            times *= self._bound(node, kind.name)
            self.cost.nodes += times
        self.walk(node.selection_set, kind, times)

    def _bound(self, node: FieldNode, kind: str) -> int:
        values = {argument.name.value: argument.value for argument in node.arguments or ()}
        for name in ("first", "last"):
            value = values.get(name)
            number = None
            if isinstance(value, IntValueNode):
                number = int(value.value)
            elif isinstance(value, VariableNode):
                number = self._variables.get(value.name.value)
            if number is None:
                continue
            if not 1 <= number <= PAGE_LIMIT:
                raise QueryProblem(
                    "EXCESSIVE_PAGINATION",
                    f"Requesting {number} records on the `{node.name.value}` connection exceeds the `{name}` limit"
                    f" of {PAGE_LIMIT} records.",
                )
            return int(number)
        raise QueryProblem(
            "MISSING_PAGINATION_BOUNDARIES",
            f"You must provide a `first` or `last` value to properly paginate the `{node.name.value}` connection.",
        )
