"""Backups of the index: what PostgreSQL alone has, kept where it survives PostgreSQL.

- `backups`   making, listing, verifying, restoring and pruning; start here
- `manifest`  what a backup says about itself
- `parts`     pieces of tables, by digest, so that a backup stores only what changed since the last one
- `tables`    reading every table at one moment, and writing them into an empty database

Packages and snapshots are in the object store, which keeps them itself; a backup lists them, and `verify` looks
whether they are still there.
"""

from skilldata.backup.backups import Backups, open_backups
from skilldata.backup.manifest import Backup, BackupError

__all__ = ["Backup", "BackupError", "Backups", "open_backups"]
