"""The embedded services of one state directory, together."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from skillcli.services.credentials import Credentials
from skillcli.services.files import private_directory, write_private_json
from skillcli.services.postgres import Postgres
from skillcli.services.processes import exclusive
from skillcli.services.s3 import S3
from skillcli.services.server import Notify, Server
from skillcli.services.status import ServicesStatus, ServiceState, ServiceStatus
from skillcli.services.temporal import Temporal
from skilldata.config import embedded_services_file
from skilldata.errors import ConfigurationError, ServiceUnavailable

TURN_SECONDS = 300.0  # longest wait for another command on the same state directory
NAMES = ("database", "s3", "temporal")


class EmbeddedServices:
    """PostgreSQL, an S3 and a Temporal server under one state directory, on loopback ports.

    They run in the background until `down`, whoever started them. Everything of theirs is in
    `<state>/services`; what the configuration needs is in `embedded_services_file(<state>)`.

    Args:
        state_directory: Where they live. Nothing in it is ever deleted.
        external: Sections of the configuration (`database`, `s3`, `temporal`) that name a service
            elsewhere; these are not started.
        bucket: Bucket to make in the S3.
        notify: Told what is being done, one short sentence at a time, from any thread.

    Raises:
        ConfigurationError: `external` has a name that is no service.
    """

    def __init__(
        self,
        state_directory: Path,
        *,
        external: Collection[str] = (),
        bucket: str = "skills",
        notify: Notify | None = None,
    ) -> None:
        unknown = sorted(set(external) - set(NAMES))
        if unknown:
            raise ConfigurationError(f"no such service: {unknown[0]}", remedy=f"Services are {', '.join(NAMES)}.")
        self._state = state_directory.absolute()
        self._directory = self._state / "services"
        self._external = frozenset(external)
        self._bucket = bucket
        self._notify = _one_at_a_time(notify) if notify else _ignore
        self.file = embedded_services_file(self._state)

    def up(self) -> ServicesStatus:
        """Start what is not running, repair what is broken, attach to the rest.

        Returns:
            The services, each of which has just answered, or is external.

        Raises:
            ServiceUnavailable: One does not start; the others are left running.
        """
        with self._turn():
            servers = self._servers(Credentials.load_or_make(self._credentials_file))
            wanted = [server for server in servers if server.name not in self._external]
            with ThreadPoolExecutor(max_workers=len(servers)) as pool:
                starts = [pool.submit(server.ensure) for server in wanted]
            failures = [error for start in starts if (error := start.exception())]
            if failures:
                raise failures[0]
            self._publish(wanted)
            return self._collect(servers, [start.result() for start in starts])

    def down(self) -> ServicesStatus:
        """Stop what runs: Temporal first, which has no use for the others' answers any more.

        Services that have become external since they were started here are stopped too.

        Raises:
            ServiceUnavailable: One cannot be stopped.
        """
        if not self._directory.exists():
            return self.status()
        with self._turn():
            servers = self._servers(self._credentials())
            for server in reversed(servers):
                server.stop()
            if self.file.exists():
                self._publish([server for server in servers if server.name not in self._external and server.port()])
            return self.status()

    def status(self) -> ServicesStatus:
        """Ask every service once. Starts, repairs and writes nothing."""
        with self._usable_state():
            servers = self._servers(self._credentials())
            asked = [server for server in servers if server.name not in self._external]
            with ThreadPoolExecutor(max_workers=len(servers)) as pool:
                return self._collect(servers, list(pool.map(lambda server: server.status(), asked)))

    @property
    def _credentials_file(self) -> Path:
        return self._directory / "credentials.json"

    def _credentials(self) -> Credentials:
        """Read the secrets. Without any, those made up are refused, which is what a status should say."""
        return Credentials.load(self._credentials_file) or Credentials.generate()

    def _servers(self, credentials: Credentials) -> tuple[Server, ...]:
        common = self._directory, credentials, self._notify
        return Postgres(*common), S3(*common, bucket=self._bucket), Temporal(*common)

    def _collect(self, servers: tuple[Server, ...], found: list[ServiceStatus]) -> ServicesStatus:
        own = {status.name: status for status in found}
        statuses = (own.get(server.name) or _external(server) for server in servers)
        return ServicesStatus(tuple(statuses), self.file)

    def _publish(self, servers: list[Server]) -> None:
        """Write the settings of the services, which `load_settings` reads, and who provides them."""
        write_private_json(
            self.file,
            {
                "settings": {server.name: server.settings() for server in servers},
                "services": {server.name: _described(server) for server in servers},
            },
        )

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        with self._usable_state():
            private_directory(self._directory)
            waiting = f"another command has been starting or stopping the services for {TURN_SECONDS:.0f} s"
            try:
                with exclusive(self._directory / "lock", TURN_SECONDS, waiting):
                    yield
            except TimeoutError as error:
                raise ServiceUnavailable(str(error), remedy="End that command, then try again.") from None

    @contextlib.contextmanager
    def _usable_state(self) -> Iterator[None]:
        """Turn what the disk refuses into an error with a remedy."""
        try:
            yield
        except ConnectionError:  # not the disk: whoever is notified has gone
            raise
        except OSError as error:
            other = isinstance(error, PermissionError)
            remedy = "Run the command as the user who made it" if other else "Mend that"
            raise ServiceUnavailable(
                f"the embedded services cannot use {error.filename or self._directory}: {error.strerror or error}",
                remedy=f"{remedy}, or name another state_directory.",
            ) from None


def _described(server: Server) -> dict[str, Any]:
    record = server.record()
    process = record.process
    return {
        "pid": process.pid if process else None,
        "start_time": process.start_time if process else None,
        "port": server.port(),
        "log": str(server.log),
    }


def _external(server: Server) -> ServiceStatus:
    return ServiceStatus(
        server.name, server.title, ServiceState.EXTERNAL, detail="named by the configuration, not started here"
    )


def _ignore(_: str) -> None:
    """Tell nobody."""


def _one_at_a_time(notify: Notify) -> Notify:
    lock = threading.Lock()

    def guarded(text: str) -> None:
        with lock:
            notify(text)

    return guarded
