"""What a backup says about itself, and the error of one that cannot be made or used."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import BaseModel

from skilldata.errors import RegistryError

FORMAT: Final = 1
ID = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{12}")


class BackupError(RegistryError):
    """A backup cannot be made, read or restored."""

    code = "backup"


class Part(BaseModel, frozen=True):
    """A piece: the SHA-256 of its bytes before compression, and how many those are."""

    digest: str
    size: int


class Listed(BaseModel):
    """Lines in pieces, in their order, and how many lines they are together."""

    lines: int = 0
    parts: tuple[Part, ...] = ()


class Table(Listed):
    """One table: its columns in the order of the rows, in PostgreSQL's text format of COPY, one row a line."""

    name: str
    columns: tuple[str, ...]


class Backup(BaseModel):
    """One backup; `objects` lists what the object store had, a line `key<TAB>bytes` each."""

    format: Literal[1] = FORMAT
    taken_at: datetime
    revision: str  # of the schema
    program: str  # version
    snapshot: str | None  # that was live
    tables: tuple[Table, ...]
    objects: Listed

    @property
    def id(self) -> str:
        """Its time, and the beginning of the digest of all that it says."""
        return f"{self.taken_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{hashlib.sha256(self.encode()).hexdigest()[:12]}"

    @property
    def rows(self) -> int:
        """How many rows all tables have together."""
        return sum(table.lines for table in self.tables)

    @property
    def size(self) -> int:
        """Bytes of all rows, uncompressed."""
        return sum(part.size for table in self.tables for part in table.parts)

    def parts(self) -> set[Part]:
        """Give every piece that it needs."""
        return {part for listed in (*self.tables, self.objects) for part in listed.parts}

    def encode(self) -> bytes:
        """Write it: the same bytes for the same content."""
        return self.model_dump_json().encode() + b"\n"


def decode(backup_id: str, data: bytes) -> Backup:
    """Read what `encode` wrote.

    Raises:
        BackupError: It is not the backup of that id.
    """
    try:
        backup = Backup.model_validate_json(data)
    except ValueError as error:
        raise BackupError(
            f"backup {backup_id} cannot be read: {str(error).splitlines()[0]}", remedy="Restore another one."
        ) from None
    if backup.id != backup_id:
        raise BackupError(f"backup {backup_id} was changed: it is {backup.id} now", remedy="Restore another one.")
    return backup
