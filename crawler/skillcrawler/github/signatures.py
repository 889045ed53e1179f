"""As whom git asks GitHub, and who is told where GitHub wants to be left alone."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from skillcrawler.github.limits import UNKNOWN_WAIT

GIT = "git"  # no bucket of GitHub's: only waits are kept under it


class Signature(NamedTuple):
    """As whom git asks: the name of a credential, and its token; None for nobody's."""

    credential: str
    token: str | None


class Signatures(Protocol):
    """Gives signatures, and learns which of them must wait."""

    def git_signature(self) -> Signature:
        """Give one that may ask now.

        Raises:
            RateLimited: All of them must wait.
        """
        ...

    def git_limited(self, credential: str, seconds: float | None) -> float:
        """Take that GitHub told one to wait, so long or for an unknown time; give how long that comes to."""
        ...


class Nobody:
    """The signature of nobody, for whom nothing is remembered."""

    def git_signature(self) -> Signature:
        """Give it."""
        return Signature("", None)

    def git_limited(self, credential: str, seconds: float | None) -> float:
        """Give how long to wait."""
        return seconds or UNKNOWN_WAIT
