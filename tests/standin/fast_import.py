"""Writing many objects at once through `git fast-import` (format: git-fast-import(1))."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from types import TracebackType

from tests.standin.world import StandInError

# Packs are for local use: one of them, with light compression and (below) no deltas.
_FAST = ("-c", "pack.compression=1", "-c", "fastimport.unpackLimit=0")


class FastImport:
    """A running import into a bare repository; a context manager.

    Args:
        repository: Folder of the bare repository.
    """

    def __init__(self, repository: Path) -> None:
        self._marks = 0
        self._process = subprocess.Popen(
            ["git", *_FAST, f"--git-dir={repository}", "fast-import", "--quiet", "--depth=0", "--done"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def blob(self, content: bytes) -> str:
        """Write a blob and return the mark that commits name it by."""
        self._marks += 1
        self._send(b"blob\nmark :%d\ndata %d\n" % (self._marks, len(content)), content, b"\n")
        return f":{self._marks}"

    def commit(
        self, reference: str, entries: Iterable[tuple[str, str, str]], *, when: datetime, author: str, message: str
    ) -> None:
        """Write a commit on top of a reference that holds exactly the given (path, mode, mark or id)."""
        zone = f"{when:%z}"
        text = message.encode()
        person = f"committer {author} <{author}@users.noreply.example> {int(when.timestamp())} {zone}\n"
        self._send(f"commit {reference}\n{person}data {len(text)}\n".encode(), text, b"\ndeleteall\n")
        for path, mode, name in entries:
            self._send(f"M {mode} {name} {_quoted(path)}\n".encode())
        self._send(b"\n")

    def __enter__(self) -> FastImport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
            self._process.communicate()
            return
        _, complaint = self._process.communicate(b"done\n")
        if self._process.returncode:
            raise StandInError(f"git fast-import failed: {complaint.decode(errors='replace').strip()}")

    def _send(self, *parts: bytes) -> None:
        if self._process.stdin is None:
            raise RuntimeError("the process takes no input")
        try:
            for part in parts:
                self._process.stdin.write(part)
        except BrokenPipeError:
            complaint = self._process.stderr.read().decode(errors="replace") if self._process.stderr else ""
            raise StandInError(f"git fast-import stopped: {complaint.strip()}") from None


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
