"""What `deploy/update` asks of `docker`, with plain processes for containers: `python -m tests.drills.containers …`.

The folder in CONTAINERS has one file for each, `<service>-<n>`, with the number of its process. The n-th API listens on
the n-th of API_PORTS, where a proxy looks for it, as one looks for containers under their service's name. Nobody looks
at the last port: it is that of containers with a name of their own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import yaml

from tests.conftest import ROOT

COMMAND = Path(sys.executable).with_name("skillregistry")
COMPOSE = ROOT / "deploy" / "compose.prod.yaml"


class Containers:
    """The containers of one registry."""

    def __init__(self, folder: Path, ports: Sequence[str]) -> None:
        self._folder, self._ports = folder, ports
        self._services = yaml.safe_load(COMPOSE.read_text())["services"]

    def listed(self, service: str) -> list[str]:
        """Name those of a service, in the order of their start."""
        return sorted(path.name for path in self._folder.glob(f"{service}-*"))

    def start(self, service: str, name: str | None = None) -> None:
        """Start one more, with the command of the compose file."""
        name = name or next(f"{service}-{n}" for n in range(9) if not (self._folder / f"{service}-{n}").exists())
        variables = dict(os.environ)
        if service == "api":
            variables["SKILLREGISTRY_API__PORT"] = self._port(name)
        with (self._folder / "log").open("ab") as log:
            made = subprocess.Popen(
                [COMMAND, *self._services[service]["command"]],
                env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        (self._folder / name).write_text(str(made.pid))

    def stop(self, name: str) -> None:
        """Tell one to end; kill it after the time that the compose file gives it."""
        number = int((self._folder / name).read_text())
        service = name.partition("-")[0]
        service = service if service in self._services else "api"
        patience = float(str(self._services[service]["stop_grace_period"]).removesuffix("s"))
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGTERM)
        deadline = time.monotonic() + patience
        while _runs(number):
            if time.monotonic() > deadline:
                os.killpg(number, signal.SIGKILL)
            time.sleep(0.05)

    def remove(self, name: str) -> None:
        """Forget one that has ended."""
        (self._folder / name).unlink()

    def kill(self) -> None:
        """End all of them at once."""
        for path in self._folder.glob("*-*"):
            with suppress(ProcessLookupError):
                os.killpg(int(path.read_text()), signal.SIGKILL)

    def ask(self, name: str, command: Sequence[str]) -> int:
        """Run a command in one: its port 8080 is another here."""
        here = [part.replace(":8080/", f":{self._port(name)}/") for part in command]
        here[0] = sys.executable if here[0] == "python" else here[0]
        return subprocess.run(here, check=False).returncode

    def compose(self, arguments: Sequence[str]) -> int:
        """Do what `docker compose` does with these arguments, its options taken away."""
        match arguments:
            case ["ps", "--quiet", service]:
                sys.stdout.write("".join(f"{name}\n" for name in self.listed(service)))
            case ["run", "--rm", service]:
                return subprocess.run([COMMAND, *self._services[service]["command"]], check=False).returncode
            case ["run", "--detach", "--no-deps", "--name", name, service]:
                self.start(service, name)
            case ["up", "--detach", "--no-deps", "--no-recreate", "--scale", wanted, service]:
                for _ in range(int(wanted.partition("=")[2]) - len(self.listed(service))):
                    self.start(service)
            case ["up", "--detach", "--no-deps", service]:
                for name in self.listed(service):
                    self.stop(name)
                    self.remove(name)
                self.start(service)
            case _:
                raise SystemExit(f"docker compose {' '.join(arguments)}: nobody said that this would be asked")
        return 0

    def _port(self, name: str) -> str:
        number = name.partition("-")[2]
        return self._ports[int(number) if number.isdigit() else -1]


def main(arguments: Sequence[str]) -> int:
    """Do what a `docker` with these arguments does."""
    containers = Containers(Path(os.environ["CONTAINERS"]), os.environ["API_PORTS"].split())
    match arguments:
        case ["compose", "--env-file", _, "--env-file", _, "-f", _, *rest]:
            return containers.compose(rest)
        case ["exec", name, *command]:
            return containers.ask(name, command)
        case ["stop", name]:
            containers.stop(name)
        case ["rm", name]:
            containers.remove(name)
        case ["rm", "--force", _]:
            return 1  # there is none
        case _:
            raise SystemExit(f"docker {' '.join(arguments)}: nobody said that this would be asked")
    return 0


def _runs(number: int) -> bool:
    """Say whether a process goes on; one that ended and whose parent did not look yet is a zombie. See proc(5)."""
    try:
        return Path(f"/proc/{number}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
