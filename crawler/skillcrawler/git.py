"""Running git, bounded, signed and confined: no hooks, no helpers, no configuration but ours, one configured host.

Credentials go in the environment, never on a command line. GitHub's word to wait is noted for all workers, and ends
what other commands of this process go over the network with the same credential.
"""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from skillcrawler.errors import FetchFailed, FetchTooLarge, RateLimited, RepositoryGone
from skillcrawler.github.limits import UNKNOWN_WAIT, wait
from skillcrawler.github.signatures import GIT, Signatures
from skilldata.config import CrawlSettings, GitHubSettings
from skilldata.names import safe_text

# A transfer slower than this for so long is given up.
LOW_SPEED_BYTES = 1000
LOW_SPEED_SECONDS = 30
TRIES = 3  # of one transfer, one right after the other
SAID = 300  # characters of git's last words that an error keeps
ONLINE = frozenset({"fetch", "ls-remote"})  # git commands that go over the network
_RECEIVED = re.compile(r"<= Recv header: (.*)")


class Git:
    """Runs git.

    Args:
        github: Address.
        limits: Bounds of a transfer.
        scratch: Folder for the headers of answers, each file deleted after use.
        signatures: As whom to ask.
    """

    def __init__(self, github: GitHubSettings, limits: CrawlSettings, scratch: Path, signatures: Signatures) -> None:
        self._github = github
        self._limits = limits
        self._scratch = scratch
        self._signatures = signatures
        self._lock = threading.Lock()
        self._online: dict[subprocess.Popen[bytes], str] = {}
        self._stopped: dict[str, float] = {}  # until when, on the monotonic clock

    def transfer(self, repository: str, folder: Path, *arguments: str, stdin: bytes = b"") -> None:
        """Run a git command that goes over the network, and again at once where GitHub failed.

        A server's passing error is not worth starting the whole repository over; a longer outage is left
        to Temporal, which waits.

        Raises:
            As `ask` does.
        """
        for attempt in range(1, TRIES + 1):
            try:
                self.ask(repository, folder, *arguments, stdin=stdin)
            except FetchFailed:
                if attempt == TRIES:
                    raise
            else:
                return

    def ask(self, repository: str, folder: Path | None, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run a git command that goes over the network, signed.

        Args:
            repository: Whom it is about, for errors.
            folder: The bare repository it works on, if any.
            arguments: Of git.
            stdin: Its input.

        Returns:
            Its output.

        Raises:
            RepositoryGone: There is no such repository to be seen.
            RateLimited: GitHub asks to wait.
            FetchFailed: Git could not do it.
            FetchTooLarge: It has more bytes than the limit.
        """
        assert ONLINE.intersection(arguments)  # noqa: S101 - what stays here needs no token, and no wait for one
        signature = self._signatures.git_signature()
        self._scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._scratch, prefix="headers-") as headers:
            environment = self._environment(signature.token) | {"GIT_TRACE_CURL": headers.name}
            with self._started(environment, folder, *arguments) as process, self._listed(process, signature.credential):
                status, output, said = self._end(process, repository, stdin)
            if status == 0:
                return output
            if "error: 429" in said:
                told = _told(headers.read().decode("utf-8", "replace"))
                self._stop(signature.credential, told or UNKNOWN_WAIT)
                raise RateLimited(self._signatures.git_limited(signature.credential, told), GIT)
            if status == -signal.SIGKILL and (seconds := self._stopped_for(signature.credential)):
                raise RateLimited(seconds, GIT)
        raise self._failure(repository, status, said, signed=signature.token is not None)

    def run(self, repository: str, folder: Path | None, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run a git command that stays on this machine. Arguments and errors as `ask`."""
        with self._started(self._environment(None), folder, *arguments) as process:
            status, output, said = self._end(process, repository, stdin)
        if status != 0:
            raise self._failure(repository, status, said, signed=False)
        return output

    def open(self, folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
        """Start git as a server for questions on its standard input."""
        return subprocess.Popen(
            ["git", f"--git-dir={folder}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment(None),
        )

    def _started(self, environment: dict[str, str], folder: Path | None, *arguments: str) -> subprocess.Popen[bytes]:
        # The shell only sets the bound on what git may write, and is then replaced by git.
        bounded = ("/bin/sh", "-c", 'ulimit -f "$0" && exec git "$@"', str(self._limits.fetch_max_bytes // 512))
        place = () if folder is None else (f"--git-dir={folder}",)
        return subprocess.Popen(
            [*bounded, *place, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )

    def _end(self, process: subprocess.Popen[bytes], repository: str, stdin: bytes) -> tuple[int, bytes, str]:
        try:
            output, said = process.communicate(stdin, timeout=self._limits.fetch_timeout_seconds)
        except subprocess.TimeoutExpired:
            raise FetchFailed(repository, f"no end after {self._limits.fetch_timeout_seconds:.0f} s") from None
        finally:
            _kill(process)
        return process.returncode, output, said.decode("utf-8", "replace")

    @contextmanager
    def _listed(self, process: subprocess.Popen[bytes], credential: str) -> Iterator[None]:
        with self._lock:
            self._online[process] = credential
            if self._stopped_for(credential):  # told so since it was signed
                _kill(process)
        try:
            yield
        finally:
            with self._lock:
                del self._online[process]

    def _stop(self, credential: str, seconds: float) -> None:
        """End what is under way as this credential."""
        with self._lock:
            self._stopped[credential] = time.monotonic() + seconds
            for process, name in self._online.items():
                if name == credential:
                    _kill(process)

    def _stopped_for(self, credential: str) -> float:
        return max(0.0, self._stopped.get(credential, 0.0) - time.monotonic())

    def _failure(self, repository: str, status: int, said: str, *, signed: bool) -> Exception:
        if "File too large" in said or "SIGXFSZ" in said or "signal 25" in said or status in {-25, 153}:
            return FetchTooLarge(repository, self._limits.fetch_max_bytes)
        # Git asks for a password where GitHub takes none of ours; prompts are off. With a token that is the token's
        # end and says nothing of the repository; without one, GitHub answers so where there is none.
        if signed and "could not read Username" in said:
            return FetchFailed(repository, "GitHub does not take the credential")
        if "not found" in said or "could not read Username" in said:
            return RepositoryGone(repository)
        # What a server says goes to logs and terminals, so nothing in it may steer those.
        return FetchFailed(repository, safe_text(said.strip()[-SAID:], keep="\n") or f"exit status {status}")

    def _environment(self, token: str | None) -> dict[str, str]:
        settings = {
            "core.hooksPath": "/dev/null",
            "credential.helper": "",
            "gc.auto": "0",
            "protocol.allow": "never",
            "protocol.https.allow": "always",
            "protocol.http.allow": "always" if self._github.git_url.startswith("http://") else "never",
            "http.lowSpeedLimit": str(LOW_SPEED_BYTES),
            "http.lowSpeedTime": str(LOW_SPEED_SECONDS),
            "transfer.bundleURI": "false",
        }
        if token is not None:
            pair = f"x-access-token:{token}".encode()
            # Bound to the one host, so that a redirect elsewhere does not carry it along.
            key = f"http.{self._github.git_url.rstrip('/')}/.extraHeader"
            settings[key] = f"Authorization: Basic {base64.b64encode(pair).decode()}"
        variables = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": "/nonexistent",
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_TRACE_CURL_NO_DATA": "1",
            "GIT_TRACE_REDACT": "1",
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for number, (key, value) in enumerate(settings.items()):
            variables[f"GIT_CONFIG_KEY_{number}"] = key
            variables[f"GIT_CONFIG_VALUE_{number}"] = value
        return variables


def _told(trace: str) -> float | None:
    """Read how many seconds to wait from the headers of the last answer; None where they do not say.

    Source: git(1), `GIT_TRACE_CURL`: git's own words on an answer leave its headers out.
    """
    headers: dict[str, str] = {}
    for line in _RECEIVED.findall(trace):
        name, colon, value = line.strip().partition(":")
        if not colon and name.startswith("HTTP/"):
            headers = {}
        elif colon:
            headers[name.lower()] = value.strip()
    seconds, _ = wait(headers)
    return seconds


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill git with its children, which do the transfer."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
