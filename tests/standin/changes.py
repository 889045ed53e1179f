"""What can happen to repositories upstream: pushes, renames, deletions, blocks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tests.standin.store import File, committed_at
from tests.standin.world import Block, StandInError, World

Files = Mapping[str, str | bytes | File | None]
_CHANGEABLE = {"description", "homepage", "language", "topics", "stars", "forks", "archived", "disabled"}


class Changes:
    """Base of `StandIn`: changes to the repositories of its world, each under the world's lock."""

    world: World

    def push(self, name: str, files: Files, message: str = "Update\n") -> str:
        """Commit files (None deletes one) on the default branch; gives the commit's id."""
        with self.world.lock:
            repo = self.world.named(name)
            now = max(self.world.clock(), repo.pushed_at + timedelta(seconds=1))
            author = repo.owner.login
            oid = repo.store.write(repo.default_branch, as_files(files), when=now, author=author, message=message)
            repo.pushed_at = repo.updated_at = now
            return oid

    def push_snapshot(self, name: str, number: int = -1) -> str:
        """Move a repository from a corpus file to one of its snapshots (0 first, -1 last)."""
        with self.world.lock:
            repo = self.world.named(name)
            if not repo.snapshots:
                raise StandInError(f"{name} is not from a corpus file", remedy="Use push.")
            oid = repo.snapshots[number]
            repo.store.point(repo.default_branch, oid)
            commit = repo.store.commit(oid)
            # As if it had been pushed then: the same world, whether loaded at that snapshot or moved to it.
            repo.pushed_at = repo.updated_at = committed_at(commit) if commit else self.world.clock()
            return oid

    def push_all_snapshots(self, number: int = -1) -> list[str]:
        """Move every repository from a corpus file; gives the names of those that changed."""
        moved = []
        with self.world.lock:
            for repo in list(self.world.repositories.values()):
                head = repo.store.branches().get(repo.default_branch)
                if repo.snapshots and self.push_snapshot(repo.full_name, number) != head:
                    moved.append(repo.full_name)
        return moved

    def rename(self, name: str, new_name: str) -> None:
        """Rename a repository (NAME) or transfer it as well (OWNER/NAME); the old name redirects."""
        with self.world.lock:
            repo = self.world.named(name)
            owner, slash, last = new_name.rpartition("/")
            self.world.move(repo, self.world.owner(owner) if slash else repo.owner, last)
            repo.updated_at = self.world.clock()

    def transfer(self, name: str, new_owner: str) -> None:
        """Give a repository to another owner; the old name redirects."""
        self.rename(name, f"{new_owner}/{name.partition('/')[2]}")

    def archive(self, name: str) -> None:
        """Archive a repository: it can be read and is marked."""
        self.change(name, archived=True)

    def delete(self, name: str) -> None:
        """Delete a repository: 404 from now on."""
        with self.world.lock:
            self.world.remove(self.world.named(name))

    def block(self, name: str, reason: str = "dmca", html_url: str | None = None) -> None:
        """Block a repository: 451 from now on."""
        with self.world.lock:
            self.world.named(name).block = Block(reason, self.world.clock(), html_url)

    def unblock(self, name: str) -> None:
        """Take the block away."""
        with self.world.lock:
            self.world.named(name).block = None

    def empty(self, name: str) -> None:
        """Take all commits away: 409 from now on."""
        with self.world.lock:
            repo = self.world.named(name)
            for branch in repo.store.branches():
                repo.store.point(branch, None)

    def set_default_branch(self, name: str, branch: str) -> None:
        """Change the default branch, making it from the old one where it is new."""
        with self.world.lock:
            repo = self.world.named(name)
            head = repo.store.branches().get(repo.default_branch)
            if branch not in repo.store.branches():
                repo.store.point(branch, head)
            repo.store.point_head(branch)
            repo.default_branch = branch

    def change(self, name: str, **about: Any) -> None:
        """Set attributes of a repository: stars, forks, topics, description, archived, disabled …"""
        unknown = sorted(set(about) - _CHANGEABLE)
        if unknown:
            known = ", ".join(sorted(_CHANGEABLE))
            raise StandInError(f"cannot change {', '.join(unknown)}", remedy=f"What can be changed: {known}.")
        with self.world.lock:
            repo = self.world.named(name)
            for key, value in about.items():
                setattr(repo, key, tuple(value) if key == "topics" else value)
            repo.updated_at = self.world.clock()


def as_files(files: Files) -> dict[str, File | None]:
    """Make `File` of text and bytes."""
    made: dict[str, File | None] = {}
    for path, content in files.items():
        if isinstance(content, str | bytes):
            made[path] = File(content.encode() if isinstance(content, str) else content)
        else:
            made[path] = content
    return made
