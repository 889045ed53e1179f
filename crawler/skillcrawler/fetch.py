"""Fetching a repository's trees, and then only the wanted blobs, with git's partial clone.

A repository is never checked out, and nothing of it is run; submodules are not followed.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from skillcrawler.fetched import FetchedRepository
from skillcrawler.git import Git
from skillcrawler.github.signatures import Signatures
from skilldata.config import CrawlSettings, GitHubSettings

PROMISOR = ("-c", "remote.origin.promisor=true", "-c", "remote.origin.partialclonefilter=blob:none")
FETCH_OPTIONS = ("--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--recurse-submodules=no")
ABANDONED_SECONDS = 86_400  # far longer than a transfer and all reading from it may take


class Fetcher:
    """Fetches from GitHub over the git protocol.

    Args:
        github: Address.
        limits: Bounds of a transfer.
        scratch: Folder for bare repositories, each deleted after use.
        signatures: As whom to ask.
    """

    def __init__(self, github: GitHubSettings, limits: CrawlSettings, scratch: Path, signatures: Signatures) -> None:
        self.git = Git(github, limits, scratch, signatures)
        self.max_entries = limits.max_entries
        self._github = github
        self._scratch = scratch

    def head(self, owner: str, name: str) -> tuple[str, str] | None:
        """Ask for the default branch and its commit without a token; None where there is no commit.

        Raises:
            RepositoryGone: There is no such repository to be seen.
            FetchFailed: Git could not reach it.
        """
        command = ("ls-remote", "--symref", self._url(owner, name), "HEAD")
        lines = self.git.ask(f"{owner}/{name}", None, *command).splitlines()
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
            command = (*self.command(fetched.url), "--depth=1", "--filter=blob:none", "origin", oid)
            self.git.transfer(fetched.repository, folder, *command)
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
            command = (*self.command(self._url(owner, name)), f"--depth={depth}", "--filter=tree:0", "origin", oid)
            self.git.transfer(repository, folder, *command)
            return set(self.git.run(repository, folder, "rev-list", oid).decode("ascii").split())
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def command(self, url: str) -> tuple[str, ...]:
        """Give the arguments of git with which every fetch from an address begins."""
        settings = (*PROMISOR, "-c", f"remote.origin.url={url}", "-c", "fetch.negotiationAlgorithm=noop")
        return (*settings, "fetch", "--quiet", *FETCH_OPTIONS)

    def sweep(self) -> None:
        """Delete what killed workers left: folders of repositories, and headers of answers."""
        for left in (*self._scratch.glob("fetch-*"), *self._scratch.glob("headers-*")):
            with suppress(OSError):  # its owner has just deleted it
                if time.time() - left.stat().st_mtime > ABANDONED_SECONDS:
                    shutil.rmtree(left) if left.is_dir() else left.unlink()

    def _new_folder(self) -> Path:
        self._scratch.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="fetch-", dir=self._scratch))

    def _init(self, repository: str, folder: Path) -> None:
        self.git.run(repository, None, "init", "--quiet", "--bare", "--template=", str(folder))

    def _url(self, owner: str, name: str) -> str:
        return f"{self._github.git_url.rstrip('/')}/{owner}/{name}.git"
