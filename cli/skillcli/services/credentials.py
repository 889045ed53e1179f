"""Passwords and keys of the embedded services, generated once for a state directory."""

from __future__ import annotations

import dataclasses
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from skillcli.services.files import read_json, write_private_json


@dataclass(frozen=True)
class Credentials:
    """The secrets. All are safe in a URL and in a quoted string."""

    database_password: str = field(repr=False)
    access_key_id: str
    secret_access_key: str = field(repr=False)

    @classmethod
    def generate(cls) -> Credentials:
        """Make new ones from the system's source of randomness."""
        return cls(
            database_password=secrets.token_urlsafe(32),
            access_key_id=secrets.token_hex(10).upper(),
            secret_access_key=secrets.token_urlsafe(32),
        )

    @classmethod
    def load(cls, path: Path) -> Credentials | None:
        """Read them; None where the file is missing or damaged."""
        try:
            return cls(**read_json(path))
        except TypeError:
            return None

    @classmethod
    def load_or_make(cls, path: Path) -> Credentials:
        """Read them, or make and keep new ones: the servers are then given the new ones."""
        kept = cls.load(path)
        if kept is None:
            kept = cls.generate()
            write_private_json(path, dataclasses.asdict(kept))
        return kept
