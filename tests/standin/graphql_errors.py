"""Errors of GraphQL, with the `type` that GitHub gives beside the message."""

from __future__ import annotations


class QueryProblem(Exception):
    """A problem with one field, or with a whole query: NOT_FOUND, FORBIDDEN, RATE_LIMITED and others."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
