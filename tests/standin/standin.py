"""The local GitHub as an object: load repositories, start it, change the world, read the wire log."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.standin import apps, corpus, folder, graphql
from tests.standin.app import Parts, build
from tests.standin.changes import Changes, Files, as_files
from tests.standin.control import routes
from tests.standin.faults import Fault, Faults
from tests.standin.ids import numeric_id
from tests.standin.limits import Bucket, Limits, SecondaryLimits
from tests.standin.server import Server
from tests.standin.wire import Exchange, WireLog
from tests.standin.world import App, Clock, Repository, StandInError, Token, World

DEFAULT_TOKEN = "standin-token"
_ROOM = 1 << 30
DEFAULT_CACHE = Path(__file__).resolve().parents[2] / "build" / "standin"


@dataclass(frozen=True)
class Options:
    """How a stand-in is set up.

    Attributes:
        cache: Where repositories from corpus files are kept between runs.
        full_schema: Answer GraphQL over the whole published schema, from the npm package.
        token: A valid token from the start.
        clock: Says what time it is.
        port: TCP port to listen on; 0 takes a free one.
        socket: Unix socket to listen on besides, if any.
    """

    cache: Path = DEFAULT_CACHE
    full_schema: bool = False
    token: str = DEFAULT_TOKEN
    clock: Clock = lambda: datetime.now(UTC)
    port: int = 0
    socket: Path | None = None


class StandIn(Changes):
    """A GitHub on this machine; a context manager that serves while it is entered.

    Every public method can also be called over HTTP, see `control`.
    """

    def __init__(self, options: Options | None = None, **changes: Any) -> None:
        self.options = options or Options(**changes)
        self._directory = _new_directory()
        world = World(self._directory, self.options.clock)
        schema = graphql.read_schema(graphql.FULL_FILE if self.options.full_schema else graphql.SUBSET_FILE)
        clock = self.options.clock
        self.parts = Parts(world, Limits(clock), SecondaryLimits(clock), Faults(), WireLog(), schema)
        self.world = world
        self._server: Server | None = None
        self._port = 0
        self.add_token(self.options.token, name="default")

    # -- serving

    def start(self) -> StandIn:
        """Begin to serve, on a thread of its own."""
        app = build(self.parts, routes(self))
        self._server = Server(app, port=self._port or self.options.port, socket=self.options.socket)
        self._server.start()
        self._port = self._server.port
        return self

    def pause(self) -> None:
        """Stop serving and keep everything; `start` goes on at the same address."""
        if self._server:
            self._server.stop()
            self._server = None

    def stop(self) -> None:
        """Stop serving and delete the repositories; the cache stays."""
        self.pause()
        shutil.rmtree(self._directory, ignore_errors=True)

    def __enter__(self) -> StandIn:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Address of REST, GraphQL (/graphql), git (/OWNER/NAME.git) and archives (/codeload/…)."""
        if self._server is None:
            raise StandInError("the stand-in is not running", remedy="Call start() or enter it.")
        return self._server.url

    @property
    def token(self) -> str:
        """The token that is valid from the start."""
        return self.options.token

    # -- loading

    def load_folder(self, path: Path | str) -> list[str]:
        """Load OWNER/NAME folders; gives their names."""
        with self.world.lock:
            return [repo.full_name for repo in folder.load(self.world, Path(path))]

    def load_corpus(self, path: Path | str, snapshot: str = "first") -> list[str]:
        """Load a folder of corpus files at their `first` or `last` snapshot; gives the repositories' names."""
        with self.world.lock:
            found = corpus.load(self.world, Path(path), cache=self.options.cache, snapshot=snapshot)
        return [repo.full_name for repo in found]

    def load_corpus_file(self, path: Path | str, snapshot: str = "first") -> str:
        """Load one corpus file; gives the repository's name."""
        with self.world.lock:
            return corpus.load_file(self.world, Path(path), cache=self.options.cache, snapshot=snapshot).full_name

    def add_repository(self, name: str, files: Files | None = None, **about: Any) -> int:
        """Make a repository with one commit of files (text, bytes or `File`); gives its numeric id."""
        given = {path: file for path, file in as_files(files or {}).items() if file is not None}
        with self.world.lock:
            return folder.add(self.world, name, given, **about).id

    def add_heads(self, owner: str, count: int, files: Files) -> int:
        """Make many repositories of a few bytes each, see `folder.add_heads`; gives how many."""
        given = {path: file for path, file in as_files(files).items() if file is not None}
        with self.world.lock:
            return len(folder.add_heads(self.world, owner, count, given))

    # -- who may ask, how often, and what goes wrong

    def add_token(self, value: str, name: str = "", limits: dict[str, int] | None = None) -> None:
        """Make a token valid; `limits` overrides a bucket's requests per window."""
        label = name or f"token-{len(self.world.tokens())}"
        token = Token(label, login=f"{label}-user", user_id=numeric_id(f"user {label}"), limits=limits or {})
        self.world.add_token(value, token)

    def revoke_token(self, value: str) -> None:
        """Make a token invalid: 401 from now on."""
        token = self.world.token(value)
        if token:
            token.revoked = True

    def add_app(self, app_id: int = 1, installation_id: int = 1) -> App:
        """Install a GitHub App with a fresh key."""
        app = apps.make_app(app_id, installation_id)
        self.world.apps[app_id] = app
        return app

    def set_limit(self, bucket: str, authenticated: int, anonymous: int, seconds: int) -> None:
        """Change a primary limit."""
        self.parts.limits.buckets[bucket] = Bucket(authenticated, anonymous, seconds)

    def set_secondary_limits(self, concurrent: int | None, rest_points: int | None, graphql_points: int | None) -> None:
        """Change the secondary limits; None switches one off."""
        secondary = self.parts.secondary
        secondary.concurrent = concurrent
        secondary.rest_points, secondary.graphql_points = rest_points, graphql_points

    def set_tree_limit(self, entries: int) -> None:
        """Change how many entries a tree may have before it is truncated."""
        self.world.tree_limit = entries

    def reset_limits(self) -> None:
        """Fill every bucket up again."""
        self.parts.limits.clear()
        self.parts.secondary.clear()

    def inject(self, fault: Fault | None = None, **values: Any) -> None:
        """Put a fault in force, given as one or by its attributes."""
        self.parts.faults.add(fault or Fault.read(values))

    def clear_faults(self) -> None:
        """Take all faults away."""
        self.parts.faults.clear()

    # -- what happened

    def wire_log(self) -> list[Exchange]:
        """List the exchanges since the start or the last reset."""
        return self.parts.log.exchanges()

    def points(self, bucket: str) -> int:
        """Say how many requests (points for graphql) the first token has used up in this window."""
        return self.parts.limits.look(self.world.token(self.token), bucket).used

    def reset_wire_log(self) -> None:
        """Forget them."""
        self.parts.log.clear()

    def repositories(self) -> list[dict[str, Any]]:
        """List the repositories, with ids, heads and snapshots."""
        with self.world.lock:
            return [_summary(repo) for repo in self.world.repositories.values()]


def _summary(repo: Repository) -> dict[str, Any]:
    return {
        "id": repo.id,
        "node_id": repo.node_id,
        "full_name": repo.full_name,
        "default_branch": repo.default_branch,
        "head": repo.store.branches().get(repo.default_branch),
        "snapshots": list(repo.snapshots),
    }


def _new_directory() -> Path:
    """Make a folder for repositories: in memory where there is room, for they are thousands of small files."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    place = memory if roomy else Path(tempfile.gettempdir())
    for left in place.glob("standin-*-*"):  # by a process that was killed
        owner = left.name.split("-")[1]
        if owner.isdigit() and not _is_alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"standin-{os.getpid()}-", dir=place))


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
