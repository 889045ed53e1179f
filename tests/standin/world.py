"""The state of the local GitHub: owners, repositories, tokens, apps, and where old names lead.

Everything here is plain data with look-ups; what may be asked of it over HTTP is in `rest`, `graphql`,
`smart_http` and `codeload`. `World.lock` is held while a request is answered and while a control method
changes something.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from skilldata.errors import RegistryError
from tests.standin import licence
from tests.standin.ids import node_id, numeric_id
from tests.standin.store import Store

Clock = Callable[[], datetime]


class StandInError(RegistryError):
    """The local GitHub was asked for something that it cannot do."""

    code = "standin"


@dataclass
class Owner:
    """An organization or a user."""

    id: int
    login: str
    kind: str = "Organization"

    @property
    def node_id(self) -> str:
        """The id in GraphQL."""
        return node_id("O" if self.kind == "Organization" else "U", self.id)


@dataclass(frozen=True)
class Block:
    """Why and since when a repository is blocked, as the body of a 451 says it."""

    reason: str
    created_at: datetime
    html_url: str | None


@dataclass
class Repository:
    """One repository. `created_at`, `updated_at` and `pushed_at` are UTC."""

    id: int
    owner: Owner
    name: str
    store: Store
    default_branch: str
    created_at: datetime
    updated_at: datetime
    pushed_at: datetime
    description: str | None = None
    homepage: str | None = None
    language: str | None = None
    topics: tuple[str, ...] = ()
    stars: int = 0
    forks: int = 0
    parent_id: int | None = None
    archived: bool = False
    disabled: bool = False
    size_kib: int = 0
    block: Block | None = None
    snapshots: tuple[str, ...] = ()  # commits of the corpus file, oldest first
    licence_override: licence.Licence | None = None
    _licences: dict[str, licence.Licence | None] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """OWNER/NAME."""
        return f"{self.owner.login}/{self.name}"

    @property
    def node_id(self) -> str:
        """The id in GraphQL."""
        return node_id("R", self.id)

    @property
    def is_empty(self) -> bool:
        """Whether it has no commit on its default branch."""
        return self.store.commit(f"refs/heads/{self.default_branch}") is None

    @property
    def licence(self) -> licence.Licence | None:
        """The licence of the file in the default branch's root, or the one it was given."""
        if self.licence_override:
            return self.licence_override
        name = self.licence_file
        commit = self.store.commit(self.default_branch)
        if name is None or commit is None:
            return None
        oid = str(commit.tree[name].id)
        if oid not in self._licences:
            content = self.store.blob(oid) or b""
            self._licences[oid] = licence.detect(content.decode(errors="replace"))
        return self._licences[oid]

    @property
    def licence_file(self) -> str | None:
        """Name of the licence file in the default branch's root."""
        commit = self.store.commit(self.default_branch)
        if commit is None:
            return None
        entries = self.store.entries(commit.tree, recursive=False)
        return next((e.path for e in entries if e.type == "blob" and licence.is_licence_file(e.path)), None)


@dataclass
class Token:
    """A credential. `id` is what the wire log shows; `limits` overrides a bucket's requests per window."""

    id: str
    kind: str = "user"
    login: str = "standin-user"
    user_id: int = 1
    limits: dict[str, int] = field(default_factory=dict)
    expires_at: datetime | None = None
    revoked: bool = False


@dataclass(frozen=True)
class App:
    """A GitHub App with one installation. `private_key` is empty where the caller kept it."""

    id: int
    installation_id: int
    public_key: str
    private_key: str = ""


