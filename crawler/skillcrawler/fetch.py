"""Fetching a repository's trees, and then only the wanted blobs, with git's partial clone.

A repository is never checked out, and nothing of it is run: git gets no hooks, no helpers, no
submodules, no configuration but ours, and talks to the one configured host. Transfers are bounded in
bytes, time and idleness. Credentials go in the environment, never on a command line.
"""

from __future__ import annotations

import base64
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from skillcrawler.errors import FetchFailed, FetchTooLarge, RateLimited, RepositoryGone
from skillcrawler.fetched import FetchedRepository
from skilldata.config import CrawlSettings, GitHubSettings
from skilldata.names import safe_text

# A transfer slower than this for so long is given up.
LOW_SPEED_BYTES = 1000
LOW_SPEED_SECONDS = 30
TRIES = 3  # of one transfer, one right after the other
SAID = 300  # characters of git's last words that an error keeps
PROMISOR = ("-c", "remote.origin.promisor=true", "-c", "remote.origin.partialclonefilter=blob:none")


ONLINE = frozenset({"fetch", "ls-remote"})  # git commands that go over the network
FETCH_OPTIONS = ("--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--recurse-submodules=no")


class Fetcher:
    """Fetches from GitHub over the git protocol.

    Args:
        github: Address.
        limits: Bounds of a transfer.
        scratch: Folder for bare repositories, each deleted after use.
        token: Gives the token to sign in with; None for nobody's.
    """

    def __init__(
        self, github: GitHubSettings, limits: CrawlSettings, scratch: Path, token: Callable[[], str | None]
    ) -> None:
        self._github = github
        self._token = token
        self._limits = limits
        self._scratch = scratch

    def head(self, owner: str, name: str) -> tuple[str, str] | None:
        """Ask for the default branch and its commit without a token; None where there is no commit.

        Raises:
            RepositoryGone: There is no such repository to be seen.
            FetchFailed: Git could not reach it.
        """
        lines = self._git(f"{owner}/{name}", None, "ls-remote", "--symref", self._url(owner, name), "HEAD").splitlines()
        branch = next((line[16:-5] for line in lines if line.startswith(b"ref: refs/heads/")), b"")
        oid = next((line[:40] for line in lines if line.endswith(b"\tHEAD") and not line.startswith(b"ref:")), None)
        return None if oid is None else (branch.decode("utf-8", "replace"), oid.decode("ascii"))

    def fetch(self, owner: str, name: str, oid: str) -> FetchedRepository:
        """Fetch a commit and its trees, without any blob.

        Raises:
            RepositoryGone: There is no such repository to be seen.
            FetchFailed: Git could not fetch it.
            FetchTooLarge: It has more bytes than the limit.
        """
        folder = self._new_folder()
        fetched = FetchedRepository(self, folder, f"{owner}/{name}", self._url(owner, name), oid)
        try:
            self._init(fetched.repository, folder)
            command = (*self._fetch(fetched.url), "--depth=1", "--filter=blob:none", "origin", oid)
            self._transfer(fetched.repository, folder, *command)
        except BaseException:
            fetched.close()
            raise
        return fetched

    def ancestors(self, owner: str, name: str, oid: str, depth: int) -> set[str]:
        """Fetch a commit and what came before it, `depth` generations, and give their ids.

        Raises:
            As `fetch` does.
        """
        repository, folder = f"{owner}/{name}", self._new_folder()
        try:
            self._init(repository, folder)
            command = (*self._fetch(self._url(owner, name)), f"--depth={depth}", "--filter=tree:0", "origin", oid)
            self._transfer(repository, folder, *command)
            return set(self._git(repository, folder, "rev-list", oid).decode("ascii").split())
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _new_folder(self) -> Path:
        self._scratch.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="fetch-", dir=self._scratch))

    def _init(self, repository: str, folder: Path) -> None:
        self._git(repository, None, "init", "--quiet", "--bare", "--template=", str(folder))

    def _fetch(self, url: str) -> tuple[str, ...]:
        settings = (*PROMISOR, "-c", f"remote.origin.url={url}", "-c", "fetch.negotiationAlgorithm=noop")
        return (*settings, "fetch", "--quiet", *FETCH_OPTIONS)

    def _url(self, owner: str, name: str) -> str:
        return f"{self._github.git_url.rstrip('/')}/{owner}/{name}.git"

    def _transfer(self, repository: str, folder: Path, *arguments: str, stdin: bytes = b"") -> None:
        """Run a git command that goes over the network, and again at once where GitHub failed.

        A server's passing error is not worth starting the whole repository over; a longer outage is left
        to Temporal, which waits.
        """
        for attempt in range(1, TRIES + 1):
            try:
                self._git(repository, folder, *arguments, stdin=stdin)
            except FetchFailed:
                if attempt == TRIES:
                    raise
            else:
                return

    def _git(self, repository: str, folder: Path | None, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run git to its end and give its output; `stdin` is its input."""
        # The shell only sets the bound on what git may write, and is then replaced by git.
        bounded = ("/bin/sh", "-c", 'ulimit -f "$0" && exec git "$@"', str(self._limits.fetch_max_bytes // 512))
        place = () if folder is None else (f"--git-dir={folder}",)
        # Only what goes over the network is signed; the rest needs no token, and no wait for one.
        token = self._token() if ONLINE.intersection(arguments) else None
        with subprocess.Popen(
            [*bounded, *place, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment(token),
            start_new_session=True,
        ) as process:
            try:
                output, said = process.communicate(stdin, timeout=self._limits.fetch_timeout_seconds)
            except subprocess.TimeoutExpired:
                raise FetchFailed(repository, f"no end after {self._limits.fetch_timeout_seconds:.0f} s") from None
            finally:
                # Git has children of its own, which do the transfer.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        if process.returncode != 0:
            raise self._failure(
                repository, process.returncode, said.decode("utf-8", "replace"), signed=token is not None
            )
        return output

    def _open(self, folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
        """Start git as a server for questions on its standard input."""
        return subprocess.Popen(
            ["git", f"--git-dir={folder}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment(None),
        )

    def _failure(self, repository: str, status: int, said: str, *, signed: bool = False) -> Exception:
        if "File too large" in said or "SIGXFSZ" in said or "signal 25" in said or status in {-25, 153}:
            return FetchTooLarge(repository, self._limits.fetch_max_bytes)
        if "error: 429" in said:
            return RateLimited(60, "git")
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
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for number, (key, value) in enumerate(settings.items()):
            variables[f"GIT_CONFIG_KEY_{number}"] = key
            variables[f"GIT_CONFIG_VALUE_{number}"] = value
        return variables
