"""Where every page is, and where its sources are on GitHub.

    /s/<owner>/<repository>/<slug>.html      a skill; .json and .md beside it are its twins, .files.html has its
                                             files, .changes.html what changed, .atom is its feed, .svg its badge
    /r/<owner>/<repository>/                 a repository
    /p/<owner>/<repository>/<slug>.html      a plugin
    /m/<owner>/<repository>/                 the marketplaces and plugins of a repository
    /o/<owner>/                              an owner
    /skills/  /owners/  /topics/  /licences/ lists; page 2 of a list is 2.html beside its index.html
    /level/<level>/  /verdict/<verdict>/  /licence/<id>/  /category/<category>/  /topic/<topic>/
    /browse/  /changes/  /stats/  /status/  /why/  /about/  /docs/

Names come from crawled repositories. Each is checked against what GitHub and our slugs allow before it
becomes part of a file name, so that no page is ever written outside the site.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, urlsplit

from skilldata.errors import RegistryError

GITHUB = "https://github.com"
NO_LICENCE = "none"

# https://docs.github.com/en/get-started/signing-up-for-github: letters, digits and hyphens; managed users have one
# underscore. Repository names add dots.
_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_REPOSITORY = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")
_SLUG = re.compile(r"[a-z0-9-]{1,64}")
_TOPIC = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")
_LICENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,63}")


class AddressError(RegistryError):
    """A name cannot be part of a page's address."""

    code = "address"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(
            f"{kind} {name[:200]!r} cannot be part of an address",
            remedy="The crawler should not have let it into the index; look at how it got there.",
        )


def skill_path(owner: str, repository: str, slug: str | None) -> str:
    """Path of a skill's page, without its ending. Raises AddressError."""
    return f"s/{_checked('owner', _OWNER, owner)}/{_checked('repository', _REPOSITORY, repository)}/" + _checked(
        "slug", _SLUG, slug or ""
    )


def repository_path(owner: str, name: str) -> str:
    """Folder of a repository's pages, with the last slash. Raises AddressError."""
    return f"r/{_checked('owner', _OWNER, owner)}/{_checked('repository', _REPOSITORY, name)}/"


def plugin_path(owner: str, repository: str, slug: str | None) -> str:
    """File of a plugin's page. Raises AddressError."""
    return f"p/{repository_path(owner, repository).removeprefix('r/')}{_checked('slug', _SLUG, slug or '')}.html"


def marketplace_path(owner: str, name: str) -> str:
    """Folder of the page with a repository's plugins. Raises AddressError."""
    return f"m/{repository_path(owner, name).removeprefix('r/')}"


def owner_path(owner: str) -> str:
    """Folder of an owner's pages. Raises AddressError."""
    return f"o/{_checked('owner', _OWNER, owner)}/"


def topic_path(topic: str) -> str:
    """Folder of a topic's list. Raises AddressError."""
    return f"topic/{_checked('topic', _TOPIC, topic)}/"


def licence_path(licence: str | None) -> str:
    """Folder of a licence's list. Raises AddressError."""
    return f"licence/{_checked('licence', _LICENCE, licence or NO_LICENCE)}/"


def level_path(level: str) -> str:
    """Folder of a level's list. Raises AddressError."""
    return f"level/{_checked('level', _TOPIC, level)}/"


def verdict_path(verdict: str) -> str:
    """Folder of the list of skills that the scanner said the same of. Raises AddressError."""
    return f"verdict/{_checked('verdict', _TOPIC, verdict.replace(' ', '-'))}/"


def category_path(category: str) -> str:
    """Folder of a category's list. Raises AddressError."""
    return f"category/{_checked('category', _TOPIC, category)}/"


def list_page(folder: str, number: int) -> str:
    """File of page `number` (from 1) of a list."""
    return f"{folder}index.html" if number == 1 else f"{folder}{number}.html"


def _checked(kind: str, pattern: re.Pattern[str], name: str) -> str:
    if not pattern.fullmatch(name):
        raise AddressError(kind, name)
    return name


@dataclass(frozen=True)
class Addresses:
    """Turns paths of the site into addresses.

    Args:
        base_url: Public address of the site, ending in a slash.
        github_url: Where repositories are shown, without a last slash.
    """

    base_url: str
    github_url: str = GITHUB

    @cached_property
    def root(self) -> str:
        """Path below which the site lives: `/`, or `/registry/` for `https://example.org/registry/`."""
        return urlsplit(self.base_url).path or "/"

    @cached_property
    def host(self) -> str:
        """Host of the site, with its port where it has one."""
        return urlsplit(self.base_url).netloc

    def link(self, path: str) -> str:
        """Address to write into a page, from the root of its host."""
        return self.root + _tidy(path)

    def canonical(self, path: str) -> str:
        """Full address of a page or file."""
        return self.base_url + _tidy(path)

    def repository(self, owner: str, name: str) -> str:
        """The repository on GitHub."""
        return f"{self.github_url}/{quote(owner)}/{quote(name)}"

    def source(self, owner: str, name: str, revision: str, path: str = "", *, view: str = "tree") -> str:
        """A folder (`tree`), a file (`blob`) or a file's bytes (`raw`) of a repository at a commit."""
        return f"{self.repository(owner, name)}/{view}/{quote(revision)}/{quote(path)}"

    def commit(self, owner: str, name: str, revision: str) -> str:
        """A commit on GitHub."""
        return f"{self.repository(owner, name)}/commit/{quote(revision)}"

    def comparison(self, owner: str, name: str, before: str, after: str) -> str:
        """What changed in the whole repository from one commit to another, on GitHub."""
        return f"{self.repository(owner, name)}/compare/{quote(before)}...{quote(after)}"


def _tidy(path: str) -> str:
    return path.removesuffix("index.html") if path.endswith(("/index.html",)) or path == "index.html" else path
