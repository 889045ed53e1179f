"""Which methods an address takes, for OPTIONS and for whoever uses another one (RFC 9110 sections 9.3.7, 15.5.6)."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import Route


class Methods:
    """The methods of addresses, from their routes.

    Args:
        routes: Those of single addresses, without the ones that take whatever is left.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = tuple(routes)

    def of(self, path: str) -> frozenset[str]:
        """Give the methods that a path takes; none where there is no such address."""
        found = (route.methods or () for route in self._routes if route.path_regex.match(path))
        return frozenset(method for methods in found for method in methods)

    def allow(self, path: str) -> str:
        """Write the Allow header of a path; pages of the site are read."""
        return ", ".join(sorted({*(self.of(path) or ("GET", "HEAD")), "OPTIONS"}))
