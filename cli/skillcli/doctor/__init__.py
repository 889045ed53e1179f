"""`skillregistry doctor`: what is well, what is not, and what to do about it.

- `finding`     what a check says
- `services`    PostgreSQL, the object store, Temporal and its workers, GitHub
- `registry`    what is live, backups, schedules, disk
- `production`  what is harmless on a desk and must not be so on the network
"""

from skillcli.doctor.finding import Finding, State, examine

__all__ = ["Finding", "State", "examine"]
