"""What the embedded servers have in common: attach to a running one, start, repair and stop it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from skillcli.services.credentials import Credentials
from skillcli.services.files import open_log, private_directory, read_json, tail, write_private_json
from skillcli.services.ports import choose_ports, is_usable
from skillcli.services.processes import Account, LifeLock, Process, spawn
from skillcli.services.status import ServiceState, ServiceStatus
from skilldata.errors import ServiceUnavailable

ATTACH_SECONDS = 10.0  # a server that is alive and silent for longer is started anew
RECOVERY_SECONDS = 600.0  # one that says it is recovering gets this long
ORPHAN_SECONDS = 5.0
KILL_SECONDS = 10.0
RELEASE_SECONDS = 0.5
_POLL_SECONDS = 0.03

Notify = Callable[[str], None]


class NotReady(Exception):
    """A server does not serve, for the reason given.

    Args:
        reason: One sentence.
        recovering: It is alive and will serve when it has read its log.
        final: Waiting will not help.
    """

    def __init__(self, reason: str, *, recovering: bool = False, final: bool = False) -> None:
        self.recovering = recovering
        self.final = final
        super().__init__(reason)


@dataclass(frozen=True)
class Launch:
    """How to start a server."""

    command: Sequence[str]
    directory: Path
    account: Account | None = None


@dataclass(frozen=True)
class ServerRecord:
    """What is kept of a server between two commands. No process: stopped on purpose, or never started."""

    ports: dict[str, int]
    process: Process | None = None


class Server(ABC):
    """One embedded server, with everything it needs in a directory of its own.

    Args:
        services: Directory that holds the directories of all services.
        credentials: Secrets of all services.
        notify: Told what is being done.
    """

    name: ClassVar[str]  # section of the configuration
    title: ClassVar[str]
    folder: ClassVar[str]
    port_names: ClassVar[tuple[str, ...]]  # the first one is the one that clients use
    port_range: ClassVar[range]  # its own for each server, so that two never choose the same port
    port_companion: ClassVar[int] = 0  # distance of a second port that the server derives from a first
    start_seconds: ClassVar[float] = 60.0
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    stop_seconds: ClassVar[float]

    def __init__(self, services: Path, credentials: Credentials, notify: Notify) -> None:
        self.directory = services / self.folder
        self.credentials = credentials
        self.notify = notify
        self.log = self.directory / "log"
        self._lock = LifeLock(self.directory / "lock")
        self._record_file = self.directory / "process.json"

    @abstractmethod
    def prepare(self) -> None:
        """Make what the server needs before its first start; cheap where it is there."""

    @abstractmethod
    def launch(self, ports: dict[str, int]) -> Launch:
        """Say how to start the server on these ports."""

    @abstractmethod
    def probe(self, ports: dict[str, int]) -> None:
        """Ask the server for something that only a working one with our credentials answers.

        Raises:
            NotReady: It does not.
        """

    @abstractmethod
    def address(self, ports: dict[str, int]) -> str:
        """Return where it listens, without credentials."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return its section of the configuration, with credentials."""

    @abstractmethod
    def discard_leftovers(self, ports: dict[str, int]) -> None:
        """Remove what a dead server leaves behind: called only while none is alive."""

    def ensure(self) -> ServiceStatus:
        """Attach to the running server, or start it, after whatever repair is needed.

        Raises:
            ServiceUnavailable: It does not start.
        """
        private_directory(self.directory)
        began = time.monotonic()
        record = self.record()
        if self._lock.held():
            trouble = self._wait_until_ready(record, ATTACH_SECONDS)
            if trouble is None:
                return self._status(ServiceState.RUNNING, "was already running")
            self.notify(f"{self.title} does not serve: {trouble}")
            self.stop()
        self._start()
        verb = "started anew" if record.process else "started"
        return self._status(ServiceState.RUNNING, f"{verb} in {time.monotonic() - began:.1f} s")

    def stop(self) -> None:
        """Stop the server, kindly first. Nothing is deleted.

        Raises:
            ServiceUnavailable: It cannot even be killed.
        """
        record = self.record()
        if self._lock.held():
            patience = self.stop_seconds
            if record.process and record.process.alive():
                record.process.signal(self.stop_signal)
            else:  # children of a dead server, or one whose record is lost
                patience = ORPHAN_SECONDS
                _signal_all(self._lock.holders(), signal.SIGTERM)
            if not self._lock.wait_until_free(patience):
                _signal_all(self._lock.holders(), signal.SIGKILL)
            if not self._lock.wait_until_free(KILL_SECONDS):
                raise self._failure("cannot be stopped", "Look for its process with `ps`, then try again.")
        if record.process:
            self.discard_leftovers(record.ports)
            self._save(ServerRecord(record.ports))

    def status(self) -> ServiceStatus:
        """Ask the server once. Changes nothing."""
        record = self.record()
        if not self._lock.held():
            if record.process:
                return self._status(ServiceState.BROKEN, f"ended by itself; its log is {self.log}")
            return self._status(ServiceState.STOPPED, "")
        try:
            self.probe(record.ports)
        except NotReady as reason:
            return self._status(ServiceState.BROKEN, str(reason))
        return self._status(ServiceState.RUNNING, "")

    def record(self) -> ServerRecord:
        """Read what is kept of the server."""
        kept = read_json(self._record_file)
        try:
            process = Process(kept["pid"], kept["start_time"]) if kept["pid"] else None
            return ServerRecord({name: int(kept["ports"][name]) for name in self.port_names}, process)
        except (TypeError, KeyError, ValueError):  # none, or a damaged one: new ports, and the lock tells the rest
            return ServerRecord({})

    def port(self) -> int | None:
        """Return the port that clients use."""
        return self.record().ports.get(self.port_names[0])

    def _status(self, state: ServiceState, detail: str) -> ServiceStatus:
        record = self.record()
        running = state is ServiceState.RUNNING or (state is ServiceState.BROKEN and self._lock.held())
        return ServiceStatus(
            name=self.name,
            title=self.title,
            state=state,
            address=self.address(record.ports) if record.ports else "",
            pid=record.process.pid if running and record.process else None,
            detail=detail,
        )

    def _start(self) -> None:
        ports = self._usable_ports(self.record().ports)
        reason = self._start_on(ports)
        if reason and not self._lock.held() and not self._all_usable(ports):
            reason = self._start_on(self._usable_ports(ports))
        if reason:
            self.stop()
            raise self._failure(f"did not start: {reason}", "Mend what its log complains about, then try again.")

    def _start_on(self, ports: dict[str, int]) -> str | None:
        """Start the server on these ports; return why it does not serve, or None."""
        self.notify(f"starting {self.title}")
        with self._lock.take() as lock:
            _signal_all(self._lock.abandoned(), signal.SIGKILL)
            self.discard_leftovers(ports)
            self.prepare()
            self._save(ServerRecord(ports))
            launch = self.launch(ports)
            log = open_log(self.log)
            try:
                process = spawn(
                    launch.command,
                    directory=launch.directory,
                    log=log,
                    lock=lock,
                    environment=environment(self.directory),
                    account=launch.account,
                )
            finally:
                os.close(log)
            record = ServerRecord(ports, process)
            self._save(record)
        return self._wait_until_ready(record, self.start_seconds)

    def _wait_until_ready(self, record: ServerRecord, seconds: float) -> str | None:
        """Wait until the server answers; return why it does not, or None."""
        began = time.monotonic()
        while True:
            if not (record.process and record.process.alive()):
                return "its process has ended"
            try:
                self.probe(record.ports)
            except NotReady as reason:
                limit = RECOVERY_SECONDS if reason.recovering else seconds
                if reason.final or time.monotonic() - began > limit:
                    return str(reason)
                time.sleep(_POLL_SECONDS)
            else:
                return None

    def _usable_ports(self, ports: dict[str, int]) -> dict[str, int]:
        """Return these ports, or others where another program has taken one."""
        # A process that dies gives its lock back a moment before its sockets.
        deadline = time.monotonic() + RELEASE_SECONDS
        while ports:
            if self._all_usable(ports):
                return ports
            if time.monotonic() > deadline:
                self.notify(f"a port of {self.title} is taken by another program; choosing others")
                break
            time.sleep(_POLL_SECONDS)
        return choose_ports(self.port_names, self.port_range, self.port_companion)

    def _all_usable(self, ports: dict[str, int]) -> bool:
        return all(is_usable(port, self.port_companion) for port in ports.values())

    def _save(self, record: ServerRecord) -> None:
        process = record.process
        kept = {
            "ports": record.ports,
            "pid": process.pid if process else None,
            "start_time": process.start_time if process else None,
        }
        write_private_json(self._record_file, kept)

    def _failure(self, what: str, remedy: str) -> ServiceUnavailable:
        log = tail(self.log)
        ending = f"; its log {self.log} ends:\n{log}" if log else ""
        return ServiceUnavailable(f"{self.title} {what}{ending}", remedy=remedy)


def environment(home: Path) -> dict[str, str]:
    """Return the variables of a server: none of the user's, whose secrets and settings are not its business."""
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), "TZ": "UTC", "LC_ALL": "C"}


def _signal_all(processes: Sequence[Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(PermissionError):
            process.signal(number)
