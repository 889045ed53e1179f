"""The other scanner's process: started with nothing of ours, limited, and ended with all that it started."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

if sys.platform == "linux":
    import resource

RUNNER: Final = Path(__file__).parent / "runner.py"
MOST_BYTES: Final = 1024 * 1024  # of one answer
MOST_WRITTEN: Final = 64 * 1024 * 1024  # bytes of one file that it may write
CHUNK: Final = 64 * 1024
# Libraries of the scanner's look things up on the network unless they are told not to.
OFFLINE: Final = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1"}


class Broken(Exception):
    """The process did not answer as it should; it is not to be used again."""


class ScannerProcess:
    """One process of the other scanner, in a folder of its own that goes with it.

    It has an environment of our making, a process group, and at most so much memory; the kernel enforces that on
    Linux only. No network is configured, and the runner leaves it where the kernel allows that.

    Args:
        python: The interpreter of the scanner's environment.
        memory: Bytes of private memory of each of its processes.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(self, python: Path, memory: int) -> None:
        self._home = TemporaryDirectory(prefix="second-opinion-")
        self.folder = Path(self._home.name)  # where its work lies, private to this user
        environment = {"PATH": os.defpath, "HOME": self._home.name, "TMPDIR": self._home.name, **OFFLINE}
        try:
            self._process = subprocess.Popen(
                [python, "-I", "-B", "-X", "utf8", RUNNER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd=self._home.name,
                start_new_session=True,
                bufsize=0,
            )
        except OSError:
            self._home.cleanup()
            raise
        self._limit(memory)

    def ask(self, line: str, seconds: float) -> bytes:
        """Say a line, and give the line that comes back.

        Args:
            line: What it is to do, without a line break; '' to only listen.
            seconds: The longest wait.

        Raises:
            Broken: It ended, was silent for that long, or said too much.
        """
        source, sink = self._process.stdout, self._process.stdin
        assert source is not None and sink is not None  # noqa: S101, PT018 - both are pipes
        try:
            if line:
                sink.write(f"{line}\n".encode())
            return _line(source.fileno(), time.monotonic() + seconds, seconds)
        except OSError as error:
            raise Broken(f"it cannot be spoken to: {error.strerror}") from None

    def end(self) -> None:
        """Kill it and all that it started, and delete its folder. Safe to call again."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._home.cleanup()

    def _limit(self, memory: int) -> None:
        # Not between fork and exec: other threads may hold locks then. Nothing of a stranger's has been read yet.
        if sys.platform == "linux":
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(self._process.pid, resource.RLIMIT_DATA, (memory, memory))
                resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))
                resource.prlimit(self._process.pid, resource.RLIMIT_CORE, (0, 0))


def _line(source: int, deadline: float, seconds: float) -> bytes:
    taken = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(source, selectors.EVENT_READ)
        while not taken.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise Broken(f"it did not answer within {seconds:g} s")
            chunk = os.read(source, CHUNK)
            if not chunk:
                raise Broken("it ended without an answer: it crashed, or asked for too much memory")
            taken += chunk
            if len(taken) > MOST_BYTES:
                raise Broken(f"it answered with more than {MOST_BYTES} bytes")
    return bytes(taken)
