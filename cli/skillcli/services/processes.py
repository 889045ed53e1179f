"""Background processes that outlive the command that started them.

Whether a server is alive is told by a lock, not by a process id: a server inherits a locked descriptor
and the system gives the lock back when the last process that has it ends. A process id can be taken by
another program, belong to a dead process that nobody has collected, or get lost between the start of a
server and the writing of its record; the lock cannot. The id only says whom to signal, and only
together with the time at which that process started.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_POLL_SECONDS = 0.02
# The shell hands the server to init and ends, so that no parent has to collect it.
_DETACH = '"$@" >&2 & echo "$!"'


@dataclass(frozen=True)
class Process:
    """A process, told apart from a later one with the same id by when it started."""

    pid: int
    start_time: str  # opaque; only good for comparing

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """Look up a live process. None where there is none, or only one that waits to be collected."""
        start_time = _start_time_linux(pid) if (PROC / "self" / "stat").exists() else _start_time_ps(pid)
        return cls(pid, start_time) if start_time else None

    def alive(self) -> bool:
        """Tell whether this very process is still alive."""
        return Process.of(self.pid) == self

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended or its id belongs to another one now."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


@dataclass(frozen=True)
class Account:
    """The user that a process runs as."""

    name: str
    uid: int
    gid: int


class LifeLock:
    """The lock that a server holds as long as it, or a child of it, is alive.

    Args:
        path: Its file, made on first use.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def held(self) -> bool:
        """Tell whether a server is alive."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            # Shared, so that two who only ask do not take each other for a server.
            return not _try_lock(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def take(self) -> Iterator[int]:
        """Hold the lock for a `with` block, which may hand the descriptor on to a server.

        Raises:
            BlockingIOError: A server has it.
        """
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not _try_lock(descriptor, fcntl.LOCK_EX):
                if self.held():
                    raise BlockingIOError(f"{self.path} is held by a running server")
                time.sleep(_POLL_SECONDS)  # somebody is only asking
            yield descriptor
        finally:
            os.close(descriptor)

    def wait_until_free(self, seconds: float) -> bool:
        """Wait until no server is alive; False where one still is after so many seconds."""
        deadline = time.monotonic() + seconds
        while self.held():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def holders(self) -> list[Process]:
        """Find the processes that hold the lock; all that have the file open where /proc is missing."""
        return _with_open_file(str(self.path.resolve()))

    def abandoned(self) -> list[Process]:
        """Find servers whose lock file was deleted under them, with the whole directory as a rule."""
        return _with_open_file(f"{self.path.resolve()} (deleted)") if PROC.is_dir() else []


@contextlib.contextmanager
def exclusive(path: Path, seconds: float, waiting: str) -> Iterator[None]:
    """Let one command at a time into a `with` block.

    Args:
        path: File of the lock.
        seconds: Longest wait for the command before.
        waiting: Text of the error.

    Raises:
        TimeoutError: Another command was inside all that time.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + seconds
        while not _try_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise TimeoutError(waiting)
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def spawn(
    command: Sequence[str],
    *,
    directory: Path,
    log: int,
    lock: int,
    environment: Mapping[str, str],
    account: Account | None = None,
) -> Process | None:
    """Start a server in the background, in a session of its own, without a terminal.

    Args:
        command: Program and arguments; visible to every user of the machine, so without secrets.
        directory: Its current directory, entered before the user changes.
        log: Descriptor that gets its output.
        lock: Descriptor of its `LifeLock`.
        environment: All the variables it gets.
        account: The user it runs as; None for the user of this process.

    Returns:
        The process; None where it ended at once.
    """
    shell = subprocess.run(
        ["/bin/sh", "-c", _DETACH, "sh", *command],
        cwd=directory,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        pass_fds=(lock,),
        start_new_session=True,
        umask=0o077,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        check=True,
    )
    return Process.of(int(shell.stdout))


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start_time_linux(pid: int) -> str:
    """Read a process's start from /proc (proc_pid_stat(5): field 3 is the state, 22 the start in ticks)."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    fields = stat.rpartition(")")[2].split()  # the name before it may contain anything
    state, start = fields[0], fields[19]
    return "" if state in "ZX" else f"{_boot_id()}:{start}"


@functools.cache
def _boot_id() -> str:
    """Name this boot: ticks count from it."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _start_time_ps(pid: int) -> str:
    found = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, start = found.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else start.strip()


def _with_open_file(name: str) -> list[Process]:
    pids = _pids_with_open_file(name) if PROC.is_dir() else _pids_from_lsof(name)
    found = (Process.of(pid) for pid in pids if pid != os.getpid())
    return [process for process in found if process]


def _pids_with_open_file(name: str) -> Iterator[int]:
    for directory in PROC.iterdir():
        if not directory.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # it has ended, or is somebody else's
            if any(_link(descriptor) == name for descriptor in (directory / "fd").iterdir()):
                yield int(directory.name)


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def _pids_from_lsof(name: str) -> Iterator[int]:
    lsof = shutil.which("lsof", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if lsof:
        listed = subprocess.run([lsof, "-t", name], capture_output=True, text=True, check=False)
        yield from (int(line) for line in listed.stdout.split())