class World:
    """All of it.

    Args:
        directory: Where bare repositories are kept.
        clock: Says what time it is, timezone-aware; for tests of limits and expiry.
    """

    def __init__(self, directory: Path, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self.directory = directory
        self.clock = clock
        self.lock = threading.RLock()
        self.owners: dict[str, Owner] = {}
        self.repositories: dict[int, Repository] = {}
        self.apps: dict[int, App] = {}
        self.tree_limit = 100_000
        self._names: dict[str, int] = {}
        self._moved: dict[str, int] = {}
        self._tokens: dict[str, Token] = {}
        self._issued: set[int] = set()
        self._numbers = itertools.count(1)

    # -- owners and repositories

    def owner(self, login: str, kind: str | None = None) -> Owner:
        """Find an owner by name, making it where there is none."""
        known = self.owners.get(login.lower())
        if known is None:
            ids = {owner.id for owner in self.owners.values()}
            known = Owner(numeric_id(f"owner {login}", ids), login, kind or "Organization")
            self.owners[login.lower()] = known
        elif kind:
            known.kind = kind
        return known

    def new_store(self, name: str, objects_of: Path | None = None) -> Store:
        """Make an empty bare repository in a folder that no other one has."""
        folder = f"{next(self._numbers)}-{name.replace('/', '__')}.git"
        return Store.create(self.directory / folder, objects_of)

    def add(self, repository: Repository) -> Repository:
        """Take in a repository; a name that redirected elsewhere is its own from now on."""
        key = repository.full_name.lower()
        if key in self._names:
            raise StandInError(f"{repository.full_name} is there already", remedy="Delete or rename it first.")
        self._names[key] = repository.id
        self._moved.pop(key, None)
        self.repositories[repository.id] = repository
        return repository

    def new_id(self, full_name: str) -> int:
        """Issue a numeric id from a name; never one again, so that a repository made anew has another."""
        number = numeric_id(full_name, self._issued)
        self._issued.add(number)
        return number

    def find(self, owner: str, name: str) -> Repository | None:
        """Find a repository by its present name, in any case."""
        number = self._names.get(f"{owner}/{name}".lower())
        return None if number is None else self.repositories[number]

    def find_moved(self, owner: str, name: str) -> Repository | None:
        """Find the repository that used to go by a name."""
        number = self._moved.get(f"{owner}/{name}".lower())
        return None if number is None else self.repositories.get(number)

    def named(self, full_name: str) -> Repository:
        """Find a repository for a control method.

        Raises:
            StandInError: There is none of this name.
        """
        owner, _, name = full_name.partition("/")
        found = self.find(owner, name)
        if found is None:
            raise StandInError(f"no repository {full_name}", remedy="Load or add it first.")
        return found

    def owned_by(self, owner: Owner) -> Iterator[Repository]:
        """List an owner's repositories by name."""
        owned = (repo for repo in self.repositories.values() if repo.owner is owner)
        return iter(sorted(owned, key=lambda repo: repo.name.lower()))

    def move(self, repository: Repository, owner: Owner, name: str) -> None:
        """Give a repository another owner or name; the old name redirects from now on."""
        old = repository.full_name.lower()
        new = f"{owner.login}/{name}".lower()
        if new in self._names and new != old:
            raise StandInError(f"{owner.login}/{name} is there already", remedy="Delete or rename it first.")
        del self._names[old]
        repository.owner, repository.name = owner, name
        self._names[new] = repository.id
        self._moved.pop(new, None)
        if new != old:
            self._moved[old] = repository.id

    def remove(self, repository: Repository) -> None:
        """Forget a repository and every name that led to it."""
        del self.repositories[repository.id]
        del self._names[repository.full_name.lower()]
        self._moved = {name: number for name, number in self._moved.items() if number != repository.id}

    # -- credentials

    def add_token(self, value: str, token: Token) -> None:
        """Take in a credential; only a hash of its value is kept."""
        self._tokens[_hashed(value)] = token

    def tokens(self) -> list[Token]:
        """List the credentials, valid or not."""
        return list(self._tokens.values())

    def token(self, value: str) -> Token | None:
        """Find a valid credential by its value."""
        token = self._tokens.get(_hashed(value))
        if token is None or token.revoked or (token.expires_at and token.expires_at <= self.clock()):
            return None
        return token


def _hashed(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
