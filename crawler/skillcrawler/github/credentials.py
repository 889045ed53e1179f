"""Whom GitHub takes us for: tokens, installations of a GitHub App, or nobody."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from typing import NamedTuple

import github
from github import Auth

from skillcrawler.errors import GitHubUnavailable
from skilldata.config import AppSettings, GitHubSettings

ANONYMOUS = "anonymous"


class Credential(NamedTuple):
    """A way to sign in.

    Attributes:
        name: What logs and tables call it; nothing secret can be told from it.
        token: A personal access token, if it is one.
        app: An installation of a GitHub App, if it is one.
    """

    name: str
    token: str | None = None
    app: AppSettings | None = None

    def auth(self) -> Auth.Auth | None:
        """Give what PyGithub signs in with; a token of an App is made when it is needed, and before it expires."""
        if self.app is not None:
            auth = Auth.AppAuth(self.app.app_id, self.app.private_key.get_secret_value())
            return auth.get_installation_auth(self.app.installation_id)
        return Auth.Token(self.token) if self.token else None


def read_credentials(settings: GitHubSettings) -> list[Credential]:
    """List the credentials of a configuration; without any, GitHub is asked as nobody."""
    tokens = [token.get_secret_value() for token in (settings.token, *settings.tokens) if token]
    found = [Credential(_token_name(token), token=token) for token in dict.fromkeys(tokens)]
    found += [Credential(f"app-{app.app_id}-installation-{app.installation_id}", app=app) for app in settings.apps]
    return found or [Credential(ANONYMOUS)]


class GitTokens:
    """Tokens for git, which has no budget at GitHub: one credential after the other.

    Args:
        settings: Where GitHub is.
        credentials: Whose tokens.
    """

    def __init__(self, settings: GitHubSettings, credentials: Sequence[Credential]) -> None:
        self._lock = threading.Lock()
        self._tokens = [_GitToken(settings, one) for one in credentials if one.name != ANONYMOUS]
        self._next = 0

    def __call__(self) -> str | None:
        """Give a token that is valid for a while; None where there is none.

        Raises:
            GitHubUnavailable: GitHub makes no token for an installation.
        """
        with self._lock:
            if not self._tokens:
                return None
            self._next = (self._next + 1) % len(self._tokens)
            return self._tokens[self._next].value()


class _GitToken:
    def __init__(self, settings: GitHubSettings, credential: Credential) -> None:
        self._auth = credential.auth()
        # An installation asks for its token through a client of its own.
        self._client = github.Github(auth=self._auth, base_url=settings.api_url, retry=None)

    def value(self) -> str | None:
        try:
            return self._client.requester.auth.token if self._client.requester.auth else None
        except github.GithubException as error:
            raise GitHubUnavailable("a token for git", "it makes none", status=error.status) from None


def _token_name(token: str) -> str:
    """A name that stays the same for a token: 32 bits of a hash tell nothing of 160 random ones."""
    return f"token-{hashlib.sha256(token.encode()).hexdigest()[:8]}"
