"""What is known about the services at one moment."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class ServiceState(StrEnum):
    """What a service is doing."""

    RUNNING = "running"  # answered a request just now
    STOPPED = "stopped"  # not started, or stopped on purpose
    EXTERNAL = "external"  # the configuration names one that runs elsewhere
    BROKEN = "broken"  # ended by itself, or alive without answering


@dataclass(frozen=True)
class ServiceStatus:
    """One service. Nothing in it is secret."""

    name: str  # section of the configuration: database, s3 or temporal
    title: str  # what a person calls it
    state: ServiceState
    address: str = ""  # where it listens, without credentials; empty where that is not known
    pid: int | None = None
    detail: str = ""  # one sentence for a person


@dataclass(frozen=True)
class ServicesStatus:
    """All services, and the file that holds their settings."""

    services: tuple[ServiceStatus, ...]
    file: Path

    @property
    def ready(self) -> bool:
        """Whether every service runs here or is external."""
        return all(service.state in {ServiceState.RUNNING, ServiceState.EXTERNAL} for service in self.services)

    def __getitem__(self, name: str) -> ServiceStatus:
        return {service.name: service for service in self.services}[name]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as `--json` prints them."""
        return {
            "ready": self.ready,
            "file": str(self.file),
            "services": [dataclasses.asdict(service) for service in self.services],
        }
