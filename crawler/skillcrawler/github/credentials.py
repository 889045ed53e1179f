"""Whom GitHub takes us for: tokens, installations of a GitHub App, or nobody."""

from __future__ import annotations

import hashlib
import threading
from typing import NamedTuple

import github
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from github import Auth

from skilldata.config import AppSettings, GitHubSettings
from skilldata.errors import ConfigurationError

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


def read_credentials(settings: GitHubSettings) -> list[Credential]:
    """List the credentials of a configuration; without any, GitHub is asked as nobody.

    Raises:
        ConfigurationError: The key of an App is none.
    """
    tokens = [token.get_secret_value() for token in (settings.token, *settings.tokens) if token]
    found = [Credential(_token_name(token), token=token) for token in dict.fromkeys(tokens)]
    found += [_app_credential(app) for app in settings.apps]
    return found or [Credential(ANONYMOUS)]


class Signer(Auth.Auth):
    """Signs requests as one credential, for all threads together.

    An installation's token lasts an hour. It is made when it is first needed, and anew before it expires, by one
    thread while the others wait for it.

    Args:
        credential: Whose signature; not nobody's.
        api_url: Where tokens of installations are made.
        timeout_seconds: Longest wait for one read.
    """

    def __init__(self, credential: Credential, api_url: str, timeout_seconds: float) -> None:
        self._lock = threading.Lock()
        self._client: github.Github | None = None
        self._auth: Auth.Token | Auth.AppInstallationAuth
        if credential.app is None:
            self._auth = Auth.Token(credential.token or "")
            return
        app = Auth.AppAuth(credential.app.app_id, credential.app.private_key.get_secret_value())
        self._auth = app.get_installation_auth(credential.app.installation_id)
        # An installation asks for its token through a client of its own.
        self._client = github.Github(
            auth=self._auth,
            base_url=api_url,
            timeout=int(timeout_seconds),
            user_agent="agentskillregistry",
            retry=None,
            seconds_between_requests=0,
            seconds_between_writes=0,
        )

    @property
    def token_type(self) -> str:
        """What GitHub calls this kind of signature."""
        return "token"

    @property
    def token(self) -> str:
        """A token that is valid for some seconds at least. Raises what PyGithub raises where none is made."""
        with self._lock:
            return self._auth.token

    def close(self) -> None:
        """Close its connection."""
        if self._client is not None:
            self._client.close()


def _app_credential(app: AppSettings) -> Credential:
    name = f"app-{app.app_id}-installation-{app.installation_id}"
    try:
        key = load_pem_private_key(app.private_key.get_secret_value().encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError(
            f"the private key of {name} is no RSA key in PEM without a passphrase",
            remedy="Give the file that GitHub made for the App: private_key_file, or its content in private_key.",
        )
    return Credential(name, app=app)


def _token_name(token: str) -> str:
    """A name that stays the same for a token: 32 bits of a hash tell nothing of 160 random ones."""
    return f"token-{hashlib.sha256(token.encode()).hexdigest()[:8]}"
