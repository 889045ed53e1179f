"""Private files and directories: readable by their owner alone, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

LOG_LIMIT = 8 * 1024 * 1024  # bytes


def private_directory(path: Path) -> Path:
    """Make a directory of mode 0700, with its parents, or give an existing one that mode."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o777 != 0o700:
        path.chmod(0o700)
    return path


def write_private(path: Path, text: str) -> None:
    """Replace a file by one of mode 0600 that is on the disk before it gets its name.

    A file that already has this text is left alone.
    """
    if path.exists() and path.stat().st_mode & 0o777 == 0o600 and path.read_text(encoding="utf-8") == text:
        return
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


def write_private_json(path: Path, value: object) -> None:
    """Write a value as JSON through `write_private`."""
    write_private(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file. None where there is none or it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def open_log(path: Path) -> int:
    """Open a log of mode 0600 for appending and return its descriptor.

    One that has grown past `LOG_LIMIT` is put aside as `<name>.1`, over the one before.
    """
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_name(path.name + ".1"))
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def tail(path: Path, lines: int = 8, width: int = 300) -> str:
    """Return the last lines of a log, each cut to `width` characters; empty where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - lines * 2 * width))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    printable = "".join(character if character.isprintable() or character == "\n" else " " for character in text)
    return "\n".join(line[:width] for line in printable.splitlines()[-lines:] if line.strip())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
